"""The customers behind a figure, as a list that is exported like any other."""

from __future__ import annotations

from datetime import date

import polars as pl

from vipreco.errors import UsageError
from vipreco.kpi.definitions import Figure, Shows
from vipreco.kpi.rows import FigureRows


def customer_list(rows: FigureRows, figure: Figure, month: date | None = None) -> pl.DataFrame:
    """Return the customers behind a figure in a month, the largest amounts first.

    Args:
        rows: Of a bank, a branch or a book.
        figure: Which.
        month: Any day of the month; default: the newest one.

    Raises:
        UsageError: The figure is not told for this month.
    """
    chosen = _month(rows, figure, month)
    found = rows.of_figure(figure.key).filter(pl.col("month_date") == chosen)
    if figure.shows is Shows.EXPECTED:  # of the others no chance is told
        found = found.filter(pl.col("value").is_not_null())
    if figure.listed is not None:
        found = found.filter(pl.col("value") == figure.listed)
    value = pl.col("value") if figure.shows in {Shows.MEAN, Shows.RATE} else -pl.col("amount")
    ordered = found.sort(value, -pl.col("amount"), "customer_id", nulls_last=True)
    names = {"amount": figure.columns.amount, "value": figure.columns.value, "part": figure.columns.part}
    kept = {old: new for old, new in names.items() if new}
    columns = ["customer_id", "tier", *kept, "manager_id", "branch_id", "month_date"]
    return ordered.select(columns).rename(kept)


def _month(rows: FigureRows, figure: Figure, month: date | None) -> date:
    told = rows.dates_of(figure)
    if not told:
        raise UsageError(
            f"{figure.key} is not told: {rows.missing.get(figure.key, 'no month')}", code="not-told"
        )
    if month is None:
        return told[0]
    found = [day for day in told if (day.year, day.month) == (month.year, month.month)]
    if not found:
        raise UsageError(
            f"{figure.key} is not told for {month:%Y-%m}",
            where="--month",
            remedy=f"choose one of {', '.join(f'{day:%Y-%m}' for day in told)}",
            code="no-month",
        )
    return found[0]
