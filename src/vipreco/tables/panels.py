"""Month flags and openings, turned into intervals: the state at each snapshot, and its changes.

A row of a panel is a customer at a snapshot with the held products packed into one integer. The state
before the batch is rebuilt from the stored intervals, so that a new month continues them, and a month
that arrives late (backfill) or is corrected changes only what it must: the differences are written as
new versions. An interval that turns out never to have begun is written as closed on the day it opened.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from vipreco import columns as c
from vipreco.tables import contracts
from vipreco.tables.import_database import EXISTING, batches, newest, parquet_relation
from vipreco.tables.mapping_file import TableRule
from vipreco.tables.staged_table import WORD_BITS, StagedTable, word_name

INTERVAL_SCHEMA: Final = contracts.schema_of(contracts.HOLDINGS)


@dataclass(frozen=True)
class Group:
    """Products that are computed together: one word of flags, and the rows that speak of them."""

    products: tuple[str, ...]
    panels: tuple[StagedTable, ...]
    openings: tuple[StagedTable, ...]

    @property
    def plain(self) -> bool:
        """True if these products occur in one flag file alone."""
        return len(self.panels) == 1 and not self.openings


def groups(staged: Sequence[StagedTable]) -> list[Group]:
    """Return the product groups of a batch: those of each flag table, then those only opened."""
    flags = [table for table in staged if table.contract is contracts.FLAGS]
    openings = tuple(t for t in staged if t.contract in (contracts.OPENINGS, contracts.OPENINGS_WIDE))
    sets = sorted({tuple(sorted(table.rule.products)) for table in flags})
    result = [
        Group(part, tuple(t for t in flags if tuple(sorted(t.rule.products)) == products), openings)
        for products in sets
        for part in _words(products)
    ]
    covered = {product for products in sets for product in products}
    rest = tuple(sorted(_opened_products(openings) - covered))
    return result + [Group(part, (), openings) for part in _words(rest)]


def _words(products: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(products), WORD_BITS):
        yield products[start : start + WORD_BITS]


def _opened_products(openings: Sequence[StagedTable]) -> set[str]:
    found: set[str] = set()
    for table in openings:
        found |= set(table.rule.products) or _distinct_products(table)
    return found


def _distinct_products(table: StagedTable) -> set[str]:
    return set(pq.read_table(table.path, columns=[c.PRODUCT_ID]).column(0).unique().to_pylist())


def interval_batches(
    connection: duckdb.DuckDBPyConnection, staged: Sequence[StagedTable], sequence: int
) -> Iterator[pa.RecordBatch]:
    """Yield the new interval versions that the flags and openings of a batch amount to."""
    known = _existing_rows(connection)
    for group in groups(staged):
        _prepare(connection, group, known=known)
        yield from batches(connection, _versions(sequence, known=known))


def _existing_rows(connection: duckdb.DuckDBPyConnection) -> bool:
    tables = (f"EXISTS (FROM {EXISTING}{table})" for table in (c.HOLDINGS, c.OBSERVATIONS))
    row = connection.execute(f"SELECT {' OR '.join(tables)}").fetchone()
    return bool(row and row[0])


def _prepare(connection: duckdb.DuckDBPyConnection, group: Group, *, known: bool) -> None:
    """Build the tables `said` (what the batch says), `panel` (with the state before) and `event`."""
    connection.execute("CREATE OR REPLACE TEMP TABLE product (bit INTEGER, product_id VARCHAR)")
    connection.executemany(
        "INSERT INTO product VALUES (?, ?)", [list(pair) for pair in enumerate(group.products)]
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW said AS {_said(group)}")
    if known:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE stored AS {_STORED}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE before AS {_BEFORE}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE change AS {_changes(group, known=known)}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE found AS {_FOUND}")


def _said(group: Group) -> str:
    parts = [_flag_rows(group, table) for table in group.panels]
    parts += [_opening_rows(group, table) for table in group.openings]
    return " UNION ALL ".join(parts)


def _flag_rows(group: Group, table: StagedTable) -> str:
    word = word_name(_word_index(group, table.rule))
    return (
        f"SELECT customer_id, snapshot_date AS seen, true AS complete, {word} AS held "
        f"FROM {parquet_relation([table.path])}"
    )


def _word_index(group: Group, rule: TableRule) -> int:
    return sorted(rule.products).index(group.products[0]) // WORD_BITS


def _opening_rows(group: Group, table: StagedTable) -> str:
    source = f"{parquet_relation([table.path])}"
    if not table.rule.products:
        return (
            f"SELECT customer_id, opened_date AS seen, false AS complete, bit_or(1::BIGINT << bit) AS held "
            f"FROM {source} JOIN product USING (product_id) GROUP BY ALL"
        )
    held = _moved(group, table.rule)
    return f"SELECT customer_id, opened_date AS seen, false AS complete, {held} AS held FROM {source}"


def _moved(group: Group, rule: TableRule) -> str:
    """Return the expression that moves the bits of a wide row to the group's positions."""
    positions = {product: position for position, product in enumerate(sorted(rule.products))}
    parts = [
        f"((({word_name(at // WORD_BITS)} >> {at % WORD_BITS}) & 1) << {bit})"
        for bit, product in enumerate(group.products)
        if (at := positions.get(product)) is not None
    ]
    return " | ".join(parts) or "0::BIGINT"


_STORED: Final = f"""
SELECT customer_id, product_id, bit, opened_date, closed_date, recorded_date
FROM ({newest(c.HOLDINGS, contracts.HOLDINGS)}) JOIN product USING (product_id)
WHERE customer_id IN (SELECT customer_id FROM said)
"""

