"""Facts read once more, from the stored rows themselves: no feature, no view, no SQL of the as-of cut.

This is the second opinion of `vipreco explain --check`. It shares with the first nothing but the definition
of a kind of fact in the catalogue, and cuts the tables by both clocks in its own way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

import polars as pl

from vipreco.columns import (
    ACTIVITY,
    AUM_AMOUNT,
    BALANCE_AMOUNT,
    BATCH_SEQUENCE,
    CLOSED_DATE,
    CONTACT_ID,
    CONTACTED_AT,
    CONTACTS,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    MONTH_DATE,
    OBSERVATIONS,
    OPENED_DATE,
    OUTCOME,
    PRODUCT_ID,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.explanations.reason_catalog import FactEntry
from vipreco.tables import Tables

Rows: TypeAlias = pl.DataFrame
KEYS = {
    CUSTOMERS: (CUSTOMER_ID, SNAPSHOT_DATE),
    OBSERVATIONS: (CUSTOMER_ID, SNAPSHOT_DATE),
    HOLDINGS: (CUSTOMER_ID, PRODUCT_ID, OPENED_DATE),
    ACTIVITY: (CUSTOMER_ID, MONTH_DATE),
    CONTACTS: (CONTACT_ID,),
}
HAPPENED = {
    CUSTOMERS: SNAPSHOT_DATE,
    OBSERVATIONS: SNAPSHOT_DATE,
    HOLDINGS: OPENED_DATE,
    ACTIVITY: MONTH_DATE,
    CONTACTS: CONTACTED_AT,
}
MONTHS_READ = 12  # of activity
MONEY = (AUM_AMOUNT, BALANCE_AMOUNT)
CELLS = {CUSTOMER_ID: pl.String, PRODUCT_ID: pl.String, "date": pl.Date, "value": pl.String}
OF_PRODUCT = ("open", "closed", "last_about", "declined_about")


@dataclass(frozen=True)
class RawTables:
    """Stored rows of some customers, uncut, and the day by which they are read.

    Args:
        rows: Rows by table, with their clocks; tables that the bank did not bring are not there.
        snapshots: The bank's snapshots known at the day, newest first.
        day: Date whose knowledge counts.
    """

    rows: Mapping[str, Rows]
    snapshots: tuple[date, ...]
    day: date

    @classmethod
    def read(cls, tables: Tables, day: date, customer_ids: Sequence[str]) -> RawTables:
        """Read the Parquet files of an imported tables folder."""
        stored = {table: tables.files(table) for table in KEYS}
        scans = {
            table: pl.concat([pl.scan_parquet(path, glob=False) for path in paths], how="diagonal_relaxed")
            for table, paths in stored.items()
            if paths
        }
        return cls.of(scans, day, customer_ids)

    @classmethod
    def of(cls, scans: Mapping[str, pl.LazyFrame], day: date, customer_ids: Sequence[str]) -> RawTables:
        """Take whole tables by name."""
        seen = scans[OBSERVATIONS] if OBSERVATIONS in scans else scans[CUSTOMERS]
        dates = _known(seen, OBSERVATIONS, day).select(SNAPSHOT_DATE).unique().collect()[SNAPSHOT_DATE]
        own = pl.col(CUSTOMER_ID).is_in(list(customer_ids))
        rows = {
            table: _newest(_known(scan, table, day), table).filter(own).collect()
            for table, scan in scans.items()
            if table in KEYS
        }
        return cls(rows, tuple(sorted(dates.to_list(), reverse=True)), day)

    def cells(self, entry: FactEntry, column: str) -> Rows:
        """Return the cells of one kind of fact: customer_id, product_id, date, value (never null)."""
        if column not in self.rows.get(entry.table, pl.DataFrame()).columns:
            return pl.DataFrame(schema=CELLS)
        found = _FINDERS[entry.table](self, entry.row, column)
        about = pl.col(PRODUCT_ID) if "product" not in found.columns else pl.col("product")
        product = about if entry.table in {HOLDINGS, CONTACTS} else pl.lit(None, pl.String)
        shown = found.select(
            CUSTOMER_ID,
            product.alias(PRODUCT_ID),
            pl.col("on").cast(pl.Date).alias("date"),
            pl.col("cell").cast(pl.String).alias("value"),
        )
        return shown.filter(pl.col("value").is_not_null())

    def snapshot(self, lag: int) -> date | None:
        """Return the bank's snapshot `lag` places before the newest, if there is one."""
        return self.snapshots[lag] if lag < len(self.snapshots) else None


