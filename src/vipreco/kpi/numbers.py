"""The numbers of the figures by month, made of the rows behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl

from vipreco import stats  # loads SciPy where a number is asked for: a worker starts without it
from vipreco.kpi.definitions import FIGURES, Each, Figure, Shows
from vipreco.kpi.rows import FigureRows

MEASURE_SCHEMA: Final = pl.Schema(
    {
        "figure": pl.String(),
        "month_date": pl.Date(),
        "rows": pl.Int64(),
        "customers": pl.Int64(),
        "number": pl.Float64(),
        "number_low": pl.Float64(),
        "number_high": pl.Float64(),
        "total_amount": pl.Float64(),
        "low_amount": pl.Float64(),
        "high_amount": pl.Float64(),
    }
)
NO_AMOUNTS = frozenset(
    {Shows.MEAN, Shows.RATE}
)  # a sum of the assets of all customers of a share says nothing


def measures(rows: FigureRows, keys: Sequence[str] = tuple(FIGURES)) -> pl.DataFrame:
    """Return the number of each figure for each of its months, newest first.

    Returns:
        Columns `rows` (how many stand behind the number), `customers` (different ones among them; of a share
        those that it lists), `number` (a count, mean, share or expected count) with the limits that chance
        alone explains, `total_amount` in currency, with limits where it is expected. A month without rows
        counts none; a figure that is missing has no month.
    """
    parts = [_of_months(rows, FIGURES[key]) for key in keys if key not in rows.missing]
    return pl.concat([pl.DataFrame(schema=MEASURE_SCHEMA), *parts])


def by_manager(rows: FigureRows, key: str) -> pl.DataFrame:
    """Return the newest number of a figure for each manager by id, with limits: for help, not for ranking."""
    figure = FIGURES[key]
    found = rows.of_figure(key).filter(pl.col("month_date").is_in(list(rows.dates_of(figure)[:1])))
    return _limited(_grouped(found, figure, "manager_id"), figure).sort("manager_id", nulls_last=True)


def _of_months(rows: FigureRows, figure: Figure) -> pl.DataFrame:
    months = pl.DataFrame({"month_date": pl.Series(rows.dates_of(figure), dtype=pl.Date)})
    grouped = _grouped(rows.of_figure(figure.key), figure, "month_date")
    every = months.join(grouped, on="month_date", how="left", maintain_order="left").with_columns(
        pl.col("rows", "customers").fill_null(0), pl.lit(figure.key).alias("figure")
    )
    return _limited(every, figure).select(list(MEASURE_SCHEMA)).cast(MEASURE_SCHEMA)


def _grouped(rows: pl.DataFrame, figure: Figure, by: str) -> pl.DataFrame:
    known = rows.filter(pl.col("value").is_not_null()) if figure.shows is Shows.EXPECTED else rows
    listed = pl.lit(True) if figure.listed is None else pl.col("value") == figure.listed
    return known.group_by(by).agg(
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("customer_id").filter(listed).n_unique().cast(pl.Int64).alias("customers"),
        pl.col("amount").sum().alias("total_amount"),
        pl.col("value").sum().alias("sum"),
        pl.col("value").std().alias("deviation"),
        pl.col("value").alias("chances"),
        pl.col("amount").alias("amounts"),
    )


def _limited(grouped: pl.DataFrame, figure: Figure) -> pl.DataFrame:
    """Return groups with number, limits and amount, as the figure shows them."""
    if figure.shows is Shows.EXPECTED:
        return _expected(grouped)
    count, rows = grouped["customers"].to_numpy(), grouped["rows"].to_numpy().astype(np.float64)
    total = grouped["sum"].fill_null(0.0).to_numpy()
    if figure.shows is Shows.RATE:
        rates = stats.rate_interval(total, rows)
        number, low, high = rates.value, rates.low, rates.high
    elif figure.shows is Shows.MEAN:
        with np.errstate(divide="ignore", invalid="ignore"):
            number = total / rows
        low, high = stats.mean_limits(number, grouped["deviation"].fill_null(np.nan).to_numpy(), rows)
    else:
        number = count.astype(np.float64)
        # A state is what it is; how many change from month to month has its chance.
        low, high = (
            stats.poisson_limits(count) if figure.each is Each.MONTH else (np.full(len(count), np.nan),) * 2
        )
    amount = pl.lit(None) if figure.shows in NO_AMOUNTS else pl.col("total_amount").fill_null(0.0)
    numbers = {"number": number, "number_low": low, "number_high": high}
    return grouped.drop("sum", "deviation", "chances", "amounts").with_columns(
        *(pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in numbers.items()),
        amount.cast(pl.Float64).alias("total_amount"),
        pl.lit(None, pl.Float64).alias("low_amount"),
        pl.lit(None, pl.Float64).alias("high_amount"),
    )


def _expected(grouped: pl.DataFrame) -> pl.DataFrame:
    found: dict[str, list[float | None]] = {name: [] for name in list(MEASURE_SCHEMA)[4:]}
    for chances, amounts in grouped.select("chances", "amounts").iter_rows():
        chance = np.array(chances or [], np.float64)
        lost = np.array([np.nan if one is None else one for one in amounts or []], np.float64)
        with np.errstate(divide="ignore", invalid="ignore"):
            count, total = stats.totals_of_chances(chance, np.where(chance > 0, lost / chance, 0.0))
        for name, value in zip(
            found, (count.value, count.low, count.high, total.value, total.low, total.high), strict=True
        ):
            found[name].append(value)
    numbers = [pl.Series(name, values, dtype=pl.Float64).fill_nan(None) for name, values in found.items()]
    return grouped.drop("sum", "deviation", "chances", "amounts").with_columns(*numbers)
