"""Response to contacts: exact figures, what holds whatever comes in, shapes found in data that have them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vipreco.contact_effect import (
    Contacted,
    ContactEffects,
    EffectLearning,
    LearntEffects,
    ObservedPairs,
    PairEffects,
    PastContacts,
    Response,
    learn_effects,
)
from vipreco.recommender.contact_rows import reach_of
from vipreco.recommender.past_contacts import past_contacts
from vipreco.settings import ContactEffectSettings

NONE = np.zeros(1)
HAZARDS, RATIOS = st.floats(0, 5), st.floats(0.01, 50)
RESPONSES = st.builds(Response, st.floats(0.1, 1), st.floats(0, 3), st.floats(0, 1))


def chance(
    response: Response, hazard: float, ratio: float, recent: float = 0.0, withstood: float = 0.0
) -> float:
    parts = (np.array([one]) for one in (hazard, ratio, recent, withstood))
    return float(response.chance(*parts)[0])


def test_who_is_not_reached_keeps_the_chance_without():
    # of two contacts one is answered: a ratio of 3 of all is one of 5 of those who are reached
    found = chance(Response(reach=0.5), -math.log(0.9), 3.0)
    assert found == pytest.approx(0.5 * (1 - 0.9**5) + 0.5 * 0.1)


def test_customers_who_differ_gain_less_where_the_chance_is_high():
    # a spread of 1 makes the factor exponential: the chance is x / (1 + x) with x = hazard times factor
    assert chance(Response(spread=1.0), 0.5, 4.0) == pytest.approx(2 / 3)
    assert chance(Response(spread=1.0), 0.5, 4.0) < chance(Response(), 0.5, 4.0)


def test_who_declined_a_likely_product_is_expected_to_respond_half_as_much():
    # spread x factor x declined hazard = 1
    assert chance(Response(spread=1.0), 0.5, 4.0, withstood=0.25) == pytest.approx(1 / 2)
    assert chance(Response(), 0.5, 4.0, withstood=0.25) == chance(Response(), 0.5, 4.0)


def test_each_recent_contact_takes_its_share():
    tired = Response(fatigue=math.log(2))
    assert chance(tired, 0.1, 8.0, recent=2) == pytest.approx(-math.expm1(-0.1 * 2))


@given(RESPONSES, HAZARDS, RATIOS, RATIOS, st.floats(0, 10), st.floats(0, 10))
def test_a_chance_stays_one_grows_with_the_ratio_and_falls_with_what_came_before(
    response: Response, hazard: float, one: float, other: float, recent: float, withstood: float
):
    low, high = (chance(response, hazard, ratio, recent, withstood) for ratio in sorted((one, other)))
    assert 0 <= low <= high + 1e-12
    assert high <= 1
    assert high <= chance(response, hazard, max(one, other)) + 1e-12


def test_customers_of_a_book_have_contacts_of_their_own():
    learnt = LearntEffects({"call": math.log(4)}, {}, {}, {}, spread=1.0, fatigue=math.log(2))
    past = PastContacts(np.array([0.0, 1.0, 0.0]), np.array([[0.0], [0.0], [2.0]]))
    nobody = np.array([None] * 3, object)
    effects = PairEffects.of(ContactEffects(ContactEffectSettings(), learnt), "call", ("card",), nobody, past)
    hazard = 0.25
    found = effects.chances(np.full((3, 1), -math.expm1(-hazard)))
    # factor 4; then 2 by one recent contact; then 4 / (1 + 4 x 2 x 0.25)
    assert found.with_contact[:, 0] == pytest.approx([1 / 2, 1 / 3, 1 / 4])
    assert effects.take(slice(2, 3)).chances(np.full((1, 1), -math.expm1(-hazard))).with_contact == (
        pytest.approx(1 / 4)
    )


def test_assumed_effects_are_the_same_for_everybody():
    learnt = LearntEffects({"sms": 1.0}, {}, {}, {}, reach={"call": 0.5}, spread=2.0, fatigue=1.0)
    effects = ContactEffects(ContactEffectSettings(), learnt)
    assert effects.response("call") == Response()
    assert effects.response("sms") == Response(1.0, 2.0, 1.0)


def test_the_reach_of_a_channel_is_told_by_enough_outcomes():
    answers = {("call", True): 30, ("call", False): 10, ("app", True): 29, ("sms", False): 90}
    assert reach_of(answers) == {"call": 0.75}


def test_earlier_contacts_are_read_from_the_columns_of_the_boosters():
    names = ("tier", "contacts_90_days", "held@a", "times_declined@a", "times_declined@b")
    values = np.array([[1, 2, 0, 3, 0], [1, np.nan, 0, 0, 1]], np.float32)
    found = past_contacts(values, names, ("b", "a", "c"))
    assert found.recent.tolist() == [2, 0]
    assert found.declined.tolist() == [[0, 3, 0], [1, 0, 0]]
    nothing = past_contacts(values[:, :1], names[:1], ("b",))
    assert (nothing.recent.tolist(), nothing.declined.tolist()) == ([0, 0], [[0], [0]])


def contacted_bank(rate_low: float, rate_high: float, tired: float = 1.0) -> ObservedPairs:
    """Return pairs of a low and a high hazard that were called, a quarter of them soon after a contact."""
    rows, half = 8_000, 4_000
    hazard = np.where(np.arange(rows) % 2, 0.4, 0.02)
    recent = np.where(np.arange(rows) < half, (np.arange(rows) // 2 % 4 == 0) * 2.0, 0.0)
    rate = np.where(np.arange(rows) % 2, rate_high, rate_low) * np.where(recent > 0, tired, 1.0)
    called = np.arange(half)
    # evenly spaced acquisitions, as many as the rates say in each group
    acquired = np.zeros(half, bool)
    plain = np.zeros((rows, 1), bool)
    for group in np.unique(np.column_stack([hazard, recent]), axis=0):
        own = np.flatnonzero((hazard == group[0]) & (recent == group[1]))
        mine, others = own[own < half], own[own >= half]
        if len(mine):
            acquired[mine[: round(rate[mine[0]] * len(mine))]] = True
        plain[others[: round(-np.expm1(-group[0]) * len(others))]] = True
    plain[called, 0] = acquired
    near = np.zeros((rows, 1), bool)
    near[called] = True
    return ObservedPairs(
        chance=(-np.expm1(-hazard))[:, None].astype(np.float32),
        acquired=plain,
        possible=np.ones((rows, 1), bool),
        near_contact=near,
        weights=np.ones(rows),
        tiers=np.full(rows, "GOLD"),
        families=("card",),
        contacted=Contacted(called, np.zeros(half, np.intp), np.full(half, "call"), np.ones(half), acquired),
        shifted=Contacted(
            np.zeros(0, np.intp), np.zeros(0, np.intp), np.zeros(0, np.str_), np.zeros(0), np.zeros(0, bool)
        ),
        past=PastContacts(recent, np.zeros((rows, 1))),
    )


def shape(rate_low: float, rate_high: float, tired: float = 1.0) -> LearntEffects:
    pairs = contacted_bank(rate_low, rate_high, tired)
    return learn_effects(pairs, ContactEffectSettings(), EffectLearning(), seed=1)


def test_the_spread_is_found_where_likely_acquisitions_gain_less():
    factor = 5.0
    alike = shape(-math.expm1(-0.02 * factor), -math.expm1(-0.4 * factor))
    unlike = shape(0.02 * factor / (1 + 0.02 * factor), 0.4 * factor / (1 + 0.4 * factor))
    assert alike.spread < 0.1
    assert unlike.spread == pytest.approx(1.0, abs=0.25)
    effects = ContactEffects(ContactEffectSettings(), unlike)
    assert effects.log_hazard("call", ("card",), "GOLD") == pytest.approx([math.log(factor)], abs=0.15)
    told = {row.what: row.in_force for row in unlike.evidence if row.what in {"spread", "fatigue"}}
    assert told == {"spread": unlike.spread, "fatigue": -unlike.fatigue}


def test_today_s_contacts_count_by_what_they_add():
    found = shape(0.1 / 1.1, 2.0 / 3.0)  # a factor of 5, and customers as unlike as waiting times are
    hazards = 4_000 * (0.02 + 0.4)
    # of 4,000 that were called: acquired, less what would have been anyway; a plain factor of 5 adds 3,360
    added = 2_000 * (0.1 / 1.1 + 2.0 / 3.0) - 2_000 * (2 - math.exp(-0.02) - math.exp(-0.4))
    effects = ContactEffects(ContactEffectSettings(), found)
    assert effects.uncontacted(("card",), "GOLD") == pytest.approx([hazards / (hazards + added)], rel=0.05)


def test_fatigue_is_found_where_recent_contacts_weaken_the_next():
    fresh, tired = shape(0.09, 0.6), shape(0.09, 0.6, tired=0.5)
    assert fresh.fatigue < 0.1
    assert tired.fatigue > fresh.fatigue + 0.2
