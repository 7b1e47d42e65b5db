"""Acceptance of past offers: share of answers that were a yes, by what was offered and how."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl

from vipreco.columns import CONTACTS
from vipreco.errors import UsageError
from vipreco.history import View
from vipreco.stats import rate_interval

MIN_ANSWERS = 30  # of fewer, the limits are told and nothing is drawn from the rate
DIMENSIONS: Final[Mapping[str, str]] = {
    "product": "contacts.product_id",
    "family": "products.family",
    "channel": "contacts.channel",
    "tier": "profiles.tier",
    "branch": "profiles.branch_id",
    "manager": "profiles.manager_id",
    "month": "strftime(contacts.contacted_at, '%Y-%m')",
}
"""Dimensions of acceptance, each with its column; managers stand by their id and are never ranked."""
ANSWERS: Final = {"accepted": "accepted", "postponed": "postponed", "declined": "declined"}
REFUSED: Final = ("complaint", "do_not_contact")


def acceptance(view: View, by: str, since: date | None = None) -> pl.DataFrame:
    """Return what came of offers by one dimension, groups by name.

    An answer is an accepted, postponed, declined or refused offer; who was not reached gave none.

    Args:
        view: Whose customers, and until when.
        by: One of `DIMENSIONS`.
        since: First day of the contacts; default: all that are known.

    Returns:
        Rows: the dimension, contacts, customers, answers, accepted, postponed, declined, refused,
        `accepted_rate` with its limits, and `few`: under 30 answers.

    Raises:
        UsageError: No such dimension, or the bank brings no contacts.
    """
    if by not in DIMENSIONS:
        raise UsageError(
            f"acceptance is not told by {by}",
            where="--by",
            remedy=f"choose one of {', '.join(DIMENSIONS)}",
            code="dimension",
        )
    rows = pl.DataFrame(view.query(_query(by, since), where="acceptance"))
    if rows.is_empty() and CONTACTS not in view.present_tables:
        raise UsageError(
            "no contacts were imported", remedy="import contacts with their outcomes", code="no-contacts"
        )
    rates = rate_interval(rows["accepted"], rows["answers"])
    limits = {"accepted_rate": rates.value, "low": rates.low, "high": rates.high}
    return rows.with_columns(
        *(pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in limits.items()),
        (pl.col("answers") < MIN_ANSWERS).alias("few"),
    )


def _query(by: str, since: date | None) -> str:
    refused = f"outcome IN {REFUSED}"
    answered = f"outcome IN {tuple(ANSWERS)} OR {refused}"
    counts = ", ".join(
        f"count(*) FILTER (outcome = '{outcome}') AS {name}" for outcome, name in ANSWERS.items()
    )
    after = "" if since is None else f"WHERE CAST(contacts.contacted_at AS DATE) >= DATE '{since}'"
    return f"""
        WITH profiles AS (
            SELECT customer_id, arg_max_null(tier, snapshot_date) AS tier,
                arg_max_null(branch_id, snapshot_date) AS branch_id,
                arg_max_null(manager_id, snapshot_date) AS manager_id
            FROM customers WHERE customer_id IN (SELECT customer_id FROM contacts) GROUP BY customer_id
        )
        SELECT CAST({DIMENSIONS[by]} AS VARCHAR) AS {by}, count(*) AS contacts,
            count(DISTINCT contacts.customer_id) AS customers,
            count(*) FILTER ({answered}) AS answers, {counts},
            count(*) FILTER ({refused}) AS refused
        FROM contacts LEFT JOIN products ON products.product_id = contacts.product_id
        LEFT JOIN profiles ON profiles.customer_id = contacts.customer_id
        {after}
        GROUP BY ALL ORDER BY 1 NULLS LAST
    """
