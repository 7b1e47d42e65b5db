"""Customers whom something has removed since the run are listed with the reason; all others still stand."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from tests.campaign import spring_bank
from tests.campaign.conftest import Desk
from vipreco.campaign import StoreChanges, offers_of, recheck
from vipreco.errors import UsageError
from vipreco.history import History
from vipreco.policy import Policy
from vipreco.settings import PolicySettings
from vipreco.store import Consent, Contact, Role, Scope

NOON = datetime(2024, 5, 7, 12)  # noqa: DTZ001  the store keeps the business's local time
SCOPE = Scope("tester", Role.MARKETING)


@pytest.fixture
def offers(desk: Desk) -> pl.DataFrame:
    desk.run(spring_bank.campaign())
    ids = pl.DataFrame({"customer_id": spring_bank.customer_ids(), "manager_id": None, "branch_id": None})
    desk.store.books.replace("", ids)
    return offers_of(desk.store.campaigns, "spring")


def removed(
    desk: Desk, offers: pl.DataFrame, past: History | None = None, *, packs: str = ""
) -> pl.DataFrame:
    bank = spring_bank.bank(desk.bank.recommender, past)
    recommender = bank.recommender
    if packs:
        recommender = recommender.with_policy(Policy.read(PolicySettings(packs=("house", packs))))
    since = StoreChanges.read(desk.store, desk.store.switches.read().products, 0)
    return recheck(recommender, bank.view, offers, since)


def one_of(offers: pl.DataFrame, channel: str, place: int = 0) -> tuple[str, str]:
    row = offers.filter(pl.col("channel") == channel).row(place, named=True)
    return row["customer_id"], row["product_id"]


def contact(desk: Desk, customer: str, outcome: str, product: str | None = None) -> None:
    desk.store.contacts.record(SCOPE, Contact(customer, "call", NOON, outcome, product), NOON)


def reasons(found: pl.DataFrame) -> dict[str, str]:
    return dict(zip(found["customer_id"], found["reason_code"], strict=True))


def test_when_nothing_happened_all_offers_stand(desk: Desk, offers: pl.DataFrame):
    assert offers.height == 198
    assert removed(desk, offers).height == 0


def test_b53_words_of_customers_since_the_run_remove_their_offers_alone(desk: Desk, offers: pl.DataFrame):
    objecting, _ = one_of(offers, "app", 0)
    buying, product = one_of(offers, "call", 0)
    taking_back, _ = one_of(offers, "app", 1)
    elsewhere, _ = one_of(offers, "call", 1)
    other, others_product = one_of(offers, "call", 2)
    contact(desk, objecting, "do_not_contact")
    contact(desk, buying, "accepted", product)
    contact(desk, other, "accepted", "card" if others_product != "card" else "loan")
    contact(desk, one_of(offers, "call", 3)[0], "unreachable")
    desk.store.consents.record(SCOPE, Consent(taking_back, "consent_app", False), NOON)
    desk.store.consents.record(SCOPE, Consent(elsewhere, "consent_app", False), NOON)
    found = removed(desk, offers)
    assert reasons(found) == {
        objecting: "DO_NOT_CONTACT",
        buying: "ACCEPTED",
        taking_back: "CONSENT_WITHDRAWN",
    }


def test_a_consent_that_was_given_again_removes_nobody(desk: Desk, offers: pl.DataFrame):
    customer, _ = one_of(offers, "app")
    for granted in (False, True):
        desk.store.consents.record(SCOPE, Consent(customer, "consent_app", granted), NOON)
    assert removed(desk, offers).height == 0


def test_who_refuses_profiling_since_is_removed(desk: Desk, offers: pl.DataFrame):
    customer, _ = one_of(offers, "app")
    desk.store.consents.record(SCOPE, Consent(customer, "profiling_opt_out", True), NOON)
    assert reasons(removed(desk, offers)) == {customer: "PROFILING_REFUSED"}


def test_a_product_that_is_switched_off_removes_all_its_offers(desk: Desk, offers: pl.DataFrame):
    desk.store.switches.off(SCOPE, "product", "card", "recalled", NOON)
    found = removed(desk, offers)
    assert sorted(found["customer_id"]) == sorted(
        offers.filter(pl.col("product_id") == "card")["customer_id"]
    )
    assert set(found["reason_code"]) == {"SWITCHED_OFF"}


def test_newer_tables_are_asked_by_the_rules_again(desk: Desk, offers: pl.DataFrame):
    customer, _ = one_of(offers, "call")
    found = removed(desk, offers, spring_bank.history(without_consent=frozenset({customer})))
    assert reasons(found) == {customer: "NO_CONSENT"}
    assert found["reason"].str.len_chars().min() > 0


def test_b47_a_product_that_was_rated_up_is_removed_from_whom_it_does_not_suit(
    desk: Desk, offers: pl.DataFrame
):
    funds = offers.filter(pl.col("product_id") == "fund")
    before = removed(desk, funds, packs="china")
    after = removed(desk, funds, spring_bank.history(risk="R5"), packs="china")
    assert before.height == 0
    assert sorted(after["customer_id"]) == sorted(funds["customer_id"])
    assert after["reason_code"].str.starts_with("RISK").all()


def test_who_left_the_snapshot_is_removed(desk: Desk, offers: pl.DataFrame):
    more = pl.concat([offers, pl.DataFrame([("99999", "M0", "call", "card")], offers.schema, orient="row")])
    assert reasons(removed(desk, more)) == {"99999": "NOT_IN_SNAPSHOT"}


def test_a_run_that_is_not_there_is_named(desk: Desk):
    with pytest.raises(UsageError, match="was not run"):
        offers_of(desk.store.campaigns, "winter")
    desk.store.campaigns.begin("tester", "winter", {}, "")
    with pytest.raises(UsageError, match="not finished"):
        offers_of(desk.store.campaigns, "winter")


def test_f31_only_what_came_before_the_run_counts_when_it_is_made_again(desk: Desk):
    customer = "00003"
    ids = pl.DataFrame({"customer_id": spring_bank.customer_ids(), "manager_id": None, "branch_id": None})
    desk.store.books.replace("", ids)
    contact(desk, customer, "do_not_contact")
    desk.run(spring_bank.campaign())
    before = desk.files()
    contact(desk, offers_of(desk.store.campaigns, "spring")["customer_id"][0], "do_not_contact")
    (desk.campaigns.path_of("spring") / "manifest.json").unlink()
    desk.run(spring_bank.campaign())
    assert desk.files() == before
    assert customer not in set(desk.store.campaigns.members("spring")["customer_id"])
