"""Counts of snapshots and matured labels in parts of customers: a job a part, and their sums."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any, Final, Self

import numpy as np

from vipreco.durable import canonical_json
from vipreco.engines import PartedBank, Spec, TaskContext
from vipreco.history import History
from vipreco.monitoring.decision_counts import decision_facts
from vipreco.monitoring.label_counts import LabelCounts
from vipreco.monitoring.outcome_counts import outcome_rates
from vipreco.monitoring.snapshot_facts import SnapshotFacts
from vipreco.monitoring.sums import merge_facts
from vipreco.monitoring.view_counts import count_view
from vipreco.recommender import ModelInForce, Step, silent

COUNT_JOB: Final = "vipreco.monitoring.part_counts:counts_of_part"
FACTS, RANKS = "facts.json", "ranks-{}.npy"


@dataclass(frozen=True)
class MaturedDay:
    """A date whose labels are known.

    Args:
        day: As-of date.
        model: A model that had learnt nothing that came after it.
        window: Of the labels.
        reopenings: Mass reopenings of the bank around the window.
    """

    day: date
    model: ModelInForce
    window: tuple[date, date]
    reopenings: Sequence[Sequence[str]]

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        window = [day.isoformat() for day in self.window]
        return {**asdict(self), "day": self.day.isoformat(), "window": window}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the date of a `record`."""
        after, until = map(date.fromisoformat, record["window"])
        model = ModelInForce(**record["model"])
        return cls(date.fromisoformat(record["day"]), model, (after, until), record["reopenings"])


@dataclass(frozen=True)
class CountRequest:
    """Counts that are asked for.

    Args:
        known: Date whose knowledge of labels is used.
        snapshots: As-of dates that are counted, each with the snapshot before it.
        champion: The model in force; None counts the tables alone.
        labels: Dates whose labels are counted.
    """

    known: date
    snapshots: Mapping[date, date]
    champion: ModelInForce | None = None
    labels: Sequence[MaturedDay] = ()

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "known": self.known.isoformat(),
            "snapshots": {day.isoformat(): after.isoformat() for day, after in self.snapshots.items()},
            "champion": self.champion and asdict(self.champion),
            "labels": [one.record() for one in self.labels],
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return what a `record` asks for."""
        day_of = date.fromisoformat
        return cls(
            day_of(record["known"]),
            {day_of(day): day_of(after) for day, after in record["snapshots"].items()},
            record["champion"] and ModelInForce(**record["champion"]),
            [MaturedDay.from_record(one) for one in record["labels"]],
        )


@dataclass(frozen=True)
class Counts:
    """Facts of snapshots, and counts of matured labels, by date."""

    facts: Mapping[date, SnapshotFacts]
    labels: Mapping[date, LabelCounts]


def count(history: History, request: CountRequest, parts: PartedBank | None, step: Step = silent) -> Counts:
    """Return what is asked for of all customers.

    Args:
        history: The bank's tables.
        request: What is counted.
        parts: The same tables in parts; None: this process counts them all.
        step: Is told what is done in this process.
    """
    if not request.snapshots and not request.labels:
        return Counts({}, {})
    if parts is None:
        return _together([_counts(history, request, step)])
    with parts.outputs(COUNT_JOB, request.record()) as folders:
        return _together([_read(folder, request) for folder in folders])


def counts_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the counts of the customers of one part: a `Job`."""
    history = context.history(spec["tables"], part)
    found = _counts(history, CountRequest.from_record(spec), context.step)
    facts = [{**asdict(one), "day": day.isoformat()} for day, one in found.facts.items()]
    groups = {day.isoformat(): one.groups for day, one in found.labels.items()}
    (folder / FACTS).write_bytes(canonical_json({"facts": facts, "groups": groups}))
    for day, one in found.labels.items():
        np.save(folder / RANKS.format(day), one.ranks, allow_pickle=False)
    return {"rows": sum(one.customers for one in found.facts.values())}


def _counts(history: History, request: CountRequest, step: Step) -> Counts:
    facts, labels = {}, {}
    for day, after in request.snapshots.items():
        step(f"counting {day}")
        facts[day] = _snapshot(history, day, after, request.champion)
    for one in request.labels:
        step(f"labels of {one.day}")
        reopenings = [(str(row[0]), str(row[1]), str(row[2])) for row in one.reopenings]
        window = history.acquisitions(*one.window, known=request.known, reopenings=reopenings)
        recommender = one.model.opened(history.threads)
        labels[one.day] = LabelCounts.of(recommender, history, one.day, window)
    return Counts(facts, labels)


def _snapshot(history: History, day: date, after: date, champion: ModelInForce | None) -> SnapshotFacts:
    view = history.as_of(day)
    customers, columns, rates = count_view(view)
    facts = SnapshotFacts(day, customers, columns, {**rates, **outcome_rates(view, after)})
    if champion is None:
        return facts
    facts = replace(facts, model=champion.artifact_hash)
    if not customers:
        return facts
    decided = decision_facts(champion.opened(history.threads), view, champion.artifact_hash)
    return merge_facts([facts, decided])


def _together(parts: Sequence[Counts]) -> Counts:
    return Counts(
        {day: merge_facts([one.facts[day] for one in parts]) for day in parts[0].facts},
        {day: reduce(LabelCounts.merged, [one.labels[day] for one in parts]) for day in parts[0].labels},
    )


def _read(folder: Path, request: CountRequest) -> Counts:
    content = json.loads((folder / FACTS).read_bytes())
    facts = [SnapshotFacts.from_record(one) for one in content["facts"]]
    labels = {
        one.day: LabelCounts(
            {name: tuple(row) for name, row in content["groups"][one.day.isoformat()].items()},
            np.load(folder / RANKS.format(one.day)),
        )
        for one in request.labels
    }
    return Counts({one.day: one for one in facts}, labels)
