"""Plan of a campaign before anything is decided: audience, power, value, price of a seat."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from vipreco.arbitration import Limit, Problem, allocate
from vipreco.campaign.arms import Arm
from vipreco.campaign.assignment import Assignment
from vipreco.campaign.bank import Bank
from vipreco.campaign.campaign_run import RunOptions, refuse_empty, summary
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import EligibleCustomers
from vipreco.campaign.limits import CampaignLimit
from vipreco.campaign.sides import Sides, assign_sides, gather_sides
from vipreco.campaign.store_changes import StoreChanges
from vipreco.stats import customers_needed, detection_power

MORE, FEWER = 1.1, 0.9
WHAT_IF = {
    "limit": pl.String(),
    "fewer": pl.Float64(),
    "now": pl.Float64(),
    "more": pl.Float64(),
    "value_of_fewer": pl.Float64(),
    "value_of_more": pl.Float64(),
}


@dataclass(frozen=True)
class CampaignPlan:
    """A plan.

    Args:
        waterfall: Rows rule, before, fell, left.
        summary: As in the manifest of a run.
        power: Chance to show the stated effect, and customers needed for 80 %.
        what_if: Value gained or lost with a tenth more or fewer of each limit.
        seconds: Time that it took.
    """

    waterfall: pl.DataFrame
    summary: dict[str, Any]
    power: dict[str, Any]
    what_if: pl.DataFrame
    seconds: float

    def record(self) -> dict[str, Any]:
        """Return it as JSON values, without the time that it took."""
        return {**self.summary, "power": self.power, "what_if": self.what_if.to_dicts()}


def plan(bank: Bank, campaign: Campaign, changes: StoreChanges, options: RunOptions) -> CampaignPlan:
    """Return what a campaign would bring; nothing is written.

    Raises:
        UsageError: The campaign names what is not there.
        InputRejectedError: Nobody is eligible, and that was to be refused.
    """
    begin = time.perf_counter()
    given = gather_sides(bank, campaign, changes, options.where, options.say)
    if options.fail_if_empty:
        refuse_empty(given, options.where)
    options.say("allocation")
    sides = assign_sides(given, bank, campaign, options.solve)
    options.say("what if")
    changed = what_if(sides)
    return CampaignPlan(
        sides.waterfall,
        summary(bank, campaign, sides),
        power_in(campaign, sides.table(campaign)),
        changed,
        time.perf_counter() - begin,
    )


def power_in(campaign: Campaign, rows: pl.DataFrame) -> dict[str, Any]:
    """Return the chance that the campaign shows its stated effect.

    Those whom the prices give an offer are compared: treated against control, drawn by the same hash.
    """
    would = rows.filter(pl.col("would_offer"))
    control = would.filter(pl.col("arm") == Arm.CONTROL).height
    treated = would.height - control
    rate = would["propensity"].mean()
    base = float(rate) if isinstance(rate, float) else 0.0
    effect = min(campaign.effect_rate, 1.0 - base)
    share = campaign.control_share
    return {
        "treated": treated,
        "control": control,
        "base_rate": base,
        "effect_rate": effect,
        "power_rate": detection_power(treated, control, base, effect),
        "needed": customers_needed(base, effect, share) if share > 0 and effect > 0 else None,
    }


def what_if(sides: Sides) -> pl.DataFrame:
    """Return what a tenth more and a tenth fewer of each limit would change.

    Returns:
        Rows limit, fewer, now, more (its amount), value_of_fewer, value_of_more (change of the value).
    """
    rows = [
        (
            name,
            FEWER * now,
            now,
            MORE * now,
            *(
                sum(_gain(one.inputs.eligible, one.assigned, place, factor) for one in sides.parts)
                for factor in (FEWER, MORE)
            ),
        )
        for place, name, now in _changeable(sides)
    ]
    return pl.DataFrame(rows, WHAT_IF, orient="row")


def _changeable(sides: Sides) -> Iterator[tuple[int, str, float]]:
    for place, one in enumerate(sides.limits):
        finite = np.isfinite(one.limit.capacity)
        if finite.any():
            yield place, _name(one), float(one.limit.capacity[finite].sum())


def _name(one: CampaignLimit) -> str:
    words = {"manager": "minutes of the managers", "branch": "offers of the branches", "budget": "budget"}
    return words.get(one.kind, f"{one.kind} {one.groups[0]}")


def _gain(eligible: EligibleCustomers, assigned: Assignment, place: int, factor: float) -> float:
    limits = list(assigned.left)
    limits[place] = _scaled(limits[place], assigned.limits[place].limit, factor)
    start = assigned.allocation.variables
    found = allocate(Problem(eligible.net[assigned.rows], tuple(limits)), start=start)
    return found.value - assigned.allocation.value


def _scaled(left: Limit, whole: Limit, factor: float) -> Limit:
    capacity = np.maximum(
        left.capacity + (factor - 1) * np.where(np.isfinite(whole.capacity), whole.capacity, 0), 0
    )
    return replace(left, capacity=capacity, minimum=np.minimum(left.minimum, capacity))
