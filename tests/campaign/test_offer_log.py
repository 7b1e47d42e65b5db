"""Offers of campaigns and of answered decisions are logged with position, channel, chance and probability."""

from __future__ import annotations

import json
from datetime import datetime

import polars as pl
import pytest

from tests.campaign import spring_bank
from tests.campaign.conftest import Desk
from vipreco.campaign import logged_offers, outcome_contacts
from vipreco.campaign.arms import Arm
from vipreco.campaign.campaign_run import ASSIGNMENTS
from vipreco.store import Contact, Decision, Role, Scope

EXPLORING = "control_share = 0.2\nexploration_share = 0.3"
AT = datetime.fromisoformat("2024-05-10T10:00")


def test_campaigns_and_referred_decisions_are_one_log(desk: Desk):
    desk.run(spring_bank.campaign(control_share=EXPLORING))
    rows = pl.read_parquet(desk.campaigns.path_of("spring") / ASSIGNMENTS)
    made = rows.filter(pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]))
    log = logged_offers(desk.store, desk.campaigns)
    assert log.height == made.height
    assert log["shown_probability"].to_list() == made["action_probability"].to_list()
    assert log["chance"].to_list() == made["chance_with_contact"].to_list()
    assert set(log["position"]) == {1}

    customer = made["customer_id"][0]
    desk.store.books.replace("s1", rows.select("customer_id", "manager_id", "branch_id"))
    answer = {
        "decision_id": "d1",
        "customer_id": customer,
        "channel": "call",
        "offers": [
            {"rank": 1, "product_id": "fund", "propensity": 0.2, "chance_with_contact": 0.3},
            {"rank": 2, "product_id": "card", "propensity": 0.1},
        ],
    }
    for name in ("d1", "d2"):  # nothing came of the second one
        record = json.dumps({**answer, "decision_id": name})
        desk.store.decisions.add([Decision(name, customer, AT, "app", record)])
    known = Contact(customer, "call", AT, "accepted", product_id="card", decision_id="d1")
    assert desk.store.contacts.record(Scope("app", Role.CHANNEL), known, AT)
    decided = logged_offers(desk.store, desk.campaigns).filter(pl.col("decision_id").is_not_null())
    assert decided.select("decision_id", "product_id", "position", "chance").rows() == [
        ("d1", "fund", 1, 0.3),
        ("d1", "card", 2, pytest.approx(0.1)),
    ]
    talks = outcome_contacts(desk.bank.view, desk.store)
    assert talks.select("decision_id", "product_id", "outcome").rows() == [("d1", "card", "accepted")]
