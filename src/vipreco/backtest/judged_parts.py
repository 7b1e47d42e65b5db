"""Judged customers, scored by part; what metrics need of them comes back, in one order of customers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.backtest.judged_lists import JudgedLists
from vipreco.backtest.scored_customers import CHAMPION, FLAGS, OURS, BacktestPlan, ScoredCustomers
from vipreco.collaborative import SOURCES, HoldingState, Source, customer_ids, holding_state
from vipreco.columns import TIER
from vipreco.folds import LOTTERY, customer_folds
from vipreco.history import History, View
from vipreco.recommender import (
    Arrays,
    Panel,
    Recommender,
    RowOrder,
    Window,
    could_acquire,
    is_in,
    label_matrix,
)
from vipreco.stats import Flags, Floats

ACQUISITIONS = "acquisition-popularity"
HELD_BEFORE_FIRST = "held-before-then-acquisitions"
OTHER_LOTTERY: Final = 1_000
"""Added to the seed: who is judged does not depend on who was drawn to be learnt from."""
SCORES, RANKS, COVERED = "scores", "ranks", "covered"


@dataclass(frozen=True)
class Judge:
    """Scores the observed customers of a panel by a model, by the baselines, and by the champion: a `Work`.

    Args:
        recommender: The model.
        sources: Baselines by name; none where propensities alone are judged.
        list_length: k of the lists.
        share: Of the customers who are judged, by a lottery of their ids.
        seed: Of the lottery.
        champion: The recommender in force, where there is one.
    """

    recommender: Recommender
    sources: Mapping[str, Source]
    list_length: int
    share: float
    seed: int
    champion: Recommender | None = None

    @classmethod
    def of(
        cls, recommender: Recommender, sources: Mapping[str, Source], history: History, plan: BacktestPlan
    ) -> Self:
        """Return a judge of no more customers of a bank than the plan says."""
        share = min(1.0, plan.max_customers / max(history.customers, 1))
        return cls(recommender, sources, plan.list_length, share, plan.machine.seed)

    @property
    def scored(self) -> tuple[str, ...]:
        """Names of the models whose propensities are kept."""
        return (OURS,) if self.champion is None else (OURS, CHAMPION)

    def window(self, panel: Panel, day: date) -> Window:
        """Return the label window of a date."""
        settings = self.recommender.settings
        return panel.history.label_window(day, settings.horizon_months, settings.gap_months)

    def arrays(self, panel: Panel) -> Arrays:
        """Return what `_gathered` takes of each date."""
        found: dict[str, NDArray[Any]] = {}
        for place, day in enumerate(panel.as_of):
            found |= {f"{place}.{name}": values for name, values in self._of_date(panel, day).items()}
        return found

    def _of_date(self, panel: Panel, day: date) -> dict[str, NDArray[Any]]:
        view, products = panel.view(day), self.recommender.product_ids
        everybody, labels = customer_ids(view), panel.acquisitions(self.window(panel, day))
        rows = is_in(everybody, labels.observed) & self._drawn(everybody)
        state = holding_state(view, products, self.recommender.segments)
        truth = label_matrix(everybody, products, labels)[rows]
        listable, seen = could_acquire(view, state)[rows], state.take(rows)
        found: dict[str, NDArray[Any]] = {"ids": everybody[rows], "tiers": _tiers(view)[rows]}
        flags = dict(zip(FLAGS, (truth, listable, seen.held_before), strict=True))
        found |= {name: np.packbits(values, axis=1) for name, values in flags.items()}
        found |= {f"{SCORES}.{name}": values for name, values in self._propensities(view, rows)}
        for name, scores in self._baselines(seen):
            lists = JudgedLists.of(scores, truth, listable, self.list_length)
            found |= {f"{RANKS}.{name}": lists.ranks, f"{COVERED}.{name}": lists.covered}
        return found

    def _drawn(self, everybody: NDArray[np.str_]) -> Flags:
        """Return who is drawn, shape (n,)."""
        if self.share >= 1.0:
            return np.ones(len(everybody), bool)
        lottery = customer_folds(everybody, LOTTERY, self.seed + OTHER_LOTTERY)
        return np.asarray(lottery < self.share * LOTTERY)

    def _propensities(self, view: View, rows: Flags) -> Iterator[tuple[str, Floats]]:
        """Give the propensities of both models; of a draw, no other customer's features are computed."""
        models = {OURS: self.recommender} | ({CHAMPION: self.champion} if self.champion else {})
        products, known = self.recommender.product_ids, dict[int, Floats]()
        drawn = None if self.share >= 1.0 else pa.array(customer_ids(view)[rows].tolist(), pa.string())
        for name, model in models.items():
            if id(model) not in known:  # the champion may be the same fit
                found = propensities_of(model, view, products, drawn)
                known[id(model)] = found[rows] if drawn is None else found
            yield name, known[id(model)]

    def _baselines(self, state: HoldingState) -> Iterator[tuple[str, Floats]]:
        """Give the scores of every source, and the share of customers who acquired the product lately."""
        if not self.sources:
            return
        popular = np.broadcast_to(self.recommender.base_rates, state.held.shape)
        yield ACQUISITIONS, popular
        yield HELD_BEFORE_FIRST, popular + state.held_before
        for name, source in self.sources.items():
            yield name, source.score(state)

    def record(self) -> dict[str, Any]:
        """Return what of it are JSON values."""
        return {
            "sources": list(self.sources),
            "list_length": self.list_length,
            "share": self.share,
            "seed": self.seed,
            CHAMPION: self.champion is not None,
            "same": self.champion is self.recommender,
        }

    def save(self, folder: Path) -> None:
        """Write the models and the arrays of the baselines."""
        self.recommender.write(folder / OURS)
        if self.champion is not None and self.champion is not self.recommender:
            self.champion.write(folder / CHAMPION)
        for name, source in self.sources.items():
            (folder / name).mkdir()
            for key, values in source.arrays().items():
                np.save(folder / name / f"{key}.npy", values, allow_pickle=False)

    @classmethod
    def opened(cls, record: Mapping[str, Any], folder: Path, threads: int) -> Self:
        """Return the judge of a `record` and of the files that `save` wrote."""
        recommender, champion = Recommender.load(folder / OURS, threads, checked=True), None
        if record[CHAMPION]:
            own = folder / CHAMPION
            champion = recommender if record["same"] else Recommender.load(own, threads, checked=True)
        sources = {name: SOURCES[name].from_arrays(_loaded(folder / name)) for name in record["sources"]}
        k, share, seed = (record[name] for name in ("list_length", "share", "seed"))
        return cls(recommender, sources, k, share, seed, champion)