def _known(scan: pl.LazyFrame, table: str, day: date) -> pl.LazyFrame:
    """Keep what had happened and was recorded by the end of the day."""
    names = scan.collect_schema().names()
    happened = pl.col(HAPPENED[table]).cast(pl.Date)
    recorded = pl.col(RECORDED_DATE).fill_null(happened) if RECORDED_DATE in names else happened
    batch = pl.col(BATCH_SEQUENCE).fill_null(0) if BATCH_SEQUENCE in names else pl.lit(0)
    money = [pl.col(name).cast(pl.Decimal(18, 2)) for name in MONEY if name in names]
    if table == HOLDINGS and CLOSED_DATE not in names:  # a bank that never tells of an end
        scan = scan.with_columns(pl.lit(None, pl.Date).alias(CLOSED_DATE))
    dated = scan.with_columns(recorded.alias(RECORDED_DATE), batch.alias(BATCH_SEQUENCE), *money)
    return dated.filter((pl.col(RECORDED_DATE) <= day) & (happened <= day))


def _newest(rows: pl.LazyFrame, table: str) -> pl.LazyFrame:
    """Keep the version of each fact that was recorded last."""
    order, descending = [RECORDED_DATE, BATCH_SEQUENCE], [False, False]
    if table == HOLDINGS:  # of two versions at once, the one that ended first counts
        order, descending = [*order, CLOSED_DATE], [*descending, True]
    latest = rows.sort(order, descending=descending, nulls_last=False, maintain_order=True)
    return latest.unique(list(KEYS[table]), keep="last", maintain_order=True)


def _of_customers(raw: RawTables, row: str, column: str) -> Rows:
    table = raw.rows[CUSTOMERS].with_columns(on=SNAPSHOT_DATE, cell=column)
    if row != "before_change":
        wanted = {"now": 0, "one_before": 1, "three_before": 3}[row]
        return table.filter(pl.col("on") == pl.lit(raw.snapshot(wanted), pl.Date))
    recent = table.filter(pl.col("on").is_in(list(raw.snapshots[:6]))).sort("on", descending=True)
    current = pl.col("cell").filter(pl.col("on") == raw.snapshot(0)).first().over(CUSTOMER_ID)
    return recent.filter(pl.col("cell") != current).group_by(CUSTOMER_ID, maintain_order=True).first()


def _of_holdings(raw: RawTables, row: str, column: str) -> Rows:
    table = raw.rows[HOLDINGS].filter(~(pl.col(CLOSED_DATE) <= pl.col(OPENED_DATE)).fill_null(False))
    over = (pl.col(CLOSED_DATE) <= raw.day).fill_null(False)
    ended, held = table.filter(over), table.filter(~over)
    held_pairs = held.select(CUSTOMER_ID, PRODUCT_ID).unique()
    if row == "open":
        return _top(held.with_columns(on=OPENED_DATE, cell=column), [CUSTOMER_ID, PRODUCT_ID], ["on"])
    if row == "closed":
        gone = ended.join(held_pairs, on=[CUSTOMER_ID, PRODUCT_ID], how="anti")
        return _top(gone.with_columns(on=CLOSED_DATE, cell=column), [CUSTOMER_ID, PRODUCT_ID], ["on"])
    if row == "all_open":
        products = held_pairs.sort(PRODUCT_ID).group_by(CUSTOMER_ID, maintain_order=True).agg(PRODUCT_ID)
        listed = pl.col(PRODUCT_ID).list.join(", ").alias("cell")
        return products.select(CUSTOMER_ID, listed, on=pl.lit(raw.day), product=pl.lit(None, pl.String))
    if row == "newest_ended":
        gone = ended.join(held_pairs, on=[CUSTOMER_ID, PRODUCT_ID], how="anti")
        return _top(gone.with_columns(on=CLOSED_DATE, cell=column), [CUSTOMER_ID], ["on", PRODUCT_ID])
    rows, day = (table, OPENED_DATE) if row == "newest_opened" else (ended, CLOSED_DATE)
    return _top(rows.with_columns(on=day, cell=column), [CUSTOMER_ID], ["on", PRODUCT_ID])


