"""Notices at the top of a call list: a model that somebody promoted against its gates says so."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vipreco.lists import Wording
from vipreco.lists.call_lists import notices


def day(*warnings: str) -> Any:
    return SimpleNamespace(recommender=SimpleNamespace(warnings=warnings), plan=None)


def test_a_model_that_does_not_pass_a_gate_is_named_as_such():
    sentence = "calibration_ratio is 1.4, needed is at most 1.25"
    assert notices(day(sentence), Wording("en")) == (
        f"This model does not pass a gate, use its chances with care: {sentence}",
    )
    assert sentence in notices(day(sentence), Wording("zh"))[0]


def test_a_model_that_passes_its_gates_is_not_warned_of():
    assert notices(day(), Wording("en")) == ()
