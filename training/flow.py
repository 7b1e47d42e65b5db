"""The training flow: recipe, data check, fit and backtest, record, tracking, registry; in that order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from training.approval import PROMOTE, STORE_SECONDS, record as record_approval, record_training
from training.deadline import Progress, within
from training.gate_file import read_gates
from training.gates import Finding, explain, refusals
from training.model_card import render_card
from training.recipe import Recipe, find_recipe, read_recipe, training_dates
from training.registry import CHAMPION, Registry, Version, resolve
from training.report import render_report
from training.result import Fit, Record, RunningChampion, Say, TrainingJob, make_record, silent
from training.server import PATIENCE_SECONDS, connect, down, responsive
from training.storage import Pending, Storage
from training.tracker import Tracker, now_ms
from training.verdict import Verdict, make_verdict
from vipreco.artifact import Manifest, sign_artifact, verify
from vipreco.durable import is_disk_full
from vipreco.engines import spread_engine
from vipreco.errors import DependencyDownError, IntegrityError, ResourcesError, UsageError, VipRecoError
from vipreco.failpoints import reach
from vipreco.history import History
from vipreco.project import Project
from vipreco.recommender import PanelParts
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
        approver_needed: True when somebody else than the trainer has to put it in force.
    """

    record: Record
    run_id: str
    version: str
    champion: bool
    findings: tuple[Finding, ...]
    approver_needed: bool = False

    @property
    def verdict(self) -> Verdict:
        """Return the verdict about it."""
        return make_verdict(self.record)

    @property
    def next_step(self) -> str:
        """Return what is to be done with it; empty for the champion, and where a gate refuses it."""
        if self.champion or self.refusals:
            return ""
        by = f", by somebody else than {self.record.trained_by}" if self.approver_needed else ""
        return f"next: read the verdict, then{by}: vipreco models promote {self.version}"

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
        lines += [f"  {sentence}" for sentence in (*self.record.remarks, self.next_step) if sentence]
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


def prepare(project: Project, recipe: Recipe, say: Say = silent, until: date | None = None) -> TrainingJob:
    """Check the imported tables, choose the as-of dates, find the champion; nothing is fitted yet.

    Args:
        project: The project.
        recipe: The checked recipe.
        say: Takes sentences about the progress.
        until: Learn from nothing that became known after this date.

    Raises:
        UsageError: Nothing was imported, or labels are incomplete for the recipe.
        IntegrityError: An imported file, or the champion, is not what it was.
    """
    gates = read_gates(project)
    project.signatures.own_key()  # a key that nobody would accept is told before any work is done
    tables = Tables.open(project.tables, signatures=project.signatures)
    tables.verify()
    history = History.open(project.tables, project.threads, signatures=project.signatures).known_until(until)
    settings = recipe.recommender
    unusable = history.unusable_dates(settings.horizon_months, settings.gap_months)
    dates = training_dates(recipe, history.snapshot_dates, unusable)
    if unusable:
        say(f"Left out: {'; '.join(f'{day} ({why})' for day, why in unusable.items())}.")
    say(f"Learning from {', '.join(map(str, dates))}; tables {tables.snapshot_id}.")
    champion = _champion_of(project, say)
    # In parts, what folds have in common is computed for each of them.
    spread = spread_engine(project, history, for_memory=True)
    parts = spread and PanelParts(*spread, until=until)
    return TrainingJob(
        project, recipe, tuple(dates), tables.snapshot_id, Path(), say, gates, champion, until, parts
    )


def _champion_of(project: Project, say: Say) -> RunningChampion | None:
    """Return the champion with its artifact; None where there is none, or nobody can tell.

    Raises:
        IntegrityError: Its artifact is not what was registered.
    """
    try:
        found = resolve(project)
    except UsageError:
        return None
    except DependencyDownError:
        say("The registry does not answer: the champion is not compared.")
        return None
    return RunningChampion(found.version, found.artifact_hash, found.folder)


def run(job: TrainingJob, fit: Fit, *, promote: bool = False) -> Published:
    """Fit, keep the result on this disk, then bring it to the server.

    Raises:
        IntegrityError: `fit` did not save a whole artifact, or one of other tables.
        DependencyDownError: The tracking server is down; the result is kept.
        ResourcesError: The disk is full; a result that was saved before is kept.
    """
    pending = fit_and_keep(job, fit, promote=promote)
    reach("training.kept")
    job.say("Fitted and saved on this machine; registering.")
    return publish(job.project, pending)


def publish(project: Project, pending: Pending) -> Published:
    """Bring one kept result to the server.

    Raises:
        BusyError: Another process is at it; the result is kept.
        DependencyDownError: The tracking server is down; the result is kept.
    """
    with Storage(project.artifacts).exclusive():
        return _publish(project, [pending])[0]


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


def fit_and_keep(job: TrainingJob, fit: Fit, *, promote: bool = False) -> Pending:
    """Fit, and keep the result on this disk, where `publish` and `sync` find it.

    Raises:
        IntegrityError: `fit` did not save a whole artifact, or one of other tables.
        ResourcesError: The disk is full.
    """
    storage = Storage(job.project.artifacts)
    with storage.scratch() as scratch:
        started = now_ms()
        job = replace(job, artifact_folder=scratch / "artifact")
        result = fit(job)
        manifest = _verified(job)
        record = make_record(job, result, manifest, (started, now_ms()), promote)
        sign_artifact(storage.adopt(job.artifact_folder), job.project.signatures)
        card = render_card(record, result.card, job.recipe.purpose)
        report = partial(render_report, record, result.card, purpose=job.recipe.purpose)
        return storage.keep(record, card, result.figures, report)


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
            published.append(_publish_one(project, tracker, registry, pending))
            progress.step()
            storage.forget(pending)
    return published


def _publish_one(project: Project, tracker: Tracker, registry: Registry, pending: Pending) -> Published:
    run_id = tracker.log(pending)
    version = tracker.version_of(pending, run_id)
    found = registry.version(version)
    findings = registry.findings(found, pending.record.champion_metrics)
    registry.expect(STORE_SECONDS)
    record_training(project, found, make_verdict(pending.record).hash, pending.record.trained_by)
    champion = _assign(project, registry, found, pending.record, findings)
    return Published(
        pending.record, run_id, version, champion, tuple(findings), _needs_approver(project, pending.record)
    )


def _needs_approver(project: Project, record: Record) -> bool:
    return record.four_eyes or not project.settings.governance.single_person


def _assign(
    project: Project, registry: Registry, found: Version, record: Record, findings: list[Finding]
) -> bool:
    """Make it champion when it is the first or was meant to be, and nothing speaks against it."""
    champion = registry.aliases().get(CHAMPION)
    wanted = (champion is None or record.promote) and not _needs_approver(project, record)
    if champion == found.version:
        registry.remember()
        return True
    if wanted and not refusals(findings) and not found.retired:
        registry.expect(STORE_SECONDS)
        record_approval(project, PROMOTE, found, make_verdict(record).hash)
        registry.crown(found.version)
        return True
    if not found.retired:
        registry.challenge(found.version)
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
