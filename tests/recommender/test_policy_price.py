"""The cost of rules, counted by hand on two customers and three products."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.policy_records import facts_of_records
from vipreco.lists import price
from vipreco.policy import Policy
from vipreco.settings import PolicySettings

RULES = """
name = "two"
[[rule]]
id = "young"
stage = "eligibility"
reason_code = "YOUNG"
requires = "customer_age_years >= 18"
text = { en = "x.", zh = "x。" }
owner = "me"
[[rule]]
id = "risky"
stage = "suitability"
reason_code = "RISKY"
requires = "product_risk_rank <= 2"
text = { en = "x.", zh = "x。" }
owner = "me"
law = true
legal_reference = "Art. 1"
"""


@pytest.fixture
def decisions(tmp_path: Path) -> Any:
    """A child and a grown-up; two harmless products and a risky one."""
    (tmp_path / "two.toml").write_text(RULES, encoding="utf-8")
    policy = Policy.read(PolicySettings(packs=(), files=("two.toml",)), tmp_path)
    people = [{"customer_age_years": 12.0}, {"customer_age_years": 40.0}]
    products = [{"product_risk_rank": rank} for rank in (1.0, 2.0, 3.0)]
    facts = facts_of_records(date(2026, 1, 31), "branch", people, products, {})
    priority = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0]])
    return SimpleNamespace(policy=policy, facts=facts, verdict=policy.judge(facts), priority=priority)


def test_first_alone_and_at_all(decisions: Any) -> None:
    rows = {row["rule"]: row for row in price([decisions]).rules.iter_rows(named=True)}
    young, risky = rows["young"], rows["risky"]
    assert [young[name] for name in ("first_customers", "first_pairs", "first_value")] == [1, 3, 7.0]
    assert [young[name] for name in ("alone_customers", "alone_pairs", "alone_value")] == [1, 2, 3.0]
    assert [young[name] for name in ("all_customers", "all_pairs", "all_value")] == [1, 3, 7.0]
    assert [risky[name] for name in ("first_customers", "first_pairs", "first_value")] == [1, 1, 32.0]
    assert [risky[name] for name in ("alone_customers", "alone_pairs", "alone_value")] == [1, 1, 32.0]
    assert [risky[name] for name in ("all_customers", "all_pairs", "all_value")] == [2, 2, 36.0]


def test_relaxing_is_told_of_the_house_alone(decisions: Any) -> None:
    told = dict(price([decisions]).rules.select("rule", "relaxing_opens_value").iter_rows())
    assert told == {"young": 3.0, "risky": None}


def test_chunks_are_summed_and_the_overlap_is_counted_once(decisions: Any) -> None:
    found = price([decisions, decisions])
    assert found.overlap.rows() == [("young", "risky", 2)]
    assert found.rules["all_pairs"].to_list() == [6, 4]
