"""A release of the first offers alone answers as that of all products, in a fraction of the bytes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import numpy as np
import pytest

from tests.online.nights import PARTS, PRESENT, TOP, Night
from tests.online.small_bank import DAY, NOON, PRODUCTS
from vipreco.online import OnlineService
from vipreco.online.top_offers import main_verdicts
from vipreco.settings import ServingSettings
from vipreco.settings.service import AUTO_OFFERS, WHOLE_CUSTOMERS
from vipreco.store import Role, Scope

FEW = [*PRESENT[::5], PRESENT[3]]  # the last opted out of profiling
ACTOR = Scope("user:ann", Role.MANAGER, "M1")


@contextmanager
def switched_off(night: Night, kind: str, key: str) -> Iterator[tuple[OnlineService, OnlineService]]:
    whole, top = night.services[PARTS], night.tops[PARTS]
    for store, service in zip(night.stores, (whole, top), strict=True):
        store.switches.off(ACTOR, kind, key, "a test", NOON)
        service.refresh()
    yield whole, top
    for store, service in zip(night.stores, (whole, top), strict=True):
        store.switches.on(kind, key)
        service.refresh()


def asked(
    service: OnlineService, customers: Sequence[str] = PRESENT, limits: Sequence[int] = (1, TOP)
) -> Iterator[tuple[str, str, int]]:
    for customer in customers:
        for channel in service.release.manifest["channels"]:
            for limit in limits:
                yield customer, channel, limit


@pytest.mark.parametrize("parts", [1, PARTS])
def test_what_is_kept_is_answered_as_from_all_products(night: Night, parts: int) -> None:
    whole, top = night.services[parts], night.tops[parts]
    for question in asked(whole):
        found, expected = (service.cached_offers(*question, NOON) for service in (top, whole))
        assert repr(found) == repr(expected)
    for question in asked(whole, FEW):
        found, expected = (service.offers(*question, NOON + timedelta(days=1)) for service in (top, whole))
        assert repr(found) == repr(expected)
    assert any(not whole.offers(*question, NOON).lines for question in asked(whole))


def test_who_asks_for_more_than_is_kept_gets_the_same_by_a_decision(night: Night) -> None:
    whole, top = night.services[PARTS], night.tops[PARTS]
    more = list(asked(whole, FEW, (TOP + 1, len(PRODUCTS))))
    answers = {question: whole.offers(*question, NOON) for question in more}
    assert max(len(answer.lines) for answer in answers.values()) > TOP
    for question, answer in answers.items():
        decided = top.cached_offers(*question, NOON) is None
        assert repr(top.offers(*question, NOON)) == repr(answer)
        assert top.cached_offers(*question, NOON) is not None
        assert not decided or len(whole.offers(*question[:2], len(PRODUCTS), NOON).lines) > TOP


@pytest.mark.parametrize("product", ["account", "fund"])
def test_a_product_that_is_switched_off_is_missing_as_in_all_products(night: Night, product: str) -> None:
    with switched_off(night, "product", product) as (whole, top):
        for question in asked(whole, FEW):
            found = top.offers(*question, NOON)
            assert repr(found) == repr(whole.offers(*question, NOON))
            assert product not in [line.product_id for line in found.lines]


def test_without_the_model_the_usual_chances_need_no_decision(night: Night) -> None:
    with switched_off(night, "model", night.tops[PARTS].model_version) as (whole, top):
        for question in asked(whole, limits=(1, len(PRODUCTS))):
            assert repr(top.cached_offers(*question, NOON)) == repr(whole.cached_offers(*question, NOON))


def test_lists_sheets_and_facts_are_those_of_all_products(night: Night) -> None:
    whole, top = night.services[PARTS], night.tops[PARTS]
    facts = {"attributes": {"aum_amount": 9_000.0}, "reasons": True}
    for customer in (PRESENT[0], PRESENT[5]):
        sheets = [service.sheet(customer, "en", NOON).document for service in (whole, top)]
        assert sheets[1] == sheets[0]
        found = [service.with_facts(customer, facts, "branch", 6, NOON) for service in (whole, top)]
        assert found[1] == found[0]
    books = [service.book(PRESENT, None, NOON) for service in (whole, top)]
    assert books[1].calls.equals(books[0].calls)
    assert books[1].offers.equals(books[0].offers)
    assert top.is_cached(PRESENT[0], DAY)


def test_the_release_says_how_many_offers_it_keeps_and_no_array_has_all_products(
    night: Night,
) -> None:
    release = night.tops[PARTS].release
    assert json.loads((release.folder / "manifest.json").read_bytes())["top"] == TOP
    assert "top" not in night.services[PARTS].release.manifest
    widths = {
        path.name: np.load(path).shape for path in release.folder.glob("p*/*.npy") if "plain" not in path.name
    }
    assert not [name for name, shape in widths.items() if len(shape) > 1 and shape[-1] == len(PRODUCTS)]


def test_the_cause_of_no_offer_is_looked_for_where_nothing_is_allowed(night: Night) -> None:
    policy = night.services[1].recommender.policy
    verdicts = np.array([[0, 1, 1, 2], [1, 2, 2, 2], [3, 3, 1, 1]], np.int16)
    found = main_verdicts(policy, verdicts)
    for row in (1, 2):
        assert policy.main_cause(found[row : row + 1]) == policy.main_cause(verdicts[row])
    assert main_verdicts(policy, verdicts[:1]).tolist() == [1]


def test_the_number_of_customers_decides_what_is_stored() -> None:
    auto = ServingSettings()
    assert auto.offers_stored_for(WHOLE_CUSTOMERS) is None
    assert auto.offers_stored_for(WHOLE_CUSTOMERS + 1) == AUTO_OFFERS
    assert ServingSettings(stored_offers="all").offers_stored_for(10**8) is None
    assert ServingSettings(stored_offers=3).offers_stored_for(10) == 3
