"""Turn the unbiased sample of customer-months into files that `random_sample.toml` imports.

The sample says of each product whether it was held at the end of the previous month, and in how many
of the months before the target month it was held, not in which. A plausible history is written:

- held now, c months in all: held for the last c months without a break;
- not held now, c months in all: held for c months, given up in the middle of the months that are left;
- held now, number of months missing: held as long as the customer is known.

A customer who was drawn for two months keeps the first, so that one customer has one history.

    python experiments/santander/prepare_random_sample.py \
      ../shared/data/santander/random_customer_months.parquet OUT
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

CUSTOMERS = """
WITH numbered AS (
  SELECT *, row_number() OVER (PARTITION BY ncodpers ORDER BY target_month) AS drawn
  FROM read_parquet($1))
SELECT * EXCLUDE (drawn), CAST(CAST(target_month || '-01' AS DATE) - 1 AS VARCHAR) AS snapshot
FROM numbered WHERE drawn = 1 ORDER BY ncodpers
"""

STATES = """
WITH seen AS (
  SELECT *, 1 + least(date_diff('month', DATE '2015-01-31', CAST(snapshot AS DATE)),
                      CAST(memberdays / 30.5 AS INTEGER)) AS seen
  FROM customers),
held AS (UNPIVOT seen ON COLUMNS('__prev_month$') INTO NAME flag VALUE held),
earlier AS (UNPIVOT seen ON COLUMNS('__months_held_before$') INTO NAME flag VALUE months)
SELECT h.ncodpers, CAST(h.snapshot AS DATE) AS snapshot,
       regexp_extract(h.flag, 'ind_(.*)_ult1', 1) AS product_id,
       h.held = 1 AS held, greatest(coalesce(e.months, h.seen), h.held) AS months, h.seen
FROM held h LEFT JOIN earlier e ON e.ncodpers = h.ncodpers
  AND replace(e.flag, '__months_held_before', '') = replace(h.flag, '__prev_month', '')
WHERE h.held = 1 OR e.months > 0
"""

HOLDINGS = """
WITH placed AS (
  SELECT *, CASE WHEN held THEN 0 ELSE 1 + CAST(greatest(seen - months - 1, 0) // 2 AS INTEGER) END AS gap
  FROM states)
SELECT ncodpers, product_id,
       CAST(last_day(snapshot - to_months(gap + months - 1)) AS VARCHAR) AS opened,
       CASE WHEN NOT held THEN CAST(last_day(snapshot - to_months(gap - 1)) AS VARCHAR) END AS closed
FROM placed ORDER BY ncodpers, product_id
"""


def prepare(source: Path, out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE customers AS {CUSTOMERS}", [str(source)])
    connection.execute(f"CREATE TABLE states AS {STATES}")
    connection.execute(f"COPY customers TO '{out / 'random_customers.parquet'}' (FORMAT parquet)")
    connection.execute(f"COPY ({HOLDINGS}) TO '{out / 'random_holdings.parquet'}' (FORMAT parquet)")
    drawn, kept = counted(connection, f"'{source}'"), counted(connection, "customers")
    print(f"{drawn} customer-months; {drawn - kept} of a customer drawn before left out; {kept} written")


def counted(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0])


if __name__ == "__main__":
    prepare(Path(sys.argv[1]), Path(sys.argv[2]))