# What was held at the observations from the last one before this batch's first row on
_BEFORE: Final = f"""
WITH first_said AS (SELECT customer_id, min(seen) AS first_seen FROM said GROUP BY customer_id),
observed AS (
    SELECT DISTINCT customer_id, snapshot_date AS seen, first_seen
    FROM {EXISTING}{c.OBSERVATIONS} JOIN first_said USING (customer_id)
),
relevant AS (
    SELECT customer_id, seen FROM observed
    QUALIFY seen >= coalesce(max(seen) FILTER (seen < first_seen) OVER (PARTITION BY customer_id), first_seen)
)
SELECT customer_id, seen, coalesce(bit_or(1::BIGINT << bit) FILTER (
    opened_date <= seen AND (closed_date IS NULL OR closed_date > seen)), 0) AS held
FROM relevant LEFT JOIN stored USING (customer_id)
GROUP BY customer_id, seen
"""


def _changes(group: Group, *, known: bool) -> str:
    """Return the query for the rows at which the state changes: bits that open and bits that close."""
    if group.plain and not known:
        state = "SELECT customer_id, seen, held AS state FROM said"
    else:
        state = _STATE.format(rows=_ALL_ROWS if known else "SELECT * FROM said")
    return f"""
WITH states AS ({state}),
lagged AS (
    SELECT customer_id, seen, state,
           lag(state, 1, 0) OVER (PARTITION BY customer_id ORDER BY seen) AS previous,
           lag(seen) OVER (PARTITION BY customer_id ORDER BY seen) AS previous_seen
    FROM states
)
SELECT customer_id, seen, previous_seen, state & ~previous AS opened, previous & ~state AS closed
FROM lagged WHERE state <> previous
"""


# A stored observation gives way to a complete row of the batch at the same date
_ALL_ROWS: Final = """
SELECT * FROM said
UNION ALL
SELECT customer_id, seen, true AS complete, held FROM before
ANTI JOIN (SELECT customer_id, seen FROM said WHERE complete) USING (customer_id, seen)
"""

_STATE: Final = """
SELECT customer_id, seen, bit_or(held) OVER (
    PARTITION BY customer_id, run ORDER BY seen ROWS UNBOUNDED PRECEDING) AS state
FROM (
    SELECT *, count(*) FILTER (complete) OVER (PARTITION BY customer_id ORDER BY seen) AS run
    FROM (
        SELECT customer_id, seen, bool_or(complete) AS complete, bit_or(held) AS held
        FROM ({rows}) GROUP BY customer_id, seen
    )
)
"""

# An opening bit closes at the next change of the same bit
_FOUND: Final = """
SELECT customer_id, product_id, seen AS opened_date, previous_seen,
       lead(seen) OVER (PARTITION BY customer_id, bit ORDER BY seen) AS closed_date, opening
FROM (
    SELECT customer_id, seen, previous_seen, bit, product_id, (opened >> bit) & 1 = 1 AS opening
    FROM change JOIN product ON ((opened | closed) >> bit) & 1 = 1
)
QUALIFY opening
"""

_NEW: Final = "SELECT customer_id, product_id, opened_date, closed_date FROM found"

# A stored interval that began after the row before keeps its own opening date
_CONTINUED: Final = """
WITH placed AS (
    SELECT found.customer_id, found.product_id, found.closed_date,
           coalesce(max(stored.opened_date), found.opened_date) AS opened_date
    FROM found
    LEFT JOIN stored ON stored.customer_id = found.customer_id AND stored.product_id = found.product_id
        AND stored.opened_date <= found.opened_date
        AND (stored.closed_date IS NULL OR stored.closed_date > found.opened_date)
        AND (previous_seen IS NULL OR stored.opened_date > previous_seen)
    GROUP BY found.customer_id, found.product_id, found.opened_date, found.closed_date
)
"""


def _versions(sequence: int, *, known: bool) -> str:
    """Return the query for the versions to write: an opening, and its closing known at its own date."""
    rows = _differences() if known else _fresh(_NEW)
    return f"""
SELECT customer_id, product_id, opened_date, closed_date, NULL::DECIMAL(18, 2) AS balance_amount,
       recorded_date, {sequence}::INTEGER AS batch_sequence
FROM ({rows}) ORDER BY product_id, recorded_date, customer_id, opened_date, closed_date
"""


def _fresh(source: str) -> str:
    return f"""
SELECT customer_id, product_id, opened_date, NULL::DATE AS closed_date, opened_date AS recorded_date
FROM ({source})
UNION ALL
SELECT customer_id, product_id, opened_date, closed_date, closed_date AS recorded_date FROM ({source})
WHERE closed_date IS NOT NULL
"""


def _differences() -> str:
    key = "customer_id, product_id, opened_date"
    fresh = f"SELECT {key}, closed_date FROM placed ANTI JOIN stored USING ({key})"
    return f"""
{_CONTINUED}
{_fresh(fresh)}
UNION ALL
SELECT customer_id, product_id, opened_date, placed.closed_date,
       greatest(coalesce(placed.closed_date, stored.recorded_date), stored.recorded_date) AS recorded_date
FROM placed JOIN stored USING ({key}) WHERE placed.closed_date IS DISTINCT FROM stored.closed_date
UNION ALL
SELECT customer_id, product_id, opened_date, opened_date AS closed_date, recorded_date
FROM stored SEMI JOIN (
    SELECT customer_id, seen AS opened_date FROM said UNION SELECT customer_id, seen FROM before
) USING (customer_id, opened_date)
ANTI JOIN placed USING ({key})
WHERE closed_date IS DISTINCT FROM opened_date
"""
