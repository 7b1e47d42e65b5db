"""A loaded recommender is refused where its columns shifted or became prohibited."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from vipreco.errors import IntegrityError
from vipreco.features import Prohibited
from vipreco.features.dictionary import Prohibition
from vipreco.recommender import Recommender, check_permitted
from vipreco.recommender.inspection import OLD, check_age, check_columns


def test_the_columns_of_a_fit_pass(recommender: Recommender):
    check_columns(recommender.fitted, "here")
    check_permitted(recommender.names, Prohibited(prohibited=()), "here")


def test_swapped_columns_are_refused_and_the_first_difference_is_named(recommender: Recommender):
    """B103: another order."""
    fitted = recommender.fitted
    kept = fitted.kept.copy()
    kept[[3, 7]] = kept[[7, 3]]
    with pytest.raises(
        IntegrityError, match=f"column 3: {fitted.names[7]} is not {fitted.names[3]}"
    ) as refusal:
        check_columns(replace(fitted, kept=kept), "here")
    assert refusal.value.code == "feature-list"


@pytest.mark.parametrize("place", [-1, 100_000])
def test_a_column_outside_the_features_is_refused(recommender: Recommender, place: int):
    """B103: another number."""
    kept = recommender.fitted.kept.copy()
    kept[0] = place
    with pytest.raises(IntegrityError, match="numbers differ"):
        check_columns(replace(recommender.fitted, kept=kept), "here")


def test_a_feature_that_the_fit_did_not_know_shifts_the_others_and_is_refused(recommender: Recommender):
    """B103: another name."""
    vocabulary = recommender.fitted.vocabulary
    longer = replace(vocabulary, product_names=("new", *vocabulary.product_names))
    with pytest.raises(IntegrityError, match="is not"):
        check_columns(replace(recommender.fitted, vocabulary=longer), "here")


def test_an_attribute_that_became_prohibited_is_named_with_its_reason(recommender: Recommender):
    """B109."""
    rules = Prohibited(prohibited=(Prohibition(reason="no more tiers", words=("tier",)),))
    with pytest.raises(IntegrityError, match="prohibited") as refusal:
        check_permitted(recommender.names, rules, "here")
    assert "tier: no more tiers" in refusal.value.examples


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (-1, "the tables are older"),
        (0, ""),
        (OLD.days, ""),
        (OLD.days + 1, "181 days before the newest snapshot"),
    ],
)
def test_a_model_from_the_future_or_long_ago_is_told(days: int, words: str):
    """B110: the dates are those of the tables, so a wrong clock changes nothing."""
    learnt = date(2025, 6, 30)
    told = check_age(learnt, learnt + timedelta(days=days), None, "here")
    assert words in told
    assert bool(told) == bool(words)


def test_an_expired_model_is_refused_where_the_settings_say_so(recommender: Recommender):
    """B110."""
    learnt = recommender.fitted.as_of[-1]
    assert recommender.check_age(learnt + timedelta(days=90), timedelta(days=90), "here") == ""
    with pytest.raises(IntegrityError, match="91 days before") as refusal:
        recommender.check_age(learnt + timedelta(days=91), timedelta(days=90), "here")
    assert (refusal.value.exit_code, refusal.value.code) == (6, "model-expired")
