"""Mass reopenings: holdings of one product closed and opened again as another, for many within days.

A new core banking system or a change of product codes looks like acquisitions and is none. They are labels
only after a person has decided so.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from vipreco import columns as c

MIN_CUSTOMERS: Final = 10
MIN_SHARE: Final = 0.2  # of the customers who held the closed product
DAYS_APART: Final = 3
Reopening = tuple[str, str, str]
"""Product, day on which it was opened, product that was closed instead."""


def decision(product_id: str, opened_date: str) -> str:
    """Return the name under which a reopening is decided, `PRODUCT@DATE`."""
    return f"{product_id}@{opened_date}"


def reopenings_query(held: str, inside: str = "true", decided: Collection[str] = ()) -> str:
    """Return the query for mass reopenings: product, date, the product that was closed, and the customers.

    Args:
        held: Name or query of the holdings, one row an interval.
        inside: Condition on `opened.opened_date`, which limits the openings looked at.
        decided: Reopenings that a person has decided to be acquisitions.
    """
    listed = ", ".join(_text(name) for name in sorted(decided)) or "''"
    named = f"opened.{c.PRODUCT_ID} || '@' || opened.{c.OPENED_DATE}::VARCHAR"
    return f"""
    WITH pairs AS ({_pairs(held, f"{inside} AND {named} NOT IN ({listed})")}),
    daily AS (
      SELECT {c.PRODUCT_ID}, {c.OPENED_DATE}, closed_product_id, count(DISTINCT {c.CUSTOMER_ID}) AS customers
      FROM pairs GROUP BY ALL),
    many AS (
      SELECT *, sum(customers) OVER (
        PARTITION BY {c.PRODUCT_ID}, closed_product_id ORDER BY {c.OPENED_DATE}
        RANGE BETWEEN INTERVAL {DAYS_APART} DAYS PRECEDING AND INTERVAL {DAYS_APART} DAYS FOLLOWING) AS around
      FROM daily QUALIFY around >= {MIN_CUSTOMERS}),
    holders AS (
      SELECT many.closed_product_id, many.{c.OPENED_DATE}, count(DISTINCT before.{c.CUSTOMER_ID}) AS holders
      FROM many JOIN ({held}) before ON before.{c.PRODUCT_ID} = many.closed_product_id
        AND before.{c.OPENED_DATE} < many.{c.OPENED_DATE} - {DAYS_APART}
        AND (before.{c.CLOSED_DATE} IS NULL
          OR before.{c.CLOSED_DATE} >= many.{c.OPENED_DATE} - {DAYS_APART})
      GROUP BY ALL)
    SELECT pairs.{c.CUSTOMER_ID}, pairs.{c.PRODUCT_ID}, pairs.{c.OPENED_DATE}, closed_product_id, customers
    FROM pairs JOIN many USING ({c.PRODUCT_ID}, {c.OPENED_DATE}, closed_product_id)
    JOIN holders USING (closed_product_id, {c.OPENED_DATE})
    WHERE around >= {MIN_SHARE} * holders
    """


def reopened_query(held: str, inside: str, reopenings: Collection[Reopening]) -> str:
    """Return the query for the openings that belong to mass reopenings which are known already.

    Args:
        held: As of `reopenings_query`, of some of the customers.
        inside: As of `reopenings_query`.
        reopenings: Of the whole bank; whether there are enough customers is a matter of all of them.
    """
    rows = [f"({_text(product)}, DATE {_text(day)}, {_text(closed)})" for product, day, closed in reopenings]
    names = f"{c.PRODUCT_ID}, {c.OPENED_DATE}, closed_product_id"
    known = f"(VALUES {', '.join(rows)}) AS known({names})" if rows else "pairs WHERE false"
    return (
        f"WITH pairs AS ({_pairs(held, inside)}) SELECT * FROM pairs SEMI JOIN (FROM {known}) USING ({names})"
    )


def _pairs(held: str, condition: str) -> str:
    """Return the query for openings beside which another product of the same customer was closed."""
    return f"""
      SELECT opened.{c.CUSTOMER_ID}, opened.{c.PRODUCT_ID}, opened.{c.OPENED_DATE},
        closed.{c.PRODUCT_ID} AS closed_product_id
      FROM ({held}) opened JOIN ({held}) closed
        ON closed.{c.CUSTOMER_ID} = opened.{c.CUSTOMER_ID}
        AND closed.{c.CLOSED_DATE} BETWEEN opened.{c.OPENED_DATE} - {DAYS_APART}
          AND opened.{c.OPENED_DATE} + {DAYS_APART}
        AND closed.{c.OPENED_DATE} < opened.{c.OPENED_DATE} - {DAYS_APART}
      WHERE {condition}
    """


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
