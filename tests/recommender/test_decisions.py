"""The decision frame: every component stands in it, sums exactly, and each row says what became of it."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.policy_records import facts_of_records
from tests.shared import CALLS
from vipreco.arbitration import Context, CustomerEconomics, Customers, SlateRules, priority_factors
from vipreco.policy import Policy
from vipreco.recommender import Decisions
from vipreco.settings import ArbitrationSettings, LeverSettings, PolicySettings, ValueSettings

DAY = date(2026, 3, 31)
PRODUCTS = ("account", "card", "fund", "gold")
FAMILIES = ("daily", "daily", "wealth", "wealth")
PROPENSITY = np.array([[0.4, 0.2, 0.1, 0.05], [0.4, 0.2, 0.1, 0.05], [0.4, 0.2, 0.1, 0.05]])
RATES = ValueSettings(
    share_at_risk=0.5,
    contact_keeps=0.25,
    acquisition_keeps=0.2,
    contact_lifts=0.1,
    acquisition_lifts=0.1,
    asset_families=("wealth",),
)
LEVERS = LeverSettings(families={"wealth": 2.0}, tiers={"GOLD": 1.5}, actions={"keep": 3.0})
NAN = np.nan


def decisions() -> Decisions:
    """Customer a might leave, b might rise, c is offered nothing; gold excludes the fund."""
    policy = Policy.read(PolicySettings(packs=("house",)))
    stopped = 1 + [rule.reason_code for rule in policy.rules].index("HELD")
    economics = CustomerEconomics(
        aum=np.array([1_000_000.0, 150_000.0, NAN]),
        next_line=np.array([NAN, 200_000.0, 200_000.0]),
        attrition_probability=np.array([0.1, NAN, NAN]),
        tier_upgrade_probability=np.array([NAN, 0.3, NAN]),
    )
    customers = Customers(
        economics, Context.plain(3, 4), np.array(["GOLD", "BASIC", None], object), np.ones(3, bool)
    )
    unit_values = np.array([10.0, 30.0, 100.0, 250.0])
    settings = ArbitrationSettings(order="chance", values=RATES, levers=LEVERS)
    weighed = priority_factors(
        PROPENSITY, unit_values, PRODUCTS, FAMILIES, customers, settings, contact=CALLS
    )
    exclusions = np.zeros((4, 4), bool)
    exclusions[3, 2] = True
    return Decisions(
        as_of=DAY,
        customer_ids=np.array(["a", "b", "c"]),
        product_ids=PRODUCTS,
        propensity=PROPENSITY,
        priority=weighed.priority,
        factors=weighed,
        slate_rules=SlateRules.of(FAMILIES, exclusions, 1),
        policy=policy,
        facts=facts_of_records(DAY, "call", [{}] * 3, [{}] * 4, {}),
        verdict=np.array([[0] * 4, [0, stopped, 0, 0], [stopped] * 4], np.int16),
        thin_evidence=np.zeros(4, bool),
        personalised=np.ones(3, bool),
        attrition_probability=economics.attrition_probability,
        tier_upgrade_probability=economics.tier_upgrade_probability,
    )


@pytest.fixture(scope="module")
def frame() -> pl.DataFrame:
    return decisions().frame(2)


def test_the_components_sum_and_the_factors_multiply_exactly(frame: pl.DataFrame):
    value = frame["margin_amount"] + frame["kept_amount"] + frame["lift_amount"]
    assert frame["value_amount"].to_list() == value.to_list()
    product = frame["propensity"] * frame["value_amount"] * frame["context"] * frame["lever"]
    assert frame["priority"].to_list() == pytest.approx(product.to_list(), rel=1e-14)


def test_the_figures_are_those_of_the_formulas(frame: pl.DataFrame):
    # a: kept 0.1 x 0.2 x (0.5 x 1,000,000 x 0.01) = 100; b: lift 0.3 x 0.1 x (50,000 x 0.01) = 15
    shown = frame.filter(pl.col("product_id") == "fund").select(
        "kept_amount", "lift_amount", "lever", "priority"
    )
    expected = [(100.0, 0.0, 3.0, 60.0), (0.0, 15.0, 2.0, 23.0), (0.0, 0.0, 2.0, 20.0)]
    for row, wanted in zip(shown.rows(), expected, strict=True):
        assert row == pytest.approx(wanted)


def test_what_is_unknown_is_named(frame: pl.DataFrame):
    assert frame["unknown_value"].to_list() == [
        *("", "", "lift", "lift"),
        *("kept", "kept", "kept", "kept"),
        *("kept", "kept", "kept; lift", "kept; lift"),
    ]


def test_each_row_says_what_became_of_it(frame: pl.DataFrame):
    # a: account 66, card 39, fund 60, gold 52.5; b: account 4, card stopped, fund 23, gold 26.5
    assert frame["rank"].to_list() == [1, 0, 2, 0, 2, 0, 0, 1, 0, 0, 0, 0]
    assert frame["reason_code"].to_list() == [
        *("OFFERED", "FAMILY_FULL", "OFFERED", "EXCLUDED_BY_OFFER"),
        *("OFFERED", "HELD", "EXCLUDED_BY_OFFER", "OFFERED"),
        *("HELD",) * 4,
    ]
    assert frame["stage"].to_list()[:4] == ["offer", "arbitration", "offer", "arbitration"]
    assert frame["suppressed"].to_list() == [*(False,) * 4, False, True, False, False, *(True,) * 4]


def test_with_one_place_what_comes_later_is_beyond_the_slate():
    cut = decisions().frame(1).filter(pl.col("customer_id") == "b")
    assert cut["reason_code"].to_list() == ["SLATE_FULL", "HELD", "EXCLUDED_BY_OFFER", "OFFERED"]


def test_keeping_a_customer_can_outrank_every_sale(frame: pl.DataFrame):
    factors = decisions().factors
    # keep a: 0.1 x (0.25 x 5,000) x 3.0 x 1.5 = 562.5; develop b: 0.3 x (0.1 x 500) = 15
    assert factors.actions.ravel() == pytest.approx([562.5, 0, 0, 15, 0, 0])
    parts = factors.action_factors()
    assert parts["propensity"].ravel() == pytest.approx([0.1, NAN, NAN, 0.3, NAN, NAN], nan_ok=True)
    assert parts["value_amount"][0, 0] == pytest.approx(1_250)
    best = frame.filter(pl.col("customer_id") == "a")["priority"].max()
    assert factors.actions[0, 0] > best
