"""Effect of a call on attrition, by kind, from the bank's past calls: a pooled ratio, shrunk to the prior."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vipreco.history import History
from vipreco.propensity import ATTRITION_KINDS
from vipreco.recommender.changes import ChangeGatherer
from vipreco.recommender.panels import Panel
from vipreco.recommender.recommender import Recommender
from vipreco.stats import NORMAL_95

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

PRIOR_DEVIATION: Final = 0.5  # of the log ratio: a prior of 10 % is believed to lie below 66 %
RISK_GROUPS: Final = 5  # customers of a date are compared within groups of like chance
RESAMPLES: Final = 200
CONTINUITY: Final = 0.25  # cases added on both sides, so that a ratio of none is defined


@dataclass(frozen=True)
class KeepEffect:
    """Share by which a call lowers the chance of one kind of attrition.

    Args:
        kind: Of `ATTRITION_KINDS`.
        prior: The share that the settings assume.
        share: The share by contacts and prior together.
        low: Lower end of its 95 % interval.
        high: Upper end of its 95 % interval.
        called: Customer-months with a call.
        cases_called: Of these, how often it happened.
        cases_others: How often it happened to customers without a call.
    """

    kind: str
    prior: float
    share: float
    low: float
    high: float
    called: int
    cases_called: int
    cases_others: int


@dataclass(frozen=True)
class CalledRows:
    """VIP customers at past dates, who of them was called in the next month, and what became of them.

    Args:
        customer_ids: Shape (n,).
        called: Shape (n,).
        happened: Whether each kind of attrition happened within the horizon, shape (n, 3).
        groups: Number of the group, a date and a fifth of its chances, by kind, shape (n, 3).
    """

    customer_ids: NDArray[Any]
    called: Flags
    happened: Flags
    groups: NDArray[np.int64]


def keep_effects(
    recommender: Recommender, history: History, days: Sequence[date], priors: tuple[float, float, float]
) -> tuple[KeepEffect, ...]:
    """Return the effect of a call on each kind of attrition; none without kinds, or without a call.

    A call is one of the month after an as-of date, answered or not. Who was called is compared with who was
    not, at the same date and of like chance, so that the choice of the likeliest counts for nothing.

    Args:
        recommender: With models of the kinds.
        history: With contacts.
        days: As-of dates whose label windows have ended.
        priors: Share that the settings assume for each kind.
    """
    if recommender.relationship is None or not recommender.relationship.has_kinds or not days:
        return ()
    rows = called_rows(recommender, history, days)
    if not rows.called.any():
        return ()
    seed = recommender.settings.relationship.dates
    return tuple(
        keep_effect(rows, place, kind, priors[place], seed) for place, kind in enumerate(ATTRITION_KINDS)
    )


def called_rows(recommender: Recommender, history: History, days: Sequence[date]) -> CalledRows:
    """Return the VIP customers of past dates whose attrition is known."""
    parts = list(_rows_of_dates(recommender, history, days))
    offsets = np.arange(len(parts)) * RISK_GROUPS
    return CalledRows(
        np.concatenate([part.customer_ids for part in parts]),
        np.concatenate([part.called for part in parts]),
        np.concatenate([part.happened for part in parts]),
        np.concatenate([part.groups + offset for part, offset in zip(parts, offsets, strict=True)]),
    )


def _rows_of_dates(recommender: Recommender, history: History, days: Sequence[date]) -> Iterator[CalledRows]:
    model = recommender.relationship
    if model is None:
        return
    settings = recommender.settings
    gatherer = ChangeGatherer.of(recommender.features, recommender.vocabulary, settings, 0)
    there = model.among(gatherer.names)
    for day in days:
        rows = gatherer.rows(Panel(history, (day,)))
        places = [rows.changes.index(kind) for kind in ATTRITION_KINDS]
        is_known = np.asarray(rows.known[:, places].all(axis=1))
        rows = rows.take(is_known)
        everybody = np.ones(len(rows), bool)
        chances = [there.probabilities(kind, rows.values, everybody) for kind in ATTRITION_KINDS]
        groups = np.column_stack([risk_groups(chance) for chance in chances])
        yield CalledRows(rows.customer_ids, rows.was_called, rows.happened[:, places], groups)


def risk_groups(chances: Floats) -> NDArray[np.int64]:
    """Return the fifth of the chances that each one is in, from 0, shape (n,)."""
    ranks = np.argsort(np.argsort(chances, kind="stable"), kind="stable")
    return np.asarray(ranks * RISK_GROUPS // max(len(chances), 1), np.int64)


def keep_effect(rows: CalledRows, place: int, kind: str, prior: float, seed: int) -> KeepEffect:
    """Return the effect on one kind: the ratio of Mantel and Haenszel (1959), shrunk to the prior.

    Its error comes from resampled customers, whose rows at neighbouring dates are not independent.
    """
    from vipreco.stats import resampled_counts  # noqa: PLC0415 - scipy.stats, for this command alone

    happened, groups = rows.happened[:, place], rows.groups[:, place]
    ones = np.ones(len(happened))
    ratio = log_ratio(rows.called, happened, groups, ones)
    drawn = resampled_counts(rows.customer_ids, seed, RESAMPLES)
    error = float(
        np.std([log_ratio(rows.called, happened, groups, counts.astype(float)) for counts in drawn], ddof=1)
    )
    own, assumed = 1 / max(error, 1e-6) ** 2, 1 / PRIOR_DEVIATION**2
    centre = (own * ratio + assumed * np.log1p(-prior)) / (own + assumed)
    reach = NORMAL_95 / np.sqrt(own + assumed)
    return KeepEffect(
        kind=kind,
        prior=prior,
        share=float(-np.expm1(centre)),
        low=float(-np.expm1(centre + reach)),
        high=float(-np.expm1(centre - reach)),
        called=int(rows.called.sum()),
        cases_called=int((happened & rows.called).sum()),
        cases_others=int((happened & ~rows.called).sum()),
    )


def log_ratio(called: Flags, happened: Flags, groups: NDArray[np.int64], weights: Floats) -> float:
    """Return the log of the ratio of the rates with and without a call, pooled over groups."""
    cells = [
        np.bincount(groups, weights * mask, minlength=int(groups.max(initial=0)) + 1)
        for mask in (called & happened, called, ~called & happened, ~called)
    ]
    cases_called, all_called, cases_others, all_others = cells
    total = np.maximum(all_called + all_others, 1e-12)
    with_call = float((cases_called * all_others / total).sum()) + CONTINUITY
    without = float((cases_others * all_called / total).sum()) + CONTINUITY
    return float(np.log(with_call / without))
