"""Qini and AUUC of orders of customers on held-out randomised rows, against chance and a reference order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.stats.arrays import Flags, Floats
from vipreco.stats.bootstrap import resampled_counts
from vipreco.stats.estimate import NO_RESAMPLES, Estimate, percentiles
from vipreco.stats.qini import RESAMPLES, auuc, qini_coefficient


class RandomisedOutcomes(Protocol):
    """Customers of a randomised design and what came of it; arrays of shape (n,)."""

    @property
    def customer_ids(self) -> NDArray[Any]:
        """Id of the customer of each row."""

    @property
    def treated(self) -> Flags:
        """Flags of the treated, drawn at random."""

    @property
    def outcome(self) -> Flags:
        """Flags of the outcome."""

    def __len__(self) -> int:
        """Return the number of rows."""


@dataclass(frozen=True)
class HeldOut:
    """Rows that no judged order has learnt from.

    Args:
        customer_ids: Text, shape (n,); all rows of a customer are drawn together.
        treated: Shape (n,).
        outcome: Shape (n,).
        stratum: Number of the part within which rows are ordered, such as a campaign or a fold, shape (n,).
    """

    customer_ids: NDArray[Any]
    treated: Flags
    outcome: Flags
    stratum: NDArray[np.int64]

    @classmethod
    def of(cls, rows: RandomisedOutcomes, stratum: NDArray[np.int64] | None = None) -> Self:
        """Return what judging needs of randomised rows."""
        parts = np.zeros(len(rows), np.int64) if stratum is None else stratum
        return cls(rows.customer_ids, rows.treated, rows.outcome, parts)


@dataclass(frozen=True)
class JudgedOrder:
    """Qini and AUUC of an order of customers.

    Args:
        qini: Area between its Qini curve and that of a random order, per treated customer; 0 at random.
        auuc: Area under its gain per customer.
        qini_above: `qini` less that of the reference, by the same resamples; none for the reference itself.
        auuc_above: The same of `auuc`.
    """

    qini: Estimate
    auuc: Estimate
    qini_above: Estimate
    auuc_above: Estimate

    @property
    def beats_random(self) -> bool:
        """True if the interval of the Qini coefficient lies above 0."""
        return self.qini.known and self.qini.low > 0

    @property
    def beats_reference(self) -> bool:
        """True if the interval of the difference to the reference lies above 0."""
        return self.qini_above.known and self.qini_above.low > 0


def judge_orders(
    scores: Mapping[str, Floats],
    held_out: HeldOut,
    reference: str = "",
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
) -> dict[str, JudgedOrder]:
    """Return Qini and AUUC of each order with 95 % intervals, by a bootstrap over customers.

    All orders meet the same resamples, so that a difference has an interval of its own. Over several strata
    the figures are means, weighed by rows.

    Args:
        scores: Name -> score of each row, highest first, shape (n,).
        held_out: The rows.
        reference: Name of the order that the others are compared with; empty for none.
        seed: Of the resamples.
        resamples: 0 for no intervals.
    """
    ranks = {
        name: np.unique(-score, return_inverse=True)[1].astype(np.float64) for name, score in scores.items()
    }
    rows = np.arange(len(held_out.treated))
    counts = resampled_counts(held_out.customer_ids, seed, resamples)
    drawn = [_areas(ranks, held_out, np.repeat(rows, times)) for times in counts]
    value = _areas(ranks, held_out, rows)
    draws = np.array(drawn).reshape(len(drawn), len(ranks), 2)
    names = list(ranks)
    place = names.index(reference) if reference else None
    return {name: _judged(value, draws, number, place) for number, name in enumerate(names)}


def _judged(value: Floats, draws: Floats, number: int, reference: int | None) -> JudgedOrder:
    own = [_estimate(value[number, measure], draws[:, number, measure]) for measure in range(2)]
    if reference is None or reference == number:
        return JudgedOrder(*own, *(Estimate(0.0, lacks="nothing to compare with") for _ in range(2)))
    above, drawn = value[number] - value[reference], draws[:, number] - draws[:, reference]
    return JudgedOrder(*own, *(_estimate(above[measure], drawn[:, measure]) for measure in range(2)))


def _estimate(value: float, draws: Floats) -> Estimate:
    if not np.isfinite(value):
        return Estimate(float(value), lacks="an arm is empty")
    if len(draws) == 0:
        return Estimate(float(value), lacks=NO_RESAMPLES)
    return Estimate(float(value), *percentiles(draws))


def _areas(ranks: Mapping[str, Floats], held_out: HeldOut, rows: NDArray[np.int64]) -> Floats:
    """Return Qini and AUUC of each order over some rows, shape (orders, 2)."""
    strata = held_out.stratum[rows]
    total, counted = np.zeros((len(ranks), 2)), 0
    for stratum in np.unique(strata):
        part = rows[strata == stratum]
        treated, outcome = held_out.treated[part], held_out.outcome[part]
        if treated.any() and not treated.all():
            total += len(part) * _areas_within(ranks, part, treated, outcome)
            counted += len(part)
    return total / counted if counted else np.full((len(ranks), 2), np.nan)


def _areas_within(
    ranks: Mapping[str, Floats], part: NDArray[np.int64], treated: Flags, outcome: Flags
) -> Floats:
    return np.array(
        [
            [
                measure(-rank[part], treated, outcome, resamples=0).value
                for measure in (qini_coefficient, auuc)
            ]
            for rank in ranks.values()
        ]
    )
