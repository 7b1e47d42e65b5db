"""The comparison of offers file, service and call list finds what differs."""

from __future__ import annotations

import pytest

from tests.online.small_bank import CHANNELS, IDS, Served
from vipreco.assurance import ParityResult, parity, require_parity
from vipreco.assurance.parity_check import ParityQuestion
from vipreco.errors import IntegrityError
from vipreco.online import Slate


def compared(served: Served) -> list[ParityResult]:
    question = ParityQuestion(IDS, CHANNELS, 4)
    return list(parity(served.recommender, served.view, served.answering, question))


def test_all_three_agree(served: Served) -> None:
    found = compared(served)
    assert [(one.what, one.channel) for one in found] == [
        ("service", "app"),
        ("service", "branch"),
        ("service", "call"),
        ("call list", "call"),
        ("page", "call"),
    ]
    assert all(one.customers == len(IDS) and one.offers > 50 and not one.different for one in found)
    require_parity(found)


def test_the_last_bit_of_one_chance_is_noticed(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = served.answering.offers

    def other(customer: str, *rest: object) -> Slate:
        slate = asked(customer, *rest)
        if customer != IDS[4] or not slate.lines:
            return slate
        first, *lines = slate.lines
        return slate._replace(lines=(first._replace(propensity=first.propensity * (1 + 2**-52)), *lines))

    monkeypatch.setattr(served.answering, "offers", other)
    found = compared(served)
    assert {one.different for one in found if one.what == "service"} == {(IDS[4],)}
    with pytest.raises(IntegrityError) as refused:
        require_parity(found)
    assert refused.value.code == "parity"
    assert "service in branch" in refused.value.where
