"""Small groups of a report put together, so that a count tells about nobody."""

from __future__ import annotations

import polars as pl

from vipreco.stats import by_group

SMALLEST = 5
OTHERS = "\x1fothers"
COUNTS = ("treated", "control", "treated_acquired", "control_acquired")


def grouped(rows: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Compare within the values of each column, where no count is below `SMALLEST`.

    Groups with a smaller count become one group `OTHERS`, with the next smallest ones until it is large
    enough; so nothing follows from the total either. A column of which no other group is left has no row.

    Args:
        rows: A row a customer: the columns, `treated` and `acquired`.
        columns: By what; each alone.
    """
    single = by_group(rows, columns)
    merged = rows.with_columns(
        _texts(column).replace(dict.fromkeys(_small(single, column), OTHERS)).alias(column)
        for column in columns
    )
    order = pl.col("dimension").replace_strict({name: place for place, name in enumerate(columns)})
    return (
        by_group(merged, columns)
        .sort(order, pl.col("group") == OTHERS, "group")
        .filter((pl.col("group") != OTHERS) | (pl.len().over("dimension") > 1))
    )


def _texts(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.String).fill_null("")


def _small(single: pl.DataFrame, column: str) -> list[str]:
    """Return the groups of a column that are put together: none, or those with small counts and more."""
    size = pl.sum_horizontal("treated", "control")
    mine = single.filter(pl.col("dimension") == column).sort(
        (pl.min_horizontal(COUNTS) >= SMALLEST), size, "group"
    )
    small = int((mine.select(pl.min_horizontal(COUNTS)).to_series() < SMALLEST).sum())
    if small == 0:
        return []
    upto = mine.select(pl.col(COUNTS).cum_sum()).select(pl.min_horizontal(COUNTS)).to_series().to_list()
    taken = next((place + 1 for place, least in enumerate(upto) if least >= SMALLEST), mine.height)
    return mine["group"].head(max(taken, small)).to_list()
