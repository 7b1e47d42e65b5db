"""Worth of one more hour of each relationship manager, by the shadow prices of a campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import polars as pl

SCHEMA = {
    "manager_id": pl.String(),
    "used_minutes": pl.Float64(),
    "max_minutes": pl.Float64(),
    "hour_amount": pl.Float64(),
}


def manager_hours(record: Mapping[str, Any]) -> pl.DataFrame:
    """Return what one more hour of each manager would add to the value of a campaign, the most first.

    An hour is worth what the best offers bring for which the minutes of that manager were too few; it holds
    for some hours, not for weeks.

    Args:
        record: Manifest of a run, or record of a plan.

    Returns:
        Rows manager_id, used_minutes, max_minutes, hour_amount; none where minutes are no limit.
    """
    rows = [
        (row["group"], row["used"], row.get("max", row.get("most")), row["price"])
        for row in record.get("limits", [])
        if row["limit"] == "manager"
    ]
    return pl.DataFrame(rows, SCHEMA, orient="row").sort(
        "hour_amount", "manager_id", descending=[True, False]
    )


def newest_with_hours(records: Iterable[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the record that began last among those in which minutes of managers are a limit."""
    limited = [one for one in records if any(row["limit"] == "manager" for row in one.get("limits", []))]
    return max(limited, key=lambda one: str(one["campaign"]["start_date"]), default=None)
