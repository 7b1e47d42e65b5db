"""The report for other programs: all numbers, no words, no customers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import polars as pl

from vipreco.campaign.report.measures import Check, Measures
from vipreco.campaign.report.outcomes import CampaignOutcomes
from vipreco.campaign.report.privacy import OTHERS, SMALLEST
from vipreco.campaign.report.side_measures import SideMeasures
from vipreco.stats import Comparison, Estimate, OffPolicyEstimate


def record(outcomes: CampaignOutcomes, measures: Measures) -> dict[str, Any]:
    """Return the numbers of a report as JSON values; what is not known or hidden is null."""
    period, manifest = outcomes.period, outcomes.manifest
    return {
        "campaign_id": outcomes.key,
        "name": outcomes.name,
        "start_date": period.start.isoformat(),
        "end_date": period.end.isoformat(),
        "until_date": period.until.isoformat(),
        "as_of_date": period.as_of.isoformat(),
        "complete": period.complete,
        "run": {name: manifest.get(name) for name in ("artifact_hash", "snapshot_id", "inputs_hash")},
        "primary": _compared(measures.primary),
        "campaign_products": _compared(measures.campaign),
        "any_product": _compared(measures.anything),
        "explored": None if measures.explored is None else _compared(measures.explored),
        **_sides(measures.sides),
        "groups": _rows(measures.groups.with_columns(pl.col("group").replace(OTHERS, "others"))),
        "funnel": [
            {"step": one.name, "customers": _count(one.customers), "share": _number(one.share)}
            for one in measures.funnel
        ],
        "forecast": {
            "expected": measures.forecast.expected,
            "acquired": _count(measures.forecast.acquired),
            "ratio": _estimate(measures.forecast.ratio),
            "groups": _rows(measures.forecast.table),
        },
        "money": {
            "cost_amount": measures.money.cost,
            "value_amount": _estimate(measures.money.value),
            "value_a_unit": _estimate(measures.money.a_unit),
        },
        "checks": [_check(one) for one in measures.checks],
        "order": None if measures.order is None else _estimate(measures.order),
        "other_policy": None if measures.other is None else _other_policy(measures.other),
        "arms": [
            {"arm": row["arm"], "customers": row["customers"], "unseen": _count(row["unseen"])}
            for row in measures.arms.to_dicts()
        ],
        "control_contacted": _count(measures.touched),
        "offers_without_counterpart": _count(measures.extra_offers),
    }


def _sides(sides: SideMeasures | None) -> dict[str, Any]:
    if sides is None:
        return {}
    names = ("between", "champion", "challenger")
    return {"challenger_against_champion": {name: _compared(getattr(sides, name)) for name in names}}


def _check(check: Check) -> dict[str, Any]:
    numbers = {name: _number(getattr(check, name)) for name in ("first", "second", "p")}
    return {"check": check.name, **numbers, "fine": check.fine}


def _other_policy(found: OffPolicyEstimate) -> dict[str, Any]:
    return {
        "doubly_robust": _estimate(found.doubly_robust),
        "snips": _estimate(found.snips),
        "logged": found.logged,
        "effective": found.effective,
        "decisions": found.decisions,
    }


def _compared(found: Comparison) -> dict[str, Any]:
    counts = {name: getattr(found, name) for name in ("treated", "control")}
    few = {name: _count(getattr(found, name)) for name in ("treated_acquired", "control_acquired")}
    estimates = {
        item.name: _estimate(value)
        for item in dataclasses.fields(found)
        if isinstance(value := getattr(found, item.name), Estimate)
    }
    extra = {"extra": _estimate(found.extra), "extra_value": _estimate(found.extra_value)}
    return {**counts, **few, **extra, **estimates, "p": _number(found.p)}


def _estimate(found: Estimate) -> dict[str, Any]:
    if not found.known:
        return {"value": None, "low": None, "high": None, "lacks": found.lacks}
    ends = {name: _number(getattr(found, name)) for name in ("value", "low", "high")}
    return {**ends, "lacks": None}


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return [
        {name: _number(value) if isinstance(value, float) else value for name, value in row.items()}
        for row in frame.to_dicts()
    ]


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _count(value: int) -> int | None:
    """Return a count; null where it is small enough to tell about people."""
    return None if 0 < value < SMALLEST else value
