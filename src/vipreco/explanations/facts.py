"""Facts that can be cited: cells of the bank's tables, looked up behind the time door for some customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import (
    ACTIVITY,
    CLOSED_DATE,
    CONTACT_ID,
    CONTACTED_AT,
    CONTACTS,
    CUSTOMER_ID,
    CUSTOMERS,
    HOLDINGS,
    MONTH_DATE,
    OPENED_DATE,
    OUTCOME,
    PRODUCT_ID,
    SNAPSHOT_DATE,
)
from vipreco.explanations.catalogue import ANY_COLUMN, PRODUCT_ROWS, Catalogue, FactEntry
from vipreco.history import AsOf

Key: TypeAlias = tuple[str, str]
"""Kind of fact, and the product or column that it is about (empty for neither)."""
DATE, VALUE, AGE, RECENT = "_date", "_value", "_age", "_recent"  # beside a bank's own columns, any name
LISTED = ", "
LOOKBACK = 6  # snapshots among which a change of tier is looked for


@dataclass(frozen=True, order=True)
class Fact:
    """A cell of a table that speaks of one customer.

    Args:
        kind: Kind of fact in the catalogue: says which row is meant.
        table: Table.
        column: Column.
        date: Date of the row: snapshot, opening, closing, month or contact.
        value: What stands there, as text.
        product_id: Product that it is about, if any.
    """

    kind: str
    table: str
    column: str
    date: date
    value: str
    product_id: str | None = None

    @property
    def citation(self) -> str:
        """Where it stands: table.column, product and date of the row, value."""
        about = f" {self.product_id}" if self.product_id else ""
        return f"{self.table}.{self.column}{about} {self.date}: {self.value}"

    def record(self) -> dict[str, str | None]:
        """Return it as JSON values."""
        return {
            "kind": self.kind,
            "table": self.table,
            "column": self.column,
            "date": self.date.isoformat(),
            "value": self.value,
            "product_id": self.product_id,
        }


@dataclass(frozen=True)
class Cells:
    """One cell of each of n customers; None where there is none.

    Args:
        dates: Dates of the rows, shape (n,).
        values: What stands there, as text, shape (n,).
        products: Products that the rows are about, shape (n,).
        there: Which customers have the cell, shape (n,).
    """

    dates: NDArray[Any]
    values: NDArray[Any]
    products: NDArray[Any]
    there: NDArray[np.bool_]

    @classmethod
    def of(cls, frame: pl.DataFrame, ids: pl.DataFrame) -> Cells:
        """Bring rows (customer_id, product_id, date, value) into the order of `ids`; at most one each."""
        found = ids.join(frame, on=CUSTOMER_ID, how="left", maintain_order="left")
        dates, values, products = (
            np.array(found[name].to_list(), object) for name in (DATE, VALUE, PRODUCT_ID)
        )
        return cls(dates, values, products, found[VALUE].is_not_null().to_numpy())


@dataclass(frozen=True)
class FactBook:
    """What can be cited about n customers.

    Args:
        catalogue: Kinds of facts.
        customer_ids: Ids, shape (n,).
        cells: Cells by kind and subject.
    """

    catalogue: Catalogue
    customer_ids: NDArray[Any]
    cells: Mapping[Key, Cells]

    @classmethod
    def of(
        cls, view: AsOf, customer_ids: NDArray[Any], keys: Iterable[Key], catalogue: Catalogue
    ) -> FactBook:
        """Look up facts.

        Args:
            view: What was known at a date.
            customer_ids: Whose facts, each once.
            keys: Kinds of facts, and what each is about.
            catalogue: Kinds of facts.
        """
        asked = sorted(set(keys))
        ids = pl.DataFrame({CUSTOMER_ID: pl.Series(customer_ids.tolist(), dtype=pl.String)})
        kinds = {kind: catalogue.fact[kind] for kind, _ in asked}
        tables = {name: _READERS[name](view) for name in sorted({entry.table for entry in kinds.values()})}
        found: dict[tuple[str, str], pl.DataFrame] = {}
        cells = {}
        for kind, subject in asked:
            entry = kinds[kind]
            column = subject if entry.column == ANY_COLUMN else entry.column
            if (kind, column) not in found:
                found[kind, column] = _cited(tables[entry.table], entry, column, view.date)
            cells[kind, subject] = Cells.of(_about(found[kind, column], entry, subject), ids)
        return cls(catalogue, customer_ids, cells)

    def there(self, kinds: Iterable[str], subject: str) -> NDArray[np.bool_]:
        """Return which customers have all of these facts, shape (n,)."""
        cells = (self.cells[self.key(kind, subject)] for kind in kinds)
        return np.asarray(np.all([one.there for one in cells], axis=0))

    def tells(self, kinds: Sequence[str], subject: str) -> NDArray[np.bool_]:
        """Return of which customers these facts tell something: all there, a change is one; shape (n,)."""
        found = self.there(kinds, subject)
        if len(kinds) > 1:
            first, last = (self.cells[self.key(kind, subject)].values for kind in (kinds[0], kinds[-1]))
            found &= np.asarray(first != last, bool)
        return found

    def key(self, kind: str, subject: str) -> Key:
        """Return where a fact is kept: one about a customer as a whole has no subject."""
        return key_of(self.catalogue.fact[kind], kind, subject)

    def fact(self, kind: str, subject: str, place: int) -> Fact:
        """Return a fact of one customer; it must be there."""
        entry, cells = self.catalogue.fact[kind], self.cells[self.key(kind, subject)]
        column = subject if entry.column == ANY_COLUMN else entry.column
        product = cells.products[place]
        return Fact(kind, entry.table, column, cells.dates[place], cells.values[place], product)


def key_of(entry: FactEntry, kind: str, subject: str) -> Key:
    """Return kind and subject of a fact; the subject is empty where the kind has none."""
    about = entry.row in PRODUCT_ROWS or entry.column == ANY_COLUMN
    return kind, subject if about else ""


def canonical_text(name: str) -> pl.Expr:
    """Return a column as the text that facts are compared by."""
    return pl.col(name).cast(pl.String)


def _about(frame: pl.DataFrame, entry: FactEntry, subject: str) -> pl.DataFrame:
    return frame.filter(pl.col(PRODUCT_ID) == subject) if entry.row in PRODUCT_ROWS else frame


def _cited(table: pl.DataFrame, entry: FactEntry, column: str, day: date) -> pl.DataFrame:
    """Return customer_id, product_id, date and value of the cells of one kind; at most one a subject."""
    rows = _ROWS[entry.table](table, entry.row, column, day)
    of_product = PRODUCT_ID in rows.columns and entry.row != "all_open"
    product = pl.col(PRODUCT_ID) if of_product else pl.lit(None, pl.String).alias(PRODUCT_ID)
    return rows.select(CUSTOMER_ID, product, DATE, canonical_text(column).alias(VALUE)).drop_nulls(VALUE)


def _customers(view: AsOf) -> pl.DataFrame:
    sql = f"SELECT * FROM {CUSTOMERS} JOIN snapshots USING ({SNAPSHOT_DATE}) WHERE lag < {LOOKBACK}"
    return pl.DataFrame(view.query(sql, where="facts")).rename({SNAPSHOT_DATE: DATE})


def _holdings(view: AsOf) -> pl.DataFrame:
    return pl.DataFrame(view.query(f"SELECT * FROM {HOLDINGS}", where="facts"))


def _activity(view: AsOf) -> pl.DataFrame:
    sql = f"""
        SELECT {ACTIVITY}.*, {MONTH_DATE} > as_of_date - INTERVAL 3 MONTH AS {RECENT},
            datediff('month', {MONTH_DATE}, max({MONTH_DATE}) OVER (PARTITION BY {CUSTOMER_ID})) AS {AGE}
        FROM {ACTIVITY} CROSS JOIN clock WHERE {MONTH_DATE} > as_of_date - INTERVAL 7 MONTH
    """
    return pl.DataFrame(view.query(sql, where="facts")).rename({MONTH_DATE: DATE})


def _contacts(view: AsOf) -> pl.DataFrame:
    sql = f"SELECT *, CAST({CONTACTED_AT} AS DATE) AS {DATE} FROM {CONTACTS}"
    return pl.DataFrame(view.query(sql, where="facts")).sort(CONTACTED_AT, CONTACT_ID)


def _customer_rows(table: pl.DataFrame, row: str, column: str, _: date) -> pl.DataFrame:
    lags = {"now": 0, "one_before": 1, "three_before": 3}
    if row in lags:
        return table.filter(pl.col("lag") == lags[row])
    now = table.filter(pl.col("lag") == 0).select(CUSTOMER_ID, pl.col(column).alias("now"))
    other = table.join(now, on=CUSTOMER_ID).filter(pl.col(column) != pl.col("now"))
    return other.sort("lag").unique(CUSTOMER_ID, keep="first", maintain_order=True)


def _holding_rows(table: pl.DataFrame, row: str, column: str, day: date) -> pl.DataFrame:
    pair, end = [CUSTOMER_ID, PRODUCT_ID], pl.col(CLOSED_DATE)
    opened = table.with_columns(pl.col(OPENED_DATE).alias(DATE))
    closed = table.filter(end.is_not_null()).with_columns(end.alias(DATE))
    held = opened.filter(end.is_null())
    if row == "open":
        return _last(held, pair, [DATE])
    if row == "closed":
        return _last(closed.join(held, on=pair, how="anti"), pair, [DATE])
    if row in {"newest_opened", "newest_closed"}:
        return _last(opened if row == "newest_opened" else closed, [CUSTOMER_ID], [DATE, PRODUCT_ID])
    listed = held.group_by(CUSTOMER_ID).agg(pl.col(column).unique().sort().str.join(LISTED))
    return listed.with_columns(pl.lit(day).alias(DATE))


def _activity_rows(table: pl.DataFrame, row: str, column: str, _: date) -> pl.DataFrame:
    newest = table.filter((pl.col(AGE) == 0) & pl.col(RECENT))
    if row == "newest":
        return newest
    if row == "three_before":
        earlier = table.filter(pl.col(AGE) == 3).join(newest, on=CUSTOMER_ID, how="semi")
        return _last(earlier, [CUSTOMER_ID], [DATE])
    happened = table.filter(pl.col(RECENT) & (pl.col(column) > 0))
    return _last(happened, [CUSTOMER_ID], [column, DATE])


def _contact_rows(table: pl.DataFrame, row: str, _: str, __: date) -> pl.DataFrame:
    outcomes = {"last_accepted": "accepted", "declined_about": "declined"}
    wanted = table.filter(pl.col(OUTCOME) == outcomes[row]) if row in outcomes else table
    keys = [CUSTOMER_ID, PRODUCT_ID] if row in PRODUCT_ROWS else [CUSTOMER_ID]
    return wanted.drop_nulls(keys).unique(keys, keep="last", maintain_order=True)


def _last(table: pl.DataFrame, keys: list[str], order: list[str]) -> pl.DataFrame:
    return table.sort(order).unique(keys, keep="last", maintain_order=True)


Reader: TypeAlias = Callable[[AsOf], pl.DataFrame]
RowsOf: TypeAlias = Callable[[pl.DataFrame, str, str, date], pl.DataFrame]
_READERS: Mapping[str, Reader] = {
    CUSTOMERS: _customers,
    HOLDINGS: _holdings,
    ACTIVITY: _activity,
    CONTACTS: _contacts,
}
_ROWS: Mapping[str, RowsOf] = {
    CUSTOMERS: _customer_rows,
    HOLDINGS: _holding_rows,
    ACTIVITY: _activity_rows,
    CONTACTS: _contact_rows,
}
