"""Tiers and assets of customers, and their chances of attrition and tier upgrade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration import AttritionKinds
from vipreco.columns import AUM_AMOUNT, CUSTOMER_ID, TIER
from vipreco.history import View
from vipreco.propensity import ATTRITION, ATTRITION_KINDS, TIER_UPGRADE, RelationshipModel
from vipreco.settings import TierLadder

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Relations:
    """The n customers of a view, in the order of their ids.

    Args:
        tiers: Tier as text, None where unknown, shape (n,).
        aum: Assets under management, NaN where unknown, shape (n,).
        next_line: Assets at which the next tier begins; NaN above the last or where unknown, shape (n,).
        opted_out: Customers whom no model may score, shape (n,).
        attrition_applies: VIP customers whom a model may score, shape (n,).
        tier_upgrade_applies: Customers below the highest tier whom a model may score, shape (n,).
    """

    tiers: NDArray[Any]
    aum: Floats
    next_line: Floats
    opted_out: Mask
    attrition_applies: Mask
    tier_upgrade_applies: Mask

    def take(self, rows: slice) -> Relations:
        """Return some of the customers."""
        return Relations(
            self.tiers[rows],
            self.aum[rows],
            self.next_line[rows],
            self.opted_out[rows],
            self.attrition_applies[rows],
            self.tier_upgrade_applies[rows],
        )


@dataclass(frozen=True)
class Chances:
    """Chances of attrition and tier upgrade of n customers within the horizon; NaN where they do not apply.

    Args:
        attrition_probability: P(a VIP customer leaves, falls below their tier, or loses half of their
            assets), shape (n,).
        tier_upgrade_probability: P(a customer reaches a higher tier), shape (n,).
        kinds: Attrition by its kinds, whose chances add up to the first; None with a model of before.
    """

    attrition_probability: Floats
    tier_upgrade_probability: Floats
    kinds: AttritionKinds | None = None

    @classmethod
    def of(
        cls, model: RelationshipModel | None, values: NDArray[np.float32], relations: Relations
    ) -> Chances:
        """Score customers by their columns of the fit, shape (n, k)."""
        if model is None:
            unknown = np.full(len(values), np.nan)
            return cls(unknown, unknown)
        applies = relations.attrition_applies
        upgrade = model.probabilities(TIER_UPGRADE, values, relations.tier_upgrade_applies)
        if not model.has_kinds:
            return cls(model.probabilities(ATTRITION, values, applies), upgrade)
        chances = np.column_stack([model.probabilities(kind, values, applies) for kind in ATTRITION_KINDS])
        shares = np.array([model.lost_shares[kind] for kind in ATTRITION_KINDS])
        closure, outflow, dip = chances.T
        return cls(np.minimum(closure + outflow + dip, 1.0), upgrade, AttritionKinds(chances, shares))


def relations_of(view: View, ladder: TierLadder) -> Relations:
    """Return how the customers of a view stand.

    Args:
        view: What was known at a date.
        ladder: The bank's tiers.
    """
    rows = view.query(
        f"SELECT {TIER}, CAST({AUM_AMOUNT} AS DOUBLE) AS aum, "
        "coalesce(profiling_opt_out, false) AS opted_out "
        f"FROM customers_now ORDER BY {CUSTOMER_ID}"
    )
    opted_out = rows["opted_out"].to_numpy().astype(bool)
    tiers, aum = rows[TIER].to_numpy().astype(object), np.asarray(rows["aum"].to_numpy(), np.float64)
    ranks, vip = ladder.ranks(tiers), np.isin(tiers.astype(np.str_), np.array(ladder.vip, np.str_))
    highest = max(map(ladder.rank, ladder.thresholds(view.date)), default=-1)
    return Relations(
        tiers=tiers,
        aum=aum,
        next_line=next_lines(ladder, ranks, aum, view),
        opted_out=opted_out,
        attrition_applies=vip & (ranks >= 0) & ~opted_out,
        tier_upgrade_applies=(ranks >= 0) & (ranks < highest) & ~opted_out,
    )


def next_lines(ladder: TierLadder, ranks: NDArray[np.int64], aum: Floats, view: View) -> Floats:
    """Return the line of the next higher tier than a customer's own, shape (n,); NaN where there is none.

    By the tier that the bank gave, not by the assets: a tier may outlast the assets that gave it.
    """
    lines = ladder.thresholds(view.date)
    places = np.array([ladder.rank(tier) for tier in lines], np.int64)
    amounts = np.array([*lines.values(), np.nan])
    return np.where(
        (ranks >= 0) & ~np.isnan(aum), amounts[np.searchsorted(places, ranks, side="right")], np.nan
    )