def judge_panel(judge: Judge, panel: Panel) -> ScoredCustomers:
    """Return the judged customers of a panel, date by date in the order of their ids."""
    windows = [judge.window(panel, day) for day in panel.as_of]
    with panel.found(judge, windows) as parts:
        return _gathered(judge, parts, RowOrder.of(parts, len(panel.as_of)))


def propensities_of(
    model: Recommender, view: View, product_ids: tuple[str, ...], customers: pa.Array | None = None
) -> Floats:
    """Return a model's propensities of customers of a view, 0 for products that it never saw.

    Args:
        model: The model.
        view: What was known at a date.
        product_ids: The columns.
        customers: Ids, in order; None: all of the view.

    Returns:
        Shape (n, P).
    """
    chunks = model.compute(view, customers).chunks(model.settings.chunk_customers)
    own = [model.propensities(matrix) for matrix in chunks]
    every = np.concatenate([np.zeros((0, len(model.product_ids))), *own])  # a view may have no customers
    if product_ids == model.product_ids:
        return every
    found = np.zeros((len(every), len(product_ids)))
    places = {product_id: place for place, product_id in enumerate(model.product_ids)}
    for column, product_id in enumerate(product_ids):
        if product_id in places:
            found[:, column] = every[:, places[product_id]]
    return found


def _gathered(judge: Judge, parts: Sequence[Arrays], order: RowOrder) -> ScoredCustomers:
    """Return the rows of all parts in one order."""
    rows, products = order.rows, len(judge.recommender.product_ids)
    truth, listable, before = (np.empty((rows, products), bool) for _ in FLAGS)
    scores = {name: np.empty((rows, products)) for name in judge.scored}
    tiers, ids = np.empty(rows, object), np.empty(rows, object)
    for place, indices in enumerate(order.indices):
        for part, own in zip(parts, indices, strict=True):
            ids[own], tiers[own] = part[f"{place}.ids"], part[f"{place}.tiers"]
            for name, target in zip(FLAGS, (truth, listable, before), strict=True):
                target[own] = np.unpackbits(part[f"{place}.{name}"], axis=1, count=products)
            for name, values in scores.items():
                values[own] = part[f"{place}.{SCORES}.{name}"]
                if isinstance(part, dict):  # or else all of them are in memory twice
                    del part[f"{place}.{SCORES}.{name}"]
    names = [ACQUISITIONS, HELD_BEFORE_FIRST, *judge.sources] if judge.sources else []
    lists = _lists(parts, order, truth, names)
    return ScoredCustomers(scores, truth, listable, before, tiers, ids, lists)


def _lists(
    parts: Sequence[Arrays], order: RowOrder, truth: Flags, names: Sequence[str]
) -> dict[str, JudgedLists]:
    """Return the lists of the baselines: all acquisitions of a customer are in one part, in order."""
    several = truth.sum(axis=1)
    rows = [np.repeat(own, several[own]) for indices in order.indices for own in indices]
    row_by_row = np.argsort(np.concatenate(rows), kind="stable")
    places = range(len(order.indices))
    found = {
        name: JudgedLists.together(
            [
                JudgedLists(part[f"{place}.{RANKS}.{name}"], part[f"{place}.{COVERED}.{name}"])
                for place in places
                for part in parts
            ]
        )
        for name in names
    }
    return {name: replace(lists, ranks=lists.ranks[row_by_row]) for name, lists in found.items()}


def _tiers(view: View) -> NDArray[np.str_]:
    """Return the tier of each customer of a view, empty where unknown, shape (n,)."""
    return np.array([tier or "" for tier in view.population()[TIER].to_pylist()], np.str_)


def _loaded(folder: Path) -> dict[str, NDArray[Any]]:
    return {path.stem: np.load(path, allow_pickle=False) for path in sorted(folder.glob("*.npy"))}
