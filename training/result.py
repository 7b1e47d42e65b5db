"""Input and result of a training, and the record of it that is kept on disk."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import Field

from training.datasets import DatasetFacts
from training.gate_file import GateFile
from training.gates import Gate
from vipreco.actors import current_person
from vipreco.artifact import Manifest
from vipreco.history import History
from vipreco.project import Project
from vipreco.settings import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from training.recipe import Recipe
    from vipreco.recommender import PanelParts

Value = str | int | float | bool
Say = Callable[[str], None]
MAX_VALUE_LENGTH: Final = 500
DEFAULT: Final = GateFile()
METRIC_NAME: Final = re.compile(r"^[\w.\-/ ]{1,200}$")


def silent(sentence: str) -> None:
    """Say nothing about progress."""
    del sentence


class ComparedChampion(Section):
    """The champion that a challenger was compared with."""

    version: str
    artifact_hash: str


@dataclass(frozen=True)
class RunningChampion:
    """The champion in force while a challenger is trained: its version, and its verified artifact."""

    version: str
    artifact_hash: str
    folder: Path


@dataclass(frozen=True)
class TrainingJob:
    """Input of the fitting function.

    Args:
        project: Settings and folders.
        recipe: The checked recipe.
        as_of_dates: Dates to learn from, ascending.
        snapshot_id: Fingerprint of the imported tables.
        artifact_folder: Where to save the artifact; does not exist yet.
        say: Takes a sentence about the progress.
        gates: What a challenger must meet, where the recipe names no gates.
        champion: In force now; None where there is none.
        until: Nothing that became known after this date is learnt from; None: everything is.
        parts: The customers in parts, and the engine that gathers them; None: this process does.
    """

    project: Project
    recipe: Recipe
    as_of_dates: tuple[date, ...]
    snapshot_id: str
    artifact_folder: Path
    say: Say = silent
    gates: GateFile = DEFAULT
    champion: RunningChampion | None = None
    until: date | None = None
    parts: PanelParts | None = None

    @property
    def rules(self) -> tuple[Gate, ...]:
        """The gates that count: those of the recipe, or else those of `training/gates.toml`."""
        return self.recipe.gate or self.gates.gate

    def history(self, tables: Path | None = None) -> History:
        """Return the history of the project's tables, or of others, as far as it may be learnt from.

        Raises:
            IntegrityError: The tables are not signed as they have to be.
        """
        snapshot_id = self.snapshot_id if tables is None else None
        folder, project = tables or self.project.tables, self.project
        return History.open(folder, project.threads, snapshot_id, project.signatures).known_until(self.until)


QUALITY, CALIBRATION, CHAMPION, CHANGES = "quality", "calibration", "champion", "changes"
CONTACTS, IMPORTANCE, FAIRNESS, STABILITY = "contacts", "importance", "fairness", "stability"
SECTIONS: Final = (QUALITY, CHAMPION, CALIBRATION, CHANGES, IMPORTANCE, STABILITY, CONTACTS, FAIRNESS)
"""Subjects of the tables of a model card, by which the validation report places them."""


@dataclass(frozen=True)
class CardTable:
    """A table of the model card.

    Args:
        title: Its heading.
        columns: Names of its columns.
        rows: Its cells.
        section: Subject, by which the validation report places it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value | None, ...], ...]
    section: str = QUALITY


@dataclass(frozen=True)
class CardInputs:
    """Parts of the model card that only the fitting function knows.

    Args:
        data: What it learnt from: dates, numbers of customers and acquisitions, never customers.
        method: How the model works, in a few sentences.
        limits: Where not to trust it, one sentence each (products with thin evidence, ...).
        results: Quality with the baselines beside every number, as Markdown.
        tables: More numbers.
    """

    data: str
    method: str
    limits: tuple[str, ...] = ()
    results: str = ""
    tables: tuple[CardTable, ...] = ()