def _of_activity(raw: RawTables, row: str, column: str) -> Rows:
    table = raw.rows[ACTIVITY].with_columns(on=MONTH_DATE, cell=column)
    fresh = table.filter(pl.col("on") > pl.lit(raw.day).dt.offset_by("-3mo"))
    newest = fresh.filter(pl.col("on") == pl.col("on").max().over(CUSTOMER_ID))
    if row == "newest":
        return newest
    if row == "highest":
        return _top(fresh.filter(pl.col("cell") > 0), [CUSTOMER_ID], ["cell", "on"])
    if row in _SUMMED:
        return _of_months(table, newest, row)
    wanted = newest.select(CUSTOMER_ID, month=pl.col("on").dt.truncate("1mo").dt.offset_by("-3mo"))
    earlier = table.join(wanted, on=CUSTOMER_ID).filter(pl.col("on").dt.truncate("1mo") == pl.col("month"))
    return _top(earlier, [CUSTOMER_ID], ["on"])


def _of_months(table: Rows, newest: Rows, row: str) -> Rows:
    """Return a summary of the months of a year, one customer after the other."""
    ends = dict(newest.select(CUSTOMER_ID, "on").iter_rows())
    found = []
    for (customer,), months in table.sort("on").group_by(CUSTOMER_ID, maintain_order=True):
        last = ends.get(customer)
        if last is None:
            continue
        dated = [
            ((last.year - day.year) * 12 + last.month - day.month, day, value)
            for day, value in months.select("on", "cell").iter_rows()
        ]
        months_known = [one for one in dated if 0 <= one[0] < MONTHS_READ and one[2] is not None]
        cell = _SUMMED[row](months_known) if months_known else None
        if cell is not None and cell[1] > 0:
            found.append((customer, cell[0], float(cell[1])))
    return pl.DataFrame(
        found, schema={CUSTOMER_ID: pl.String, "on": pl.Date, "cell": pl.Float64}, orient="row"
    )


Months: TypeAlias = list[tuple[int, date, float]]
"""Months before the customer's newest, date and value."""


def _mean(months: Months, least: int) -> tuple[date, float] | None:
    if len(months) < least:
        return None
    mean = pl.Series([value for _, _, value in months]).mean()
    return months[-1][1], float(pl.Series([mean]).round(6).round()[0])


def _paid_last(months: Months) -> tuple[date, float] | None:
    paid = [one for one in months if one[2] > 0]
    return paid[-1][1:] if len(paid) >= 3 and paid[-1][0] >= 2 else None


_SUMMED: Mapping[str, Callable[[Months], tuple[date, float] | None]] = {
    "recent": lambda months: _mean([one for one in months if one[0] < 3], 2),
    "usual": lambda months: _mean([one for one in months if one[0] >= 3], 3),
    "quarter_sum": lambda months: (months[-1][1], sum(one[2] for one in months if one[0] < 3)),
    "year_sum": lambda months: (months[-1][1], sum(one[2] for one in months)),
    "months_paid": lambda months: (months[-1][1], sum(one[2] > 0 for one in months)),
    "last_paid": _paid_last,
}


def _of_contacts(raw: RawTables, row: str, column: str) -> Rows:
    table = raw.rows[CONTACTS].with_columns(on=CONTACTED_AT, cell=column)
    if row == "last_accepted":
        table = table.filter(pl.col(OUTCOME) == "accepted")
    if row == "declined_about":
        table = table.filter(pl.col(OUTCOME) == "declined")
    if row not in OF_PRODUCT:
        return _top(table, [CUSTOMER_ID], ["on", CONTACT_ID])
    about = table.filter(pl.col(PRODUCT_ID).is_not_null())
    return _top(about, [CUSTOMER_ID, PRODUCT_ID], ["on", CONTACT_ID])


def _top(rows: Rows, of: list[str], by: list[str]) -> Rows:
    """Return the last row of each group by some columns."""
    ordered = rows.sort(by, descending=True, nulls_last=True)
    return ordered.group_by(of, maintain_order=True).first()


_FINDERS: Mapping[str, Callable[[RawTables, str, str], Rows]] = {
    CUSTOMERS: _of_customers,
    HOLDINGS: _of_holdings,
    ACTIVITY: _of_activity,
    CONTACTS: _of_contacts,
}
