"""priority = gain x value x context x lever, with every factor kept beside the result.

The gain is what a contact adds to the chance of an acquisition; recipes may let the whole chance count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration.context import ACTIONS, Context
from vipreco.arbitration.levers import product_levers, tier_levers, weights
from vipreco.arbitration.value import CustomerEconomics, Values, values
from vipreco.columns import (
    CHANCE_WITH_CONTACT,
    CHANCE_WITHOUT_CONTACT,
    CONTEXT,
    EXPECTED_GAIN,
    KEPT_AMOUNT,
    LEVER,
    LIFT_AMOUNT,
    MARGIN_AMOUNT,
    PROPENSITY,
    VALUE_AMOUNT,
)
from vipreco.contact_effect import ContactEffects, PairChances, PairEffects, PastContacts
from vipreco.settings import ArbitrationSettings

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

Factor: TypeAlias = Literal["propensity", "contact", "value", "margin", "kept", "lift", "context", "lever"]
Counted: TypeAlias = Literal["gain", "chance", "one"]
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
        past: Their earlier contacts; None where they are unknown or do not count.
    """

    economics: CustomerEconomics
    context: Context
    tiers: NDArray[np.object_]
    personalised: Mask
    past: PastContacts | None = None

    @classmethod
    def unknown(cls, customers: int, products: int) -> Customers:
        """Return customers of whom nothing is known."""
        tiers = np.full(customers, None, object)
        everybody = np.ones(customers, bool)
        return cls(CustomerEconomics.unknown(customers), Context.plain(customers, products), tiers, everybody)

    def take(self, rows: slice) -> Customers:
        """Return some of the customers."""
        return Customers(
            self.economics.take(rows),
            self.context.take(rows),
            self.tiers[rows],
            self.personalised[rows],
            self.past and self.past.take(rows),
        )


@dataclass(frozen=True)
class PriorityFactors:
    """Factors of the priority of each offer, and of a call without an offer; n customers, P products.

    Args:
        propensity: P(acquire within the horizon), shape (n, P).
        chances: The same without a contact and with one, in the channel of `effects`.
        effects: Effects of contacts.
        counted: Part of the chance that counts in the priority: what the contact adds, the propensity, or 1.
        values: Components of the value.
        economics: What the value was estimated from.
        context: Weights of the customers' situations.
        product_lever: Business weight of each product, shape (P,).
        tier_lever: Business weight of each customer's tier, shape (n,).
        action_lever: Business weight of each of `ACTIONS`, shape (2,).
    """

    propensity: Floats
    chances: PairChances
    effects: PairEffects
    counted: Counted
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
            self.chances.take(rows),
            self.effects.take(rows),
            self.counted,
            self.values.take(rows),
            self.economics.take(rows),
            self.context.take(rows),
            self.product_lever,
            self.tier_lever[rows],
            self.action_lever,
        )

    def through(self, channel: str) -> PriorityFactors:
        """Return the factors of the same offers in another channel."""
        if channel == self.effects.channel:
            return self
        effects = self.effects.through(channel)
        return replace(self, effects=effects, chances=effects.chances(self.propensity))

    @cached_property
    def priority(self) -> Floats:
        """Gain x value x context x lever, never NaN, shape (n, P)."""
        return self._weighted(self.gain)

    @property
    def gain(self) -> Floats:
        """Part of the chance that counts in the priority, shape (n, P)."""
        if self.counted == "gain":
            return self.chances.gain
        return self.propensity if self.counted == "chance" else np.ones_like(self.propensity)

    def weight(self) -> Floats:
        """Return the priority of a gain of 1: value x context x lever, shape (n, P)."""
        return self._weighted(np.ones_like(self.propensity))

    def _weighted(self, gain: Floats) -> Floats:
        found = self.value()
        found *= gain  # first: receipts hold the digits of this order
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
        parts, chances = self.values, self.chances
        lift = parts.lift[rows] * parts.brings_assets[columns]
        value = parts.margin[columns] + parts.kept[rows] + lift
        without, with_contact = chances.without[rows, columns], chances.with_contact[rows, columns]
        return {
            CHANCE_WITHOUT_CONTACT: without,
            CHANCE_WITH_CONTACT: with_contact,
            MARGIN_AMOUNT: parts.margin[columns],
            KEPT_AMOUNT: parts.kept[rows],
            LIFT_AMOUNT: lift,
            VALUE_AMOUNT: value,
            EXPECTED_GAIN: (with_contact - without) * value,
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
        """The same without context and levers: its priorities are expected amounts, gain x value."""
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
            "propensity": {"counted": "one", "economics": sure},
            "contact": {"counted": "chance" if self.counted == "gain" else self.counted},
            "value": {"values": replace(parts, **plain)},
            "margin": {"values": replace(parts, margin=np.zeros_like(ones))},
            "kept": {"values": replace(parts, kept=none, kept_by_call=none)},
            "lift": {"values": replace(parts, lift=none, lifted_by_call=none)},
            "context": {"context": Context.plain(len(none), len(ones))},
            "lever": weights,
        }
        return changed[factor]


def _used_tiers(customers: Customers) -> NDArray[np.object_]:
    """Return the tier of each customer, None for those who refused profiling, shape (n,)."""
    found = customers.tiers.copy()
    found[~customers.personalised] = None
    return found


def priority_factors(
    propensity: Floats,
    unit_values: Floats,
    product_ids: tuple[str, ...],
    families: tuple[str, ...],
    customers: Customers,
    settings: ArbitrationSettings,
    *,
    contact: tuple[ContactEffects, str],
) -> PriorityFactors:
    """Return what each pair is worth, with its factors.

    Args:
        propensity: P(acquire within the horizon), shape (n, P).
        unit_values: Margin of one acquisition in currency, NaN where unknown, shape (P,).
        product_ids: The products, shape (P,).
        families: Their families, shape (P,).
        customers: The n customers.
        settings: The recipe's.
        contact: Effects of contacts, and the channel of the offers.
    """
    economics = customers.economics.masked(customers.personalised)
    past = customers.past and customers.past.masked(customers.personalised)
    effects = PairEffects.of(*contact, families, _used_tiers(customers), past)
    return PriorityFactors(
        propensity=propensity,
        chances=effects.chances(propensity),
        effects=effects,
        counted=settings.order,
        values=values(economics, unit_values, families, settings),
        economics=economics,
        context=customers.context.masked(customers.personalised),
        product_lever=product_levers(product_ids, families, settings.levers),
        tier_lever=np.where(customers.personalised, tier_levers(customers.tiers, settings.levers), 1.0),
        action_lever=weights(
            ACTIONS, {str(name): weight for name, weight in settings.levers.actions.items()}
        ),
    )
