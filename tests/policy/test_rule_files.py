"""Rule files: what is wrong in them is found before any work, and told with file and rule."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vipreco.errors import UsageError
from vipreco.policy import Policy
from vipreco.settings import PolicySettings

RULE = """
[[rule]]
id = "{id}"
stage = "{stage}"
reason_code = "{reason_code}"
concerns = "{concerns}"
requires = "{requires}"
text = {{ en = "{text}", zh = "不可" }}
owner = "Compliance"
{more}
"""
GOOD = {
    "id": "own-rule",
    "stage": "eligibility",
    "reason_code": "OWN",
    "concerns": "",
    "requires": "customer_age_years >= 18",
    "text": "Too young.",
    "more": "",
}


def read(folder: Path, *rules: dict[str, str], head: str = "", **settings: Any) -> Policy:
    text = f'name = "own"\n{head}\n' + "".join(RULE.format(**{**GOOD, **rule}) for rule in rules)
    (folder / "own.toml").write_text(text, encoding="utf-8")
    return Policy.read(PolicySettings(**{"packs": (), "files": ("own.toml",), **settings}), folder)


def test_a_file_of_the_bank_is_read_after_the_packs(tmp_path: Path) -> None:
    policy = read(tmp_path, {}, packs=("house",))
    eligibility = [rule.id for rule in policy.rules if rule.stage == "eligibility"]
    assert eligibility[0] == "offer-window"
    assert eligibility[-1] == "own-rule"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"requires": "customer_age >= 18"}, "customer_age, did you mean"),
        ({"requires": "customer_age_years IS NULL"}, "uses what no rule may use"),
        ({"requires": "customer_age_years > 3 AND customer_age_years < 2"}, "can never pass"),
        ({"requires": "customer_blocked OR NOT customer_blocked"}, "stops nothing but the unknown"),
        ({"concerns": "product_family = 'a' AND product_family = 'b'"}, "concerns nothing"),
        ({"concerns": "context_channel = 'mail'"}, "there is no channel mail"),
        (
            {"text": "You are {customer_agee_years}."},
            "{customer_agee_years}, did you mean customer_age_years",
        ),
        ({"requires": "customer_age_years >= :least_age"}, "names the parameter least_age"),
        ({"stage": "suitable"}, "rule.0.stage"),
        ({"reason_code": "too young"}, "rule.0.reason_code"),
        ({"more": "if_absent = 'ignore'"}, "rule.0.if_absent"),
        ({"more": "lawful = true"}, "lawful: unknown setting, did you mean law"),
        ({"more": "law = true"}, "a law needs a legal_reference"),
        (
            {"more": "law = true\nlegal_reference = 'Art. 1'\nif_not_brought = 'inactive'"},
            "a law is never inactive",
        ),
        ({"more": "valid_from = 2026-02-01\nvalid_until = 2026-01-01"}, "valid_until is before valid_from"),
    ],
)
def test_a_wrong_rule_is_refused(tmp_path: Path, rule: dict[str, str], words: str) -> None:
    with pytest.raises(UsageError) as raised:
        read(tmp_path, rule)
    assert words in str(raised.value)
    assert "own.toml" in str(raised.value)


@pytest.mark.parametrize(
    ("head", "settings", "words"),
    [
        ("[parameters]\nleast = 18", {}, "parameters.least: no rule uses it"),
        ("", {"parameters": {"most": 3.0}}, "policy.parameters.most: no rule file declares it"),
        ("[columns]\ncustomer_tier = { kind = 'text', what = 'x' }", {}, "is one of ours already"),
        ("[columns]\nproduct_star = { kind = 'flag', what = 'x' }", {}, "begins with customer_"),
    ],
)
def test_what_the_head_of_a_file_declares_is_checked(
    tmp_path: Path, head: str, settings: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        read(tmp_path, {}, head=head, **settings)


def test_an_id_stands_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="own-rule: two rules have the same id"):
        read(tmp_path, {}, {})


def test_unknown_packs_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no rule pack hous, did you mean house"):
        Policy.read(PolicySettings(packs=("hous",)))
    with pytest.raises(UsageError, match=r"missing.toml: the rule file cannot be read"):
        Policy.read(PolicySettings(files=("missing.toml",)), tmp_path)


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "house.toml").write_text('name = "house"\n')
    with pytest.raises(UsageError, match="two rule files have the same name"):
        Policy.read(PolicySettings(packs=("house",), files=("house.toml",)), tmp_path)


def test_a_ban_refuses_a_rule_about_credit_that_asks_for_age_and_no_other(tmp_path: Path) -> None:
    about = {"requires": "customer_age_years < 60", "id": "young-only"}
    read(tmp_path, {**about, "concerns": "product_family = 'fund'"}, packs=("us",))
    for concerns in ("product_family = 'loan'", "", "product_risk_rank > 3"):
        with pytest.raises(UsageError, match=r"uses customer_age_years, which Equal Credit"):
            read(tmp_path, {**about, "concerns": concerns}, packs=("us",))


def test_a_column_of_the_banks_own_is_declared_and_asked(tmp_path: Path, facts_of: Any) -> None:
    head = "[columns]\ncustomer_branch_closed = { kind = 'flag', what = 'The branch is closed.' }"
    policy = read(tmp_path, {"requires": "NOT customer_branch_closed"}, head=head)
    assert policy.judge(facts_of(policy)).tolist() == [[1]], "not present: stops"


def test_a_parameter_of_the_settings_takes_the_place_of_the_files(tmp_path: Path, facts_of: Any) -> None:
    head = "[parameters]\nleast_age = 18"
    rule = {"requires": "customer_age_years >= :least_age", "text": "Younger than {least_age}."}
    for least, expected in ((45.0, 0), (46.0, 1)):
        policy = read(tmp_path, rule, head=head, parameters={"least_age": least})
        facts = facts_of(policy)
        assert policy.judge(facts).tolist() == [[expected]]
        assert policy.texts(1, facts, (0, 0)) == (f"Younger than {least:.0f}.", "")


def test_the_version_is_that_of_files_and_settings(tmp_path: Path) -> None:
    first = read(tmp_path, {})
    assert first.version == read(tmp_path, {}).version
    assert len(first.version) == 16
    others = [
        read(tmp_path, {"requires": "customer_age_years >= 19"}),
        read(tmp_path, {}, product_risk_levels=("1", "2", "3")),
        read(tmp_path, {}, packs=("house",)),
    ]
    assert len({first.version, *(other.version for other in others)}) == 4


def test_a_policy_is_read_back_from_its_definition(tmp_path: Path) -> None:
    policy = read(tmp_path, {}, packs=("house", "china"))
    again = Policy.from_definition(policy.definition)
    assert (again.version, again.rules) == (policy.version, policy.rules)


def test_every_shipped_rule_speaks_both_languages() -> None:
    for rule in Policy.read(PolicySettings(packs=("house", "china", "eu", "us"))).rules:
        assert rule.text.en.endswith(".")
        assert rule.text.zh.endswith("。")
        assert bool(rule.unlock.en) == bool(rule.unlock.zh)
        # The number of assessments is limited by law, but an offer cannot breach it.
        assert bool(rule.legal_reference) == (rule.law or rule.id == "cn-assessment-limit")


def test_what_a_stranger_cannot_have_is_named_in_the_pack(tmp_path: Path, house: Policy) -> None:
    assert house.absent_for_strangers == {"customer_blocked", "customer_complaint_open"}
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nabsent_for_strangers = ["customer_aum_amount", "customer_ghost"]\n')
    with pytest.raises(UsageError) as error:
        Policy.read(PolicySettings(packs=(), files=(str(path),)))
    assert error.value.examples == (
        "own.toml: absent_for_strangers: customer_aum_amount is no flag of customers",
        "own.toml: absent_for_strangers: customer_ghost is no flag of customers",
    )
