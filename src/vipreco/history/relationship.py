"""Labels of attrition and tier upgrades. They read past an as-of date, as labels do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from vipreco.columns import (
    AUM_AMOUNT,
    CLOSED_DATE,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    OBSERVATIONS,
    OPENED_DATE,
    SNAPSHOT_DATE,
    TIER,
)
from vipreco.history.calendar import add_months
from vipreco.history.contract import CONTRACTS
from vipreco.history.cuts import Contested, holdings, known, literal, newest
from vipreco.history.sources import text
from vipreco.settings import UNKNOWN, TierLadder

EMPTIED = 10  # who keeps at most so small a part of the assets has left in all but name


@dataclass(frozen=True)
class RelationshipLabels:
    """Changes of the customers of a date by the end of a window.

    Attributes:
        after: Date of the population; the window opens after it.
        until: The window's last date.
        changes: A row for each customer present at `after`, ordered by `customer_id`, with flags that are
            NULL where nobody knows, which is never a negative:
            `attrition` (VIP customers alone): has left, fell below their tier, or lost half of their assets;
            `closure`, `outflow`, `dip`: which of the three it is, so that at most one of them is true: closed
            or emptied (left, or kept at most a tenth of the assets), moved money out (lost at least half of
            them), or merely fell below the line of the tier;
            `tier_upgrade` (all but those of the highest tier): reached a higher tier;
            `lost_share`: share of the assets that went, of the customers whose `attrition` is known;
            `has_left`, `has_fallen`, `has_halved`: the parts of `attrition`, of every customer.
    """

    after: date
    until: date
    changes: pa.Table


@dataclass(frozen=True)
class Span:
    """The window of a label.

    Args:
        after: It opens after this date.
        until: Its last date.
        known: Date whose knowledge of it is used; None: all that is known.
        newest: The newest snapshot of the bank that was known at `after`.
    """

    after: date
    until: date
    known: date | None
    newest: date | None


def relationship_labels(
    connection: duckdb.DuckDBPyConnection,
    uncut: Mapping[str, str],
    contested: Contested,
    span: Span,
    ladder: TierLadder,
) -> RelationshipLabels:
    """Return the labels of a window.

    Args:
        connection: Where the relations in `uncut` can be read.
        uncut: SQL of each whole table.
        contested: Dates at which a row may have a rival version.
        span: The window.
        ladder: The bank's tiers.
    """
    sql = _changes(uncut, contested, span, ladder)
    return RelationshipLabels(span.after, span.until, connection.sql(sql).to_arrow_table())


def _changes(uncut: Mapping[str, str], contested: Contested, span: Span, ladder: TierLadder) -> str:
    return f"""
    WITH present AS ({_present(uncut, span)}),
    first AS ({_profiles_at_start(uncut, contested, span)}),
    last AS ({_profiles_at_end(uncut, contested, span)}),
    ended AS ({_ended(uncut, span)}),
    standing AS (
      SELECT present.{CUSTOMER_ID}, last.{CUSTOMER_ID} IS NOT NULL AS is_seen,
        last.{CUSTOMER_ID} IS NULL AND ended.{CUSTOMER_ID} IS NOT NULL AS has_left,
        list_contains({_texts(ladder.vip)}, first.{TIER}) AS is_vip,
        {_start_rank(span, ladder)} AS start_rank, {_rank("last", ladder)} AS end_rank,
        first.{AUM_AMOUNT} AS start_amount, last.{AUM_AMOUNT} AS end_amount
      FROM present LEFT JOIN first USING ({CUSTOMER_ID}) LEFT JOIN last USING ({CUSTOMER_ID})
      LEFT JOIN ended USING ({CUSTOMER_ID})),
    parts AS (
      SELECT *,
        CASE WHEN is_seen OR has_left THEN has_left END AS known_left,
        CASE WHEN is_seen THEN end_rank < start_rank END AS has_fallen,
        CASE WHEN is_seen AND end_amount IS NOT NULL
          THEN start_amount > 0 AND end_amount * 2 <= start_amount END AS has_halved,
        has_left OR coalesce(start_amount > 0 AND end_amount * {EMPTIED} <= start_amount, false) AS has_closed
      FROM standing),
    flagged AS (
      SELECT *,
        CASE WHEN is_vip AND start_rank IS NOT NULL AND start_amount IS NOT NULL THEN has_left
          OR CASE WHEN has_fallen IS NOT NULL AND has_halved IS NOT NULL THEN has_fallen OR has_halved END
        END AS attrition
      FROM parts)
    SELECT {CUSTOMER_ID}, attrition,
      CASE WHEN start_rank < {_highest(span, ladder)}
        THEN CASE WHEN has_left THEN false WHEN is_seen THEN end_rank > start_rank END
      END AS tier_upgrade,
      known_left AS has_left, has_fallen, has_halved,
      CASE WHEN attrition IS NOT NULL THEN has_closed END AS closure,
      CASE WHEN attrition IS NOT NULL THEN coalesce(has_halved, false) AND NOT has_closed END AS outflow,
      CASE WHEN attrition IS NOT NULL
        THEN coalesce(has_fallen AND NOT has_halved, false) AND NOT has_closed END AS dip,
      CASE WHEN attrition IS NOT NULL AND start_amount > 0
        THEN CASE WHEN has_left THEN 1.0 ELSE greatest(1 - end_amount / start_amount, 0) END
      END::DOUBLE AS lost_share
    FROM flagged ORDER BY {CUSTOMER_ID}
    """


def _present(uncut: Mapping[str, str], span: Span) -> str:
    before = known(CONTRACTS[OBSERVATIONS], uncut[OBSERVATIONS], span.after)
    return f"SELECT DISTINCT {CUSTOMER_ID} FROM ({before}) WHERE {SNAPSHOT_DATE} = {_newest(span)}"


def _profiles_at_start(uncut: Mapping[str, str], contested: Contested, span: Span) -> str:
    rows = newest(CUSTOMERS, uncut[CUSTOMERS], span.after, contested)
    return f"SELECT * FROM ({rows}) WHERE {SNAPSHOT_DATE} = {_newest(span)}"


def _profiles_at_end(uncut: Mapping[str, str], contested: Contested, span: Span) -> str:
    """Everybody who was seen in the window's last month, as they were at the last of those snapshots."""
    start = literal(max(span.after, add_months(span.until, -1)))
    inside = f"{SNAPSHOT_DATE} > {start} AND {SNAPSHOT_DATE} <= {literal(span.until)}"
    seen = known(CONTRACTS[OBSERVATIONS], uncut[OBSERVATIONS], span.known)
    rows = newest(CUSTOMERS, uncut[CUSTOMERS], span.known, contested)
    return (
        f"SELECT {CUSTOMER_ID}, {TIER}, {AUM_AMOUNT} "
        f"FROM (SELECT {CUSTOMER_ID}, max({SNAPSHOT_DATE}) AS {SNAPSHOT_DATE} FROM ({seen}) "
        f"WHERE {inside} GROUP BY {CUSTOMER_ID}) "
        f"LEFT JOIN (SELECT * FROM ({rows}) WHERE {inside}) USING ({CUSTOMER_ID}, {SNAPSHOT_DATE})"
    )


