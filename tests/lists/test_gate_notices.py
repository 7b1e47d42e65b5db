"""List and sheet of a model that does not pass a gate say so at their top, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from tests.page.page_bank import LADDER, customer_ids, trained
from vipreco.explanations import Explainer
from vipreco.lists import (
    Wording,
    call_list,
    call_list_document,
    customer_day,
    customer_sheet,
    plan_day,
    sheet_document,
)
from vipreco.policy import Language
from vipreco.recommender import Recommender
from vipreco.settings import CallListSettings

SENTENCE = "calibration_ratio is 1.8, needed is at most 1.25"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_list_and_sheet_carry_the_same_notice(language: Language):
    recommender, view = trained()
    explainer = Explainer(Recommender(replace(recommender.fitted, warnings=(SENTENCE,))))
    say = Wording(language)
    ids = pa.array(customer_ids()[:3], pa.string())
    settings = CallListSettings()
    listed = call_list(plan_day(explainer, view.of(ids), LADDER.vip, settings), "M1", "model", say)
    day = customer_day(explainer, view, customer_ids()[0], LADDER.vip, settings)
    sheet = customer_sheet(day, "model", say)
    assert sheet.notices == (say("notice.gate", sentence=SENTENCE),)
    assert listed.notices[0] == sheet.notices[0]
    assert sheet_document(sheet, say).about[0] == call_list_document(listed, say).about[0] == sheet.notices[0]


def test_a_model_that_passes_says_nothing():
    recommender, view = trained()
    day = customer_day(Explainer(recommender), view, customer_ids()[0], LADDER.vip, CallListSettings())
    assert customer_sheet(day, "model", Wording("en")).notices == ()
