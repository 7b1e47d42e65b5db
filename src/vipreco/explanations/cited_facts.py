"""Are the cited facts true? Each is looked up once more in the stored rows."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.explanations.facts import Fact
from vipreco.explanations.raw_facts import OF_PRODUCT, RawTables
from vipreco.explanations.reason_catalog import ReasonCatalog

SCHEMA = {
    CUSTOMER_ID: pl.String(),
    "kind": pl.String(),
    "table": pl.String(),
    "column": pl.String(),
    "date": pl.Date(),
    "value": pl.String(),
    PRODUCT_ID: pl.String(),
}


def cited_frame(customer_ids: Sequence[str], facts: Sequence[Fact]) -> pl.DataFrame:
    """Return cited facts as rows, each once.

    Args:
        customer_ids: Whom each fact is about.
        facts: The facts.
    """
    rows = [
        (customer, fact.kind, fact.table, fact.column, fact.date, fact.value, fact.product_id)
        for customer, fact in zip(customer_ids, facts, strict=True)
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row").unique(maintain_order=True)


def check_facts(cited: pl.DataFrame, raw: RawTables, catalogue: ReasonCatalog) -> pl.DataFrame:
    """Return the cited facts with a column `equal`: the stored rows say the same.

    Args:
        cited: Facts as `cited_frame` gives them.
        raw: The stored rows.
        catalogue: What each kind of fact means.
    """
    parts = [_checked(group, raw, catalogue) for group in cited.partition_by("kind", "column")]
    return pl.concat(parts) if parts else cited.with_columns(equal=pl.lit(True))


def _checked(group: pl.DataFrame, raw: RawTables, catalogue: ReasonCatalog) -> pl.DataFrame:
    kind, column = group["kind"][0], group["column"][0]
    entry = catalogue.fact[kind]
    truth = raw.cells(entry, column).rename({"date": "true_date", "value": "true_value"})
    keys = [CUSTOMER_ID, PRODUCT_ID] if entry.row in OF_PRODUCT else [CUSTOMER_ID]
    truth = truth.rename({} if PRODUCT_ID in keys else {PRODUCT_ID: "true_product"})
    found = group.join(truth, on=keys, how="left", maintain_order="left")
    same = (pl.col("date") == pl.col("true_date")) & (pl.col("value") == pl.col("true_value"))
    if PRODUCT_ID not in keys:
        same &= pl.col(PRODUCT_ID).eq_missing(pl.col("true_product"))
    cell = (pl.col("table") == entry.table) & (entry.column in {column, "*"})
    return found.select(*SCHEMA, equal=same.fill_null(False) & cell)
