"""Proof, on the user's own tables, that nothing learnt after a date reaches what is computed as of it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.assurance.list_audit import sampled_view
from vipreco.errors import UsageError
from vipreco.explanations import Explainer
from vipreco.history import History, Mode, View, scrambled_future
from vipreco.lists import reasoned_offers
from vipreco.recommender import Recommender, Step, silent

MODES: Final[tuple[Mode, ...]] = ("delete", "rewrite")
LIST_LENGTH = 7
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
class _Result:
    """Everything that is computed as of a date."""

    names: tuple[str, ...]
    customer_ids: NDArray[Any]
    values: NDArray[np.float32]
    scores: str
    lists: str


def leakcheck(
    tables: Path,
    day: date,
    recommender: Recommender,
    *,
    seed: int,
    threads: int,
    step: Step = silent,
    customers: int | None = None,
) -> LeakReport:
    """Delete, then rewrite, all that became known after `day`, and compare everything computed as of it.

    Args:
        tables: The project's tables; they are only read.
        day: The as-of date under proof.
        recommender: Its features and models are used.
        seed: Seed of the made-up values.
        threads: Threads for reading.
        step: Told the name of each stage as it begins.
        customers: Size of a random sample of customers that is compared; None: all.

    Raises:
        UsageError: Nothing became known after `day`, so there is nothing to prove.
    """
    history = History.open(tables, threads=threads)
    later = _next_snapshot(history, day)
    step("the true tables")

    def at(known: History, when: date) -> View:
        view = known.as_of(when)
        return view if customers is None else sampled_view(view, customers, seed)

    truth, peeked = _compute(at(history, day), recommender), _features(at(history, later), recommender)
    checks: list[LeakCheck] = []
    changed: dict[str, int] = {}
    caught: list[bool] = []
    for mode in MODES:
        step(f"tables with another future: {mode}")
        with tempfile.TemporaryDirectory(dir=tables.parent, prefix=".leakcheck-") as folder:
            copy = Path(folder) / "tables"
            changed[mode] = scrambled_future(tables, day, copy, seed, mode, threads)
            other = History.open(copy, threads=threads)
            checks += _compare(truth, _compute(at(other, day), recommender), mode)
            caught.append(_planted_differs(peeked, partial(at, other, later), recommender))
    return LeakReport(day, len(truth.customer_ids), changed, tuple(checks), all(caught))


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


def _compute(view: View, recommender: Recommender) -> _Result:
    names, ids, values = _features(view, recommender)
    scores = hashlib.sha256()
    for decisions in recommender.decide(view):
        scores.update(decisions.propensity.tobytes() + decisions.verdict.tobytes())
        scores.update(
            decisions.attrition_probability.tobytes() + decisions.tier_upgrade_probability.tobytes()
        )
    lists = hashlib.sha256()
    for offers in reasoned_offers(Explainer(recommender), view, LIST_LENGTH):
        lists.update(_frame_bytes(offers))
    return _Result(names, ids, values, scores.hexdigest(), lists.hexdigest())


def _features(view: View, recommender: Recommender) -> tuple[tuple[str, ...], NDArray[Any], NDArray[Any]]:
    computed = recommender.features.compute(view, recommender.product_ids)
    matrix = computed.encoded(recommender.vocabulary).matrix()
    return matrix.names, matrix.customer_ids, matrix.values


def _frame_bytes(frame: pl.DataFrame) -> bytes:
    return frame.write_ipc(None, compression="uncompressed").getvalue()


def _compare(truth: _Result, other: _Result, mode: str) -> Iterator[LeakCheck]:
    differing = _differing_columns(truth, other)
    same = np.array_equal(truth.customer_ids, other.customer_ids) and truth.names == other.names
    yield LeakCheck(mode, FEATURES, same and not differing, tuple(differing[:10]))
    yield LeakCheck(mode, SCORES, truth.scores == other.scores)
    yield LeakCheck(mode, LISTS, truth.lists == other.lists)


def _differing_columns(truth: _Result, other: _Result) -> list[str]:
    if truth.values.shape != other.values.shape:
        return []
    bits = (truth.values.view(np.uint32) != other.values.view(np.uint32)).any(axis=0)
    return [name for name, differs in zip(truth.names, bits, strict=True) if differs]


def _planted_differs(
    peeked: tuple[tuple[str, ...], NDArray[Any], NDArray[Any]],
    open_view: Callable[[], View],
    recommender: Recommender,
) -> bool:
    """Return whether the check notices features that were computed with knowledge of a later date."""
    try:
        _, ids, values = _features(open_view(), recommender)
    except UsageError:
        return True  # the changed tables do not even hold what such a cut would read
    same_shape = peeked[2].shape == values.shape
    same = same_shape and np.array_equal(peeked[1], ids) and peeked[2].tobytes() == values.tobytes()
    return not same
