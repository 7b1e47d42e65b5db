"""Value in money: margin of an acquisition, assets kept, lift of the tier; each an estimate with its inputs.

Every component is an amount in the bank's currency. A component whose input is unknown is 0 and marked: no
customer is called for a number that nobody has.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.settings import ArbitrationSettings, ValueSettings

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class AttritionKinds:
    """Attrition of n customers by its kinds: closure, outflow, dip below the line of the tier.

    Args:
        probabilities: P(kind) within the horizon; at most one kind happens; NaN is unknown, shape (n, 3).
        lost_shares: Share of the assets that goes with each kind, shape (3,).
    """

    probabilities: Floats
    lost_shares: Floats

    def take(self, rows: slice) -> AttritionKinds:
        """Return the kinds of some customers."""
        return AttritionKinds(self.probabilities[rows], self.lost_shares)

    def masked(self, known: Mask) -> AttritionKinds:
        """Return the same, but nothing about the customers who are not in `known`, shape (n,)."""
        return AttritionKinds(np.where(known[:, None], self.probabilities, np.nan), self.lost_shares)

    def mean_share(self, weights: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Floats:
        """Return the share of the assets that goes with attrition on average, times a weight a kind, (n,)."""
        closure, outflow, dip = self.probabilities.T
        price = self.lost_shares * np.array(weights)
        # Term by term, not as a product of matrices, whose last bits depend on how many customers there are.
        total = closure + outflow + dip
        lost = closure * price[0] + outflow * price[1] + dip * price[2]
        mean: Floats = np.divide(lost, total, out=np.full(len(total), np.nan), where=total > 0)
        return mean


@dataclass(frozen=True)
class CustomerEconomics:
    """Figures of n customers from which their value is estimated; NaN is unknown.

    Args:
        aum: Assets under management in currency, shape (n,).
        next_line: Assets at which the next tier begins, in currency; NaN also above the last, shape (n,).
        attrition_probability: P(customer leaves, or falls below their tier) within the horizon, shape (n,).
        tier_upgrade_probability: P(customer reaches the next tier) within the horizon, shape (n,).
        kinds: Attrition by its kinds, whose sum is the chance above; None with a model of before, which
            tells it as one.
    """

    aum: Floats
    next_line: Floats
    attrition_probability: Floats
    tier_upgrade_probability: Floats
    kinds: AttritionKinds | None = None

    @classmethod
    def unknown(cls, customers: int) -> CustomerEconomics:
        """Return the economics of customers of whom nothing is known."""
        unknown = np.full(customers, np.nan)
        return cls(unknown, unknown, unknown, unknown)

    def masked(self, known: Mask) -> CustomerEconomics:
        """Return the same, but nothing about the customers who are not in `known`, shape (n,)."""
        aum, next_line, attrition, upgrade = (
            np.where(known, column, np.nan)
            for column in (
                self.aum,
                self.next_line,
                self.attrition_probability,
                self.tier_upgrade_probability,
            )
        )
        return CustomerEconomics(aum, next_line, attrition, upgrade, self.kinds and self.kinds.masked(known))

    def certain(self) -> CustomerEconomics:
        """Return the same, but every chance that is known is 1."""
        return replace(
            self,
            attrition_probability=_one(self.attrition_probability),
            tier_upgrade_probability=_one(self.tier_upgrade_probability),
        )

    def take(self, rows: slice) -> CustomerEconomics:
        """Return the economics of some customers."""
        return CustomerEconomics(
            self.aum[rows],
            self.next_line[rows],
            self.attrition_probability[rows],
            self.tier_upgrade_probability[rows],
            self.kinds and self.kinds.take(rows),
        )


@dataclass(frozen=True)
class Values:
    """Components of the value in currency, for n customers and P products.

    Args:
        margin: Margin of one acquisition, shape (P,).
        margin_unknown: Products without a value in the catalogue, shape (P,).
        kept: Assets kept by one more product, shape (n,).
        kept_unknown: Customers whose assets kept are unknown, shape (n,).
        lift: Lift of the tier by an acquisition that brings in assets, shape (n,).
        lift_unknown: Customers whose lift is unknown, shape (n,).
        brings_assets: Products whose acquisition brings in assets, shape (P,).
        kept_by_call: What a call to a customer who would leave keeps, shape (n,).
        lifted_by_call: What a call to a customer who would rise adds, shape (n,).
    """

    margin: Floats
    margin_unknown: Mask
    kept: Floats
    kept_unknown: Mask
    lift: Floats
    lift_unknown: Mask
    brings_assets: Mask
    kept_by_call: Floats
    lifted_by_call: Floats

    def take(self, rows: slice) -> Values:
        """Return the components of some customers."""
        own = ("kept", "kept_unknown", "lift", "lift_unknown", "kept_by_call", "lifted_by_call")
        return replace(self, **{name: getattr(self, name)[rows] for name in own})


def values(
    economics: CustomerEconomics,
    unit_values: Floats,
    families: tuple[str, ...],
    settings: ArbitrationSettings,
) -> Values:
    """Return the components of the value.

    Args:
        economics: Of n customers.
        unit_values: Margin of one acquisition in currency, NaN where unknown, shape (P,).
        families: Family of each product, shape (P,).
        settings: With `unit_value` only the margin counts; with `none` every acquisition counts 1.
    """
    rates, money = settings.values, settings.value == "money"
    counted = economics if money else CustomerEconomics.unknown(len(economics.aum))
    stake, uplift = assets_at_stake(counted, rates), tier_uplift(counted, rates)
    kept = counted.attrition_probability * rates.acquisition_keeps * stake
    by_call = rates.contact_keeps * stake
    if counted.kinds is not None:
        by_call = yearly_margin(counted, rates) * counted.kinds.mean_share(rates.call_keeps)
    lift = counted.tier_upgrade_probability * rates.acquisition_lifts * uplift
    brings = np.isin(np.array(families, dtype=object), np.array(rates.asset_families, dtype=object))
    return Values(
        margin=margins(unit_values, settings),
        margin_unknown=np.isnan(unit_values) & (settings.value != "none"),
        kept=_known(kept),
        kept_unknown=np.isnan(kept) & money,
        lift=_known(lift),
        lift_unknown=np.isnan(lift) & money,
        brings_assets=brings,
        kept_by_call=_known(by_call),
        lifted_by_call=_known(rates.contact_lifts * uplift),
    )


def margins(unit_values: Floats, settings: ArbitrationSettings) -> Floats:
    """Return the margin of one acquisition in currency, shape (P,); 0 where it is unknown.

    Where the catalogue has no value at all, or the recipe asks for none, every acquisition counts 1: the
    order is then by propensity, context and levers.
    """
    if settings.value == "none" or bool(np.isnan(unit_values).all()):
        return np.ones(len(unit_values))
    return _known(unit_values)


def assets_at_stake(economics: CustomerEconomics, rates: ValueSettings) -> Floats:
    """Return what the bank loses by the attrition of a customer, in currency, shape (n,).

    share at risk [1] x assets [currency] x annual margin rate [1/year] x years [year], and, where attrition
    is known by its kinds, x the share that goes with them on average [1]
    """
    whole = yearly_margin(economics, rates)
    return whole if economics.kinds is None else whole * economics.kinds.mean_share()


def yearly_margin(economics: CustomerEconomics, rates: ValueSettings) -> Floats:
    """Return what the bank earns on the assets at risk over the years that count, in currency, shape (n,)."""
    return rates.share_at_risk * economics.aum * rates.annual_margin_rate * rates.years


def tier_uplift(economics: CustomerEconomics, rates: ValueSettings) -> Floats:
    """Return what the bank earns more from a customer who reaches the next tier, in currency, shape (n,).

    The assets that lack to the line are the minimum that the customer brings in:
    max(next line - assets, 0) [currency] x annual margin rate [1/year] x years [year]
    """
    missing = np.maximum(economics.next_line - economics.aum, 0.0)
    return np.asarray(missing * rates.annual_margin_rate * rates.years)


def _one(chances: Floats) -> Floats:
    return np.where(np.isnan(chances), np.nan, 1.0)


def _known(amounts: Floats) -> Floats:
    return np.nan_to_num(amounts, nan=0.0)
