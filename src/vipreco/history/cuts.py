"""SQL that cuts the tables at a date. The rule of the two clocks stands here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from vipreco.columns import (
    ACTIVITY,
    BATCH_SEQUENCE,
    CLOSED_DATE,
    CONTACTS,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    OBSERVATIONS,
    OPENED_DATE,
    PRODUCTS,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.history.contract import CONTRACTS, TableContract

Contested = Mapping[str, Sequence[date]]
"""For a table kept by date, the dates with rows of several batches or recordings; no other row has a rival.
Of the other tables any row may have one, unless they are named here without a date."""

BY_DATE: Final = {CUSTOMERS: SNAPSHOT_DATE, OBSERVATIONS: SNAPSHOT_DATE, ACTIVITY: "month_date"}
_ORDER = f"{RECORDED_DATE} DESC, {BATCH_SEQUENCE} DESC"


@dataclass(frozen=True)
class Cut:
    """One view: its name and its query."""

    name: str
    query: str


def literal(day: date) -> str:
    """Return `day` as an SQL literal."""
    return f"DATE '{day.isoformat()}'"


def contested_query(table: str, uncut: str) -> str | None:
    """Return the query of the dates at which a row may have a rival version, for tables kept by date."""
    day = BY_DATE.get(table)
    if day is None:
        return None
    rivals = " OR ".join(f"min({clock}) <> max({clock})" for clock in (BATCH_SEQUENCE, RECORDED_DATE))
    return f"SELECT {day} FROM ({uncut}) GROUP BY {day} HAVING {rivals} ORDER BY {day}"


def is_known(contract: TableContract, day: date) -> str:
    """Return the condition of the two clocks: the fact had happened, and was recorded, by `day`."""
    limit = literal(day)
    return f"{RECORDED_DATE} <= {limit} AND {contract.happened} <= {limit}"


def known(contract: TableContract, uncut: str, day: date | None) -> str:
    """Return the rows that were known at `day` (None: all)."""
    return f"SELECT * FROM ({uncut})" + ("" if day is None else f" WHERE {is_known(contract, day)}")


def newest(table: str, uncut: str, day: date | None, contested: Contested | None) -> str:
    """Return the newest version known at `day` of each fact of a table; without `contested`, any may be."""
    contract = CONTRACTS[table]
    rows = known(contract, uncut, day)
    versions = f"PARTITION BY {', '.join(contract.key)} ORDER BY {_ORDER}{_tie(table)}"
    by_date = BY_DATE.get(table)
    if contested is None or (by_date is None and table not in contested):
        return f"{rows} QUALIFY row_number() OVER ({versions}) = 1"
    dates = ", ".join(literal(item) for item in contested.get(table, ()))
    if not dates or by_date is None:
        return rows
    return (
        f"SELECT * FROM ({rows}) WHERE {by_date} NOT IN ({dates}) UNION ALL "
        f"SELECT * FROM ({rows}) WHERE {by_date} IN ({dates}) QUALIFY row_number() OVER ({versions}) = 1"
    )


def holdings(uncut: str, day: date | None, contested: Contested | None = None) -> str:
    """Return the holdings as known at `day`: a closing after it is not yet there, an annulled one is gone.

    A version that closes on or before its own opening annuls the holding.
    """
    rows = newest(HOLDINGS, uncut, day, contested)
    real = f"SELECT * FROM ({rows}) WHERE {CLOSED_DATE} IS NULL OR {CLOSED_DATE} > {OPENED_DATE}"
    if day is None:
        return real
    open_yet = f"CASE WHEN {CLOSED_DATE} <= {literal(day)} THEN {CLOSED_DATE} END"
    return f"SELECT * REPLACE ({open_yet} AS {CLOSED_DATE}) FROM ({real})"


def cut(table: str, uncut: str, day: date | None, contested: Contested | None = None) -> str:
    """Return the rows of a table as they were known at `day`, each fact in its newest version."""
    if table == HOLDINGS:
        return holdings(uncut, day, contested)
    return newest(table, uncut, day, contested)


def oldest_profiles(customers: str, day: date) -> str:
    """Return the SQL of the rows of a snapshot as the bank delivered them first, ordered by customer."""
    first = f"PARTITION BY {CUSTOMER_ID} ORDER BY recorded_date, batch_sequence"
    return (
        f"SELECT * FROM ({customers}) WHERE snapshot_date = {literal(day)} "
        f"QUALIFY row_number() OVER ({first}) = 1 ORDER BY {CUSTOMER_ID}"
    )


def cuts(
    uncut: Mapping[str, str],
    day: date,
    snapshots: Sequence[date],
    newest_month: date | None,
    contested: Contested | None,
) -> list[Cut]:
    """Return all views of `day`, in an order in which each can be made.

    Args:
        uncut: SQL of each whole table.
        day: Date whose knowledge is allowed.
        snapshots: The bank's snapshots known at `day`, newest first.
        newest_month: The bank's newest activity month known at `day`.
        contested: Dates at which a row may have a rival version; None: at any.
    """
    tables = (OBSERVATIONS, CUSTOMERS, PRODUCTS, ACTIVITY, CONTACTS, HOLDINGS)
    plain = [Cut(table, cut(table, uncut[table], day, contested)) for table in tables]
    return [*plain, *_derived(day, snapshots, newest_month)]


def _derived(day: date, snapshots: Sequence[date], newest_month: date | None) -> list[Cut]:
    newest_one = literal(snapshots[0])
    month = "CAST(NULL AS DATE)" if newest_month is None else literal(newest_month)
    at_snapshot = f"WHERE {SNAPSHOT_DATE} = {newest_one}"
    listed = ", ".join(f"({literal(item)}, {lag})" for lag, item in enumerate(snapshots))
    return [
        Cut(
            "clock",
            f"SELECT {literal(day)} AS as_of_date, {newest_one} AS {SNAPSHOT_DATE}, "
            f"{month} AS newest_month_date",
        ),
        Cut(
            "snapshots",
            f"SELECT {SNAPSHOT_DATE}, lag::BIGINT AS lag FROM (VALUES {listed}) AS t({SNAPSHOT_DATE}, lag)",
        ),
        Cut(
            "population",
            f"SELECT {CUSTOMER_ID}, row_number() OVER (ORDER BY {CUSTOMER_ID}) - 1 AS customer_index "
            f"FROM (SELECT DISTINCT {CUSTOMER_ID} FROM {OBSERVATIONS} {at_snapshot})",
        ),
        Cut(
            "customers_now",
            f"SELECT population.{CUSTOMER_ID}, profile.* EXCLUDE ({CUSTOMER_ID}) FROM population "
            f"LEFT JOIN (SELECT * FROM {CUSTOMERS} {at_snapshot}) AS profile USING ({CUSTOMER_ID})",
        ),
    ]


def _tie(table: str) -> str:
    return f", {CLOSED_DATE} NULLS LAST" if table == HOLDINGS else ""
