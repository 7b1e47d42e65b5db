"""Outcomes of a split: acquisitions of customers whose lists a challenger made, beside the champion's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow as pa

from vipreco.columns import CONTACTS, CUSTOMER_ID, PRODUCT_ID, UNIT_VALUE_AMOUNT
from vipreco.errors import UsageError
from vipreco.history import History, View
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, ModelSplit
from vipreco.stats import Comparison, Estimate, Flags, Floats, compare, difference_of_means, p_value_of_count

TALKS: Final = {"contacts": None, "accepted offers": "accepted", "declined offers": "declined"}
UNEVEN = 0.01
SUSPICIOUS: Final = (
    "the sides do not have the customers that the share asks for: look for a list that left some out before "
    "you read anything from this"
)
FOR_EVERYBODY: Final = (
    "everybody who was a customer on the first day counts, contacted or not: whom a model leaves out is part "
    "of what it decides"
)


@dataclass(frozen=True)
class SplitOutcomes:
    """Outcomes of both sides.

    Args:
        rows: Figure, champion, challenger, difference (challenger minus champion), low, high, customers,
            lacks.
        after, until: Window of the acquisitions, open at the first day's eve.
        notes: What a reader must know.
    """

    rows: pl.DataFrame
    after: date
    until: date
    notes: tuple[str, ...]


def split_outcomes(history: History, view: View, split: ModelSplit, start: date, day: date) -> SplitOutcomes:
    """Return what came of both sides since the split began, by the comparison that campaigns are judged with.

    Args:
        history: Where acquisitions and contacts are.
        view: The customers who count, as known on the first day.
        split: Who was decided for by whom.
        start: First day.
        day: Date whose knowledge is used.

    Raises:
        UsageError: No snapshot since the split began is known.
    """
    known = [one for one in history.snapshot_dates if start <= one <= day]
    if not known:
        raise UsageError(
            f"no snapshot is known since the split began on {start}",
            where=split.key,
            remedy="import a snapshot of customers from after that day, or choose a later --as-of",
            code="no-outcomes",
        )
    after, until = start - timedelta(days=1), known[-1]
    customers = _customers(history, view, after, until, day)
    challenged = split.challenged(customers[CUSTOMER_ID])
    rows = [*_rows(customers, challenged), *_talks(history.as_of(day), customers, challenged, start, until)]
    uneven = p_value_of_count(
        float(challenged.sum()),
        split.share * len(challenged),
        split.share * (1 - split.share) * len(challenged),
    )
    notes = (FOR_EVERYBODY, *([SUSPICIOUS] if uneven < UNEVEN else ()))
    return SplitOutcomes(pl.DataFrame(rows), after, until, notes)


def _customers(history: History, view: View, after: date, until: date, day: date) -> pl.DataFrame:
    """Return customer_id, acquired and value of the customers who were seen again."""
    labels = history.acquisitions(after, until, day)
    values = pl.DataFrame(view.catalog_table().select([PRODUCT_ID, UNIT_VALUE_AMOUNT]))
    acquired = pl.DataFrame(pl.from_arrow(labels.acquired)).select(CUSTOMER_ID, PRODUCT_ID)
    own = (
        acquired.join(values, on=PRODUCT_ID, how="left")
        .group_by(CUSTOMER_ID)
        .agg(pl.col(UNIT_VALUE_AMOUNT).cast(pl.Float64).sum().alias("value"))
    )
    ids = view.population()[CUSTOMER_ID].cast(pa.string()).to_pylist()
    seen = pl.DataFrame({CUSTOMER_ID: labels.observed.to_pylist()}, schema={CUSTOMER_ID: pl.String})
    return (
        seen.filter(pl.col(CUSTOMER_ID).is_in(pl.Series(ids, dtype=pl.String).implode()))
        .join(own, on=CUSTOMER_ID, how="left", maintain_order="left")
        .with_columns(acquired=pl.col("value").is_not_null(), value=pl.col("value").fill_null(0.0))
    )


def _rows(customers: pl.DataFrame, challenged: Flags) -> Iterator[dict[str, Any]]:
    found: Comparison = compare(challenged, customers["acquired"].to_numpy(), customers["value"].to_numpy())
    sizes = {CHAMPION_SIDE: float(found.control), CHALLENGER_SIDE: float(found.treated)}
    yield {"figure": "customers", **sizes, **_ends(None), "customers": len(challenged)}
    yield _row("acquired anything", customers["acquired"].cast(pl.Float64).to_numpy(), challenged, found.lift)
    yield _row("value acquired, a customer", customers["value"].to_numpy(), challenged, found.value)


def _talks(
    view: View, customers: pl.DataFrame, challenged: Flags, start: date, until: date
) -> Iterator[dict[str, Any]]:
    """Give contacts and their outcomes since the split began; nothing where the bank brings no contacts."""
    if CONTACTS not in view.present_tables:
        return
    sql = f"SELECT {CUSTOMER_ID}, outcome FROM {CONTACTS} WHERE CAST(contacted_at AS DATE) BETWEEN $1 AND $2"
    talks = pl.DataFrame(pl.from_arrow(view.query(sql, [start, until])))
    for name, outcome in TALKS.items():
        own = talks if outcome is None else talks.filter(pl.col("outcome") == outcome)
        counts = own.group_by(CUSTOMER_ID).agg(pl.len().cast(pl.Float64).alias("count"))
        values = customers.select(CUSTOMER_ID).join(counts, on=CUSTOMER_ID, how="left", maintain_order="left")
        numbers = values["count"].fill_null(0.0).to_numpy()
        yield _row(f"{name}, a customer", numbers, challenged, difference_of_means(numbers, challenged))


def _row(name: str, values: Floats, challenged: Flags, found: Estimate) -> dict[str, Any]:
    means = {
        side: float(values[flags].mean()) if flags.any() else None
        for side, flags in ((CHAMPION_SIDE, ~challenged), (CHALLENGER_SIDE, challenged))
    }
    return {"figure": name, **means, **_ends(found), "customers": len(values)}


def _ends(found: Estimate | None) -> dict[str, Any]:
    numbers = (None,) * 3 if found is None else (found.value, found.low, found.high)
    ends = {
        name: None if value is None or np.isnan(value) else float(value)
        for name, value in zip(("difference", "low", "high"), numbers, strict=True)
    }
    return {**ends, "lacks": "" if found is None else found.lacks}
