"""Finished lists against the law: what must not stand there is found, and a customer alone gets the same."""

from __future__ import annotations

import polars as pl
import pytest

from vipreco.assurance import audit_alone, audit_listed, sampled_view
from vipreco.assurance.list_audit import OTHER_ALONE, STOPPED_LISTED, UNLAWFUL_LISTED
from vipreco.history import History
from vipreco.policy import Policy, PolicyFacts
from vipreco.recommender import Recommender
from vipreco.settings import PolicySettings

from .conftest import MONTHS

CHINA = PolicySettings(packs=("house", "china"))


@pytest.fixture(scope="module")
def chinese(recommender: Recommender) -> Recommender:
    """Under the law of China: of these customers nobody was assessed, so no fund may be offered."""
    return recommender.with_policy(Policy.read(CHINA))


def test_the_lists_of_a_recommender_are_lawful(chinese: Recommender, history: History) -> None:
    view = sampled_view(history.as_of(MONTHS[3]), 40, seed=2)
    parts = list(chinese.decide(view))
    offers = pl.concat([part.offers(3) for part in parts])
    assert sum(len(part.customer_ids) for part in parts) == 40
    assert audit_listed(parts, offers) == []


def test_an_offer_that_slipped_in_is_found_by_rule_and_by_law(chinese: Recommender, history: History) -> None:
    parts = list(chinese.decide(history.as_of(MONTHS[3])))
    slipped = pl.DataFrame({"customer_id": ["00001", "00003"], "product_id": ["fund", "fund"]})
    found = {(item.what, item.rule_id): item.pairs for item in audit_listed(parts, slipped)}
    assert found[STOPPED_LISTED, ""] == 2
    assert found[UNLAWFUL_LISTED, "cn-risk-known"] == 2
    assert (UNLAWFUL_LISTED, "cn-consent") not in found, "nobody is approached in the branch"


def test_a_customer_alone_gets_what_they_get_among_all(chinese: Recommender, history: History) -> None:
    assert audit_alone(chinese, history.as_of(MONTHS[3]), "branch", 3, seed=1) == []


class Forgetful(Policy):
    """Lets everything pass when one customer is asked for alone."""

    def judge(self, facts: PolicyFacts):  # type: ignore[no-untyped-def]
        verdicts = super().judge(facts)
        return verdicts * (len(verdicts) > 1)


def test_another_answer_for_one_customer_alone_is_found(recommender: Recommender, history: History) -> None:
    forgetful = Forgetful(Policy.read(CHINA).definition)
    changed = recommender.with_policy(forgetful)
    (found,) = audit_alone(changed, history.as_of(MONTHS[3]), "branch", 2, seed=1)
    assert found.what == OTHER_ALONE
    assert found.pairs > 2
