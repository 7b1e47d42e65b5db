"""The report for other programs: all numbers, no words, no customers."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import polars as pl

from vipreco.campaign.report.gathering import Gathered
from vipreco.campaign.report.measuring import Measured
from vipreco.campaign.report.privacy import OTHERS, SMALLEST
from vipreco.stats import Comparison, Estimate


def record(gathered: Gathered, measured: Measured) -> dict[str, Any]:
    """Return the numbers of a report as JSON values; what is not known or hidden is null."""
    period, manifest = gathered.period, gathered.manifest
    other = measured.other
    return {
        "campaign_id": gathered.key,
        "name": gathered.name,
        "start_date": period.start.isoformat(),
        "end_date": period.end.isoformat(),
        "until_date": period.until.isoformat(),
        "as_of_date": period.as_of.isoformat(),
        "complete": period.complete,
        "run": {name: manifest.get(name) for name in ("artifact_hash", "snapshot_id", "inputs_hash")},
        "primary": _compared(measured.primary),
        "campaign_products": _compared(measured.campaign),
        "any_product": _compared(measured.anything),
        "explored": None if measured.explored is None else _compared(measured.explored),
        "groups": _rows(measured.groups.with_columns(pl.col("group").replace(OTHERS, "others"))),
        "funnel": [
            {"step": one.name, "customers": _count(one.customers), "share": _number(one.share)}
            for one in measured.funnel
        ],
        "promised": {
            "expected": measured.promised.expected,
            "acquired": _count(measured.promised.acquired),
            "ratio": _estimate(measured.promised.ratio),
            "groups": _rows(measured.promised.table),
        },
        "money": {
            "cost_amount": measured.money.cost,
            "value_amount": _estimate(measured.money.value),
            "value_a_unit": _estimate(measured.money.a_unit),
        },
        "checks": [
            {
                "check": one.name,
                "first": _number(one.first),
                "second": _number(one.second),
                "p": _number(one.p),
                "fine": one.fine,
            }
            for one in measured.checks
        ],
        "order": None if measured.order is None else _estimate(measured.order),
        "other_policy": None
        if other is None
        else {
            "doubly_robust": _estimate(other.doubly_robust),
            "snips": _estimate(other.snips),
            "logged": other.logged,
            "effective": other.effective,
            "decisions": other.decisions,
        },
        "arms": [
            {"arm": row["arm"], "customers": row["customers"], "unseen": _count(row["unseen"])}
            for row in measured.arms.to_dicts()
        ],
        "control_contacted": _count(measured.touched),
        "offers_without_counterpart": _count(measured.extra_offers),
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
