"""Issue 13, item 4: nobody gets an empty answer without its cause, whatever the channel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.online.small_bank import CHANNELS, IDS, NOON, Served
from vipreco.online.slates import SWITCHED_OFF
from vipreco.store import Role, Scope

SEGMENTS = ("", "MASS", "GOLD", "nowhere")
ACTOR = Scope("user:ann", Role.MANAGER, "M1")


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_strangers_of_every_segment_get_a_list_in_every_channel(
    served: Served, channel: str, segment: str
) -> None:
    found = served.answering.popular(segment, channel, 3)
    assert found.lines
    assert found.cause is None


@pytest.mark.parametrize("channel", CHANNELS)
def test_strangers_by_facts_get_a_list_or_the_cause_in_every_channel(served: Served, channel: str) -> None:
    facts: dict[str, Any] = {"attributes": {"aum_amount": 5e5}}
    found = served.answering.with_facts(None, facts, channel, 3, NOON)
    assert bool(found.lines) == (channel == "branch")
    assert found.cause == (None if channel == "branch" else "CONSENT_UNKNOWN")
    if channel != "branch":  # with the consent that was missing there is a list
        facts["attributes"][f"consent_{channel}"] = True
        assert served.answering.with_facts(None, facts, channel, 3, NOON).lines


def test_a_refusal_of_a_stranger_stays_one(served: Served) -> None:
    facts = {"attributes": {"consent_call": False}}
    found = served.answering.with_facts(None, facts, "call", 3, NOON)
    assert (found.lines, found.cause) == ((), "NO_CONSENT")


@pytest.mark.parametrize("channel", CHANNELS)
def test_an_empty_answer_about_a_customer_has_its_cause(served: Served, channel: str) -> None:
    answers = [served.answering.offers(customer, channel, 3, NOON) for customer in IDS]
    assert all((found.cause is None) == bool(found.lines) for found in answers)
    codes = {rule.reason_code for rule in served.answering.recommender.policy.rules}
    assert {found.cause for found in answers if not found.lines} <= codes


def test_where_all_is_switched_off_the_cause_says_so(serve: Callable[..., Served]) -> None:
    ours = serve()
    for product in ours.answering.release.products:
        ours.store.switches.off(ACTOR, "product", product, "a test", NOON)
    ours.answering.refresh()
    assert ours.answering.popular("", "branch", 3).cause == SWITCHED_OFF
