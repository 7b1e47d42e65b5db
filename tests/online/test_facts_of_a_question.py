"""Facts that come with a question are laid over those of the tables, by the rules of the import."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from tests.online.small_bank import DAY, IDS, NOON, Served, expected, frames, history_with, plain
from vipreco.errors import InputRejectedError
from vipreco.store import Contact, Role, Scope

ACTOR = Scope("user:ann", Role.MANAGER, "M1")
CUSTOMER = "00007"


def ask(served: Served, customer: str | None, channel: str = "branch", **facts: Any) -> list[tuple[Any, ...]]:
    found = served.answering.with_facts(customer, facts, channel, 6, NOON)
    assert found.source == "facts"
    return plain(found)


def held(customer: str) -> list[dict[str, Any]]:
    """Return the rows of a customer's holdings as a caller would write them."""
    rows = frames()["holdings"].to_pylist()
    return [
        {**row, "opened_date": row["opened_date"].isoformat()}
        for row in rows
        if row["customer_id"] == customer
    ]


@pytest.mark.parametrize("customer", ["00000", "00003", "00007", "00011", "00119"])
def test_facts_that_repeat_the_tables_change_nothing(served: Served, customer: str) -> None:
    row = next(
        row
        for row in frames()["customers"].to_pylist()
        if row["customer_id"] == customer and row["snapshot_date"] == DAY
    )
    told = {name: row[name] for name in ("tier", "aum_amount", "consent_call", "attribute_visits")}
    for channel in ("app", "branch", "call"):
        assert ask(served, customer, channel) == served.offers(customer, channel)
        found = ask(served, customer, channel, attributes=told, holdings=held(customer))
        assert found == served.offers(customer, channel)


def test_reasons_under_facts_are_told_where_they_are_asked_for(served: Served) -> None:
    nights = {one: served.answering.offers(one, "branch", 3, NOON) for one in IDS}
    customer, at_night = next(  # of a VIP tier: the night told the same
        (one, night) for one, night in nights.items() if any(line.codes for line in night.lines)
    )
    facts = {"attributes": {}, "reasons": True}
    found = served.answering.with_facts(customer, facts, "branch", 3, NOON)
    assert found.lines == at_night.lines
    assert any(line.codes for line in found.lines)
    silent = served.answering.with_facts(customer, {**facts, "reasons": False}, "branch", 3, NOON)
    assert [line.codes for line in silent.lines] == [()] * len(at_night.lines)
    newcomer = {"attributes": {"aum_amount": 5e5}, "reasons": True}
    (first, *_) = served.answering.with_facts(None, newcomer, "branch", 3, NOON).lines
    assert first.codes == ()  # nothing that was said of them speaks for it, so no reason is given


def test_an_attribute_counts_as_if_the_tables_held_it(served: Served) -> None:
    row = {"customer_id": CUSTOMER, "snapshot_date": DAY, "batch_sequence": 1, "aum_amount": 80_000.0}
    own = next(
        row
        for row in frames()["customers"].to_pylist()
        if row["customer_id"] == CUSTOMER and row["snapshot_date"] == DAY
    )
    history = history_with({"customers": [{**own, **row}]}, CUSTOMER)
    assert (
        ask(served, CUSTOMER, attributes={"aum_amount": 80_000.0})
        == (expected(served.recommender, history, "branch")[CUSTOMER])
    )


def test_the_holdings_that_are_given_are_all_that_are_held(served: Served) -> None:
    before = [offer[0] for offer in ask(served, CUSTOMER)]
    assert "card" not in before  # held
    assert "card" in [offer[0] for offer in ask(served, CUSTOMER, holdings=[])]
    found = ask(served, CUSTOMER, holdings=[{"product_id": "card"}, {"product_id": "fund"}])
    assert not {"card", "fund"} & {offer[0] for offer in found}
    account = {"product_id": "account", "opened_date": "2023-06-01"}
    ended = [
        {
            **row,
            "closed_date": DAY,
            "batch_sequence": 1,
            "opened_date": date.fromisoformat(row["opened_date"]),
        }
        for row in held(CUSTOMER)
        if row["product_id"] != "account"
    ]
    history = history_with({"holdings": ended}, CUSTOMER)
    assert (
        ask(served, CUSTOMER, holdings=[account])
        == (expected(served.recommender, history, "branch")[CUSTOMER])
    )


def test_facts_lie_over_what_the_store_knows(serve: Callable[..., Served]) -> None:
    served = serve()
    served.store.contacts.record(ACTOR, Contact(CUSTOMER, "branch", NOON, "declined", "fund"), NOON)
    served.answering.refresh()
    found = ask(served, CUSTOMER, holdings=[{"product_id": "account"}])
    assert "fund" not in [offer[0] for offer in found]
    assert "card" in [offer[0] for offer in found]


