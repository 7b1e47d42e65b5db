"""Every follow-up offers the agreed product, or names the rule that stops it and the alternative."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from tests.page.page_bank import DAY, LADDER, customer_ids, frames, trained
from vipreco.documents import spoken_date
from vipreco.explanations import Explainer
from vipreco.history import History
from vipreco.lists import Day, Wording, call_list, customer_day, customer_sheet, plan_day
from vipreco.lists.call_lines import stopped_since
from vipreco.settings import CallListSettings

SAY = Wording("en", currency="CNY")
SETTINGS = CallListSettings(minutes=600, minute_amount=2.0)
PRODUCTS = ("account", "card", "fund", "loan", "gone")
AGREED = DAY - timedelta(days=20)


def contacts() -> pa.Table:
    """Return a talk with every customer about one of the products, to go on today."""
    ids = customer_ids()
    return pa.table(
        {
            "contact_id": [f"k{number}" for number in range(len(ids))],
            "customer_id": ids,
            "product_id": [PRODUCTS[number % len(PRODUCTS)] for number in range(len(ids))],
            "channel": ["call"] * len(ids),
            "contacted_at": [datetime.combine(AGREED, datetime.min.time())] * len(ids),
            "outcome": ["postponed"] * len(ids),
            "next_date": pa.array([DAY] * len(ids), pa.date32()),
        }
    )


def said(day: date) -> str:
    return spoken_date(day, "en")


def history(talks: pa.Table) -> History:
    return History.from_frames({**frames(), "contacts": talks})


@pytest.fixture(scope="module")
def day() -> Day:
    recommender, _ = trained()
    view = history(contacts()).as_of(DAY).of(pa.array(customer_ids(), pa.string()))
    return plan_day(Explainer(recommender), view, LADDER.vip, SETTINGS)


def test_all_follow_ups_offer_what_was_agreed_or_name_the_rule(day: Day):
    promised = day.calls.filter("follow_up")
    first = {
        row["customer_id"]: row["product_id"] for row in day.offers.filter(pl.col("rank") == 1).to_dicts()
    }
    offered = named = 0
    for row in promised.iter_rows(named=True):
        product, customer = row["follow_up_product_id"], row["customer_id"]
        if first.get(customer) == product:
            offered += 1
        elif stopped_since(day, customer, product, SAY):
            named += 1
    assert promised.height > 200
    assert offered > 50
    assert named > 50
    assert offered + named == promised.height


def test_the_line_says_so_and_the_agreed_product_is_the_first_of_the_form(day: Day):
    recommender, _ = trained()
    listed = call_list(day, "M1", "model", SAY, with_reasons=False)
    lines = {line.customer_id: line for line in listed.calls if line.kind == "follow_up"}
    assert lines
    for line in lines.values():
        row = day.calls.row(day.rows[line.customer_id], named=True)
        name = day.names.get(row["follow_up_product_id"]) or row["follow_up_product_id"]
        assert line.reasons[0] == f"On {said(AGREED)} we agreed to talk about {name} on {said(DAY)}"
        if not line.offers or line.offers[0].product != name:
            stopped = f"{re.escape(name)} is no longer possible: .+ Instead: .+"
            assert re.fullmatch(stopped, line.reasons[1]), line.reasons
        agreed = {offer.product: offer.agreed_on for offer in line.offers}
        assert agreed.pop(name, AGREED) == AGREED
        assert set(agreed.values()) <= {None}
    customer = next(line.customer_id for line in lines.values() if line.offers)
    sheet = customer_sheet(
        customer_day(Explainer(recommender), day.view, customer, LADDER.vip, SETTINGS), "model", SAY
    )
    assert sheet.products[0][0] == sheet.offers[0].product_id


def test_a_later_accepted_call_closes_the_follow_up_whatever_it_was_about():
    talks = contacts()
    later = {
        "contact_id": ["later"],
        "customer_id": [customer_ids()[1]],
        "product_id": ["loan"],
        "channel": ["call"],
        "contacted_at": [datetime.combine(AGREED + timedelta(days=5), datetime.min.time())],
        "outcome": ["accepted"],
        "next_date": pa.array([None], pa.date32()),
    }
    recommender, _ = trained()
    ids = pa.array(customer_ids()[:4], pa.string())
    closed = history(pa.concat_tables([talks, pa.table(later)])).as_of(DAY).of(ids)
    found = plan_day(Explainer(recommender), closed, LADDER.vip, SETTINGS)
    open_ones = dict(found.calls.select("customer_id", "follow_up").iter_rows())
    assert [open_ones[customer] for customer in customer_ids()[:4]] == [True, False, True, True]


def test_offers_are_worth_a_minute_and_likelier_than_usual_except_the_agreed_product(day: Day):
    recommender, _ = trained()
    usual = dict(zip(recommender.product_ids, recommender.base_rates.tolist(), strict=True))
    agreed = dict(day.calls.select("customer_id", "follow_up_product_id").iter_rows())
    others = [
        row for row in day.offers.iter_rows(named=True) if agreed[row["customer_id"]] != row["product_id"]
    ]
    assert others
    for row in others:
        assert row["expected_gain"] >= SETTINGS.minute_amount
        assert not row["personalised"] or row["propensity"] > usual[row["product_id"]]
    free = replace(day, settings=SETTINGS.model_copy(update={"offers": 10})).decided_offers()
    assert free.height > day.offers.height
