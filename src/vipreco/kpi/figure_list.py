"""The customers behind a figure, as a list that is exported like any other."""

from __future__ import annotations

from datetime import date
from typing import Final

import polars as pl

from vipreco.errors import UsageError
from vipreco.kpi.definitions import Figure, Shows
from vipreco.kpi.rows import FigureRows

FLOWS: Final = ("flow_bought", "flow_matured_stayed", "flow_matured_left", "flow_moved_out")
"""Figures of the asset flow that say what a customer did, in the order in which they are told."""


def customer_flows(rows: FigureRows, customer_id: str) -> dict[date, dict[str, float]]:
    """Return the asset flow of one customer: amounts by figure, by the last day of each window.

    Args:
        rows: Of a book or more, with the customer.
        customer_id: The customer; no flow is told of who was no VIP customer at the window's start.
    """
    own = rows.rows.filter((pl.col("customer_id") == customer_id) & pl.col("figure").is_in(FLOWS))
    found: dict[date, dict[str, float]] = {}
    for figure, day, amount in (
        own.group_by("figure", "month_date")
        .agg(pl.col("amount").sum())
        .sort("month_date", "figure")
        .iter_rows()
    ):
        if amount:
            found.setdefault(day, {})[figure] = amount
    return found


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
