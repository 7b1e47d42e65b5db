"""Findings about tables and settings together: codes in one of them that the other does not know."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from vipreco import columns as c
from vipreco.settings import PolicySettings, Settings
from vipreco.tables.findings import Finding, StoredRows
from vipreco.tables.import_database import name, quoted

NEWEST = "snapshot_date = (SELECT max(snapshot_date) FROM customers)"


def settings_findings(stored: StoredRows, settings: Settings) -> Iterator[Finding]:
    """Yield codes of the tables that the settings do not know, and names of the settings that no row has."""
    policy = settings.policy or PolicySettings()
    if stored.has(c.CUSTOMERS):
        yield from _unknown(
            stored, (c.CUSTOMERS, c.RISK_LEVEL), policy.customer_risk_levels,
            "risk-level-unknown", "are no customer_risk_levels of [policy]: no investment is offered",
        )  # fmt: skip
        yield from _tiers(stored, settings)
    if stored.has(c.PRODUCTS):
        yield from _unknown(
            stored, (c.PRODUCTS, c.RISK_LEVEL), policy.product_risk_levels,
            "product-risk-level-unknown", "are no product_risk_levels of [policy]: never offered",
        )  # fmt: skip
        yield from _unknown(
            stored, (c.PRODUCTS, c.PLACEMENT), ("public", "private"),
            "placement-unknown", "are neither public nor private placements",
        )  # fmt: skip
        yield from _levers(stored, settings)


def defaulted_findings(stored: StoredRows) -> Iterator[Finding]:
    """Yield the columns with values that were not understood when they were imported."""
    counts: dict[tuple[str, str], int] = {}
    files: dict[tuple[str, str], list[str]] = {}
    for _, entry in stored.tables.manifest.ledger():
        for place, count in entry.get("defaulted", {}).items():
            table, _, column = place.partition(".")
            counts[table, column] = counts.get((table, column), 0) + count
            files.setdefault((table, column), []).append(entry["name"])
    for (table, column), count in sorted(counts.items()):
        what = f"{column}: {count} values are not understood and count as the safe one"
        examples = tuple(dict.fromkeys(files[table, column]))[:5]
        yield Finding("values-not-understood", "warning", table, what, count, examples)


def _unknown(
    stored: StoredRows, place: tuple[str, str], known: Collection[str], code: str, what: str
) -> Iterator[Finding]:
    table, column = place
    inside = NEWEST if table == c.CUSTOMERS else "true"
    listed = ", ".join(quoted(one) for one in known) or "''"
    rows = stored.fetch(
        f"SELECT {name(column)}, count(*) FROM {table}_now WHERE {inside} AND {name(column)} IS NOT NULL "
        f"AND {name(column)} NOT IN ({listed}) GROUP BY ALL ORDER BY 2 DESC, 1"
    )
    if rows:
        codes = tuple(str(row[0]) for row in rows[:5])
        total = sum(row[1] for row in rows)
        yield Finding(code, "warning", table, f"values of {column} {what}", total, codes)


def _tiers(stored: StoredRows, settings: Settings) -> Iterator[Finding]:
    named = {*settings.tiers.vip, *(line.tier for line in settings.tiers.ladder)}
    if not named:
        return
    if settings.tiers.ladder:
        yield from _unknown(
            stored, (c.CUSTOMERS, c.TIER), named,
            "tier-unknown", "are in no line of [tiers]: nothing is known of their order",
        )  # fmt: skip
    present = {row[0] for row in stored.fetch(f"SELECT DISTINCT tier FROM customers_now WHERE {NEWEST}")}
    if settings.tiers.vip and present - {None} and not present & set(settings.tiers.vip):
        what = "no customer of the newest snapshot has a tier of vip in [tiers]: nobody counts as VIP"
        yield Finding("vip-tier-absent", "warning", c.CUSTOMERS, what, 0, settings.tiers.vip)


def _levers(stored: StoredRows, settings: Settings) -> Iterator[Finding]:
    levers = settings.arbitration.levers if settings.arbitration else None
    if levers is None:
        return
    for column, weights in ((c.PRODUCT_ID, levers.products), (c.FAMILY, levers.families)):
        known = {row[0] for row in stored.fetch(f"SELECT DISTINCT {column} FROM products")}
        absent = tuple(sorted(set(weights) - known))
        if absent:
            what = f"levers of [arbitration] name a {column} that no product has"
            yield Finding("lever-unknown", "warning", c.PRODUCTS, what, len(absent), absent)
