"""Retraining as one command for a scheduler: from the store's records to a challenger with its verdict."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

from training.flow import DEFAULT_RECIPE, RECIPES, Published, fit_and_keep, prepare, publish, sync
from training.recipe import find_recipe, read_recipe
from training.result import Fit, Say, TrainingJob, TrainingResult, silent
from training.storage import CARD_FILE, REPORT_FILE, Pending, Storage
from training.time_proof import prove_time
from training.verdict import PASSED, VERDICT_FILE, Verdict, decide, make_verdict
from vipreco.durable import write_json
from vipreco.errors import (
    EXIT_OK,
    EXIT_ROWS_QUARANTINED,
    DependencyDownError,
    InputRejectedError,
    VipRecoError,
)
from vipreco.failpoints import reach
from vipreco.project import Project
from vipreco.tables import validate

UNCHANGED: Final = "unchanged"
EXIT_HELD_BACK: Final = EXIT_ROWS_QUARANTINED
"""Done, and something needs a person: the verdict is not "passed", or rows were quarantined."""
FOLDER: Final = Path("data") / "retrain"
LAST: Final = "last.json"
ERROR: Final = "error"


@dataclass(frozen=True)
class Plan:
    """Options and outer parts of a retraining.

    Args:
        fit: Looks for label leaks, fits, backtests, saves: `training.model_fit.fit_and_backtest`.
        bring_in: Imports what the store recorded, and returns what whoever reads the log must know.
        recipe: Path or name of the recipe.
        until: Learn from nothing that became known after this date; None: from everything.
        promote: Make it champion if it passes, where the project lets one person decide.
        accept_findings: Go on although `vipreco validate` finds errors.
    """

    fit: Fit
    bring_in: Callable[[], list[str]]
    recipe: str = DEFAULT_RECIPE
    until: date | None = None
    promote: bool = False
    accept_findings: bool = False


@dataclass
class Retraining:
    """Outcome of a retraining.

    Args:
        outcome: passed, undecided or refused by the gates; unchanged where the champion came out again.
        published: The registered challenger.
        verdict: About it.
        folder: With its verdict and model card.
        warnings: What needs a look, beside the verdict.
        seconds: How long each stage took.
    """

    outcome: str = ""
    published: Published | None = None
    verdict: Verdict | None = None
    folder: Path = FOLDER
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """Return the exit code that a scheduler reads."""
        settled = self.outcome in {PASSED, UNCHANGED} and not self.warnings
        return EXIT_OK if settled else EXIT_HELD_BACK


def retrain(project: Project, plan: Plan, say: Say = silent) -> Retraining:
    """Import, validate, look for leaks, fit, judge beside the champion, register, report; in that order.

    Killed at any moment, it leaves the champion as it was, and the next run gives the same artifact.
    `data/retrain/last.json` says how the last one ended, also where it ended with an error.

    Raises:
        UsageError: The recipe or a setting is wrong, or labels are incomplete.
        InputRejectedError: The tables have rows that cannot be right, or a label leaks into a feature.
        BusyError: Another retraining runs.
        IntegrityError: Tables or champion are damaged, or the future reaches a feature.
        DependencyDownError: The tracking server is down; the challenger waits for `vipreco sync`.
    """
    with Storage(project.artifacts).retraining():
        reach("retrain.locked")
        done, started = Retraining(), datetime.now(UTC)
        try:
            _run(project, plan, say, done)
        except VipRecoError as error:
            _report(project, done, started, error)
            raise
        _report(project, done, started)
        reach("retrain.reported")
        return done


def _run(project: Project, plan: Plan, say: Say, done: Retraining) -> None:
    with _stage("send what waits", say, done):
        _send_waiting(project, say)
    with _stage("import from the store", say, done):
        done.warnings += plan.bring_in()
    reach("retrain.imported")
    with _stage("validate", say, done):
        _validate(project, plan.accept_findings)
    reach("retrain.validated")
    with _stage("prepare", say, done):
        recipe = read_recipe(find_recipe(project.root / RECIPES, plan.recipe))
        job = prepare(project, recipe, say, plan.until)
    reach("retrain.prepared")
    with _stage("look for leaks, fit, judge", say, done):
        pending = fit_and_keep(job, _proven(plan.fit), promote=plan.promote)
    reach("retrain.fitted")
    done.verdict = make_verdict(pending.record)
    done.folder = _keep_files(project, pending)
    with _stage("register", say, done):
        done.published = publish(project, pending)
    reach("retrain.registered")
    done.outcome = _outcome(job, done.published)


def _outcome(job: TrainingJob, published: Published) -> str:
    """Return what the gates say beside the champion of this moment, which may have changed since the fit."""
    same = job.champion is not None and job.champion.artifact_hash == published.record.artifact_hash
    return UNCHANGED if same else decide(published.findings)


def _proven(fit: Fit) -> Fit:
    """Return the fit with the proof, on its artifact, that no future reaches it."""

    def proven(job: TrainingJob) -> TrainingResult:
        result = fit(job)
        prove_time(job)
        return result

    return proven


def _send_waiting(project: Project, say: Say) -> None:
    """Send what an earlier run kept; a server that is down is found out again at the end."""
    if not Storage(project.artifacts).pending():
        return
    try:
        sync(project)
    except DependencyDownError:
        say("The tracking server is down: earlier trainings go on waiting.")


def _validate(project: Project, accept: bool) -> None:
    findings = validate(project.tables, project.settings, project.signatures)
    wrong = [
        f"{one.table}: {one.what} ({one.code}, {one.rows:,} rows)"
        for one in findings
        if one.severity == ERROR
    ]
    if wrong and not accept:
        raise InputRejectedError(
            "the tables have rows that cannot be right; nothing was fitted",
            where=str(project.tables),
            remedy="look at `vipreco validate`, correct them, or say --accept-findings on purpose",
            code="findings",
            examples=wrong,
        )


def _keep_files(project: Project, pending: Pending) -> Path:
    """Keep verdict, model card and report where people look, also while the server is down."""
    record = pending.record
    folder = project.root / FOLDER / f"{record.as_of_date or 'unknown'}-{record.artifact_hash[:8]}"
    folder.mkdir(parents=True, exist_ok=True)
    for name in (VERDICT_FILE, CARD_FILE, REPORT_FILE):
        shutil.copy(pending.folder / name, folder / name)
    return folder


def _report(project: Project, done: Retraining, started: datetime, error: VipRecoError | None = None) -> None:
    record = done.published.record if done.published else None
    content: dict[str, Any] = {
        "started": started.isoformat(timespec="seconds"),
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "outcome": done.outcome or "failed",
        "exit_code": error.exit_code if error else done.exit_code,
        "error": str(error) if error else "",
        "stage": list(done.seconds)[-1] if done.seconds else "",
        "seconds": {name: round(value, 1) for name, value in done.seconds.items()},
        "version": done.published.version if done.published else "",
        "champion": bool(done.published and done.published.champion),
        "artifact_hash": record.artifact_hash if record else "",
        "verdict_hash": done.verdict.hash if done.verdict else "",
        "folder": str(done.folder.relative_to(project.root)) if done.verdict else "",
        "warnings": done.warnings,
    }
    folder = project.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / LAST, content)


@contextmanager
def _stage(name: str, say: Say, done: Retraining) -> Iterator[None]:
    """Say that a stage begins, and keep how long it takes; the last one is where an error came from."""
    say(name)
    begun = datetime.now(UTC)
    done.seconds[name] = 0.0
    yield
    done.seconds[name] = (datetime.now(UTC) - begun).total_seconds()
