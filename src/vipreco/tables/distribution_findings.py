"""Findings about whole columns and dates: each row is right by itself, and the table is wrong.

A change of unit, of codes or of the core banking system shows as a jump between two snapshots.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Final

from vipreco import columns as c
from vipreco.tables.findings import Finding, StoredRows, stored_rows
from vipreco.tables.import_database import name
from vipreco.tables.reopenings import decision, reopenings_query
from vipreco.tables.snapshot import Tables

MIN_ROWS: Final = 20
MEDIAN_FACTOR: Final = 5.0
SHARE_JUMP: Final = 0.5
MAX_CODES: Final = 100
MISSING_FACTOR: Final = 1.5
THIN_SHARE: Final = 0.05
MASS_OPENING: Final = 0.5
HELD_BY_ALL: Final = 0.99
CLOCKS: Final = {c.CUSTOMERS: c.SNAPSHOT_DATE, c.ACTIVITY: c.MONTH_DATE}
_KEYS: Final = {c.CUSTOMER_ID, c.RECORDED_DATE, c.BATCH_SEQUENCE, "source_file", "file_row_number"}
_NUMBERS: Final = ("DECIMAL", "DOUBLE", "BIGINT", "INTEGER")


def distribution_findings(stored: StoredRows) -> Iterator[Finding]:
    """Yield what a look at all rows together shows."""
    for table, clock in CLOCKS.items():
        if stored.has(table):
            yield from _jumps(stored, table, clock)
    if stored.has(c.CUSTOMERS):
        yield from _calendar(stored)
        yield from _unchanged(stored)
    if stored.has(c.HOLDINGS):
        yield from _reopenings(stored)
        yield from _mass_openings(stored)
        yield from _held_by_all(stored)


def _jumps(stored: StoredRows, table: str, clock: str) -> Iterator[Finding]:
    columns = {one: kind for one, kind in stored.columns(table).items() if one not in {*_KEYS, clock}}
    numbers = [one for one, kind in columns.items() if kind.startswith(_NUMBERS)]
    flags = [one for one, kind in columns.items() if kind == "BOOLEAN"]
    codes = [one for one, kind in columns.items() if kind == "VARCHAR"]
    yield from _median_jumps(stored, table, clock, numbers)
    yield from _share_jumps(stored, table, clock, list(columns), flags)
    yield from _code_jumps(stored, table, clock, codes)
    yield from _constants(stored, table, clock, numbers)


def _by_date(
    stored: StoredRows, table: str, clock: str, values: list[str]
) -> list[tuple[date, int, list[float]]]:
    """Return date, rows and the values of aggregates of each date with enough rows."""
    listed = "".join(f", {value}" for value in values)
    query = f"SELECT {clock}, count(*){listed} FROM {table}_now GROUP BY {clock} ORDER BY {clock}"
    return [(row[0], row[1], list(row[2:])) for row in stored.fetch(query) if row[1] >= MIN_ROWS]


def _median_jumps(stored: StoredRows, table: str, clock: str, columns: list[str]) -> Iterator[Finding]:
    medians = [f"median({name(one)}) FILTER ({name(one)} <> 0)::DOUBLE" for one in columns]
    for (before, _, old), (day, rows, new) in pairwise(_by_date(stored, table, clock, medians)):
        for column, first, second in zip(columns, old, new, strict=True):
            if not first or not second:
                continue
            ratio = second / first
            if not 1 / MEDIAN_FACTOR <= ratio <= MEDIAN_FACTOR:
                change = "fell" if ratio < 1 else "rose"
                shown = f"{abs(ratio - 1):.2%}".replace("%", " %")
                what = f"the median of {column} {change} by {shown}: another unit, or another export"
                yield Finding("median-jump", "warning", table, what, rows, (f"{before} to {day}",))


def _share_jumps(
    stored: StoredRows, table: str, clock: str, columns: list[str], flags: list[str]
) -> Iterator[Finding]:
    shares = [f"avg(({name(one)} IS NULL)::INTEGER)" for one in columns]
    shares += [f"avg({name(one)}::INTEGER)" for one in flags]
    labels = [("missing-jump", f"the share without {one}") for one in columns]
    labels += [("flag-jump", f"the share of yes in {one}") for one in flags]
    for (before, _, old), (day, rows, new) in pairwise(_by_date(stored, table, clock, shares)):
        for (code, what), first, second in zip(labels, old, new, strict=True):
            if first is not None and second is not None and abs(second - first) >= SHARE_JUMP:
                shown = f"{what} went from {first:.0%} to {second:.0%}".replace("%", " %")
                yield Finding(code, "warning", table, shown, rows, (f"{before} to {day}",))


def _code_jumps(stored: StoredRows, table: str, clock: str, columns: list[str]) -> Iterator[Finding]:
    """Compare the shares of the codes of each column between neighbouring dates."""
    for column in columns:
        query = (
            f"SELECT {clock}, {name(column)}, count(*) FROM {table}_now WHERE {name(column)} IS NOT NULL "
            "GROUP BY ALL ORDER BY ALL"
        )
        counts: dict[date, dict[str, int]] = {}
        for day, code, rows in stored.fetch(query):
            counts.setdefault(day, {})[code] = rows
        for (before, old), (day, new) in pairwise(counts.items()):
            first, second = sum(old.values()), sum(new.values())
            if min(first, second) < MIN_ROWS or max(len(old), len(new)) > MAX_CODES:
                continue
            shift = sum(abs(old.get(one, 0) / first - new.get(one, 0) / second) for one in {*old, *new}) / 2
            if shift >= SHARE_JUMP:
                what = f"the codes of {column} changed for {shift:.0%} of the rows".replace("%", " %")
                yield Finding("codes-jump", "warning", table, what, second, (f"{before} to {day}",))


def _constants(stored: StoredRows, table: str, clock: str, columns: list[str]) -> Iterator[Finding]:
    """Find numbers that are the same for everybody at the newest date: nothing can be learnt from them."""
    distinct = [f"count(DISTINCT {name(one)})" for one in columns]
    for _, rows, counts in _by_date(stored, table, clock, distinct)[-1:]:
        for column, count in zip(columns, counts, strict=True):
            if count == 1:
                what = f"{column} is the same in all rows of the newest date"
                yield Finding("constant-column", "note", table, what, rows, ())


def _calendar(stored: StoredRows) -> Iterator[Finding]:
    found = stored.fetch(
        f"SELECT {c.SNAPSHOT_DATE}, count(*) FROM customers_now GROUP BY ALL ORDER BY {c.SNAPSHOT_DATE}"
    )
    gaps = [(later[0] - earlier[0]).days for earlier, later in pairwise(found)]
    usual = sorted(gaps)[(len(gaps) - 1) // 2] if gaps else 0
    for ((before, old), (day, new)), gap in zip(pairwise(found), gaps, strict=True):
        if len(gaps) > 1 and gap > MISSING_FACTOR * usual:
            what = "a snapshot is missing in between: the dates before it may not be learnt from"
            yield Finding("snapshot-missing", "warning", c.CUSTOMERS, what, new, (f"{before} to {day}",))
        if old >= MIN_ROWS and new <= THIN_SHARE * old:
            what = "the snapshot has few of the customers of the one before"
            yield Finding("snapshot-thin", "warning", c.CUSTOMERS, what, new, (f"{before} to {day}",))
    late = [(day, rows) for day, rows in found if day > date.today()]  # noqa: DTZ011  the bank's own day
    if late:
        days = tuple(str(day) for day, _ in late)
        what = "the snapshot is dated in the future"
        yield Finding("snapshot-in-future", "error", c.CUSTOMERS, what, sum(rows for _, rows in late), days)


def _unchanged(stored: StoredRows) -> Iterator[Finding]:
    rows = stored.fetch(
        """WITH days AS (SELECT DISTINCT snapshot_date AS day FROM customers ORDER BY day DESC LIMIT 2),
        two AS (SELECT min(day) AS before, max(day) AS newest FROM days)
        SELECT before, newest, count(*), bool_and(o.aum_amount IS NOT DISTINCT FROM n.aum_amount),
          count(DISTINCT n.aum_amount) FROM two
        JOIN customers_now n ON n.snapshot_date = newest JOIN customers_now o ON o.snapshot_date = before
        AND o.customer_id = n.customer_id WHERE before < newest GROUP BY ALL"""
    )
    for before, newest, count, same, amounts in rows:
        if same and count >= MIN_ROWS and amounts > 1:
            what = "the newest snapshot has the assets of the one before, for everybody: a copy?"
            yield Finding(
                "snapshot-unchanged", "warning", c.CUSTOMERS, what, count, (f"{before} to {newest}",)
            )


def mass_reopenings(tables_dir: Path) -> list[str]:
    """Return the mass reopenings that are not decided yet, as `PRODUCT@DATE`."""
    with stored_rows(Tables.open(tables_dir)) as stored:
        rows = _mass_reopenings(stored) if stored.has(c.HOLDINGS) else []
        return sorted({decision(product, str(day)) for product, day, *_ in rows})


def _mass_reopenings(stored: StoredRows) -> list[tuple[str, date, str, int]]:
    query = reopenings_query("SELECT * FROM holdings_now", decided=stored.tables.decisions)
    found = stored.fetch(
        f"SELECT product_id, opened_date, closed_product_id, count(DISTINCT customer_id) FROM ({query}) "
        "GROUP BY ALL ORDER BY ALL"
    )
    return [(product, day, closed, customers) for product, day, closed, customers in found]


def _reopenings(stored: StoredRows) -> Iterator[Finding]:
    for product, day, closed, customers in _mass_reopenings(stored):
        what = (
            f"{customers} openings of {product} on one day, all of customers whose {closed} was closed then: "
            "not counted as acquisitions until it is decided"
        )
        place = (f"{closed} to {product} on {day}",)
        yield Finding("mass-reopening", "warning", c.HOLDINGS, what, customers, place)


def _mass_openings(stored: StoredRows) -> Iterator[Finding]:
    """Find products that half of the customers opened on one day which is not their first."""
    rows = stored.fetch(
        f"""WITH seen AS (SELECT count(DISTINCT customer_id) AS customers FROM customers),
        first_day AS (SELECT min(opened_date) AS day FROM holdings_now)
        SELECT product_id, opened_date, count(DISTINCT customer_id) AS opened, customers
        FROM holdings_now, seen, first_day WHERE opened_date > day GROUP BY ALL
        HAVING opened >= {MIN_ROWS} AND opened >= {MASS_OPENING} * customers ORDER BY ALL"""
    )
    for product, day, opened, customers in rows:
        what = f"{opened} of {customers} customers opened {product} on one day: opened by the bank?"
        yield Finding("mass-opening", "warning", c.HOLDINGS, what, opened, (f"{product} on {day}",))


def _held_by_all(stored: StoredRows) -> Iterator[Finding]:
    rows = stored.fetch(
        f"""WITH newest AS (SELECT max(snapshot_date) AS day FROM customers),
        present AS (SELECT customer_id FROM customers_now, newest WHERE snapshot_date = day),
        total AS (SELECT count(DISTINCT customer_id) AS customers FROM present)
        SELECT product_id, count(DISTINCT customer_id) AS held FROM holdings_now SEMI JOIN present
        USING (customer_id), newest, total
        WHERE opened_date <= day AND (closed_date IS NULL OR closed_date > day)
        GROUP BY product_id, customers HAVING customers >= {MIN_ROWS} AND held >= {HELD_BY_ALL} * customers
        ORDER BY ALL"""
    )
    for product, held in rows:
        what = f"{product} is held by everybody: there is nobody left to offer it to"
        yield Finding("held-by-everybody", "note", c.HOLDINGS, what, held, (product,))
