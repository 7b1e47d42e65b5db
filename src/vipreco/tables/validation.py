"""`validate`: findings about the stored tables, each with example rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from vipreco import columns as c
from vipreco.settings import Settings
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.tables.distribution_findings import distribution_findings
from vipreco.tables.findings import EXAMPLES, ORDER, Finding, Severity, StoredRows, stored_rows
from vipreco.tables.settings_findings import defaulted_findings, settings_findings
from vipreco.tables.snapshot import Tables


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


def validate(
    tables_dir: Path, settings: Settings | None = None, signatures: Signatures = NO_SIGNATURES
) -> list[Finding]:
    """Check the stored tables; return the findings, errors first.

    Args:
        tables_dir: The tables folder.
        settings: The project's settings, whose codes and names are compared with the tables.
        signatures: Checks who wrote their manifest.

    Raises:
        UsageError: Nothing is imported.
        IntegrityError: A file is not what the manifest says.
    """
    tables = Tables.open(tables_dir, signatures=signatures)
    tables.verify()
    with stored_rows(tables) as stored:
        found = [finding for rule in _RULES for finding in _run(stored, rule)]
        found += [*distribution_findings(stored), *defaulted_findings(stored)]
        found += settings_findings(stored, settings) if settings is not None else []
    return sorted(found, key=lambda one: (ORDER.index(one.severity), one.table, one.code))


def _run(stored: StoredRows, rule: _Rule) -> Iterator[Finding]:
    if not stored.has(rule.table):
        return
    query = f"SELECT source_file, file_row_number + 1 AS row {rule.query}"
    counted = stored.fetch(f"SELECT count(*) FROM ({query})")[0][0]
    if counted:
        rows = stored.fetch(f"SELECT * FROM ({query}) ORDER BY ALL LIMIT {EXAMPLES}")
        examples = tuple(_examples(rows, stored.tables.path))
        yield Finding(rule.code, rule.severity, rule.table, rule.what, int(counted), examples)


def _examples(rows: Sequence[tuple[Any, ...]], folder: Path) -> Iterator[str]:
    """Name each file once, with its rows: a terminal has no room for the same path five times."""
    for file, group in groupby(rows, key=itemgetter(0)):
        numbers = [str(row) for _, row in group]
        yield f"{Path(file).relative_to(folder)}: row{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
