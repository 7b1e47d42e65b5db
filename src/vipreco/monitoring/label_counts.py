"""Chances of a date and what came of them, as whole numbers that add up over parts of the customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative import holding_state
from vipreco.history import History, Labels
from vipreco.monitoring.snapshot_facts import ALL, Matured
from vipreco.recommender import Recommender, could_acquire, is_in, label_matrix
from vipreco.stats import hanley_mcneil

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
UNIT: Final = float(1 << 32)
"""Sums of chances are counted in units of 2**-32: whole numbers add up to the same in any order."""
RANK_BITS: Final = 11
"""Bits of a float32 that a rank leaves out: chances that differ by less than a part in 4,096 are ties."""
MOMENTS: Final = 5


@dataclass(frozen=True)
class LabelCounts:
    """Chances and acquisitions of some customers after a date.

    Args:
        groups: By group (`all`, `product P`, `tier T`) acquisitions, chances, and the sums over customers of
            acquisitions squared, acquisitions times chances, chances squared; of chances in `UNIT`.
        ranks: A row a rank of the chances, ascending: rank, acquisitions, others; shape (k, 3).
    """

    groups: Mapping[str, tuple[int, ...]]
    ranks: NDArray[np.int64]

    @classmethod
    def nobody(cls) -> Self:
        """Return the counts of no customer."""
        return cls({}, np.empty((0, 3), np.int64))

    @classmethod
    def of(cls, recommender: Recommender, history: History, day: date, labels: Labels) -> Self:
        """Count the customers of a history.

        Args:
            recommender: A model that had learnt nothing that came after the date.
            history: Tables of these customers.
            day: As-of date of the chances.
            labels: Of the window that follows.
        """
        view, settings, products = history.as_of(day), recommender.settings, recommender.product_ids
        population = view.population()
        if not population.num_rows:
            return cls.nobody()
        computed = recommender.compute(view)
        chances = [recommender.propensities(each) for each in computed.chunks(settings.chunk_customers)]
        rows = is_in(computed.customer_ids, labels.observed)
        allowed = could_acquire(view, holding_state(view, products))[rows]
        propensity = np.where(allowed, np.concatenate(chances)[rows], 0.0)
        truth = label_matrix(computed.customer_ids, products, labels)[rows] & allowed
        tiers = np.array([tier or "" for tier in population["tier"].to_pylist()], object)[rows]
        groups = {ALL: _moments(propensity, truth)}
        for place, product in enumerate(products):
            groups[f"product {product}"] = _moments(propensity[:, [place]], truth[:, [place]])
        for tier in sorted({*tiers.tolist()} - {""}):
            groups[f"tier {tier}"] = _moments(propensity[tiers == tier], truth[tiers == tier])
        return cls(groups, _ranks(propensity[allowed], truth[allowed]))

    def merged(self, other: Self) -> Self:
        """Return the counts of both."""
        nothing = (0,) * MOMENTS
        groups = {
            name: tuple(
                one + two
                for one, two in zip(
                    self.groups.get(name, nothing), other.groups.get(name, nothing), strict=True
                )
            )
            for name in {**self.groups, **other.groups}
        }
        ranks, places = np.unique(np.concatenate([self.ranks, other.ranks])[:, 0], return_inverse=True)
        counts = np.zeros((len(ranks), 2), np.int64)
        np.add.at(counts, places, np.concatenate([self.ranks, other.ranks])[:, 1:])
        return type(self)(groups, np.column_stack([ranks, counts]))

    def matured(self) -> dict[str, Matured]:
        """Return expected and observed acquisitions by group."""
        return {name: _matured(self.groups[name]) for name in sorted(self.groups)}

    def ranking(self) -> tuple[float, float] | None:
        """Return the AUC of the chances with its standard error; None with one outcome only."""
        cases, others = self.ranks[:, 1].astype(np.float64), self.ranks[:, 2].astype(np.float64)
        happened, rest = float(cases.sum()), float(others.sum())
        if not happened or not rest:
            return None
        value = float(cases @ (np.cumsum(others) - others / 2) / (happened * rest))
        return value, hanley_mcneil(value, happened, rest)


def _moments(propensity: Floats, truth: Flags) -> tuple[int, ...]:
    expected, observed = propensity.sum(axis=1), truth.sum(axis=1)
    sums = (expected, observed * expected, expected * expected)
    chances, both, squares = (int(np.rint(values * UNIT).astype(np.int64).sum()) for values in sums)
    return int(observed.sum()), chances, int(observed @ observed), both, squares


def _matured(moments: tuple[int, ...]) -> Matured:
    """Return a group's counts; distances are from the chances as they would be if their sum were right."""
    happened, expected, observed_squares = float(moments[0]), moments[1] / UNIT, float(moments[2])
    ratio = happened / expected if expected else 1.0
    away = observed_squares - 2 * ratio * (moments[3] / UNIT) + ratio * ratio * (moments[4] / UNIT)
    return Matured(expected, happened, max(away, 0.0))


def _ranks(propensity: Floats, truth: NDArray[Any]) -> NDArray[np.int64]:
    """Return how many acquisitions and others each rank has; bits of positive floats are in their order."""
    bits = np.asarray(propensity, np.float32).view(np.uint32) >> RANK_BITS
    ranks, places = np.unique(bits, return_inverse=True)
    cases = np.bincount(places[truth], minlength=len(ranks))
    others = np.bincount(places[~truth], minlength=len(ranks))
    return np.column_stack([ranks, cases, others]).astype(np.int64)
