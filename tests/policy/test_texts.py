"""Texts for people: every text of the packs on one good pair, word for word, so that a change is seen."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

from vipreco.policy import Policy, column_table
from vipreco.policy.texts import LANGUAGES
from vipreco.settings import PolicySettings

GOLDEN = Path(__file__).with_name("golden_texts.txt")


def texts(policy: Policy, facts: Any) -> str:
    lines = []
    for verdict, rule in enumerate(policy.rules, start=1):
        lines.append(f"{rule.stage.value} / {rule.id} / {rule.reason_code} / {rule.legal_reference or '-'}")
        for language in LANGUAGES:
            why, unlock = policy.texts(verdict, facts, (0, 0), language)
            lines.append(f"  {why} -> {unlock or '-'}")
    return "\n".join(lines) + "\n"


def test_the_texts_are_those_that_were_reviewed(facts_of: Any) -> None:
    policy = Policy.read(PolicySettings(packs=("house", "china", "eu", "us")))
    facts = facts_of(policy, customer_risk_assessed_months=None, customer_age_years=71.0)
    assert texts(policy, facts) == GOLDEN.read_text(encoding="utf-8")


def test_the_table_of_columns_in_the_readme_is_that_of_the_code() -> None:
    columns = column_table().rows()
    rows = "".join(f"| `{name}` | {kind} | {source} | {what} |\n" for name, kind, source, what in columns)
    readme = resources.files("vipreco.policy").joinpath("README.md").read_text(encoding="utf-8")
    assert readme.endswith(f"| column | kind | source | what |\n|---|---|---|---|\n{rows}")
