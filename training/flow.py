"""The training flow: recipe, data check, fit and backtest, record, tracking, registry; in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training.deadline import Progress, within
from training.gates import Finding, explain, refusals
from training.model_card import render_card
from training.recipe import Recipe, find_recipe, read_recipe, training_dates
from training.registry import CHAMPION, Registry
from training.result import Fit, Record, Say, TrainingJob, make_record, silent
from training.server import PATIENCE_SECONDS, connect, down, responsive
from training.storage import Pending, Storage
from training.tracker import Tracker, now_ms
from vipreco.artifact import Manifest, sign_artifact, verify
from vipreco.durable import is_disk_full
from vipreco.errors import DependencyDownError, IntegrityError, ResourcesError, VipRecoError
from vipreco.failpoints import reach
from vipreco.history import History
from vipreco.project import Project
from vipreco.tables import Tables

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

RECIPES: Final = Path("training") / "recipes"
DEFAULT_RECIPE: Final = "default"


@dataclass(frozen=True)
class Published:
    """A training that tracking and registry have.

    Args:
        record: What was trained.
        run_id: Its MLflow run.
        version: Its registered version; equal artifacts share one.
        champion: True when it is the champion now.
        findings: What the gates said.
    """

    record: Record
    run_id: str
    version: str
    champion: bool
    findings: tuple[Finding, ...]

    @property
    def refusals(self) -> list[str]:
        """Return why it may not be champion; empty when nothing speaks against it."""
        return refusals(self.findings)

    @property
    def explanation(self) -> list[str]:
        """Return three lines on the gates that refused it; empty when none did."""
        return explain(self.findings)

    def __str__(self) -> str:
        place = "is champion" if self.champion else "is registered and not made champion"
        lines = [f"version {self.version} {place} (artifact {self.record.artifact_hash[:16]})"]
        lines += [f"  {line}" for line in self.explanation]
        lines += [f"  {sentence}" for sentence in self.record.remarks]
        return "\n".join(lines)


@dataclass(frozen=True)
class SyncReport:
    """Trainings that `sync` brought to the server."""

    published: tuple[Published, ...]

    def __str__(self) -> str:
        return "\n".join(map(str, self.published)) or "nothing waited to be sent"


def train(
    project: Project,
    fit: Fit,
    recipe: str = DEFAULT_RECIPE,
    *,
    promote: bool = False,
    accept_leaks: Sequence[str] = (),
    say: Say = silent,
) -> Published:
    """Train by a recipe and register the result; the champion is replaced when told to and the gate agrees.

    Args:
        project: The project, with imported tables.
        fit: Fits on the as-of dates, backtests, saves the artifact: `training.model_fit.fit_and_backtest`.
        recipe: Path or name of the recipe.
        promote: Make it champion if it passes the gates; the first version becomes champion anyway.
        accept_leaks: Columns that are learnt from although they seem to know the label.
        say: Takes sentences about the progress.

    Raises:
        UsageError: The recipe is wrong, nothing was imported, or labels are incomplete.
        DependencyDownError: The tracking server is down; the result is saved, `sync` brings it there.
    """
    path = find_recipe(project.root / RECIPES, recipe)
    job = prepare(project, read_recipe(path).accepting(accept_leaks), say)
    return run(job, fit, promote=promote)


def prepare(project: Project, recipe: Recipe, say: Say = silent) -> TrainingJob:
    """Check the imported tables and choose the as-of dates; nothing is fitted yet.

    Raises:
        UsageError: Nothing was imported, or labels are incomplete for the recipe.
        IntegrityError: An imported file is not what was imported.
    """
    project.signatures.own_key()  # a key that nobody would accept is told before any work is done
    tables = Tables.open(project.tables, signatures=project.signatures)
    tables.verify()
    history = History.open(project.tables, project.threads, signatures=project.signatures)
    settings = recipe.recommender
    unusable = history.unusable_dates(settings.horizon_months, settings.gap_months)
    dates = training_dates(recipe, history.snapshot_dates, unusable)
    if unusable:
        say(f"Left out: {'; '.join(f'{day} ({why})' for day, why in unusable.items())}.")
    say(f"Learning from {', '.join(map(str, dates))}; tables {tables.snapshot_id}.")
    return TrainingJob(project, recipe, tuple(dates), tables.snapshot_id, Path(), say)


def run(job: TrainingJob, fit: Fit, *, promote: bool = False) -> Published:
    """Fit, keep the result on this disk, then bring it to the server.

    Raises:
        IntegrityError: `fit` did not save a whole artifact, or one of other tables.
        DependencyDownError: The tracking server is down; the result is kept.
        ResourcesError: The disk is full; a result that was saved before is kept.
    """
    pending = _fit(job, fit, promote)
    reach("training.kept")
    job.say("Fitted and saved on this machine; registering.")
    storage = Storage(job.project.artifacts)
    with storage.exclusive():
        return _publish(job.project, [pending])[0]


def sync(project: Project) -> SyncReport:
    """Bring every training that waits on this disk to the tracking server, oldest first.

    Raises:
        BusyError: Another process is at it.
        DependencyDownError: The server is still down; what is not there yet stays kept.
    """
    storage = Storage(project.artifacts)
    with storage.exclusive():
        pending = storage.pending()
        return SyncReport(tuple(_publish(project, pending)) if pending else ())


def _fit(job: TrainingJob, fit: Fit, promote: bool) -> Pending:
    storage = Storage(job.project.artifacts)
    with storage.scratch() as scratch:
        started = now_ms()
        job = _with_folder(job, scratch / "artifact")
        result = fit(job)
        manifest = _verified(job)
        record = make_record(job, result, manifest, (started, now_ms()), promote)
        sign_artifact(storage.adopt(job.artifact_folder), job.project.signatures)
        card = render_card(record, result.card, job.recipe.purpose)
        return storage.keep(record, card, result.figures)


def _with_folder(job: TrainingJob, folder: Path) -> TrainingJob:
    return TrainingJob(job.project, job.recipe, job.as_of_dates, job.snapshot_id, folder, job.say)


def _verified(job: TrainingJob) -> Manifest:
    manifest = verify(job.artifact_folder)
    found = manifest.facts.get("snapshot_id")
    if found != job.snapshot_id:
        what = f"the artifact names tables {found}, it was trained on {job.snapshot_id}"
        remedy = "do not import while a training runs; train again"
        raise IntegrityError(what, where=str(job.artifact_folder), remedy=remedy, code="other-tables")
    return manifest


def _publish(project: Project, waiting: list[Pending]) -> list[Published]:
    storage = Storage(project.artifacts)
    try:
        client = connect(project)
        return within(
            PATIENCE_SECONDS, lambda progress: _publish_all(client, project, storage, progress, waiting)
        )
    except TimeoutError as error:
        raise _kept(down(project, error), storage) from error
    except DependencyDownError as error:
        raise _kept(error, storage) from error


def _publish_all(
    client: MlflowClient, project: Project, storage: Storage, progress: Progress, waiting: list[Pending]
) -> list[Published]:
    tracker = Tracker(client, project, storage, progress)
    registry = Registry(client, project, progress)
    published = []
    with responsive(project):
        for pending in waiting:
            progress.step()
            published.append(_publish_one(tracker, registry, pending))
            progress.step()
            storage.forget(pending)
    return published


def _publish_one(tracker: Tracker, registry: Registry, pending: Pending) -> Published:
    run_id = tracker.log(pending)
    version = tracker.version_of(pending, run_id)
    found = registry.version(version)
    findings = registry.findings(found, pending.record.champion_metrics)
    champion = _assign(registry, version, pending.record, findings)
    return Published(pending.record, run_id, version, champion, tuple(findings))


def _assign(registry: Registry, version: str, record: Record, findings: list[Finding]) -> bool:
    """Make it champion when it is the first or was meant to be, and nothing speaks against it."""
    champion = registry.aliases().get(CHAMPION)
    wanted = (champion is None or record.promote) and not record.four_eyes
    if champion == version:
        registry.remember()
        return True
    if wanted and not refusals(findings):
        registry.crown(version)
        return True
    registry.challenge(version)
    return False


def _kept(error: DependencyDownError, storage: Storage) -> VipRecoError:
    """Add to an outage where the results are; a full disk is named as such."""
    what = f"{error.what}; {len(storage.pending())} training(s) wait in {storage.folder / 'pending'}"
    if is_disk_full(error):
        remedy = "the disk is full: free space, then run `vipreco sync`; everything is kept on this machine"
        return ResourcesError(what, where=error.where, remedy=remedy, code="disk")
    return DependencyDownError(
        what,
        where=error.where,
        remedy=error.remedy,
        code=error.code,
    )
