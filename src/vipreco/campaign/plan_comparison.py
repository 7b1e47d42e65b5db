"""Two plans side by side: figure by figure, and the settings in which their files differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from vipreco.campaign.arms import Arm
from vipreco.campaign.definition import flat_settings
from vipreco.errors import UsageError

FIGURES = {"figure": pl.String(), "one": pl.Float64(), "other": pl.Float64()}
SETTINGS = {"setting": pl.String(), "one": pl.String(), "other": pl.String()}
NAMES = frozenset({"campaign.key", "campaign.name"})
NEW_NAMES = {"told_offers": "explained_offers", "least": "min", "most": "max"}
"""Settings that plans and runs still store under the name of before."""


@dataclass(frozen=True)
class ComparedPlans:
    """Two plans side by side.

    Args:
        figures: Rows figure, one, other, difference (other less one); null where a plan has no such figure.
        settings: Rows setting, one, other of the settings that differ; null where one is not set.
    """

    figures: pl.DataFrame
    settings: pl.DataFrame


def compare_plans(one: Mapping[str, Any], other: Mapping[str, Any]) -> ComparedPlans:
    """Return two plans side by side.

    Args:
        one: A plan, as `CampaignPlan.record` gives it.
        other: Another one.

    Raises:
        UsageError: One of them is no plan.
    """
    try:
        figures, others = _figures(one), _figures(other)
        settings = _changed(one["campaign"], other["campaign"])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        remedy = "write one with `vipreco campaign plan CAMPAIGN.toml --format json`"
        raise UsageError("this is no plan of a campaign", remedy=remedy, code="no-plan") from error
    rows = [(name, figures[name], others[name]) for name in figures]
    difference = (pl.col("other") - pl.col("one")).alias("difference")
    return ComparedPlans(
        pl.DataFrame(rows, FIGURES, orient="row").with_columns(difference),
        pl.DataFrame(settings, SETTINGS, orient="row"),
    )


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


def _changed(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[tuple[str, str | None, str | None]]:
    found = [flat_settings("campaign", settings) for settings in (one, other)]
    names = sorted({*found[0], *found[1]} - NAMES)
    rows = [(_new_name(name), _set(found[0].get(name)), _set(found[1].get(name))) for name in names]
    return [row for row in rows if row[1] != row[2]]


def _new_name(name: str) -> str:
    parent, _, last = name.removeprefix("campaign.").rpartition(".")
    return ".".join(filter(None, (parent, NEW_NAMES.get(last, last))))


def _set(text: str | None) -> str | None:
    return None if text in {None, "null", "{}", "[]"} else text
