"""The numbers of a campaign report, without any number about a single customer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.campaign.arms import Arm
from vipreco.campaign.report.outcomes import CampaignOutcomes
from vipreco.campaign.report.privacy import grouped
from vipreco.campaign.report.side_measures import SideMeasures, side_measures
from vipreco.stats import (
    ArmCounts,
    Comparison,
    Estimate,
    ForecastComparison,
    OffPolicyEstimate,
    compare,
    compare_forecast,
    customers_needed,
    difference_of_means,
    p_value_of_count,
    p_values,
    qini_coefficient,
    qini_curve,
)

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
DIMENSIONS = ("product_id", "tier", "channel")
SUSPICIOUS = 0.01
QINI_POINTS = 200
CUSTOMERS = "customers"


@dataclass(frozen=True)
class Step:
    """A step of the funnel: name, customers, their share of the step before (acquired: of the list)."""

    name: str
    customers: int
    share: float


@dataclass(frozen=True)
class Check:
    """A test of the design: what is compared, and the chance of such a difference when all is well."""

    name: str
    first: float
    second: float
    p: float

    @property
    def known(self) -> bool:
        """True if there were enough customers to test."""
        return not math.isnan(self.p)

    @property
    def fine(self) -> bool:
        """True if nothing speaks against the design."""
        return not self.known or self.p >= SUSPICIOUS


@dataclass(frozen=True)
class Money:
    """Value and cost of the offers that are compared with the control group.

    Args:
        cost: Of all their contacts, at the unit costs of the campaign.
        value: Of the acquisitions that would not have been without the campaign.
        a_unit: That value for each unit of money spent.
    """

    cost: float
    value: Estimate
    a_unit: Estimate


@dataclass(frozen=True)
class Measures:
    """All numbers of a report.

    Args:
        primary: The offered product, offered against control.
        campaign: Any product of the campaign, offered against control.
        anything: Any product at all, offered against control.
        explored: Any product of the campaign, random offers against control; None without random offers.
        groups: Subgroups, small ones put together.
        funnel: From the list to the acquisition; contacts are left out where none are on record.
        forecast: Forecast probabilities against acquisitions, of the customers with an offer.
        money: Value and cost.
        checks: Of the design.
        order: Effect by forecast probability; None without enough data.
        curve: Qini curve of that order, at most a few hundred points; empty without enough data.
        other: Estimate of another policy; None if not asked for.
        arms: Customers by arm, all and not seen again.
        touched: Control customers who were contacted in the campaign.
        extra_offers: Offers with no counterpart in the control group.
        sides: Challenger against champion; None where no challenger took part.
        needed: Customers who would show the effect that the campaign was planned for; None if not words.
    """

    primary: Comparison
    campaign: Comparison
    anything: Comparison
    explored: Comparison | None
    groups: pl.DataFrame
    funnel: tuple[Step, ...]
    forecast: ForecastComparison
    money: Money
    checks: tuple[Check, ...]
    order: Estimate | None
    curve: pl.DataFrame
    other: OffPolicyEstimate | None
    arms: pl.DataFrame
    touched: int
    extra_offers: int
    sides: SideMeasures | None
    needed: int | None


def measure(outcomes: CampaignOutcomes, seed: int, other: OffPolicyEstimate | None = None) -> Measures:
    """Return the numbers of a campaign.

    The comparison holds the customers to whom the prices alone give an offer, whether or not it was made: the
    control group against the others, random offers left out: the groups of the random assignment.

    Args:
        outcomes: Outcomes of the campaign.
        seed: Of resampling.
        other: Estimate for another policy, words as it is.
    """
    everybody = outcomes.customers
    seen = everybody.filter("observed")
    rows = _compared(seen)
    primary = _compare(rows, "acquired", "value_amount")
    order, curve = _order(rows, primary, seed)
    return Measures(
        primary=primary,
        campaign=_compare(rows, "acquired_campaign"),
        anything=_compare(rows, "acquired_any"),
        explored=_explored(seen),
        groups=grouped(rows, list(DIMENSIONS)),
        funnel=_funnel(everybody, outcomes.contacts_known),
        forecast=_forecast(seen, outcomes),
        money=_money(rows, primary),
        checks=(_halves(rows), _share(everybody, outcomes), _balance(rows), _leaving(everybody)),
        order=order,
        curve=curve,
        other=other,
        arms=_arms(everybody),
        touched=int((_is(everybody, Arm.CONTROL) & everybody["contacted"]).sum()),
        extra_offers=int((_is(seen, Arm.OFFERED) & ~seen["would_offer"]).sum()),
        sides=side_measures(seen),
        needed=_needed(rows, outcomes),
    )


def _compared(customers: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the randomised comparison, with `treated`."""
    return customers.filter(pl.col("would_offer") & (pl.col("arm") != Arm.EXPLORED)).with_columns(
        treated=pl.col("arm") != Arm.CONTROL
    )


def _compare(rows: pl.DataFrame, acquired: str, value: str | None = None) -> Comparison:
    flags = rows[acquired].to_numpy()
    known = _numbers(rows["propensity"])
    money = None if value is None else _numbers(rows[value])
    return compare(
        rows["treated"].to_numpy(),
        flags,
        None if money is None else flags * money,
        known,
        None if money is None else known * money,
    )


def _explored(customers: pl.DataFrame) -> Comparison | None:
    """Compare random offers with the whole control group, by any product of the campaign."""
    rows = customers.filter(pl.col("arm").is_in([Arm.EXPLORED, Arm.CONTROL]))
    treated = _is(rows, Arm.EXPLORED).to_numpy()
    if not treated.any():
        return None
    return compare(treated, rows["acquired_campaign"].to_numpy())


