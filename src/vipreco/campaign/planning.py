"""What a campaign would bring, before anything is decided: audience, power, value, worth of seats."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from vipreco.arbitration import Limit, Problem, allocate
from vipreco.campaign.arms import Arm
from vipreco.campaign.assignments import assignments
from vipreco.campaign.dealing import Dealt, deal
from vipreco.campaign.definition import Campaign
from vipreco.campaign.limits import CampaignLimit
from vipreco.campaign.pool import Pool
from vipreco.campaign.running import Bank, Order, check_not_empty, prepare, summary
from vipreco.campaign.since import Since
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
class Plan:
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


def plan(bank: Bank, campaign: Campaign, since: Since, order: Order) -> Plan:
    """Return what a campaign would bring; nothing is written.

    Raises:
        UsageError: The campaign names what is not there.
        InputRejectedError: Nobody is eligible, and that was to be refused.
    """
    begin = time.perf_counter()
    gathered = prepare(bank, campaign, since, order.where, order.say)
    if order.fail_if_empty:
        check_not_empty(gathered, order.where)
    order.say("allocation")
    dealt = deal(gathered.pool, campaign, bank.salt, order.solve)
    order.say("what if")
    changed = what_if(gathered.pool, dealt)
    return Plan(
        gathered.waterfall,
        summary(bank, campaign, gathered, dealt),
        power_in(campaign, assignments(gathered.pool, campaign, dealt)),
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


def what_if(pool: Pool, dealt: Dealt) -> pl.DataFrame:
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
            *(_gain(pool, dealt, place, factor) for factor in (FEWER, MORE)),
        )
        for place, name, now in _changeable(dealt)
    ]
    return pl.DataFrame(rows, WHAT_IF, orient="row")


def _changeable(dealt: Dealt) -> Iterator[tuple[int, str, float]]:
    for place, one in enumerate(dealt.limits):
        finite = np.isfinite(one.limit.capacity)
        if finite.any():
            yield place, _name(one), float(one.limit.capacity[finite].sum())


def _name(one: CampaignLimit) -> str:
    words = {"manager": "minutes of the managers", "branch": "offers of the branches", "budget": "budget"}
    return words.get(one.kind, f"{one.kind} {one.groups[0]}")


def _gain(pool: Pool, dealt: Dealt, place: int, factor: float) -> float:
    limits = list(dealt.left)
    limits[place] = _scaled(limits[place], dealt.limits[place].limit, factor)
    start = dealt.allocation.variables
    found = allocate(Problem(pool.net[dealt.rows], tuple(limits)), start=start)
    return found.value - dealt.allocation.value


def _scaled(left: Limit, whole: Limit, factor: float) -> Limit:
    capacity = np.maximum(
        left.capacity + (factor - 1) * np.where(np.isfinite(whole.capacity), whole.capacity, 0), 0
    )
    return replace(left, capacity=capacity, least=np.minimum(left.least, capacity))