def test_somebody_new_is_decided_upon_by_what_is_said_of_them(served: Served) -> None:
    found = served.answering.with_facts(
        None, {"attributes": {"tier": "MASS"}, "holdings": [{"product_id": "account"}]}, "branch", 6, NOON
    )
    assert found.personalised
    assert "account" not in [line.product_id for line in found.lines]
    assert "card" in [line.product_id for line in found.lines]
    silent = served.answering.with_facts(None, {"attributes": {}}, "call", 6, NOON)
    assert silent.lines == ()  # no consent to calls is known
    willing = served.answering.with_facts(None, {"attributes": {"consent_call": True}}, "call", 6, NOON)
    assert willing.lines
    refused = {"attributes": {"profiling_opt_out": True}}
    assert not served.answering.with_facts(None, refused, "branch", 6, NOON).personalised
    unsaid = {"attributes": {"profiling_opt_out": None}}
    assert not served.answering.with_facts(None, unsaid, "branch", 6, NOON).personalised
    assert served.offers(IDS[1], "branch") == expected(served.recommender, served.history, "branch")[IDS[1]]


WRONG = [
    ({"attributes": {"shoe_size": 44}}, "attributes.shoe_size", "unknown-column"),
    ({"attributes": {"customer_id": "00001"}}, "attributes.customer_id", "unknown-column"),
    ({"attributes": {"snapshot_date": "2024-05-31"}}, "attributes.snapshot_date", "unknown-column"),
    ({"attributes": {"aum_amount": "12"}}, "aum_amount", "amount"),
    ({"attributes": {"aum_amount": True}}, "aum_amount", "amount"),
    ({"attributes": {"aum_amount": -1}}, "aum_amount", "negative"),
    ({"attributes": {"aum_amount": 1e15}}, "aum_amount", "amount"),
    ({"attributes": {"consent_call": "yes"}}, "consent_call", "flag"),
    ({"attributes": {"birth_date": "31.12.1960"}}, "birth_date", "date"),
    ({"attributes": {"birth_date": "2024-W01-1"}}, "birth_date", "date"),
    ({"attributes": {"birth_date": "2024-06-01"}}, "birth_date", "born-after-snapshot"),
    ({"attributes": {"tier": 1}}, "tier", "category"),
    ({"attributes": {"attribute_visits": "many"}}, "attribute_visits", "number"),
    ({"holdings": [{"product_id": "boat"}]}, "product_id", "unknown-product"),
    ({"holdings": [{"opened_date": "2024-01-01"}]}, "product_id", "unknown-product"),
    ({"holdings": [{"product_id": "card", "opened_date": "2024-06-01"}]}, "opened_date", "in-the-future"),
    (
        {"holdings": [{"product_id": "loan", "opened_date": "2024-02-01", "closed_date": "2024-01-01"}]},
        "closed_date",
        "ends-before-start",
    ),
    ({"holdings": [{"product_id": "card", "customer_id": "00001"}]}, "customer_id", "other-customer"),
    ({"holdings": [{"product_id": "card", "colour": "red"}]}, "holdings.colour", "unknown-column"),
]


@pytest.mark.parametrize(("facts", "where", "code"), WRONG)
def test_what_no_table_could_hold_is_refused_by_its_place(
    served: Served, facts: dict[str, Any], where: str, code: str
) -> None:
    with pytest.raises(InputRejectedError) as refused:
        served.answering.with_facts(CUSTOMER, facts, "branch", 3, NOON)
    assert (refused.value.where, refused.value.code) == (where, code)
    assert "44" not in str(refused.value)


def test_a_key_that_is_no_name_of_a_column_is_not_repeated(served: Served) -> None:
    with pytest.raises(InputRejectedError) as refused:
        served.answering.with_facts(CUSTOMER, {"attributes": {"Zhang San 138": 1}}, "branch", 3, NOON)
    assert refused.value.where == "attributes.(not a name)"


def test_a_holding_of_today_counts_though_the_night_was_before(serve: Callable[..., Served]) -> None:
    served, tomorrow = serve(days=3), NOON + timedelta(days=1)
    facts = {"attributes": {}, "holdings": [{"product_id": "fund", "opened_date": "2024-06-01"}]}
    found = served.answering.with_facts("00001", facts, "branch", 6, tomorrow)
    assert "fund" not in [line.product_id for line in found.lines]


def test_a_decision_on_the_day_of_the_release_fills_the_views_once(served: Served) -> None:
    database = served.answering._views._database(DAY)
    before = database.filling
    ask(served, CUSTOMER, attributes={"aum_amount": 7e6})
    assert database.filling == before + 1
