"""Effects learnt from contacts: exact figures on data that can be counted, and the prior without any."""

from __future__ import annotations

import json
import math
from typing import Any

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
    effect_rows,
    learn_effects,
    learnt_settings,
)
from vipreco.contact_effect.effect_fit import other_products
from vipreco.contact_effect.estimation import shape_between, shrunk
from vipreco.contact_effect.expectation import shrunk_ratios, tenths
from vipreco.settings import ContactEffectSettings

PRIOR = ContactEffectSettings(channels={"call": 0.7, "sms": 0.2})
PRODUCTS, ROWS, CONTACTS = 2, 4_000, 400
CHANCE = 0.05
CALLED = np.random.default_rng(5).permutation(ROWS)[:CONTACTS]


def contacts(rows: Any, acquired: int, channel: str = "call", product: int = 0) -> Contacted:
    count = len(rows)
    return Contacted(
        np.asarray(rows, np.intp),
        np.full(count, product, np.intp),
        np.full(count, channel),
        np.ones(count),
        np.arange(count) < acquired,
    )


def nothing() -> Contacted:
    return contacts([], 0)


def observed(contacted: Contacted, shifted: Contacted | None = None) -> ObservedPairs:
    """Pairs of which one of twenty is acquired without a contact, whatever the product and the tier."""
    acquired = (np.arange(ROWS)[:, None] // 2 + np.arange(PRODUCTS)[None, :] * 7) % 20 == 0
    near = np.zeros((ROWS, PRODUCTS), bool)
    near[contacted.row, contacted.product] = True
    acquired[contacted.row, contacted.product] = contacted.acquired
    return ObservedPairs(
        chance=np.full((ROWS, PRODUCTS), CHANCE, np.float32),
        acquired=acquired,
        possible=np.ones((ROWS, PRODUCTS), bool),
        near_contact=near,
        weights=np.ones(ROWS),
        tiers=np.where(np.arange(ROWS) % 2, "GOLD", "BASIC"),
        families=("card", "loan"),
        contacted=contacted,
        shifted=shifted or nothing(),
    )


def row_of(found: LearntEffects, what: str, channel: str = "call", group: str = "") -> Any:
    return next(row for row in found.evidence if (row.what, row.channel, row.group) == (what, channel, group))


def about_both() -> Contacted:
    """Contacts about the card, then about the loan; a tenth of each acquired."""
    product, acquired = np.repeat([0, 1], 200), np.arange(CONTACTS) % 10 == 0
    return Contacted(np.sort(CALLED), product, np.full(CONTACTS, "call"), np.ones(CONTACTS), acquired)


def learnt(acquired: int, **changes: Any) -> LearntEffects:
    return learn_effects(observed(contacts(CALLED, acquired)), PRIOR, EffectLearning(**changes), seed=1)


def test_a_contact_that_doubles_the_hazard_reads_log_two():
    # 400 pairs at a hazard of -log(0.95); under twice the hazard 400 x (1 - 0.95^2) = 39 are acquired
    found = row_of(learnt(39), "channel")
    assert (found.contacts, found.acquisitions) == (400, 39)
    pairs = observed(contacts(CALLED, 39))
    usual = pairs.acquired[pairs.compared[:, 0], 0].mean()  # of the card, nearly 0.05
    assert found.expected == pytest.approx(400 * usual, rel=0.01)
    assert found.effect == pytest.approx(math.log(math.log(1 - 39 / 400) / math.log(1 - usual)), abs=0.01)
    assert found.low < math.log(2) < found.high
    # a count of 39 is known to about 1 / sqrt(39) on the log scale, and what was expected to a hundred each
    assert found.high - found.low == pytest.approx(2 * 1.96 * math.sqrt(1 / 39 + 1 / 200), rel=0.06)


def test_a_contact_without_effect_reads_none():
    found = row_of(learnt(20), "channel")
    assert found.effect == pytest.approx(0, abs=0.03)


def test_a_channel_is_drawn_to_its_prior_by_one_acquisition():
    found = learnt(39)
    by_hand = math.log((1 + 39) / (math.exp(-0.7) + 39 / 2))
    families_and_tiers = found.families["call"]["card"] + np.mean(list(found.tiers.values()))
    assert found.channels["call"] + families_and_tiers == pytest.approx(by_hand, abs=0.05)


def test_too_few_acquisitions_keep_the_prior_and_say_so():
    found = learnt(4)
    assert (found.channels, row_of(found, "channel").basis) == ({}, "assumed")
    assert row_of(found, "channel").in_force == 0.7
    effects = ContactEffects(PRIOR, found)
    assert effects.log_hazard("call", ("card",), "GOLD") == pytest.approx([0.7])
    assert learn_effects(observed(nothing()), PRIOR, EffectLearning(), 1).channels == {}


def test_no_acquisition_at_all_has_an_upper_end_alone():
    found = row_of(learnt(0), "channel")
    assert (found.effect, found.low) == (None, None)
    assert found.high == pytest.approx(math.log(2.51 / 20) + 1.96 * math.sqrt(1 / 200), abs=0.05)


def test_the_placebos_find_nothing_where_nothing_is():
    pairs = observed(about_both(), shifted=contacts(ROWS - 1 - CALLED, 20, product=1))
    found = learn_effects(pairs, PRIOR, EffectLearning(), seed=1)
    for what in ("placebo: another product", "placebo: a horizon later"):
        one = row_of(found, what)
        assert one.low < 0 < one.high
        assert one.in_force is None


def test_the_placebo_is_about_products_that_nobody_spoke_of():
    other = other_products(observed(about_both()), seed=3)
    assert (other.product == 1 - np.repeat([0, 1], 200)).all()


def test_today_s_contacts_are_taken_out_of_the_chance_without():
    found = learnt(39)
    effects = PairEffects.of(ContactEffects(PRIOR, found), "call", ("card", "loan"), np.array(["GOLD"]))
    ratio = math.exp(effects.effects.log_hazard("call", ("card",), "GOLD")[0])
    # a tenth of the card pairs is under a call, and no loan pair; a call adds less than to a small hazard
    gold = (CALLED % 2).mean() * CONTACTS / (ROWS / 2)
    hazard = -math.log1p(-CHANCE)
    chance = 1 - (1 + found.spread * hazard * ratio) ** (-1 / found.spread)
    shares = found.contacted["call"]["card"]
    assert shares["GOLD"] == pytest.approx(gold * (chance - CHANCE) / (hazard * (ratio - 1)), rel=0.05)
    assert shares["GOLD"] < gold
    chances = effects.chances(np.array([[0.05, 0.05]]))
    natural = -math.expm1(math.log1p(-0.05) / (1 + shares["GOLD"] * (ratio - 1)))
    assert chances.without[0] == pytest.approx([natural, 0.05])
    assert chances.with_contact[0, 0] > 0.05


def test_effects_survive_as_json():
    found = learnt(39)
    again = LearntEffects.of_facts(json.loads(json.dumps(found.facts())))
    assert again == found


def test_written_effects_are_in_force_whatever_a_later_model_learns():
    first, later = ContactEffects(PRIOR, learnt(39)), learnt(20)
    written = learnt_settings(first)
    assert written is not None
    assert written.learnt_channels == ("call",)
    assert written.channels["sms"] == 0.2
    effects = ContactEffects(written, later)
    before = first.log_hazard("call", ("card",), "GOLD")
    assert effects.log_hazard("call", ("card",), "GOLD") == pytest.approx(before, abs=2e-3)
    rows = {row.channel: row.basis for row in effect_rows(effects) if row.what == "channel"}
    assert rows == {"call": "learnt", "sms": "assumed"}
    assert learnt_settings(ContactEffects(PRIOR)) is None


def test_shrinkage_by_hand():
    count, expected = np.array([0.0, 3.0, 300.0]), np.array([0.0, 1.0, 100.0])
    found = shrunk(count, expected, np.full(3, math.log(2)), shape=2.0)
    assert found == pytest.approx(np.log([2.0, 5 / 2, 302 / 101]))


def test_cells_that_differ_no_more_than_chance_share_one_effect():
    expected = np.full(50, 10.0)
    assert shape_between(expected, expected) == 100
    far = np.where(np.arange(50) % 2, 0.0, 20.0)
    assert shape_between(far, expected) == pytest.approx(5_000 / (5_000 - 500))


def test_thin_strata_borrow_from_wide_ones():
    ratio, variance = shrunk_ratios(np.array([0.0, 100.0]), np.array([0.0, 50.0]), np.array([0, 1]))
    level = 105 / 55
    assert ratio == pytest.approx([level, (100 + 5 * (100 + 5 * level) / 55) / 55])
    assert variance == pytest.approx(ratio / [5.0, 55.0])


def test_tenths_hold_equal_parts_of_the_expected_acquisitions():
    hazard = np.repeat(np.array([0.001, 0.1], np.float32), [1_000, 10]).reshape(-1, 1)
    assert np.unique(tenths(hazard, hazard)).tolist() == [2, 7]


@given(st.floats(0, 50), st.floats(0, 50), st.floats(-3, 3), st.floats(0.1, 100))
def test_a_shrunk_effect_lies_between_the_prior_and_what_was_seen(
    count: float, expected: float, prior: float, shape: float
):
    found = shrunk(*(np.array([one]) for one in (count, expected, prior)), shape=shape)[0]
    seen = (
        math.log(count) - math.log(expected)
        if count > 0 and expected > 0
        else math.copysign(math.inf, count - 1e-300)
    )
    if expected == 0 and count == 0:
        seen = prior
    low, high = sorted((prior, seen))
    assert low - 1e-9 <= found <= high + 1e-9
