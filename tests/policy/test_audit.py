"""The audit: the packs keep the law as plain Python states it, and an audit of less than that fails."""

from __future__ import annotations

from datetime import date

import pytest

from vipreco.assurance import audit, draw_facts, law_rules, mutants
from vipreco.assurance.law import DUTIES
from vipreco.assurance.policy_audit import NO_STATEMENT, NOT_KEPT, UNLAWFUL
from vipreco.policy import Policy
from vipreco.settings import PolicySettings

DAY = date(2026, 3, 31)
PACKS = ("china", "eu", "us")


def policy_of(*packs: str, **parameters: float) -> Policy:
    return Policy.read(PolicySettings(packs=packs, parameters=dict(parameters)))


def test_every_law_of_the_packs_is_stated_in_plain_python_and_the_other_way_round() -> None:
    assert set(law_rules(policy_of("house", *PACKS))) == set(DUTIES)


@pytest.mark.parametrize("pack", PACKS)
def test_a_pack_breaches_nothing_on_thousands_of_draws(pack: str) -> None:
    policy = policy_of("house", pack)
    report = audit(policy, draw_facts(policy, DAY, 6_000, seed=11))
    assert report.findings == ()
    assert report.pairs >= 6_000
    assert report.offers > 400
    assert min(report.breaches.values()) > 10, "each duty was put to the test"


@pytest.mark.parametrize("pack", PACKS)
def test_each_law_that_is_switched_off_is_noticed(pack: str) -> None:
    policy = policy_of("house", pack)
    found = mutants(policy, list(draw_facts(policy, DAY, 2_000, seed=12)))
    assert set(found) == set(law_rules(policy))
    for name, report in found.items():
        assert {(item.what, item.rule_id) for item in report.findings} >= {(NOT_KEPT, name)}


def test_without_a_law_unlawful_offers_go_out_and_are_counted() -> None:
    policy = policy_of("china")
    draws = list(draw_facts(policy, DAY, 3_000, seed=13))
    report = audit(policy.without("cn-risk-ladder"), draws, law_rules(policy), alone=False)
    assert (UNLAWFUL, "cn-risk-ladder") in {(item.what, item.rule_id) for item in report.findings}
    assert not report.passed


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [({"assessment_months": 24.0}, "cn-risk-current"), ({"senior_age": 70.0}, "cn-senior")],
)
def test_a_law_that_was_loosened_by_a_parameter_is_noticed(parameters: dict[str, float], rule: str) -> None:
    policy = policy_of("china", **parameters)
    report = audit(policy, draw_facts(policy_of("china"), DAY, 6_000, seed=14), alone=False)
    assert NOT_KEPT in {item.what for item in report.findings if item.rule_id == rule}


@pytest.mark.parametrize(
    ("harmless", "passes"), [(("accounts", "cards"), True), (("deposit", "fund"), False)]
)
def test_a_bank_has_words_of_its_own_for_families_but_a_fund_is_an_investment(
    harmless: tuple[str, ...], passes: bool
) -> None:
    policy = Policy.read(PolicySettings(packs=("china",), parameters={"other_families": harmless}))
    report = audit(policy, draw_facts(policy, DAY, 3_000, seed=15), alone=False)
    assert report.passed == passes
    assert passes or {item.what for item in report.findings} == {NOT_KEPT, UNLAWFUL}


def test_a_law_of_the_banks_own_without_a_statement_is_told(tmp_path) -> None:
    (tmp_path / "own.toml").write_text(
        'name = "own"\n[[rule]]\nid = "own-law"\nstage = "suitability"\nreason_code = "OWN"\nlaw = true\n'
        'requires = "customer_age_years >= 18"\ntext = { en = "x.", zh = "x。" }\nowner = "me"\n'
        'legal_reference = "Art. 1"\n'
    )
    policy = Policy.read(PolicySettings(packs=(), files=("own.toml",)), tmp_path)
    report = audit(policy, draw_facts(policy, DAY, 200, seed=1))
    assert [(item.what, item.rule_id) for item in report.findings] == [(NO_STATEMENT, "own-law")]
