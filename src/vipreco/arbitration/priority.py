"""priority = propensity x value x context x lever, with every factor kept beside the result."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration.context import ACTIONS, Context
from vipreco.arbitration.levers import product_levers, tier_levers, weights
from vipreco.arbitration.value import CustomerEconomics, Values, values
from vipreco.columns import CONTEXT, KEPT_AMOUNT, LEVER, LIFT_AMOUNT, MARGIN_AMOUNT, PROPENSITY, VALUE_AMOUNT
from vipreco.settings import ArbitrationSettings

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

Factor: TypeAlias = Literal["propensity", "value", "margin", "kept", "lift", "context", "lever"]
FACTORS: tuple[Factor, ...] = get_args(Factor)
KEEP, DEVELOP = range(len(ACTIONS))


@dataclass(frozen=True)
class Customers:
    """Facts of n customers that arbitration uses.

    Args:
        economics: Assets, next tier, chances of attrition and of a tier upgrade.
        context: Weights of their situation.
        tiers: Tier as text, None where unknown, shape (n,).
        personalised: False for those who refused profiling: nothing about them is used, shape (n,).
    """

    economics: CustomerEconomics
    context: Context
    tiers: NDArray[np.object_]
    personalised: Mask

    @classmethod
    def unknown(cls, customers: int, products: int) -> Customers:
        """Return customers of whom nothing is known."""
        tiers = np.full(customers, None, object)
        everybody = np.ones(customers, bool)
        return cls(CustomerEconomics.unknown(customers), Context.plain(customers, products), tiers, everybody)

    def take(self, rows: slice) -> Customers:
        """Return some of the customers."""
        return Customers(
            self.economics.take(rows), self.context.take(rows), self.tiers[rows], self.personalised[rows]
        )


@dataclass(frozen=True)
class PriorityFactors:
    """Factors of the priority of each offer, and of a call without an offer; n customers, P products.

    Args:
        propensity: P(acquire within the horizon), shape (n, P).
        values: Components of the value.
        economics: What the value was estimated from.
        context: Weights of the customers' situations.
        product_lever: Business weight of each product, shape (P,).
        tier_lever: Business weight of each customer's tier, shape (n,).
        action_lever: Business weight of each of `ACTIONS`, shape (2,).
    """

    propensity: Floats
    values: Values
    economics: CustomerEconomics
    context: Context
    product_lever: Floats
    tier_lever: Floats
    action_lever: Floats

    def take(self, rows: slice) -> PriorityFactors:
        """Return what the offers to some customers are worth."""
        return PriorityFactors(
            self.propensity[rows],
            self.values.take(rows),
            self.economics.take(rows),
            self.context.take(rows),
            self.product_lever,
            self.tier_lever[rows],
            self.action_lever,
        )

    @cached_property
    def priority(self) -> Floats:
        """Propensity x value x context x lever, never NaN, shape (n, P)."""
        found = self.value()
        found *= self.propensity
        found *= self.context.products[self.context.group]
        found *= self.product_lever
        found *= self.tier_lever[:, None]
        return found

    def value(self) -> Floats:
        """Return margin + kept + lift in currency, shape (n, P)."""
        parts = self.values
        found: Floats = parts.margin[None, :] + parts.kept[:, None]
        if parts.lift.any():
            found += parts.lift[:, None] * parts.brings_assets
        return found

    @cached_property
    def actions(self) -> Floats:
        """Priority of a call without a product, by action, shape (n, 2).

        keep: P(attrition) x what a call keeps; develop: P(tier upgrade) x what a call adds; each x context x
        lever.
        Where the chance is unknown it is 0.
        """
        factors = self.action_factors()
        chance = np.nan_to_num(factors[PROPENSITY], nan=0.0)
        return np.asarray(chance * factors[VALUE_AMOUNT] * factors[CONTEXT] * factors[LEVER])

    def action_factors(self) -> dict[str, Floats]:
        """Return the factors of each of `ACTIONS`, shape (n, 2) each, by name of the column.

        The propensity is the chance that the call is about, of attrition or of a tier upgrade; NaN where it
        is unknown.
        """
        return {
            PROPENSITY: np.column_stack(
                [self.economics.attrition_probability, self.economics.tier_upgrade_probability]
            ),
            VALUE_AMOUNT: np.column_stack([self.values.kept_by_call, self.values.lifted_by_call]),
            CONTEXT: self.context.actions[self.context.group],
            LEVER: self.action_lever * self.tier_lever[:, None],
        }

    def at(self, rows: Indices, columns: Indices) -> dict[str, NDArray[np.generic]]:
        """Return the factors of customer `rows[i]` and product `columns[i]`, by name of the column."""
        parts = self.values
        lift = parts.lift[rows] * parts.brings_assets[columns]
        return {
            MARGIN_AMOUNT: parts.margin[columns],
            KEPT_AMOUNT: parts.kept[rows],
            LIFT_AMOUNT: lift,
            VALUE_AMOUNT: parts.margin[columns] + parts.kept[rows] + lift,
            CONTEXT: self.context.products[self.context.group[rows], columns],
            LEVER: self.product_lever[columns] * self.tier_lever[rows],
        }

    def unknown_at(self, rows: Indices, columns: Indices) -> NDArray[np.intp]:
        """Return which components count 0 because an input is unknown: bits margin 1, kept 2, lift 4."""
        parts = self.values
        bits = 1 * parts.margin_unknown[columns] + 2 * parts.kept_unknown[rows]
        return np.asarray(bits + 4 * (parts.lift_unknown[rows] & parts.brings_assets[columns]), np.intp)

    @cached_property
    def money(self) -> PriorityFactors:
        """The same without context and levers: its priorities are expected amounts, propensity x value."""
        return self.without("context").without("lever")

    def without(self, factor: Factor) -> PriorityFactors:
        """Return the same with one factor left out: 1 in a product, 0 in the sum of the value."""
        return replace(self, **self._left_out(factor))

    def _left_out(self, factor: Factor) -> dict[str, Any]:
        parts, ones, none = self.values, np.ones_like(self.product_lever), np.zeros_like(self.tier_lever)
        sure, calls = self.economics.certain(), np.ones_like(none)
        plain: dict[str, Any] = {
            "margin": ones,
            "kept": none,
            "lift": none,
            "kept_by_call": calls,
            "lifted_by_call": calls,
        }
        weights = {"product_lever": ones, "tier_lever": calls, "action_lever": np.ones(len(ACTIONS))}
        changed: dict[Factor, dict[str, Any]] = {
            "propensity": {"propensity": np.ones_like(self.propensity), "economics": sure},
            "value": {"values": replace(parts, **plain)},
            "margin": {"values": replace(parts, margin=np.zeros_like(ones))},
            "kept": {"values": replace(parts, kept=none, kept_by_call=none)},
            "lift": {"values": replace(parts, lift=none, lifted_by_call=none)},
            "context": {"context": Context.plain(len(none), len(ones))},
            "lever": weights,
        }
        return changed[factor]


def priority_factors(
    propensity: Floats,
    unit_values: Floats,
    product_ids: tuple[str, ...],
    families: tuple[str, ...],
    customers: Customers,
    settings: ArbitrationSettings,
) -> PriorityFactors:
    """Return what each pair is worth, with its factors.

    Args:
        propensity: P(acquire within the horizon), shape (n, P).
        unit_values: Margin of one acquisition in currency, NaN where unknown, shape (P,).
        product_ids: The products, shape (P,).
        families: Their families, shape (P,).
        customers: The n customers.
        settings: The recipe's.
    """
    economics = customers.economics.masked(customers.personalised)
    return PriorityFactors(
        propensity=propensity,
        values=values(economics, unit_values, families, settings),
        economics=economics,
        context=customers.context.masked(customers.personalised),
        product_lever=product_levers(product_ids, families, settings.levers),
        tier_lever=np.where(customers.personalised, tier_levers(customers.tiers, settings.levers), 1.0),
        action_lever=weights(
            ACTIONS, {str(name): weight for name, weight in settings.levers.actions.items()}
        ),
    )
