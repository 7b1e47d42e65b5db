"""Answers that rest on the night's features are those that all computed anew would give."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.online.small_bank import CHANNELS, DAY, IDS, NOON, PRODUCTS, Served
from vipreco.features import FeatureSet, StoredFeatureSet
from vipreco.online import MANIFEST, DaySettings, OnlineService
from vipreco.online.explanation_cache import CachingExplainer
from vipreco.online.release import _name_of
from vipreco.settings import CallListSettings
from vipreco.store import Consent, Contact, Role, Scope

ACTOR = Scope("user:ann", Role.MANAGER, "M1")
VIP = ("VIP",)
ATTRIBUTES: list[dict[str, Any]] = [
    {},
    {"aum_amount": 77_777.5},
    {"tier": "MASS", "consent_call": True},
    {"profiling_opt_out": True},
    {"attribute_visits": 9, "risk_level": "R3", "birth_date": "1980-02-03"},
    {"aum_amount": None, "tier": None},
]
HOLDINGS: list[list[dict[str, Any]] | None] = [
    None,
    [],
    [{"product_id": "fund"}],
    [{"product_id": "account", "opened_date": "2023-06-01"}, {"product_id": "loan", "balance_amount": 5}],
]
OUTCOMES = ("declined", "accepted", "unreachable", "postponed")


@contextmanager
def computing(answering: OnlineService) -> Iterator[None]:
    """Let an opened release compute every feature."""
    own, explainer = answering.recommender, answering.explainer
    features = own.features
    assert isinstance(features, StoredFeatureSet)
    plain = own.with_features(FeatureSet.from_definition(features.definition))
    answering.recommender = plain
    answering.explainer = CachingExplainer(answering.recommender, replace(explainer.cache, kept={}))
    answering._decided.clear()
    try:
        yield
    finally:
        answering.recommender, answering.explainer = own, explainer
        answering._decided.clear()


def stir(served: Served) -> None:
    """Record something new about half of the manager's customers."""
    for number, customer in enumerate(IDS[:20:2]):
        moment = NOON - timedelta(hours=number)
        contact = Contact(customer, CHANNELS[number % 3], moment, OUTCOMES[number % 4], PRODUCTS[number % 6])
        served.store.contacts.record(ACTOR, contact, moment)
    served.store.consents.record(ACTOR, Consent(IDS[4], "consent_call", granted=False), NOON)
    served.store.consents.record(ACTOR, Consent(IDS[5], "profiling_opt_out", granted=True), NOON)
    served.answering.refresh()


def questions() -> list[tuple[str | None, dict[str, Any], str]]:
    """Return customers of the manager and a new one, each with attributes and holdings of all kinds."""
    customers = [*IDS[:12], None]
    return [
        (
            customer,
            {"attributes": ATTRIBUTES[(number + turn) % 6], "holdings": HOLDINGS[(number * 5 + turn) % 4]},
            CHANNELS[number % 3],
        )
        for number, customer in enumerate(customers)
        for turn in range(3 if customer else 12)
    ]


def answers(answering: OnlineService) -> list[Any]:
    return [
        answering.with_facts(customer, facts, channel, 6, NOON) for customer, facts, channel in questions()
    ]


def test_every_question_is_answered_as_if_all_were_computed(serve: Callable[..., Served]) -> None:
    served = serve()
    stir(served)
    found = answers(served.answering)
    again = answers(served.answering)
    with computing(served.answering):
        assert found == answers(served.answering)
    assert again == found
    assert len({answer.lines for answer in found}) > 15


def test_changed_customers_sheets_and_books_are_those_that_all_computed_would_give(
    serve: Callable[..., Served],
) -> None:
    served = serve()
    stir(served)
    later = NOON + timedelta(days=1)

    def told() -> list[Any]:
        answering = served.answering
        offers = [
            answering.offers(one, channel, 6, moment)
            for one in IDS[:14]
            for channel in CHANNELS
            for moment in (NOON, later)
        ]
        sheets = [answering.sheet(one, "en", moment).document for one in IDS[:4] for moment in (NOON, later)]
        book = answering.book(IDS[:20], 60, NOON)
        return [offers, sheets, book.calls.to_dicts(), book.offers.to_dicts()]

    found = told()
    with computing(served.answering):
        assert found == told()


def test_of_a_known_customer_only_what_reads_new_facts_is_computed(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    run: list[set[str]] = []
    made = FeatureSet._made

    def noted(self: FeatureSet, view: Any, planned: Any, *rest: Any) -> Any:
        run.append({item.file.name for item in planned})
        return made(self, view, planned, *rest)

    monkeypatch.setattr(FeatureSet, "_made", noted)
    served.answering.with_facts("00007", {"holdings": [{"product_id": "fund"}]}, "branch", 6, NOON)
    served.answering.with_facts("00007", {"attributes": {"aum_amount": 5}}, "branch", 6, NOON)
    served.answering.sheet("00009", "en", NOON)
    held, rich = run
    assert {"product_state", "baskets", "customer_holdings"} <= held
    assert not held & {"profile", "asset_path", "contact_history", "product_contacts"}
    assert rich == {"profile"}  # the attributes' files do not look at assets


def test_a_publication_without_features_answers_the_same(serve: Callable[..., Served]) -> None:
    served = serve()
    folder = served.releases.current()
    old = folder.parent / "old"
    shutil.copytree(folder, old)
    shutil.rmtree(old / "features")
    manifest = json.loads((old / MANIFEST).read_bytes())
    manifest["files"] = {
        name: digest for name, digest in manifest["files"].items() if not name.startswith("features/")
    }
    (old / MANIFEST).write_text(json.dumps(manifest))
    named: Path = old.rename(folder.parent / _name_of(manifest))
    before = OnlineService(named, served.store, DaySettings(VIP, CallListSettings()))
    assert type(before.recommender.features) is FeatureSet
    assert answers(before)[:30] == answers(served.answering)[:30]


def test_the_features_of_the_night_are_mapped(served: Served) -> None:
    features = served.answering.recommender.features
    assert isinstance(features, StoredFeatureSet)
    values = features._stored.values
    assert not values.flags.owndata
    assert str(served.releases.current() / "features" / "values.npy") in Path("/proc/self/maps").read_text()
    known = served.recommender
    computed = known.features.compute(served.history.as_of(DAY), known.product_ids)
    np.testing.assert_array_equal(values, computed.encoded(known.vocabulary).customer_values)
