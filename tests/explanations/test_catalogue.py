"""The catalogue of reasons speaks of every feature, in both languages, and of nothing that it cannot cite."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from vipreco.errors import UsageError
from vipreco.explanations import ReasonCatalog, Speaker, plan_reasons
from vipreco.explanations.facts import Fact
from vipreco.explanations.qualification import Background, compared
from vipreco.explanations.reason_catalog import CATALOGUE_FILE
from vipreco.features import FeatureSet, parse_definition

FEATURES = FeatureSet.read(Path(__file__).parents[2] / "features")
CATALOGUE = ReasonCatalog.shipped()
NAMES = {"card": "Gold card", "fund": "Bond fund", "loan": "Loan", "gold": "Gold", "acc": "Account"}


def feature_names() -> list[str]:
    return [f"{file.name}.{item.name}" for file in FEATURES.dictionary.file for item in file.features]


def test_every_feature_of_the_dictionary_is_told_by_a_fact_or_never():
    unmapped = [
        name for name in feature_names() if not (CATALOGUE.is_silent(name) or CATALOGUE.reasons_for(name))
    ]
    assert unmapped == []


def test_a_feature_is_either_told_or_never_told():
    both = [
        name
        for name in feature_names()
        if CATALOGUE.is_silent(name) and any(entry.meant(name) for entry in CATALOGUE.reason)
    ]
    assert both == []


def test_nobody_is_told_of_an_age_of_a_refusal_or_of_log_ins_and_of_a_complaint_only_to_keep_somebody():
    assert CATALOGUE.reasons_for("profile.age") == []
    assert CATALOGUE.reasons_for("profile.months_since_joined") == []
    assert CATALOGUE.reasons_for("product_contacts.times_declined") == []
    assert CATALOGUE.reasons_for("activity.activity_{column}", "logins") == []
    (complained,) = CATALOGUE.reasons_for("activity.activity_{column}", "complaints")
    assert CATALOGUE.relevance[complained.theme] == ("attrition",)


@pytest.mark.parametrize(
    ("theme", "family", "speaks"),
    [
        ("loan-pages", "loan", True),
        ("loan-pages", "fund", False),
        ("held-before", "whatever a bank calls it", True),
        ("held-before", "attrition", False),
        ("assets-fell", "attrition", True),
        ("assets-fell", "fund", False),
    ],
)
def test_a_theme_speaks_for_the_families_of_the_table_of_relevance(theme: str, family: str, speaks: bool):
    assert CATALOGUE.speaks_for(theme, family) is speaks


def test_a_theme_without_a_line_in_the_table_of_relevance_is_refused():
    text = ReasonCatalog.content().decode().replace('abroad = ["foreign exchange", "card"]\n', "")
    with pytest.raises(UsageError, match="abroad"):
        parse_definition(text.encode(), ReasonCatalog, CATALOGUE_FILE)


def test_a_prohibited_attribute_is_no_reason_even_if_a_model_had_seen_it():
    tables = {"customers": {"attribute_gender": "VARCHAR", "attribute_income": "DOUBLE"}}
    plan = plan_reasons(
        CATALOGUE,
        ("attribute_gender", "attribute_income", "aum"),
        FEATURES.dictionary,
        lambda table: tables.get(table, {}),
        FEATURES.prohibited,
    )
    assert [(item.entry.id, item.subject) for item in plan.statements] == [
        ("assets-rose", ""),
        ("income-rose", "attribute_income"),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (('facts = ["left"]', 'facts = ["lefd"]'), "which is no [fact]"),
        (("held {product} until {left}", "held {product} until {assets}"), "which it does not cite"),
        (("[fact.balance]", "[fact.balance]\ncolour = 1"), "colour"),
    ],
)
def test_a_catalogue_that_speaks_of_what_it_does_not_cite_is_refused(wrong: tuple[str, str], words: str):
    text = ReasonCatalog.content().decode()
    assert wrong[0] in text
    with pytest.raises(UsageError) as caught:
        parse_definition(text.replace(*wrong).encode(), ReasonCatalog, CATALOGUE_FILE)
    assert words in str(caught.value)


def said(reason_id: str, *facts: Fact, subject: str = "", language: str = "en") -> str:
    speaker = Speaker(CATALOGUE, NAMES, language)  # type: ignore[arg-type]
    entry = CATALOGUE.entry(reason_id)
    background = Background({}, NAMES, {"BASIC": 0.0, "GOLD": 200_000.0, "TOP": 1_500_000.0})
    return speaker.sentence(entry.words, facts, subject, more=compared(entry, facts, background))


DAY = date(2020, 6, 30)
LEFT = Fact("left", "holdings", "closed_date", date(2020, 5, 31), "2020-05-31", "card")
BEFORE = Fact("assets_before", "customers", "aum_amount", date(2020, 3, 31), "1000000.00")
NOW = Fact("assets", "customers", "aum_amount", DAY, "1234567.89")
GOLD = Fact("tier", "customers", "tier", DAY, "GOLD")


def test_reasons_are_plain_words_in_english_and_chinese():
    assert said("held-before", LEFT, subject="card") == "held Gold card until 31 May 2020"
    assert said("held-before", LEFT, subject="card", language="zh") == "曾持有Gold card，至2020年5月31日止"
    assert said("assets-rose", BEFORE, NOW) == (
        "assets rose 23 % in three months, from 1,000,000 to 1,234,568"
    )
    fell = (replace(BEFORE, value="1234567.89"), replace(NOW, value="1000000.00"))
    assert said("assets-fell", *fell) == "assets fell 19 % in three months, from 1,234,568 to 1,000,000"
    assert said("near-next-line", GOLD, NOW) == "assets of 1,234,568 are 265,432 short of TOP"
    near = replace(NOW, value="201000.00")
    before = replace(BEFORE, value="250000.00")
    assert said("near-own-line", GOLD, before, near) == (
        "assets fell from 250,000 to 201,000 in three months, 1,000 above the line of GOLD"
    )
    usual = Fact("usual", "activity", "inflow_amount", date(2020, 3, 31), "1000.0")
    recent = Fact("recent", "activity", "inflow_amount", DAY, "2500.0")
    assert said("inflow-rose", usual, recent, subject="inflow_amount") == (
        "2,500 a month came in over the last three, 2.5 times the usual 1,000"
    )
