"""Proof, on the user's own tables, that nothing learnt after a date reaches what is computed as of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from pathlib import Path
from typing import Final

import pyarrow as pa

from vipreco.assurance.computed import COMPUTED, COMPUTED_JOB, Computed, computed_of
from vipreco.assurance.list_audit import sampled_view
from vipreco.columns import CUSTOMER_ID
from vipreco.engines import PartedBank
from vipreco.errors import UsageError
from vipreco.history import History, Mode, View, scrambled_future
from vipreco.parts import Limits, lay_out
from vipreco.recommender import ModelInForce, Recommender, Step, silent
from vipreco.scratch_folder import scratch_folder

MODES: Final[tuple[Mode, ...]] = ("delete", "rewrite")
FEATURES, SCORES, LISTS = "features", "scores", "lists"


@dataclass(frozen=True)
class LeakCheck:
    """One comparison of what comes from the true tables and from tables with another future.

    Args:
        mode: How the future was changed.
        what: features, scores or lists.
        identical: Byte for byte the same.
        columns: Features that differ, at most ten.
    """

    mode: str
    what: str
    identical: bool
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class LeakReport:
    """Result of a leak check.

    Args:
        as_of: The date under proof.
        customers: Customers whose features, scores and lists were compared.
        changed_rows: Rows of the tables that were removed or rewritten, by mode.
        checks: The comparisons.
        planted_caught: Whether a leak that was planted on purpose, a cut one snapshot too late,
            was found by the same comparison.
    """

    as_of: date
    customers: int
    changed_rows: dict[str, int]
    checks: tuple[LeakCheck, ...]
    planted_caught: bool

    @property
    def passed(self) -> bool:
        """True when nothing differs and the comparison has shown that it can fail."""
        return self.planted_caught and all(check.identical for check in self.checks)


@dataclass(frozen=True)
class LeakBank:
    """A bank under proof.

    Args:
        tables: The project's tables; they are only read.
        recommender: Its features and models are used.
        threads: Threads for reading.
        parts: The tables in parts; None: this process computes for all customers.
        model: The recommender for other processes, where there are parts.
    """

    tables: Path
    recommender: Recommender
    threads: int
    parts: PartedBank | None = None
    model: ModelInForce | None = None

    def tables_in_parts(self, tables: Path, folder: Path) -> LeakBank:
        """Return the same with other tables, whose copies in parts go into a folder."""
        parts = self.parts
        if parts is not None:
            limits = Limits(self.threads, parts.engine.memory)
            laid = lay_out(tables, str(folder), parts.tables.number, limits)
            parts = replace(parts, tables=laid)
        return replace(self, tables=tables, parts=parts)

    def computed(self, day: date, chosen: Chosen, *, whole: bool = True) -> list[Computed]:
        """Return what is computed as of a date, by part; `whole` with scores and lists.

        Raises:
            UsageError: The tables hold nothing of that date.
        """
        history = History.open(self.tables, threads=self.threads)
        view = history.as_of(day)
        ids = None if chosen is None else chosen(view)[CUSTOMER_ID].to_pylist()
        if self.parts is None or self.model is None:
            return [computed_of(_within(view, ids), self.recommender, whole=whole)]
        spec = {"day": day.isoformat(), "customers": ids, "whole": whole, "model": asdict(self.model)}
        with self.parts.outputs(COMPUTED_JOB, spec) as folders:
            return [Computed.read((one / COMPUTED).read_bytes()) for one in folders]


Chosen = Callable[[View], pa.Table] | None
"""Gives the customers of a view who are compared, as `View.population`; None: all."""


def leakcheck(
    bank: LeakBank, day: date, *, seed: int, step: Step = silent, customers: int | None = None
) -> LeakReport:
    """Delete, then rewrite, all that became known after `day`, and compare everything computed as of it.

    Args:
        bank: Tables and model.
        day: The as-of date under proof.
        seed: Seed of the made-up values.
        step: Told the name of each stage as it begins.
        customers: Size of a random sample of customers that is compared; None: all.

    Raises:
        UsageError: Nothing became known after `day`, so there is nothing to prove.
    """
    later = _next_snapshot(History.open(bank.tables, threads=bank.threads), day)
    step("the true tables")
    chosen: Chosen = None
    if customers is not None:
        chosen = partial(_sample, customers=customers, seed=seed)
    truth, peeked = bank.computed(day, chosen), bank.computed(later, chosen, whole=False)
    checks: list[LeakCheck] = []
    changed: dict[str, int] = {}
    caught: list[bool] = []
    for mode in MODES:
        step(f"tables with another future: {mode}")
        with scratch_folder("leakcheck", bank.tables.parent) as folder:
            copy = folder / "tables"
            changed[mode] = scrambled_future(bank.tables, day, copy, seed, mode, bank.threads)
            other = bank.tables_in_parts(copy, folder / "parts")
            checks += _compare(truth, other.computed(day, chosen), mode)
            caught.append(_planted_differs(peeked, other, later, chosen))
    return LeakReport(day, sum(one.customers for one in truth), changed, tuple(checks), all(caught))


def _sample(view: View, customers: int, seed: int) -> pa.Table:
    return sampled_view(view, customers, seed).population()


def _within(view: View, ids: list[str] | None) -> View:
    return view if ids is None else view.of(pa.array(ids, pa.string()))


def _next_snapshot(history: History, day: date) -> date:
    later = [snapshot for snapshot in history.snapshot_dates if snapshot > day]
    if not later:
        raise UsageError(
            f"no snapshot is later than {day}",
            where="--as-of",
            remedy="choose an earlier date: a proof needs a future to change",
            code="no-future",
        )
    return later[0]


def _compare(truth: list[Computed], other: list[Computed], mode: str) -> Iterator[LeakCheck]:
    """Compare what was computed, part by part."""
    pairs = list(zip(truth, other, strict=True))
    differing = sorted({name for one, two in pairs for name in one.differing(two)})
    same = all(one.features == two.features for one, two in pairs)
    yield LeakCheck(mode, FEATURES, same, tuple(differing[:10]))
    yield LeakCheck(mode, SCORES, all(one.scores == two.scores for one, two in pairs))
    yield LeakCheck(mode, LISTS, all(one.lists == two.lists for one, two in pairs))


def _planted_differs(peeked: list[Computed], other: LeakBank, later: date, chosen: Chosen) -> bool:
    """Return whether the check notices features that were computed with knowledge of a later date."""
    try:
        found = other.computed(later, chosen, whole=False)
    except UsageError:
        return True  # the changed tables do not even hold what such a cut would read
    return any(one.features != two.features for one, two in zip(peeked, found, strict=True))
