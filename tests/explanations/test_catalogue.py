"""The catalogue of reasons speaks of every feature, in both languages, and of nothing that it cannot cite."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from vipreco.errors import UsageError
from vipreco.explanations import ReasonCatalog, Speaker, plan_reasons
from vipreco.explanations.facts import Fact
from vipreco.explanations.reason_catalog import CATALOGUE_FILE
from vipreco.features import FeatureSet, parse_definition

FEATURES = FeatureSet.read(Path(__file__).parents[2] / "features")
CATALOGUE = ReasonCatalog.shipped()
NAMES = {"card": "Gold card", "fund": "Bond fund", "loan": "Loan", "gold": "Gold", "acc": "Account"}


def test_every_feature_of_the_dictionary_is_told_by_a_fact_or_never():
    assert CATALOGUE.unmapped(FEATURES.dictionary) == []


def test_a_feature_is_either_told_or_never_told():
    features = [f"{file.name}.{item.name}" for file in FEATURES.dictionary.file for item in file.features]
    both = [
        name
        for name in features
        if CATALOGUE.is_silent(name) and any(entry.meant(name) for entry in CATALOGUE.reason)
    ]
    assert both == []


def test_nobody_is_told_of_an_age_of_a_refusal_or_of_a_complaint():
    assert CATALOGUE.reasons_for("profile.age") == []
    assert CATALOGUE.reasons_for("product_contacts.times_declined") == []
    assert CATALOGUE.reasons_for("activity.activity_{column}", "complaints") == []
    assert [entry.id for entry in CATALOGUE.reasons_for("activity.activity_{column}", "logins")] == [
        "activity"
    ]


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
        ("assets", ""),
        ("attribute", "attribute_income"),
    ]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (('facts = ["balance"]', 'facts = ["balanse"]'), "which is no [fact]"),
        (("stands at {balance}", "stands at {assets}"), "which it does not cite"),
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
    return speaker.sentence(CATALOGUE.entry(reason_id).words, facts, subject)


DAY = date(2020, 6, 30)
HOLDING = Fact("holding", "holdings", "opened_date", date(2020, 5, 31), "2020-05-31", "card")
BEFORE = Fact("assets_before", "customers", "aum_amount", date(2020, 3, 31), "200000.00")
NOW = Fact("assets", "customers", "aum_amount", DAY, "1234567.89")


def test_reasons_are_plain_words_in_english_and_chinese():
    assert said("holds", HOLDING, subject="card") == "holds Gold card since 2020-05-31"
    assert said("holds", HOLDING, subject="card", language="zh") == "自 2020-05-31 起持有Gold card"
    assert said("assets-moved", BEFORE, NOW) == (
        "assets went from 200,000 on 2020-03-31 to 1,234,568 on 2020-06-30"
    )
    outcome = Fact("last_contact", "contacts", "outcome", DAY, "postponed", "fund")
    assert said("last-contact", outcome) == "last contact on 2020-06-30: asked for later"
    assert said("last-contact", outcome, language="zh") == "最近联系 2020-06-30：约定稍后"
    logins = Fact("activity", "activity", "logins", DAY, "6.0")
    assert said("activity", logins, subject="logins") == "log-ins of 6 in the month to 2020-06-30"
    unnamed = Fact("attribute", "customers", "attribute_shoe_size", DAY, "42.5")
    assert said("attribute", unnamed, subject="attribute_shoe_size") == "shoe size: 42.50"


def test_many_products_are_named_in_part_and_counted():
    few = Fact("portfolio", "holdings", "product_id", DAY, "card, fund")
    many = Fact("portfolio", "holdings", "product_id", DAY, "acc, card, fund, gold, loan")
    assert said("portfolio", few) == "holds Gold card, Bond fund"
    assert said("portfolio", many) == "holds Account, Gold card, Bond fund and 2 other products"
    assert said("portfolio", many, language="zh") == "现持有Account、Gold card、Bond fund等 5 项产品"
