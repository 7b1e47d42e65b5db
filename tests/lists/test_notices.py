"""Notices at the top of a call list: a model that somebody promoted against its gates says so."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

from vipreco.lists import Wording
from vipreco.lists.call_lists import notices


def day(*warnings: str, of: date = date(2025, 12, 31)) -> Any:
    recommender = SimpleNamespace(warnings=warnings, learnt_until=date(2025, 12, 31))
    return SimpleNamespace(recommender=recommender, view=SimpleNamespace(date=of), plan=None)


def test_a_model_that_does_not_pass_a_gate_is_named_as_such():
    sentence = "calibration_ratio is 1.4, needed is at most 1.25"
    assert notices(day(sentence), Wording("en")) == (
        f"This model does not pass a gate, use its chances with care: {sentence}",
    )
    assert sentence in notices(day(sentence), Wording("zh"))[0]


def test_a_model_that_passes_its_gates_is_not_warned_of():
    assert notices(day(), Wording("en")) == ()


def test_a_list_of_a_date_of_which_the_model_knows_more_says_so():
    (notice,) = notices(day(of=date(2025, 11, 30)), Wording("en"))
    assert notice.startswith("Hindsight: this model learnt from what happened until 31 December 2025")
    assert "2025年12月31日" in notices(day(of=date(2025, 11, 30)), Wording("zh"))[0]
