"""Facts that can be cited: cells of the bank's tables, looked up behind the as-of cut for some customers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
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
from vipreco.explanations.fact_cells import DATE, PLACE, TEXT, Cells, Columns, columns_of
from vipreco.explanations.reason_catalog import ANY_COLUMN, PRODUCT_ROWS, FactEntry, ReasonCatalog
from vipreco.history import View

Key: TypeAlias = tuple[str, str]
"""Kind of fact, and the product or column that it is about (empty for neither)."""
Group: TypeAlias = tuple[str, str, str]
"""Table and row of the catalogue, and the column where the row is chosen by it (else empty)."""
AGE, RECENT = "_age", "_recent"  # beside a bank's own columns, any name
COLUMN_ROWS = frozenset({"before_change", "all_open"})
MONTHLY_ROWS = frozenset(
    {"highest", "recent", "usual", "quarter_sum", "year_sum", "months_paid", "last_paid"}
)
"""Rows that summarise the months of each column, each with a date of its own."""
QUARTER, YEAR, MIN_USUAL, MIN_PAID = 3, 12, 3, 3  # months
LISTED = ", "
FEW = 8  # customers up to whom plans cost more than rows: the engine for large data takes twice as long
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
        """Source of the fact: table.column, product and date of the row, value."""
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
class FactBook:
    """Facts that can be cited about n customers.

    Args:
        catalogue: Kinds of facts.
        customer_ids: Ids, shape (n,).
        cells: Cells by kind and subject.
    """

    catalogue: ReasonCatalog
    customer_ids: NDArray[Any]
    cells: Mapping[Key, Cells]

    @classmethod
    def of(
        cls, view: View, customer_ids: NDArray[Any], keys: Iterable[Key], catalogue: ReasonCatalog
    ) -> FactBook:
        """Look up facts.

        Args:
            view: What was known at a date.
            customer_ids: Whose facts, each once.
            keys: Kinds of facts, and what each is about.
            catalogue: Kinds of facts.
        """
        asked = sorted(set(keys))
        kinds = {kind: catalogue.fact[kind] for kind, _ in asked}
        wanted = {(kind, subject): (kinds[kind], _column(kinds[kind], subject)) for kind, subject in asked}
        rows = _cited(view, customer_ids.tolist(), wanted.values())
        cells, nothing = {}, Cells.of(None, "", len(customer_ids))
        for (kind, subject), (entry, column) in wanted.items():
            found = rows[_group(entry, column)].get((subject,) if entry.row in PRODUCT_ROWS else ())
            cells[kind, subject] = nothing if found is None else Cells.of(found, column, len(customer_ids))
        return cls(catalogue, customer_ids, cells)

    def there(self, kinds: Iterable[str], subject: str) -> NDArray[np.bool_]:
        """Return which customers have all of these facts, shape (n,)."""
        cells = (self.cells[self.key(kind, subject)] for kind in kinds)
        return np.asarray(np.all([one.there for one in cells], axis=0))

    def has(self, kind: str, subject: str, place: int) -> bool:
        """Return whether one customer has a fact."""
        return bool(self.cells[self.key(kind, subject)].there[place])

    def numbers(self, kind: str, subject: str) -> NDArray[np.float64]:
        """Return the values of a kind of fact as numbers, NaN where there is none, shape (n,)."""
        return np.array([_number(value) for value in self.cells[self.key(kind, subject)].values], float)

    def key(self, kind: str, subject: str) -> Key:
        """Return where a fact is kept: one about a customer as a whole has no subject."""
        return key_of(self.catalogue.fact[kind], kind, subject)

    def fact(self, kind: str, subject: str, place: int) -> Fact:
        """Return a fact of one customer; it must be there."""
        entry, cells = self.catalogue.fact[kind], self.cells[self.key(kind, subject)]
        day, value, product = (found[place] for found in (cells.dates, cells.values, cells.products))
        return Fact(kind, entry.table, _column(entry, subject), day, value, product)


def _number(value: str | None) -> float:
    try:
        return float(value) if value is not None else np.nan
    except ValueError:
        return np.nan


def key_of(entry: FactEntry, kind: str, subject: str) -> Key:
    """Return kind and subject of a fact; the subject is empty where the kind has none."""
    about = entry.row in PRODUCT_ROWS or entry.column == ANY_COLUMN
    return kind, subject if about else ""


def canonical_text(column: str | pl.Expr) -> pl.Expr:
    """Return a column as the text that facts are compared by."""
    return (pl.col(column) if isinstance(column, str) else column).cast(pl.String)


def _column(entry: FactEntry, subject: str) -> str:
    return subject if entry.column == ANY_COLUMN else entry.column


def _group(entry: FactEntry, column: str) -> Group:
    """Return what the rows of a kind of fact are chosen by: kinds of one group cite the same rows."""
    return entry.table, entry.row, column if entry.row in COLUMN_ROWS else ""


def _cited(
    view: View, customer_ids: list[str], wanted: Iterable[tuple[FactEntry, str]]
) -> dict[Group, dict[tuple[object, ...], Columns]]:
    """Return place, product_id, date and the columns as text of the rows of each group.

    The rows are those of each product where there is one a customer and product, else all of them under ().
    All groups are collected at once: each alone takes longer to ask for than to find.
    """
    columns: dict[Group, set[str]] = {}
    for entry, column in wanted:
        columns.setdefault(_group(entry, column), set()).add(column)
    ids = pa.array(customer_ids, pa.string())
    tables = {name: _placed(_READERS[name](view), ids) for name in sorted({table for table, _, _ in columns})}
    monthly = {group: sorted(names) for group, names in columns.items() if group[1] in MONTHLY_ROWS}
    single = {group: sorted(names) for group, names in columns.items() if group not in monthly}
    plans = [_rows(tables, group, names, view.date) for group, names in single.items()]
    if monthly:
        plans.append(_monthly(tables[ACTIVITY], monthly))
    frames = pl.collect_all(plans, engine="in-memory" if len(ids) <= FEW else "auto")
    found = {group: _by_key(group, rows) for group, rows in zip(single, frames, strict=False)}
    if monthly:
        summaries = None if frames[-1].is_empty() else columns_of(frames[-1])
        found |= {group: _summary(summaries, group, names) for group, names in monthly.items()}
    return found


def _placed(rows: pa.Table, ids: pa.Array) -> pl.LazyFrame:
    """Return the rows of some customers with their places: a join would wait for the threads of Polars."""
    places = pc.index_in(rows[CUSTOMER_ID], value_set=ids)
    placed = rows.append_column(PLACE, places)
    return pl.DataFrame(placed.filter(places.is_valid()) if places.null_count else placed).lazy()


def _by_key(group: Group, rows: pl.DataFrame) -> dict[tuple[object, ...], Columns]:
    columns = columns_of(rows)
    if rows.is_empty() or group[1] not in PRODUCT_ROWS:
        return {} if rows.is_empty() else {(): columns}
    products, own = np.unique(columns[PRODUCT_ID].astype(np.str_), return_inverse=True)
    return {
        (product,): {name: values[own == place] for name, values in columns.items()}
        for place, product in enumerate(products.tolist())
    }


def _rows(tables: Mapping[str, pl.LazyFrame], group: Group, columns: list[str], day: date) -> pl.LazyFrame:
    table, row, column = group
    rows = _ROWS[table](tables[table], row, column, day)
    of_product = table in {HOLDINGS, CONTACTS} and row != "all_open"
    product = pl.col(PRODUCT_ID) if of_product else pl.lit(None, pl.String).alias(PRODUCT_ID)
    texts = [canonical_text(name).alias(TEXT + name) for name in columns]
    return rows.select(PLACE, product, DATE, *texts)


def _customers(view: View) -> pa.Table:
    sql = f"""
        SELECT * RENAME ({SNAPSHOT_DATE} AS {DATE})
        FROM {CUSTOMERS} JOIN snapshots USING ({SNAPSHOT_DATE}) WHERE lag < {LOOKBACK}
    """
    return view.query(sql, where="facts")


def _holdings(view: View) -> pa.Table:
    return view.query(f"SELECT * FROM {HOLDINGS}", where="facts")


def _activity(view: View) -> pa.Table:
    sql = f"""
        SELECT {ACTIVITY}.* RENAME ({MONTH_DATE} AS {DATE}),
            {MONTH_DATE} > as_of_date - INTERVAL 3 MONTH AS {RECENT},
            datediff('month', {MONTH_DATE}, max({MONTH_DATE}) OVER (PARTITION BY {CUSTOMER_ID})) AS {AGE}
        FROM {ACTIVITY} CROSS JOIN clock WHERE {MONTH_DATE} > as_of_date - INTERVAL {YEAR + QUARTER} MONTH
    """
    return view.query(sql, where="facts")


def _contacts(view: View) -> pa.Table:
    sql = f"""
        SELECT *, CAST({CONTACTED_AT} AS DATE) AS {DATE} FROM {CONTACTS} ORDER BY {CONTACTED_AT}, {CONTACT_ID}
    """
    return view.query(sql, where="facts")


def _customer_rows(table: pl.LazyFrame, row: str, column: str, _: date) -> pl.LazyFrame:
    lags = {"now": 0, "one_before": 1, "three_before": 3}
    if row in lags:
        return table.filter(pl.col("lag") == lags[row])
    now = table.filter(pl.col("lag") == 0).select(PLACE, pl.col(column).alias("now"))
    other = table.join(now, on=PLACE).filter(pl.col(column) != pl.col("now"))
    return other.sort("lag").unique(PLACE, keep="first", maintain_order=True)


def _holding_rows(table: pl.LazyFrame, row: str, column: str, day: date) -> pl.LazyFrame:
    pair, end = [PLACE, PRODUCT_ID], pl.col(CLOSED_DATE)
    opened = table.with_columns(pl.col(OPENED_DATE).alias(DATE))
    closed = table.filter(end.is_not_null()).with_columns(end.alias(DATE))
    held = opened.filter(end.is_null())
    if row == "open":
        return _last(held, pair, [DATE])
    if row == "closed":
        return _last(closed.join(held, on=pair, how="anti"), pair, [DATE])
    if row == "newest_ended":
        return _last(closed.join(held, on=pair, how="anti"), [PLACE], [DATE, PRODUCT_ID])
    if row in {"newest_opened", "newest_closed"}:
        return _last(opened if row == "newest_opened" else closed, [PLACE], [DATE, PRODUCT_ID])
    listed = held.group_by(PLACE).agg(pl.col(column).unique().sort().str.join(LISTED))
    return listed.with_columns(pl.lit(day).alias(DATE))


def _activity_rows(table: pl.LazyFrame, row: str, _: str, __: date) -> pl.LazyFrame:
    newest = table.filter((pl.col(AGE) == 0) & pl.col(RECENT))
    if row == "newest":
        return newest
    earlier = table.filter(pl.col(AGE) == 3).join(newest, on=PLACE, how="semi")
    return _last(earlier, [PLACE], [DATE])


def _monthly(table: pl.LazyFrame, columns: Mapping[Group, list[str]]) -> pl.LazyFrame:
    """Return what the months of each column come to, each with its own date; no cell where that is zero."""
    found = []
    for (_, row, _), names in columns.items():
        for name in names:
            value, day = _SUMMARIES[row](name)
            said = pl.when(value > 0).then(value).cast(pl.Float64)
            found += [canonical_text(said).alias(row + TEXT + name), day.alias(row + DATE + name)]
    fresh = table.filter((pl.col(AGE) == 0) & pl.col(RECENT)).select(PLACE)
    return (
        table.join(fresh, on=PLACE, how="semi")
        .sort(DATE)
        .group_by(PLACE)
        .agg(found)
        .with_columns(pl.lit(None, pl.String).alias(PRODUCT_ID))
    )


def _summary(summaries: Columns | None, group: Group, names: list[str]) -> dict[tuple[object, ...], Columns]:
    """Return one kind of summary out of all of them, in the columns of every other group."""
    if summaries is None:
        return {}
    own = [kind + name for name in names for kind in (TEXT, DATE)]
    shared = {name: summaries[name] for name in (PLACE, PRODUCT_ID)}
    return {(): shared | {name: summaries[group[1] + name] for name in own}}


def _months(first: int, last: int) -> pl.Expr:
    """Return which months are `first` to `last` months before the customer's newest."""
    return pl.col(AGE).is_between(first, last)