def _funnel(customers: pl.DataFrame, contacts_known: bool) -> tuple[Step, ...]:
    listed = customers.filter(
        pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]) & pl.col("offered_product_id").is_not_null()
    )
    names = ("contacted", "reached", "accepted") if contacts_known else ()
    counts = [("listed", listed.height)]
    counts += [(name, int(listed[name].sum())) for name in names]
    counts.append(("acquired", int(listed["acquired_offer"].sum())))
    before = [listed.height, *(count for _, count in counts)]
    before[len(names) + 1] = listed.height
    return tuple(
        Step(name, count, count / last if last else math.nan)
        for (name, count), last in zip(counts, before, strict=False)
    )


def _forecast(customers: pl.DataFrame, outcomes: CampaignOutcomes) -> ForecastComparison:
    """Compare the model's own probabilities with outcomes: a channel's reach rate is taken out of them."""
    channels = outcomes.manifest["campaign"].get("channels") or {}
    rates = {name: float(one.get("reach_rate") or 1.0) for name, one in channels.items()}
    reach = pl.col("channel").replace_strict(rates, default=1.0, return_dtype=pl.Float64)
    made = customers.filter(
        pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]) & pl.col("propensity").is_not_null()
    )
    chances = made.select((pl.col("propensity") / reach).clip(0, 1).alias("chance"))["chance"]
    return compare_forecast(_numbers(chances), made["acquired_offer"].to_numpy())


def _money(rows: pl.DataFrame, primary: Comparison) -> Money:
    cost = float(rows.filter("treated")["cost_amount"].fill_null(0).sum())
    value = primary.extra_value
    a_unit = value.times(1 / cost) if cost > 0 else Estimate(math.nan, lacks="cost")
    return Money(cost, value, a_unit)


def _halves(rows: pl.DataFrame) -> Check:
    """Compare two halves of the control group, to which nothing different happened: the A/A check."""
    control = rows.filter(~pl.col("treated"))
    half, acquired = control["half"].to_numpy(), control["acquired"].to_numpy()
    counts = ArmCounts.of(half.sum(), (half & acquired).sum(), (~half).sum(), (~half & acquired).sum())
    enough = counts.treated_acquired[0] + counts.control_acquired[0] >= 2 * 5
    p = float(p_values(counts)[0]) if enough else math.nan
    return Check("halves", float(counts.treated_rate[0]), float(counts.control_rate[0]), p)


def _share(customers: pl.DataFrame, outcomes: CampaignOutcomes) -> Check:
    """Compare the share of the control group with the one that was ordered."""
    ordered = float(outcomes.manifest["campaign"].get("control_share") or 0.0)
    total, control = customers.height, int(_is(customers, Arm.CONTROL).sum())
    p = p_value_of_count(control, ordered * total, ordered * (1 - ordered) * total)
    return Check("share", control / total if total else math.nan, ordered, p)


def _balance(rows: pl.DataFrame) -> Check:
    """Compare the forecast probability of both arms, which was fixed before."""
    forecast, treated = _numbers(rows["propensity"]), rows["treated"].to_numpy()
    difference = difference_of_means(forecast, treated)
    means = [float(forecast[arm].mean()) if arm.any() else math.nan for arm in (treated, ~treated)]
    return Check("balance", means[0], means[1], difference.p_value())


def _leaving(customers: pl.DataFrame) -> Check:
    """Compare the share of both arms that was not seen again."""
    rows = _compared(customers)
    treated, gone = rows["treated"].to_numpy(), ~rows["observed"].to_numpy()
    counts = ArmCounts.of(treated.sum(), (treated & gone).sum(), (~treated).sum(), (~treated & gone).sum())
    enough = counts.treated_acquired[0] + counts.control_acquired[0] >= 2 * 5
    p = float(p_values(counts)[0]) if enough else math.nan
    return Check("unseen", float(counts.treated_rate[0]), float(counts.control_rate[0]), p)


def _needed(rows: pl.DataFrame, outcomes: CampaignOutcomes) -> int | None:
    """Return the sample size that shows the planned effect with a power of 80 %, by the forecasts."""
    campaign = outcomes.manifest["campaign"]
    share, effect = (float(campaign.get(name) or 0.0) for name in ("control_share", "effect_rate"))
    base = float(_numbers(rows["propensity"]).mean()) if rows.height else 0.0
    if not (0 < share < 1 and effect and 0 <= base + effect <= 1):
        return None
    return customers_needed(base, effect, share)


def _order(rows: pl.DataFrame, primary: Comparison, seed: int) -> tuple[Estimate | None, pl.DataFrame]:
    """Judge whether customers with a higher forecast probability are moved more."""
    if not primary.relative.known:
        return None, pl.DataFrame()
    score, treated = _numbers(rows["propensity"]), rows["treated"].to_numpy()
    acquired = rows["acquired"].to_numpy()
    curve = qini_curve(score, treated, acquired)
    step = max(1, math.ceil(curve.height / QINI_POINTS))
    thinned = pl.concat([curve.gather_every(step), curve.tail(1)]).unique("customers", maintain_order=True)
    per_treated = [(pl.col(name) / primary.treated).alias(name) for name in ("qini", "random")]
    words = thinned.select("share", *per_treated)
    return qini_coefficient(score, treated, acquired, seed=seed), words


def _arms(customers: pl.DataFrame) -> pl.DataFrame:
    return (
        customers.group_by("arm")
        .agg(customers=pl.len(), unseen=(~pl.col("observed")).sum())
        .sort("arm")
        .with_columns(pl.col(CUSTOMERS, "unseen").cast(pl.Int64))
    )


def _is(customers: pl.DataFrame, arm: str) -> pl.Series:
    return customers["arm"] == arm


def _numbers(column: pl.Series) -> Floats:
    return column.cast(pl.Float64).fill_null(0.0).to_numpy()
