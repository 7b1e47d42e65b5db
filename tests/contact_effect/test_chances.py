"""Chances with and without a contact: exact figures, and what holds whatever comes in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vipreco.contact_effect import ContactEffects, PairEffects
from vipreco.settings import ContactEffectSettings

FAMILIES = ("card", "loan")
DOUBLE = float(np.log(2))
CHANCES = st.floats(0, 1)
EFFECTS = st.floats(-5, 5)


def effects(
    channel: str = "call",
    customers: tuple[str | None, ...] = (None,),
    figures: Mapping[str, object] = MappingProxyType({}),
) -> PairEffects:
    found = ContactEffectSettings.model_validate({"channels": {"call": DOUBLE}, **figures}, strict=False)
    return PairEffects.of(ContactEffects(found), channel, FAMILIES, np.array(customers, object))


def test_a_doubled_hazard_takes_the_chance_to_two_tries():
    found = effects().chances(np.array([[0.1, 0.0]]))
    assert found.without.tolist() == [[0.1, 0.0]]
    assert found.with_contact == pytest.approx(np.array([[1 - 0.9 * 0.9, 0.0]]))
    assert found.gain == pytest.approx(np.array([[0.09, 0.0]]))


def test_family_tier_and_channel_add_up_on_the_log_hazard():
    figures = {"families": {"call": {"loan": DOUBLE}}, "tiers": {"GOLD": -DOUBLE}, "other_channels": 0.0}
    called = effects("call", ("GOLD", None, "BASIC", "GOLD"), figures)
    assert called.ratio[called.group] == pytest.approx(np.array([[1, 2], [2, 4], [2, 4], [1, 2]]))
    written = effects("fax", ("GOLD", None), figures)
    assert written.ratio[written.group] == pytest.approx(np.array([[0.5, 0.5], [1, 1]]))
    assert called.take(slice(1, 2)).ratio[called.group[1]] == pytest.approx([2, 4])


def test_a_sure_acquisition_stays_sure_and_a_missing_one_missing():
    found = effects(figures={"channels": {"call": -5.0}}).chances(np.array([[1.0, 0.0]]))
    assert found.with_contact.tolist() == [[1.0, 0.0]]


def test_figures_of_the_settings_are_assumed_until_they_were_written_as_learnt():
    assert effects().learnt.tolist() == [False, False]
    assert effects(figures={"learnt_channels": ("call",)}).learnt.tolist() == [True, True]
    assert effects("sms", figures={"learnt_channels": ("call",)}).learnt.tolist() == [False, False]


@given(CHANCES, EFFECTS, EFFECTS)
def test_chances_stay_chances_and_grow_with_the_effect(chance: float, one: float, other: float):
    low, high = (
        effects(figures={"channels": {"call": effect}}).chances(np.full((1, 2), chance))
        for effect in sorted((one, other))
    )
    for found in (low, high):
        assert ((found.with_contact >= 0) & (found.with_contact <= 1)).all()
    assert (low.gain <= high.gain).all()


@given(CHANCES, EFFECTS)
def test_a_contact_adds_what_its_sign_says(chance: float, effect: float):
    gain = effects(figures={"channels": {"call": effect}}).chances(np.full((1, 2), chance)).gain
    assert (gain * np.sign(effect) >= -1e-15).all()
