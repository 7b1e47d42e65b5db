"""Two plans side by side, figure by figure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.errors import UsageError

ROWS = {"figure": pl.String(), "one": pl.Float64(), "other": pl.Float64(), "difference": pl.Float64()}


def compare_plans(one: Mapping[str, Any], other: Mapping[str, Any]) -> pl.DataFrame:
    """Return two plans side by side.

    Args:
        one: A plan, as `CampaignPlan.record` gives it.
        other: Another one.

    Returns:
        Rows figure, one, other, difference (other less one); a figure that a plan does not have is null.

    Raises:
        UsageError: One of them is no plan.
    """
    try:
        figures, others = _figures(one), _figures(other)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "write one with `vipreco campaign plan CAMPAIGN.toml --format json`"
        raise UsageError("this is no plan of a campaign", remedy=remedy, code="no-plan") from error
    rows = pl.DataFrame(
        [(name, figures[name], others[name]) for name in figures],
        {name: kind for name, kind in ROWS.items() if name != "difference"},
        orient="row",
    )
    return rows.with_columns((pl.col("other") - pl.col("one")).alias("difference"))


def _figures(plan: Mapping[str, Any]) -> dict[str, float | None]:
    arms, power = plan["arms"], plan.get("power") or {}
    found = {
        "customers": plan["customers"],
        **{arm: arms[arm] for arm in (Arm.OFFERED, Arm.EXPLORED, Arm.CONTROL, Arm.UNALLOCATED)},
        "value_amount": plan["value_amount"],
        "gap_rate": plan["gap_rate"],
        "power_rate": power.get("power_rate"),
        "customers_needed": power.get("needed"),
    }
    return {name: None if value is None else float(value) for name, value in found.items()}