@dataclass(frozen=True)
class TrainingResult:
    """Result of the fitting function, after it saved the artifact.

    Args:
        parameters: Settings and counts; numbers and short texts, never anything about a customer.
        metrics_by_fold: One mapping a fold, in the order of folds.
        summary_metrics: Over all folds; what gates are about. Baselines as `popularity/map_at_7`.
        figures: Plots by file name without suffix.
        card: Inputs of the model card.
        champion_metrics: Of the present champion on the same folds, when it was replayed there.
        remarks: What whoever trains must be told at the end, a sentence each.
        details: By metric, what stands behind its number, such as the product that is furthest off.
        datasets: The tables that it learnt from.
        judged: Names of the folds, such as the judged dates.
    """

    parameters: Mapping[str, Value]
    metrics_by_fold: Sequence[Mapping[str, float]]
    summary_metrics: Mapping[str, float]
    card: CardInputs
    figures: Mapping[str, Figure] = field(default_factory=dict)
    champion_metrics: Mapping[str, float] | None = None
    remarks: tuple[str, ...] = ()
    details: Mapping[str, str] = field(default_factory=dict)
    datasets: tuple[DatasetFacts, ...] = ()
    judged: tuple[str, ...] = ()


Fit = Callable[[TrainingJob], TrainingResult]


class Record(Section):
    """The record of a training (`record.json`): all that tracking and registry must know."""

    training_id: str
    recipe: str
    artifact_hash: str
    snapshot_id: str
    feature_fingerprint: str
    as_of_date: str
    trained_by: str
    promote: bool
    four_eyes: bool
    started_ms: int
    ended_ms: int
    parameters: dict[str, Value]
    metrics_by_fold: tuple[dict[str, float | None], ...]
    summary_metrics: dict[str, float | None]
    champion_metrics: dict[str, float | None] | None
    gates: tuple[Gate, ...]
    remarks: tuple[str, ...] = ()
    own_gates: bool = False
    error_rate: float | None = None
    compared_with: ComparedChampion | None = None
    details: dict[str, str] = Field(default_factory=dict)
    datasets: tuple[DatasetFacts, ...] = ()
    judged: tuple[str, ...] = ()


def make_record(
    job: TrainingJob, result: TrainingResult, manifest: Manifest, times_ms: tuple[int, int], promote: bool
) -> Record:
    """Put together the record of a finished training.

    Raises:
        ValueError: A parameter that is no short value, or a metric with a name that no server takes.
    """
    champion = result.champion_metrics
    return Record(
        training_id=f"{times_ms[1]}-{manifest.artifact_hash[:16]}",
        recipe=job.recipe.name,
        artifact_hash=manifest.artifact_hash,
        snapshot_id=str(manifest.facts.get("snapshot_id", "")),
        feature_fingerprint=str(manifest.facts.get("feature_fingerprint", "")),
        as_of_date=str(manifest.facts.get("as_of_date", "")),
        trained_by=current_person(),
        promote=promote,
        four_eyes=job.recipe.governance.four_eyes,
        started_ms=times_ms[0],
        ended_ms=times_ms[1],
        parameters=_checked_parameters(result.parameters),
        metrics_by_fold=tuple(map(_checked_metrics, result.metrics_by_fold)),
        summary_metrics=_checked_metrics(result.summary_metrics),
        champion_metrics=None if champion is None else _checked_metrics(champion),
        gates=job.rules,
        remarks=result.remarks,
        own_gates=bool(job.recipe.gate),
        error_rate=job.gates.error_rate,
        compared_with=_compared_with(job, champion is not None),
        details=dict(result.details),
        datasets=result.datasets,
        judged=result.judged,
    )


def _compared_with(job: TrainingJob, compared: bool) -> ComparedChampion | None:
    if job.champion is None or not compared:
        return None
    return ComparedChampion(version=job.champion.version, artifact_hash=job.champion.artifact_hash)


def _checked_parameters(parameters: Mapping[str, Value]) -> dict[str, Value]:
    for name, value in parameters.items():
        if not isinstance(value, str | int | float | bool) or len(str(value)) > MAX_VALUE_LENGTH:
            raise ValueError(f"parameter {name} is no short value; lists and tables are not logged")
    return {name: _plain(value) for name, value in sorted(parameters.items())}


def _plain(value: Any) -> Value:
    """Turn numpy scalars and non-finite numbers into what JSON has."""
    value = value.item() if hasattr(value, "item") else value
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _checked_metrics(metrics: Mapping[str, float]) -> dict[str, float | None]:
    named = {name.replace("@", "_at_"): float(value) for name, value in sorted(metrics.items())}
    for name in named:
        if not METRIC_NAME.match(name):
            raise ValueError(f"metric {name!r} has a name that no tracking server takes")
    return {name: value if math.isfinite(value) else None for name, value in named.items()}
