"""The nightly build of a bank in parts of customers: a job a part, and their outputs in one release."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from vipreco.durable import canonical_json
from vipreco.engines import RECEIPT, Engine, Progress, Results, Spec, TaskContext
from vipreco.kpi import FigureInputs
from vipreco.online.nightly_build import NightlyBuild
from vipreco.online.nightly_part import PartFacts, PartInputs, fill_figures, fill_part
from vipreco.online.popular import HolderCounts, StrangerVerdicts
from vipreco.parts import CustomerParts, part_name
from vipreco.recommender import ModelInForce
from vipreco.scratch_folder import scratch_folder

BUILD_JOB: Final = "vipreco.online.nightly_parts:build_part"
FACTS: Final = "facts.json"


@dataclass(frozen=True)
class PartRequest:
    """The nightly build of a part, as JSON values.

    Args:
        tables: The bank in parts.
        model: The recommender in force.
        as_of: Day of the build.
        vip: As of `NightlyBuild`.
        days: As of `NightlyBuild`.
        reason_weights: As of `NightlyBuild`.
        figures: The record of the figures' inputs; None where the release has none.
        top: As of `NightlyBuild`.
    """

    tables: Mapping[str, Any]
    model: Mapping[str, Any]
    as_of: str
    vip: Sequence[str]
    days: int
    reason_weights: Mapping[str, float]
    figures: Mapping[str, Any] | None = None
    top: int | None = None


class EngineFill:
    """Fills a release by an engine: a `FillParts`.

    Args:
        engine: Runs a job for each part.
        tables: The bank in parts.
        model: The recommender of the build.
        progress: Is told how many parts are done.
    """

    def __init__(
        self, engine: Engine, tables: CustomerParts, model: ModelInForce, progress: Progress
    ) -> None:
        self.engine, self.tables, self.model, self.progress = engine, tables, model, progress
        self._results: Results | None = None

    def __call__(self, folder: Path, build: NightlyBuild) -> Sequence[PartFacts | None]:
        """Fill a folder."""
        request = PartRequest(
            self.tables.record(),
            asdict(self.model),
            build.view.date.isoformat(),
            list(build.vip),
            build.days,
            dict(build.reason_weights),
            None if build.figures is None else build.figures.record(),
            build.top,
        )
        self._results = self.engine.run(BUILD_JOB, asdict(request), self.tables.number, self.progress)
        return _taken(self._results, folder)

    def discard(self) -> None:
        """Remove what the parts put out: once the release is in force, nobody takes them up again."""
        if self._results:
            self._results.discard()


def build_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write what a release has of the customers of one part: a `Job`."""
    request = PartRequest(**spec)
    history = context.history(request.tables, part)
    view = history.as_of(date.fromisoformat(request.as_of))
    recommender = ModelInForce(**request.model).opened(context.limits.threads)
    inputs = PartInputs(
        recommender,
        history,
        view,
        tuple(request.vip),
        days=request.days,
        reason_weights=request.reason_weights,
        figures=None if request.figures is None else FigureInputs.from_record(request.figures),
        top=request.top,
    )
    customers = view.population().num_rows
    if not customers:
        fill_figures(folder, inputs, context.step)
        return {"rows": 0}
    facts = fill_part(folder, inputs, context.step)
    (folder / FACTS).write_bytes(canonical_json(asdict(facts)))
    return {"rows": customers}


def _taken(results: Results, folder: Path) -> list[PartFacts | None]:
    """Bring the outputs of all parts into the folder of a release, and return their facts."""
    found: list[PartFacts | None] = []
    several = len(results.receipts) > 1
    with scratch_folder("build") as scratch:
        for one in results.receipts:
            source = results.fetch(one.part, scratch)
            target = folder / part_name(one.part) if several else folder
            # Links, not moves: the parts stay whole until the release is in force.
            beside = shutil.ignore_patterns(RECEIPT)
            shutil.copytree(source, target, copy_function=_linked, ignore=beside, dirs_exist_ok=True)
            facts = target / FACTS
            found.append(_read(facts) if one.rows else None)
            facts.unlink(missing_ok=True)
    return found


def _linked(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without links
        shutil.copy2(source, target)


def _read(path: Path) -> PartFacts:
    facts = json.loads(path.read_bytes())
    return PartFacts(
        **{
            **{name: tuple(facts[name]) for name in ("channels", "products", "names")},
            "effects_learnt": facts["effects_learnt"],
            "holders": HolderCounts(**facts["holders"]),
            "strangers": StrangerVerdicts(**facts["strangers"]),
        }
    )