def _mean_of(first: int, last: int, least: int) -> Callable[[str], tuple[pl.Expr, pl.Expr]]:
    def summary(name: str) -> tuple[pl.Expr, pl.Expr]:
        months = _months(first, last) & pl.col(name).is_not_null()
        value = pl.col(name).filter(months)
        # Six places first: a mean of x.5 is rounded alike, whatever the order of its sum.
        return pl.when(value.len() >= least).then(value.mean().round(6).round()), pl.col(DATE).filter(
            months
        ).max()

    return summary


def _sum_of(months: int) -> Callable[[str], tuple[pl.Expr, pl.Expr]]:
    def summary(name: str) -> tuple[pl.Expr, pl.Expr]:
        counted = _months(0, months - 1) & pl.col(name).is_not_null()
        return pl.col(name).filter(counted).sum(), pl.col(DATE).filter(counted).max()

    return summary


def _highest(name: str) -> tuple[pl.Expr, pl.Expr]:
    happened = pl.col(RECENT) & (pl.col(name) > 0)
    order = [pl.col(each).filter(happened) for each in (name, DATE)]
    value, day = (pl.col(each).filter(happened).sort_by(order).last() for each in (name, DATE))
    return value, day


def _months_paid(name: str) -> tuple[pl.Expr, pl.Expr]:
    known = _months(0, YEAR - 1) & pl.col(name).is_not_null()
    return (known & (pl.col(name) > 0)).sum(), pl.col(DATE).filter(known).max()


