"""Outcomes of the contacts of a month, by product, channel and tier."""

from __future__ import annotations

from datetime import date
from typing import Final

from vipreco.columns import CHANNEL, CONTACTS, CUSTOMER_ID, PRODUCT_ID, TIER
from vipreco.history import View
from vipreco.monitoring.snapshot_facts import ALL, OUTCOME, Rate

COUNTED: Final = ("accepted", "declined", "complaint")
OF_ALL: Final = 7  # a bit for each of the three columns that is not told apart


def outcome_rates(view: View, after: date) -> dict[str, Rate]:
    """Return the share of each outcome among the contacts since `after`, by group."""
    if CONTACTS not in view.present_tables:
        return {}
    counted = ", ".join(f"count(*) FILTER (outcome = '{outcome}') AS {outcome}" for outcome in COUNTED)
    rows = view.query(
        f"SELECT {PRODUCT_ID}, {CHANNEL}, {TIER}, grouping({PRODUCT_ID}, {CHANNEL}, {TIER}) AS grouped, "
        f"count(*) AS n, {counted} FROM contacts "
        f"LEFT JOIN (SELECT {CUSTOMER_ID}, {TIER} FROM customers_now) USING ({CUSTOMER_ID}) "
        f"WHERE contacted_at::DATE > DATE '{after.isoformat()}' AND outcome <> 'unknown' "
        f"GROUP BY GROUPING SETS ((), ({PRODUCT_ID}), ({CHANNEL}), ({TIER})) ORDER BY ALL"
    ).to_pylist()
    found = {}
    for row in rows:
        group = _group(row)
        if group == ALL and row["grouped"] != OF_ALL:  # contacts about no product, customers without a tier
            continue
        for outcome in COUNTED:
            found[f"{OUTCOME}/{outcome}, {group}"] = Rate(float(row[outcome]), float(row["n"]))
    return found


def _group(row: dict[str, object]) -> str:
    named = [(kind, row[kind]) for kind in (PRODUCT_ID, CHANNEL, TIER) if row[kind] is not None]
    return " ".join(f"{kind.removesuffix('_id')} {value}" for kind, value in named) or ALL
