"""Sentences of lists and sheets as they are read: dates and amounts in the reader's form, no raw codes."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pyarrow as pa
import pytest

from tests.page.page_bank import DAY, LADDER, customer_ids, trained
from vipreco.documents import Language
from vipreco.explanations import Explainer
from vipreco.lists import CallLine, CustomerSheet, Wording, call_list, customer_sheet, plan_day
from vipreco.settings import CallListSettings

ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
CODE = re.compile(r"\b[A-Z]{2,}_[A-Z_]+\b|\b[a-z]+_[a-z_]+\b")
BARE = {
    "en": re.compile(r"(?<!CNY )(?<![\d,])\d{1,3}(?:,\d{3})+(?! customers| of the)"),
    "zh": re.compile(r"(?<![\d,])\d{1,3}(?:,\d{3})+(?! 元| 位)"),
}


def sentences(line: CallLine | CustomerSheet) -> Iterator[str]:
    yield from line.reasons
    yield line.caution
    for offer in line.offers:
        yield from (*offer.reasons, offer.caution)
    if isinstance(line, CallLine):
        yield from (line.no_offer, line.last_contact, line.avoid.reason if line.avoid else "")
    else:
        yield from (line.suitability.call, line.suitability.assessment)
        for other in line.not_offered:
            yield from (other.reason, other.unlock)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_is_read_has_dates_amounts_and_words_of_the_reader(language: Language) -> None:
    recommender, view = trained()
    yuan = recommender.with_policy(recommender.policy.in_currency("CNY"))
    say = Wording(language, currency="CNY")
    ids = customer_ids()[:40]
    day = plan_day(
        Explainer(yuan), view.of(pa.array(ids, pa.string())), LADDER.vip, CallListSettings(minutes=400)
    )
    listed = call_list(day, "M1", "model", say)
    sheets = [customer_sheet(day.of(customer), "model", say) for customer in ids[:15]]
    read = [text for line in (*listed.calls, *listed.later, *sheets) for text in sentences(line) if text]
    read += [count.reason for count in (*listed.blocked, *listed.idle)]
    assert len(read) > 100
    assert str(DAY) not in "".join(read)
    for pattern in (ISO_DATE, CODE, BARE[language]):
        assert [text for text in read if pattern.search(text)] == []