def _ended(uncut: Mapping[str, str], span: Span) -> str:
    """Customers whose every holding of the window is closed at its end."""
    over = f"{CLOSED_DATE} IS NOT NULL AND {CLOSED_DATE} <= {literal(span.until)}"
    return (
        f"SELECT {CUSTOMER_ID} FROM ({holdings(uncut[HOLDINGS], span.known)}) "
        f"WHERE {OPENED_DATE} <= {literal(span.until)} "
        f"AND ({CLOSED_DATE} IS NULL OR {CLOSED_DATE} > {literal(span.after)}) "
        f"GROUP BY {CUSTOMER_ID} HAVING bool_and({over})"
    )


def _newest(span: Span) -> str:
    return literal(span.newest) if span.newest else "NULL"


def _start_rank(span: Span, ladder: TierLadder) -> str:
    """The place from which a customer rises or falls: where the ladder moved, by the lines of the end.

    Whom the new lines alone put into another tier has not moved.
    """
    lines = ladder.thresholds(span.until)
    if lines == ladder.thresholds(span.after):
        return _rank("first", ladder)
    reached = "".join(
        f"WHEN first.{AUM_AMOUNT} >= {amount!r} THEN {ladder.rank(tier)} "
        for tier, amount in reversed(lines.items())
    )
    return f"CASE {reached}WHEN first.{AUM_AMOUNT} IS NOT NULL THEN {UNKNOWN} END"


def _rank(side: str, ladder: TierLadder) -> str:
    """The place of the bank's own tier; NULL where it is missing or not in the ladder."""
    return f"nullif(list_position({_texts(ladder.tiers)}, {side}.{TIER}), 0)::INTEGER - 1"


def _highest(span: Span, ladder: TierLadder) -> int:
    return max(map(ladder.rank, ladder.thresholds(span.until)), default=UNKNOWN)


def _texts(values: tuple[str, ...]) -> str:
    return f"[{', '.join(map(text, values))}]::VARCHAR[]"
