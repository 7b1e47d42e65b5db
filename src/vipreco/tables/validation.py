"""`validate`: findings about the stored tables, each with example rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import duckdb

from vipreco import columns as c
from vipreco.tables.contracts import CONTRACTS, schema_of
from vipreco.tables.import_database import relation
from vipreco.tables.snapshot import Tables

Severity = Literal["error", "warning", "note"]
EXAMPLES = 5


@dataclass(frozen=True)
class Finding:
    """Rows of one table that a rule points at.

    Attributes:
        code: Stable name of the rule.
        severity: error: cannot be right; warning: those rows are not offered or used; note: worth knowing.
        table: The table.
        what: The rule in one sentence.
        rows: Number of rows.
        examples: File and row (counted from 1) of some of them.
    """

    code: str
    severity: Severity
    table: str
    what: str
    rows: int
    examples: tuple[str, ...]


@dataclass(frozen=True)
class _Rule:
    code: str
    severity: Severity
    table: str
    what: str
    query: str


_NOW = f"{c.SNAPSHOT_DATE} = (SELECT max({c.SNAPSHOT_DATE}) FROM customers)"
_NEWEST = (
    "QUALIFY row_number() OVER (PARTITION BY {key} ORDER BY recorded_date DESC, batch_sequence DESC) = 1"
)
_PRODUCTS = f"(SELECT * FROM products {_NEWEST.format(key='product_id')})"
_HOLDINGS = f"(SELECT * FROM holdings {_NEWEST.format(key='customer_id, product_id, opened_date')})"


def _now(condition: str) -> str:
    return f"FROM customers WHERE {_NOW} AND ({condition})"


def _products(condition: str) -> str:
    return f"FROM {_PRODUCTS} WHERE {condition}"


_RULES = (
    _Rule("risk-level-missing", "warning", c.CUSTOMERS, "no risk level: no investment can be offered",
          _now("risk_level IS NULL")),
    _Rule("risk-level-expired", "warning", c.CUSTOMERS, "risk assessment older than 12 months",
          _now("risk_assessed_date < snapshot_date - INTERVAL 12 MONTH")),
    _Rule("risk-level-in-future", "warning", c.CUSTOMERS, "risk assessed after the snapshot",
          _now("risk_assessed_date > snapshot_date")),
    _Rule("consent-unknown", "warning", c.CUSTOMERS, "no channel has a known consent: not to be contacted",
          _now("consent_call IS NULL AND consent_sms IS NULL AND consent_app IS NULL")),
    _Rule("tier-missing", "note", c.CUSTOMERS, "no tier", _now("tier IS NULL")),
    _Rule("manager-missing", "note", c.CUSTOMERS, "no manager: in nobody's book", _now("manager_id IS NULL")),
    _Rule("birth-date-missing", "note", c.CUSTOMERS, "no birth date: products with an age limit are off",
          _now("birth_date IS NULL")),
    _Rule("vanished", "note", c.CUSTOMERS, "in the snapshot before the newest, not in the newest: inactive",
          f"""FROM customers WHERE snapshot_date = (SELECT max(snapshot_date) FROM customers WHERE NOT {_NOW})
          AND customer_id NOT IN (SELECT customer_id FROM customers WHERE {_NOW})"""),
    _Rule("product-without-risk-level", "warning", c.PRODUCTS, "no risk level: not offerable by suitability",
          _products("risk_level IS NULL")),
    _Rule("product-dates", "error", c.PRODUCTS, "offered_from is after offered_until: never offerable",
          _products("offered_from > offered_until")),
    _Rule("product-without-value", "warning", c.PRODUCTS, "no unit value: its priority cannot be computed",
          _products("unit_value_amount IS NULL")),
    _Rule("prerequisite-unknown", "error", c.PRODUCTS, "names a prerequisite or exclusion that is no product",
          _products("""product_id IN (SELECT product_id FROM (
          SELECT product_id, unnest(list_concat(prerequisites, exclusions)) AS named FROM products)
          WHERE named NOT IN (SELECT product_id FROM products))""")),
    _Rule("never-held", "note", c.PRODUCTS, "nobody ever held it: there is nothing to learn from",
          _products("product_id NOT IN (SELECT product_id FROM holdings)")),
    _Rule("overlapping-holdings", "warning", c.HOLDINGS, "begins while the same product is still held",
          f"""FROM (SELECT *, lag(coalesce(closed_date, DATE '9999-12-31')) OVER (
          PARTITION BY customer_id, product_id ORDER BY opened_date) AS before_closed FROM {_HOLDINGS}
          WHERE closed_date IS DISTINCT FROM opened_date) WHERE before_closed > opened_date"""),
    _Rule("contradicting-outcomes", "warning", c.CONTACTS, "the same approach was both accepted and declined",
          f"""FROM contacts SEMI JOIN (SELECT customer_id, product_id, contacted_at FROM contacts
          GROUP BY ALL HAVING bool_or(outcome = 'accepted') AND bool_or(outcome = 'declined'))
          USING (customer_id, product_id, {c.CONTACTED_AT})"""),
)  # fmt: skip


def validate(tables_dir: Path) -> list[Finding]:
    """Check the stored tables; return the findings, errors first.

    Raises:
        UsageError: Nothing is imported.
        IntegrityError: A file is not what the manifest says.
    """
    tables = Tables.open(tables_dir)
    tables.verify()
    with duckdb.connect() as connection:
        connection.execute("SET threads = 2")
        for table, contract in CONTRACTS.items():
            extra = ", filename = 'source_file', file_row_number = true"
            query = relation(tables.files(table), schema_of(contract), extra)
            connection.execute(f"CREATE TEMP VIEW {table} AS {query}")
        found = [finding for rule in _RULES for finding in _run(connection, rule, tables)]
    order: list[Severity] = ["error", "warning", "note"]
    return sorted(found, key=lambda finding: (order.index(finding.severity), finding.table, finding.code))


def _run(connection: duckdb.DuckDBPyConnection, rule: _Rule, tables: Tables) -> Iterator[Finding]:
    if not tables.files(rule.table):
        return
    query = f"SELECT source_file, file_row_number + 1 AS row {rule.query}"
    counted = connection.sql(f"SELECT count(*) FROM ({query})").fetchall()[0][0]
    if counted:
        rows = connection.sql(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {EXAMPLES}").fetchall()
        examples = tuple(f"{Path(file).relative_to(tables.path)}: row {row}" for file, row in rows)
        yield Finding(rule.code, rule.severity, rule.table, rule.what, int(counted), examples)
