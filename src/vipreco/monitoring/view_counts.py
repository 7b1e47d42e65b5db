"""Counts of the bank's columns at a date, by one aggregate a column: they scale and add up."""

from __future__ import annotations

from typing import Final

from vipreco.columns import (
    ACTIVITY,
    BATCH_SEQUENCE,
    CUSTOMER_ID,
    MANAGER_ID,
    MONTH_DATE,
    PRODUCT_ID,
    RECORDED_DATE,
    SNAPSHOT_DATE,
)
from vipreco.history import View, quoted
from vipreco.monitoring.snapshot_facts import CATEGORY, INPUT, NUMBER, ColumnCounts, Rate
from vipreco.stats import BINS_A_UNIT, ZERO

CUSTOMERS_NOW: Final = "customers_now"
MONTH_NOW: Final = "monitored_month"
NOT_COUNTED: Final = {CUSTOMER_ID, SNAPSHOT_DATE, RECORDED_DATE, BATCH_SEQUENCE, MONTH_DATE, MANAGER_ID}
NUMBERS: Final = ("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT", "SMALLINT", "TINYINT")
SMALLEST: Final = 1e-9


def count_view(view: View) -> tuple[int, dict[str, ColumnCounts], dict[str, Rate]]:
    """Return customers, columns by subject, and who holds what, of all customers of a view."""
    customers = view.query(f"SELECT count(*) AS n FROM {CUSTOMERS_NOW}")["n"][0].as_py()
    columns = _table(view, "customers", CUSTOMERS_NOW)
    if ACTIVITY in view.present_tables:
        view.derive(MONTH_NOW, _newest_month(view), "monitoring")
        columns |= _table(view, ACTIVITY, MONTH_NOW)
    held = view.query(
        f"SELECT {PRODUCT_ID}, count(DISTINCT {CUSTOMER_ID}) AS n FROM holdings SEMI JOIN population "
        f"USING ({CUSTOMER_ID}) WHERE closed_date IS NULL GROUP BY {PRODUCT_ID} ORDER BY {PRODUCT_ID}"
    )
    rates = {
        f"{INPUT}/holds {product}": Rate(float(count), float(customers))
        for product, count in zip(held[PRODUCT_ID].to_pylist(), held["n"].to_pylist(), strict=True)
    }
    return int(customers), columns, rates


def _newest_month(view: View) -> str:
    """Return the activity of the newest month of the bank, a row a customer; others are missing."""
    newest = "NULL" if view.newest_month is None else f"DATE '{view.newest_month}'"
    rows = f"SELECT * FROM {ACTIVITY} WHERE {MONTH_DATE} = {newest}"
    return f"SELECT a.* FROM population LEFT JOIN ({rows}) AS a USING ({CUSTOMER_ID})"


def _table(view: View, table: str, source: str) -> dict[str, ColumnCounts]:
    found = {}
    for column, kind in view.columns(source).items():
        code = code_sql(quoted(column), kind)
        if column in NOT_COUNTED or code is None:
            continue
        counted_rows = view.query(
            f"SELECT {code} AS code, count(*) AS n FROM {source} GROUP BY ALL ORDER BY ALL"
        )
        pairs = dict(zip(counted_rows["code"].to_pylist(), counted_rows["n"].to_pylist(), strict=True))
        missing = int(pairs.pop(None, 0))
        counted = NUMBER if _is_number(kind) else CATEGORY
        found[f"{INPUT}/{table}.{column}"] = ColumnCounts(
            counted, missing, {str(k): n for k, n in pairs.items()}
        )
    return found


def code_sql(column: str, kind: str) -> str | None:
    """Return SQL of the code of a column: its bin, its category; None for what is not counted.

    The bins are those of `stats.number_codes`; a date is told in days before the snapshot.
    """
    if kind in ("VARCHAR", "BOOLEAN"):
        return f"{column}::VARCHAR"
    if not _is_number(kind):
        return None
    days = f"date_diff('day', {column}::DATE, (SELECT snapshot_date FROM clock))"
    value = f"{days}::DOUBLE" if kind.startswith(("DATE", "TIMESTAMP")) else f"{column}::DOUBLE"
    size = f"{ZERO} + round_even(ln(abs({value})) * {BINS_A_UNIT}, 0)::INTEGER"
    return (
        f"CASE WHEN {value} IS NULL OR isnan({value}) THEN NULL WHEN abs({value}) <= {SMALLEST} THEN 0 "
        f"ELSE sign({value})::INTEGER * ({size}) END"
    )


def _is_number(kind: str) -> bool:
    return kind.startswith((*NUMBERS, "DATE", "TIMESTAMP"))
