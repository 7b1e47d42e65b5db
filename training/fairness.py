"""Fairness of a challenger between protected groups, on the customers whom its backtest judged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from training.result import FAIRNESS, CardTable, TrainingJob, Value
from vipreco.assurance import (
    DIFFERS,
    FairnessRow,
    GroupOutcomes,
    ProtectedGroups,
    compare_groups,
    read_groups,
)
from vipreco.backtest import BacktestResult
from vipreco.catalog import Catalog
from vipreco.features import read_prohibited
from vipreco.history import View
from vipreco.stats import OF_ALIKE, listed

METRIC: Final = "fairness/differing"
"""In how many measures of customers who behaved alike a protected group surely differs."""
OURS: Final = "vipreco"
EVERY_FAMILY: Final = "all"
MAX_NAMED: Final = 10
NOT_JUDGED: Final = (
    "Fairness between protected groups was not judged: training/gates.toml names no file of groups "
    "(`groups` under [fairness])."
)


@dataclass(frozen=True)
class Fairness:
    """Result of the check.

    Args:
        rows: Every measure of every group; none where there are no groups.
        judged: Whether a file of groups is named.
    """

    rows: tuple[FairnessRow, ...] = ()
    judged: bool = False

    @property
    def against(self) -> tuple[FairnessRow, ...]:
        """Rows that speak against a challenger."""
        return tuple(row for row in self.rows if row.verdict == DIFFERS and row.found.measure in OF_ALIKE)

    @property
    def metrics(self) -> dict[str, float]:
        """Figures that gates look at."""
        return {METRIC: float(len(self.against))} if self.judged else {}

    @property
    def details(self) -> dict[str, str]:
        """Groups behind the figure, in words."""
        named = [
            f"{row.attribute} {row.group}, {row.family}, {row.found.measure}: {row.found.value.value:.3f}, "
            f"others {row.found.others:.3f}"
            for row in self.against[:MAX_NAMED]
        ]
        return {METRIC: "; ".join(named)} if named else {}

    @property
    def limits(self) -> list[str]:
        """Sentences of the model card."""
        return [] if self.judged else [NOT_JUDGED]

    def card_tables(self) -> tuple[CardTable, ...]:
        """Return the measures over all products, and those of families that differ."""
        if not self.rows:
            return ()
        columns = ("attribute", "group", "products", "measure", "customers", "group's", "others", "verdict")
        shown = [row for row in self.rows if row.family == EVERY_FAMILY or row.verdict == DIFFERS]
        title = "Fairness between protected groups, 95 % intervals"
        return (CardTable(title, columns, tuple(map(_cells, shown)), FAIRNESS),)


def groups_of(job: TrainingJob) -> ProtectedGroups | None:
    """Return the protected groups that the gates name; None where they name none.

    Raises:
        UsageError: The file is missing or wrong; told before anything is fitted.
    """
    named = job.gates.fairness.groups
    return read_groups(job.project.root / named, read_prohibited(job.project.features)) if named else None


def judge_fairness(
    job: TrainingJob, groups: ProtectedGroups | None, found: BacktestResult, view: View
) -> Fairness:
    """Compare the groups among the customers who were judged, each at the newest date.

    Args:
        job: The training.
        groups: Protected groups; None where there are none.
        found: The backtest, whose models had not seen what is judged.
        view: Names the families of the products.
    """
    if groups is None or found.judged is None:
        return Fairness()
    judged, limits = found.judged, job.gates.fairness
    newest = _last_of_each(judged.customer_ids)
    chances, pairs = np.asarray(judged.scores[OURS])[newest], judged.listable[newest]
    catalog = Catalog.from_view(view)
    family_of = dict(zip(catalog.product_ids, catalog.families, strict=True))
    outcomes = GroupOutcomes(
        judged.customer_ids[newest].astype(np.str_),
        np.array([family_of.get(product, "") for product in found.product_ids], np.str_),
        listed(chances, pairs, limits.top),
        np.where(pairs, chances, 0.0),
        judged.truth[newest] & pairs,
    )
    return Fairness(compare_groups(outcomes, groups, limits), judged=True)


def _last_of_each(customer_ids: np.ndarray) -> np.ndarray:
    """Return the index of the last row of each customer: trials follow each other in time."""
    _, first = np.unique(customer_ids[::-1].astype(np.str_), return_index=True)
    return np.sort(len(customer_ids) - 1 - first)


def _cells(row: FairnessRow) -> tuple[Value | None, ...]:
    own = row.found.value
    value = f"{own.value:.3f} [{own.low:.3f}, {own.high:.3f}]" if own.value == own.value else None
    others = float(row.found.others)
    told = others if others == others else None  # noqa: PLR0124 - NaN alone differs from itself
    names = (row.attribute, row.group, row.family, row.found.measure, row.found.customers)
    return (*names, value, told, row.verdict)
