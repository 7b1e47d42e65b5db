"""Facts from the tables: each on a case small enough to count by hand, the same for all and for one."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from vipreco.catalog import Catalog
from vipreco.history import History, View
from vipreco.policy import NEVER_DAYS, Policy, PolicyFacts, gather_facts
from vipreco.settings import PolicySettings

DAY = date(2026, 3, 31)
PRODUCTS = ["fund", "gold", "loan"]
RULE = """
[[rule]]
id = "{1}"
stage = "contact_policy"
reason_code = "CAP"
requires = "{0} < 2"
text = {{ en = "x.", zh = "x。" }}
owner = "me"
"""
WINDOWS = (
    "customer_contacts_7d",
    "customer_contacts_30d",
    "customer_channel_contacts_30d",
    "pair_contacts_90d",
)


def customers(**columns: Any) -> pa.Table:
    """Ana has it all, Ben nothing but an id; Cid was seen a month ago and vanished."""
    now, before = DAY, date(2026, 2, 28)
    return pa.table(
        {
            "customer_id": ["ana", "ben", "cid"],
            "snapshot_date": [now, now, before],
            "tier": ["GOLD", None, "GOLD"],
            "aum_amount": pa.array([500_000.0, None, 1.0]),
            "risk_level": ["C3", "C6", "C1"],
            "risk_assessed_date": pa.array([date(2025, 3, 31), None, None], pa.date32()),
            "birth_date": pa.array([date(1961, 4, 1), None, None], pa.date32()),
            "consent_call": [True, None, True],
            "consent_sms": [False, None, True],
            "attribute_policy_blocked": [False, None, True],
            "attribute_policy_special_procedure_date": pa.array([date(2026, 3, 1), None, None], pa.date32()),
            "attribute_policy_free_liquidity_amount": [1_000.5, None, 3.0],
            "attribute_policy_legal_capacity": ["full", None, "full"],
            "attribute_income": [1.0, 2.0, 3.0],
            **columns,
        }
    )


def products() -> pa.Table:
    first = date(2020, 1, 1)
    return pa.table(
        {
            "product_id": PRODUCTS,
            "name": ["Fund", "Gold", "Loan"],
            "family": ["fund", "metal", "loan"],
            "risk_level": ["R4", "r2", None],
            "min_amount": pa.array([1_000.0, None, None]),
            "placement": ["private", None, "public"],
            "offered_from": pa.array([first] * 3, pa.date32()),
            "offered_until": pa.array([None, date(2026, 3, 30), None], pa.date32()),
            "channels": [["call", "branch"], [], ["sms"]],
            "prerequisites": [["gold"], [], []],
            "exclusions": [[], ["loan"], []],
            "recorded_date": pa.array([first] * 3, pa.date32()),
        }
    )


def contacts() -> pa.Table:
    rows = [
        ("ana", "fund", "call", "2026-03-31 09:00:00", "declined"),
        ("ana", "fund", "sms", "2026-03-25 09:00:00", "unreachable"),
        ("ana", "gold", "call", "2026-03-24 09:00:00", "declined"),
        ("ana", None, "call", "2026-03-02 09:00:00", "unknown"),
        ("ana", "fund", "call", "2026-03-01 23:00:00", "declined"),
        ("ana", "fund", "app", "2026-01-01 09:00:00", "do_not_contact"),
        ("ana", "fund", "app", "2025-12-31 09:00:00", "accepted"),
        ("ana", "fund", "call", "2026-04-01 09:00:00", "accepted"),
    ]
    names = ("customer_id", "product_id", "channel", "contacted_at", "outcome")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    columns["contacted_at"] = pa.array(columns["contacted_at"]).cast(pa.timestamp("us"))
    return pa.table({"contact_id": [str(place) for place in range(len(rows))], **columns})


def holdings() -> pa.Table:
    return pa.table(
        {"customer_id": ["ana"], "product_id": ["loan"], "opened_date": pa.array([DAY], pa.date32())}
    )


FRAMES = {"customers": customers(), "products": products(), "holdings": holdings(), "contacts": contacts()}


@pytest.fixture(scope="module")
def windowed(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    folder = tmp_path_factory.mktemp("rules")
    text = 'name = "windows"\n' + "".join(RULE.format(name, name.replace("_", "-")) for name in WINDOWS)
    (folder / "windows.toml").write_text(text, encoding="utf-8")
    return Policy.read(PolicySettings(packs=("house", "china"), files=("windows.toml",)), folder)


@pytest.fixture(scope="module")
def view() -> View:
    return History.from_frames(FRAMES).as_of(DAY)


def gathered(view: View, policy: Policy, channel: str = "call") -> PolicyFacts:
    return gather_facts(view, Catalog.from_view(view), policy, channel)


@pytest.mark.parametrize(
    ("name", "ana", "ben"),
    [
        ("customer_tier", "GOLD", None),
        ("customer_aum_amount", 500_000.0, None),
        ("customer_risk_rank", 3.0, None),
        ("customer_risk_level", "C3", "C6"),
        ("customer_risk_assessed_days", 365.0, None),
        ("customer_risk_assessed_months", 12.0, None),
        ("customer_age_years", 64.0, None),
        ("customer_in_snapshot", True, True),
        ("customer_consent_in_channel", True, None),
        ("customer_blocked", False, None),
        ("customer_special_procedure_days", 30.0, None),
        ("customer_free_liquidity_amount", 1_000.5, None),
        ("customer_legal_capacity", "full", None),
        ("customer_contacts_7d", 2.0, 0.0),
        ("customer_contacts_30d", 4.0, 0.0),
        ("customer_channel_contacts_30d", 3.0, 0.0),
        ("customer_contact_days", 0.0, NEVER_DAYS),
        ("customer_do_not_contact", True, False),
        ("customer_do_not_contact_in_channel", False, False),
        ("customer_complained", False, False),
    ],
)
def test_facts_of_customers(view: View, windowed: Policy, name: str, ana: object, ben: object) -> None:
    assert gathered(view, windowed).customers[name].to_list() == [ana, ben]


def with_complaint(day: str, **columns: Any) -> dict[str, pa.Table]:
    """Return the tables of a bank where ana complained on a day."""
    row = ("ana", "fund", "call", f"{day} 09:00:00", "complaint")
    names = ("customer_id", "product_id", "channel", "contacted_at", "outcome")
    told: dict[str, Any] = {name: [value] for name, value in zip(names, row, strict=True)}
    told["contacted_at"] = pa.array(told["contacted_at"]).cast(pa.timestamp("us"))
    contact = pa.table({"contact_id": ["c1"], **told})
    return {**FRAMES, "customers": customers(**columns), "contacts": contact}


@pytest.mark.parametrize(
    ("day", "open_", "counts"),
    [
        ("2026-03-31", None, True),  # the day of the snapshot
        ("2026-01-01", None, True),  # 89 days before
        ("2025-12-31", None, False),
        ("2026-03-31", False, True),  # the snapshot of the same day cannot know
        ("2026-03-30", False, False),  # a later snapshot says that none is open
        ("2026-03-30", True, False),  # what it says stops offers by a rule of its own
    ],
)
def test_a_complaint_counts_at_once_and_until_a_snapshot_tells_of_complaints(
    windowed: Policy, day: str, open_: bool | None, counts: bool
) -> None:
    told = {} if open_ is None else {"attribute_policy_complaint_open": [open_] * 3}
    found = gathered(History.from_frames(with_complaint(day, **told)).as_of(DAY), windowed)
    assert found.customers["customer_complained"].to_list() == [counts, False]


def test_a_customer_who_vanished_is_not_among_them(view: View, windowed: Policy) -> None:
    assert gathered(view, windowed).customers.height == 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("product_family", ["fund", "metal", "loan"]),
        ("product_risk_rank", [4.0, None, None]),
        ("product_min_amount", [1_000.0, 0.0, 0.0]),
        ("product_placement", ["private", None, "public"]),
        ("product_offered", [True, False, True]),
        ("product_in_channel", [True, None, False]),
    ],
)
def test_facts_of_products(view: View, windowed: Policy, name: str, expected: list[object]) -> None:
    assert gathered(view, windowed).products[name].to_list() == expected


@pytest.mark.parametrize(
    ("name", "ana"),
    [
        ("pair_held", [False, False, True]),
        ("pair_prerequisites_held", [False, True, True]),
        ("pair_exclusive_held", [False, True, False]),
        ("pair_contacts_90d", [4, 1, 0]),
        ("pair_decline_days", [0, 7, NEVER_DAYS]),
    ],
)
def test_facts_of_pairs(view: View, windowed: Policy, name: str, ana: list[object]) -> None:
    assert gathered(view, windowed).pairs[name][0].tolist() == ana


@pytest.mark.parametrize(
    ("channel", "consents", "objected", "within"),
    [
        ("branch", True, False, 0.0),
        ("call", True, False, 3.0),
        ("sms", False, False, 1.0),
        ("app", None, True, 0.0),
    ],
)
def test_a_channel_has_its_own_consent_objection_and_count(
    view: View, windowed: Policy, channel: str, consents: bool | None, objected: bool, within: float
) -> None:
    ana = gathered(view, windowed, channel).customers.row(0, named=True)
    assert ana["customer_consent_in_channel"] is consents
    assert ana["customer_do_not_contact_in_channel"] is objected
    assert ana["customer_channel_contacts_30d"] == within


def test_one_customer_has_the_same_facts_and_verdicts_as_among_all(view: View, windowed: Policy) -> None:
    every = gathered(view, windowed)
    for row, customer in enumerate(["ana", "ben"]):
        alone = gathered(view.of(pa.array([customer])), windowed)
        assert alone.customers.equals(every.customers[row : row + 1])
        assert {name: values.tolist() for name, values in alone.pairs.items()} == {
            name: values[row : row + 1].tolist() for name, values in every.pairs.items()
        }
        assert np.array_equal(windowed.judge(alone)[0], windowed.judge(every)[row])


def test_what_the_bank_does_not_bring_is_no_column(windowed: Policy) -> None:
    few = customers().drop_columns(["attribute_policy_blocked"])
    frames = {name: table for name, table in FRAMES.items() if name != "contacts"}
    facts = gathered(History.from_frames({**frames, "customers": few}).as_of(DAY), windowed)
    assert not facts.present & {"customer_blocked", "customer_contacts_30d", "pair_decline_days"}
    assert "customer_free_liquidity_amount" in facts.present
    assert "customer_income" not in facts.present


def test_facts_for_rules_alone_reach_no_model(view: View) -> None:
    from vipreco.features import matching_columns
    from vipreco.features.dictionary import Each

    each = Each(table="customers", columns="attribute_*", kinds=("number", "flag", "category", "date"))
    assert matching_columns(each, view.columns("customers")) == ["attribute_income"]
