"""State of each rule on a bank's tables: in force, inactive, or stopping everything."""

from __future__ import annotations

from datetime import date

import polars as pl

from vipreco.policy.checks import named_values
from vipreco.policy.columns import Grain
from vipreco.policy.compiled_rules import Compiled
from vipreco.policy.facts import PolicyFacts
from vipreco.policy.policy import Policy, applies

IN_FORCE = "in force"
OUT_OF_DATE = "not in force at the date"
INACTIVE = "inactive: the bank brings none of what it asks"
STOPS_ALL = "stops all that it concerns: the bank brings none of what it asks"
NEVER_KNOWN = "in force, but what it asks is known of nobody"
NAMED = {"product_id": "product", "product_family": "family"}


def inspect(policy: Policy, day: date, facts: PolicyFacts | None = None) -> pl.DataFrame:
    """Return a row a rule, in the order in which they are asked.

    Args:
        policy: The rules.
        day: Date at which they apply or not.
        facts: What the bank's tables bring; None when nothing was imported.

    Returns:
        Rows rule, stage, reason_code, law, state, missing (facts that are not present, or known
        of nobody), unknown_rate (largest
        share of unknown values among the facts asked for), names_none (products and families that the catalog
        does not have), owner, legal_reference, valid_from, valid_until, file.
    """
    rows = [
        {
            "rule": one.entry.id,
            "stage": one.entry.stage.value,
            "reason_code": one.entry.reason_code,
            "law": one.entry.law,
            "state": state(one, day, facts),
            "missing": [*missing(one, facts), *never_known(one, facts)],
            "unknown_rate": unknown_rate(one, facts),
            "names_none": names_none(one, facts),
            "owner": one.entry.owner,
            "legal_reference": one.entry.legal_reference,
            "valid_from": one.entry.valid_from,
            "valid_until": one.entry.valid_until,
            "file": one.pack,
        }
        for one in policy.compiled
    ]
    return pl.DataFrame(rows, schema=SCHEMA)


SCHEMA = {
    "rule": pl.String(),
    "stage": pl.String(),
    "reason_code": pl.String(),
    "law": pl.Boolean(),
    "state": pl.String(),
    "missing": pl.List(pl.String()),
    "unknown_rate": pl.Float64(),
    "names_none": pl.List(pl.String()),
    "owner": pl.String(),
    "legal_reference": pl.String(),
    "valid_from": pl.Date(),
    "valid_until": pl.Date(),
    "file": pl.String(),
}


def blind_rules(policy: Policy, facts: PolicyFacts) -> dict[str, list[str]]:
    """Return the rules that stop because facts are not present or known of nobody, with these facts."""
    return {
        one.entry.id: [*missing(one, facts), *never_known(one, facts)]
        for one in policy.compiled
        if state(one, facts.as_of, facts) in {STOPS_ALL, NEVER_KNOWN}
    }


def state(one: Compiled, day: date, facts: PolicyFacts | None) -> str:
    """Return what a rule does at a date."""
    if not applies(one.entry, day):
        return OUT_OF_DATE
    if not missing(one, facts):
        return NEVER_KNOWN if never_known(one, facts) else IN_FORCE
    return INACTIVE if one.entry.if_absent == "inactive" else STOPS_ALL


def missing(one: Compiled, facts: PolicyFacts | None) -> list[str]:
    """Return the facts that a rule asks for and the bank does not bring."""
    return [] if facts is None else sorted(one.condition_columns - facts.present)


def never_known(one: Compiled, facts: PolicyFacts | None) -> list[str]:
    """Return the facts that a rule asks for and that are unknown of all customers, or all products."""
    tables = (facts.customers, facts.products) if facts else ()
    return [
        name
        for table in tables
        for name in sorted(one.condition_columns & set(table.columns))
        if table.height and table[name].null_count() == table.height
    ]


def unknown_rate(one: Compiled, facts: PolicyFacts | None) -> float | None:
    """Return the largest share of customers or products of whom a fact is unknown; None without any."""
    if facts is None:
        return None
    rates = [
        table[name].null_count() / max(table.height, 1)
        for table in (facts.customers, facts.products)
        for name in sorted(one.condition_columns & set(table.columns))
    ]
    return max(rates, default=0.0)


def names_none(one: Compiled, facts: PolicyFacts | None) -> list[str]:
    """Return the products that a rule names and the catalog does not have.

    Families are told for whole lists alone: a pack lists more families than any one bank has.
    """
    if facts is None or Grain.PRODUCT not in {atom.grain for atom in (*one.concerns, *one.requires)}:
        return []
    named = named_values(one, "product_id")
    found = sorted(named - set(facts.products["product_id"].to_list()))
    families = named_values(one, "product_family")
    known = set(facts.products["product_family"].to_list())
    return [*found, *(sorted(families) if families and not families & known else [])]
