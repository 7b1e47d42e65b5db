"""Fairness of offers and chances between protected groups, by product family."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.assurance.fairness_settings import FairnessSettings
from vipreco.assurance.protected_groups import UNKNOWN, ProtectedGroups
from vipreco.catalog import Catalog
from vipreco.collaborative import holding_state
from vipreco.history import History
from vipreco.recommender import Recommender, could_acquire, is_in, label_matrix
from vipreco.stats import (
    GroupDifference,
    JudgedCustomers,
    group_differences,
    with_discovery_rates,
)

EVERY_FAMILY: Final = "all"
DIFFERS, WITHIN, TOO_FEW = "differs", "within tolerance", "too few"


@dataclass(frozen=True)
class FairnessRow:
    """One measure of one group in one product family."""

    attribute: str
    group: str
    family: str
    found: GroupDifference
    verdict: str


@dataclass(frozen=True)
class FairnessReport:
    """Differences between groups.

    Args:
        as_of: Date of the offers; outcomes are those of the window after it.
        rows: Every measure of every group.
        hindsight: What has to be said where the model learnt from that window; else empty.
    """

    as_of: date
    rows: tuple[FairnessRow, ...]
    hindsight: str = ""

    @property
    def passed(self) -> bool:
        """True where no group differs by more than is tolerated."""
        return not self.differing

    @property
    def differing(self) -> tuple[FairnessRow, ...]:
        """Rows of groups that differ, surely and by more than is tolerated."""
        return tuple(row for row in self.rows if row.verdict == DIFFERS)

    def table(self) -> pl.DataFrame:
        """Return a row a measure: the group's value with its interval, that of all others, the difference."""
        return pl.DataFrame(
            {
                "attribute": [row.attribute for row in self.rows],
                "group": [row.group for row in self.rows],
                "family": [row.family for row in self.rows],
                "measure": [row.found.measure for row in self.rows],
                "customers": [row.found.customers for row in self.rows],
                "value": [row.found.value.value for row in self.rows],
                "low": [row.found.value.low for row in self.rows],
                "high": [row.found.value.high for row in self.rows],
                "others": [row.found.others for row in self.rows],
                "difference": [row.found.difference.value for row in self.rows],
                "verdict": [row.verdict for row in self.rows],
            }
        ).fill_nan(None)


@dataclass(frozen=True)
class GroupOutcomes:
    """Offers, chances and acquisitions of customers whose label is known, by product.

    Args:
        customer_ids: Each once, shape (n,).
        families: Of the products, shape (P,).
        offered: What they are offered, shape (n, P).
        expected: Chances, 0 for products that cannot be acquired, shape (n, P).
        acquired: What they acquired, shape (n, P).
    """

    customer_ids: NDArray[np.str_]
    families: NDArray[np.str_]
    offered: NDArray[np.bool_]
    expected: NDArray[np.float64]
    acquired: NDArray[np.bool_]

    def of_family(self, family: str) -> JudgedCustomers:
        """Return the same over the products of a family."""
        chosen = np.ones(len(self.families), bool) if family == EVERY_FAMILY else self.families == family
        return JudgedCustomers(
            np.asarray(self.offered[:, chosen].any(axis=1)),
            np.asarray(self.acquired[:, chosen].any(axis=1)),
            self.expected[:, chosen].sum(axis=1),
            self.acquired[:, chosen].sum(axis=1).astype(np.float64),
        )


def check_fairness(
    recommender: Recommender,
    history: History,
    day: date,
    groups: ProtectedGroups,
    settings: FairnessSettings,
) -> FairnessReport:
    """Compare offers, outcomes, errors and calibration of protected groups at a date whose labels are known.

    Args:
        recommender: The model.
        history: The bank's tables.
        day: As-of date; its label window is over.
        groups: Protected attributes, which nothing else sees.
        settings: How far groups may differ.
    """
    outcomes = _outcomes(recommender, history, day, settings.top)
    rows = compare_groups(outcomes, groups, settings)
    return FairnessReport(day, rows, recommender.check_hindsight(day, allowed=True))


def compare_groups(
    outcomes: GroupOutcomes, groups: ProtectedGroups, settings: FairnessSettings
) -> tuple[FairnessRow, ...]:
    """Return every measure of every group beside all others, over all products and by family."""
    named = groups.of(outcomes.customer_ids)
    found: dict[tuple[str, str, str, str], GroupDifference] = {}
    for family in (EVERY_FAMILY, *sorted(set(outcomes.families.tolist()))):
        judged = outcomes.of_family(family)
        for attribute, values in named.items():
            for group in sorted(set(values.tolist()) - {UNKNOWN}):
                for each in group_differences(
                    _known(judged, values), values[values != UNKNOWN] == group, *_least(settings)
                ):
                    found[attribute, group, family, each.measure] = each
    return tuple(
        FairnessRow(attribute, group, family, each, _verdict(each, settings))
        for (attribute, group, family, _), each in with_discovery_rates(found).items()
    )


def _known(judged: JudgedCustomers, values: NDArray[np.str_]) -> JudgedCustomers:
    """Leave out customers whose group is unknown."""
    rows = values != UNKNOWN
    return JudgedCustomers(
        judged.offered[rows], judged.acquired[rows], judged.expected[rows], judged.observed[rows]
    )


def _least(settings: FairnessSettings) -> tuple[int, int]:
    return settings.min_customers, settings.min_cases


def _verdict(found: GroupDifference, settings: FairnessSettings) -> str:
    if np.isnan(found.p):
        return TOO_FEW
    limit = settings.max_calibration if found.measure == "calibration" else settings.max_difference
    sure = found.q <= settings.false_discovery and abs(found.difference.value) >= limit
    return DIFFERS if sure else WITHIN


def _outcomes(recommender: Recommender, history: History, day: date, top: int) -> GroupOutcomes:
    view, settings, products = history.as_of(day), recommender.settings, recommender.product_ids
    labels = history.acquisitions(*history.label_window(day, settings.horizon_months, settings.gap_months))
    decided = list(recommender.decide(view))
    ids = np.concatenate([each.customer_ids for each in decided]).astype(np.str_)
    computed = recommender.compute(view)
    chances = [recommender.propensities(each) for each in computed.chunks(settings.chunk_customers)]
    rows = is_in(ids, labels.observed)
    allowed = could_acquire(view, holding_state(view, products))[rows]
    catalog = Catalog.from_view(view)
    family_of = dict(zip(catalog.product_ids, catalog.families, strict=True))
    return GroupOutcomes(
        ids[rows],
        np.array([family_of.get(product, "") for product in products], np.str_),
        np.concatenate([each.slate(top) > 0 for each in decided])[rows],
        np.where(allowed, np.concatenate(chances)[rows], 0.0),
        label_matrix(ids, products, labels)[rows] & allowed,
    )