def _last_paid(name: str) -> tuple[pl.Expr, pl.Expr]:
    """Return the last amount of payments that stopped: three or more, then none for two months."""
    paid = _months(0, YEAR - 1) & (pl.col(name) > 0)
    stopped = (pl.col(AGE).filter(paid).min() >= 2) & (paid.sum() >= MIN_PAID)
    return pl.when(stopped).then(pl.col(name).filter(paid).last()), pl.col(DATE).filter(paid).max()


def _contact_rows(table: pl.LazyFrame, row: str, _: str, __: date) -> pl.LazyFrame:
    outcomes = {"last_accepted": "accepted", "declined_about": "declined"}
    wanted = table.filter(pl.col(OUTCOME) == outcomes[row]) if row in outcomes else table
    keys = [PLACE, PRODUCT_ID] if row in PRODUCT_ROWS else [PLACE]
    return wanted.drop_nulls(keys).unique(keys, keep="last", maintain_order=True)


def _last(table: pl.LazyFrame, keys: list[str], order: list[str]) -> pl.LazyFrame:
    return table.sort(order).unique(keys, keep="last", maintain_order=True)


_SUMMARIES: Mapping[str, Callable[[str], tuple[pl.Expr, pl.Expr]]] = {
    "highest": _highest,
    "recent": _mean_of(0, QUARTER - 1, 2),
    "usual": _mean_of(QUARTER, YEAR - 1, MIN_USUAL),
    "quarter_sum": _sum_of(QUARTER),
    "year_sum": _sum_of(YEAR),
    "months_paid": _months_paid,
    "last_paid": _last_paid,
}
Reader: TypeAlias = Callable[[View], pa.Table]
RowsOf: TypeAlias = Callable[[pl.LazyFrame, str, str, date], pl.LazyFrame]
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
