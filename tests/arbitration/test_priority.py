"""Value in money: exact figures on a tiny bank, and sums that hold whatever comes in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from vipreco.arbitration import (
    FACTORS,
    Context,
    CustomerEconomics,
    Customers,
    PriorityFactors,
    priority_factors,
)
from vipreco.contact_effect import ContactEffects
from vipreco.settings import ArbitrationSettings, ContactEffectSettings, LeverSettings, ValueSettings

PRODUCTS = ("account", "card", "fund")
FAMILIES = ("daily", "daily", "wealth")
UNIT_VALUES = np.array([10.0, 20.0, np.nan])
RATES = ValueSettings(
    annual_margin_rate=0.01,
    years=2.0,
    share_at_risk=0.5,
    contact_keeps=0.25,
    acquisition_keeps=0.1,
    contact_lifts=0.2,
    acquisition_lifts=0.5,
    asset_families=("wealth",),
)
PROPENSITY = np.array([[0.1, 0.2, 0.05], [0.1, 0.2, 0.05], [0.1, 0.2, 0.05]])
NO_LEVERS = LeverSettings()
EFFECTS = ContactEffects(
    ContactEffectSettings(
        channels={"call": float(np.log(2)), "app": 0.0},
        families={"call": {"wealth": float(np.log(1.5))}},
        tiers={"VIP": -float(np.log(2))},
    )
)
STANDING = CustomerEconomics(
    aum=np.array([1_000_000.0, 400_000.0, np.nan]),
    next_line=np.array([np.nan, 500_000.0, 500_000.0]),
    attrition_probability=np.array([0.08, np.nan, 0.5]),
    tier_upgrade_probability=np.array([np.nan, 0.3, 0.9]),
)


def bank(
    levers: LeverSettings = NO_LEVERS,
    value: Any = "money",
    personalised: tuple[bool, ...] = (True, True, True),
    context: Context | None = None,
    order: Any = "chance",
) -> PriorityFactors:
    customers = Customers(
        STANDING,
        context or Context.plain(3, 3),
        np.array(["VIP", "MASS", None], object),
        np.array(personalised),
    )
    recipe = ArbitrationSettings(value=value, order=order, values=RATES, levers=levers)
    contact = (EFFECTS, "call")
    return priority_factors(PROPENSITY, UNIT_VALUES, PRODUCTS, FAMILIES, customers, recipe, contact=contact)


def everywhere(found: PriorityFactors) -> dict[str, Any]:
    rows, columns = (places.ravel() for places in np.indices(found.propensity.shape))
    return found.at(rows, columns)


def test_assets_kept_and_the_lift_of_the_tier_are_added_to_the_margin():
    parts = everywhere(bank())
    # 0.08 x 0.1 x (0.5 x 1,000,000 x 0.01 x 2) = 80; 0.3 x 0.5 x (100,000 x 0.01 x 2) = 300
    assert parts["margin_amount"].tolist() == [10, 20, 0] * 3
    assert parts["kept_amount"] == pytest.approx([80] * 3 + [0] * 6)
    assert parts["lift_amount"] == pytest.approx([0, 0, 0, 0, 0, 300, 0, 0, 0])
    assert parts["value_amount"] == pytest.approx([90, 100, 80, 10, 20, 300, 10, 20, 0])
    assert bank().priority == pytest.approx(np.array([[9, 20, 4], [1, 4, 15], [1, 4, 0]]))


def test_a_call_that_keeps_can_be_worth_more_than_every_sale():
    # keep: 0.08 x 0.25 x 10,000 = 200; develop: 0.3 x 0.2 x 2,000 = 120
    found = bank()
    assert found.actions == pytest.approx(np.array([[200, 0], [0, 120], [0, 0]]))
    assert found.actions[0, 0] > found.priority[0].max()


def test_what_is_unknown_counts_nothing_and_is_marked():
    found = bank()
    rows, columns = (places.ravel() for places in np.indices((3, 3)))
    # bits: margin 1, kept 2, lift 4 (of products that bring in assets)
    assert found.unknown_at(rows, columns).tolist() == [0, 0, 5, 2, 2, 3, 2, 2, 7]
    assert np.isfinite(found.priority).all()
    assert np.isfinite(found.actions).all()


def test_levers_multiply_by_product_family_tier_and_action():
    levers = LeverSettings(
        products={"card": 2.0}, families={"daily": 3.0}, tiers={"VIP": 5.0}, actions={"keep": 0.5}
    )
    found = bank(levers)
    assert everywhere(found)["lever"].tolist() == [15, 30, 5, 3, 6, 1, 3, 6, 1]
    assert found.priority[0] == pytest.approx([9 * 15, 20 * 30, 4 * 5])
    assert found.actions[0] == pytest.approx([200 * 0.5 * 5, 0])


def test_context_multiplies_products_and_actions_of_the_customers_whom_it_is_about():
    context = Context(np.array([1, 0, 0]), np.array([[1.0] * 3, [1, 1, 4]]), np.array([[1.0, 1], [2, 1]]))
    found = bank(context=context)
    assert found.priority == pytest.approx(np.array([[9, 20, 16], [1, 4, 15], [1, 4, 0]]))
    assert found.actions == pytest.approx(np.array([[400, 0], [0, 120], [0, 0]]))


def test_nothing_personal_is_used_for_who_refused_profiling():
    levers = LeverSettings(products={"card": 2.0}, tiers={"VIP": 5.0})
    context = Context(np.array([1, 0, 0]), np.array([[1.0] * 3, [1, 1, 4]]), np.array([[1.0, 1], [2, 1]]))
    found = bank(levers, personalised=(False, True, True), context=context)
    assert found.priority[0] == pytest.approx([0.1 * 10, 0.2 * 20 * 2, 0])
    assert found.actions[0].tolist() == [0, 0]


def test_the_value_can_be_the_margin_alone_or_nothing():
    assert bank(value="unit_value").priority[0] == pytest.approx([1, 4, 0])
    assert bank(value="none").priority.tolist() == PROPENSITY.tolist()
    assert bank(value="none").actions.any() is np.False_


def test_what_the_contact_adds_is_what_counts():
    # customer 0 is VIP: a call changes nothing but for the fund; 1: twice the hazard, three times of the fund
    found = bank(value="none", order="gain")
    doubled = 1 - 0.9**2 - 0.1, 1 - 0.8**2 - 0.2, 1 - 0.95**3 - 0.05
    assert found.priority[0] == pytest.approx([0, 0, 1 - 0.95**1.5 - 0.05], abs=1e-15)
    assert found.priority[1] == pytest.approx(doubled)
    assert found.chances.without.tolist() == PROPENSITY.tolist()
    parts = everywhere(bank(order="gain"))
    assert parts["expected_gain"][3:6] == pytest.approx([doubled[0] * 10, doubled[1] * 20, doubled[2] * 300])
    assert parts["chance_with_contact"][3:6] == pytest.approx([0.19, 0.36, 1 - 0.95**3])


def test_another_channel_has_effects_of_its_own():
    found = bank(value="none", order="gain")
    assert found.through("call") is found
    assert found.through("app").priority[1].tolist() == pytest.approx([0, 0, 0], abs=1e-15)
    fax = 1 - 0.9 ** np.exp(0.2) - 0.1  # a channel that is not named
    assert found.through("fax").priority[1, 0] == pytest.approx(fax)


def test_the_tier_of_who_refused_profiling_is_not_used():
    found = bank(value="none", order="gain", personalised=(False, True, True))
    assert found.priority[0] == pytest.approx(found.priority[1])


def test_without_the_contact_the_whole_chance_counts():
    found = bank(order="gain")
    assert found.without("contact").priority.tolist() == bank().priority.tolist()


def test_a_catalogue_without_any_value_is_ordered_by_propensity():
    customers = Customers.unknown(1, 3)
    found = priority_factors(
        PROPENSITY[:1],
        np.full(3, np.nan),
        PRODUCTS,
        FAMILIES,
        customers,
        ArbitrationSettings(order="chance"),
        contact=(EFFECTS, "call"),
    )
    assert found.priority.tolist() == PROPENSITY[:1].tolist()
    assert found.unknown_at(np.array([0]), np.array([0])).tolist() == [3]


@pytest.mark.parametrize(
    ("factor", "first"),
    [
        ("propensity", [90 * 2, 100, 80]),
        ("value", [0.2, 0.2, 0.05]),
        ("margin", [0.1 * 80 * 2, 0.2 * 80, 0.05 * 80]),
        ("kept", [2, 4, 0]),
        ("lift", [18, 20, 4]),
        ("context", [18, 20, 4]),
        ("lever", [9, 20, 4]),
    ],
)
def test_a_factor_that_is_left_out_is_one_and_a_component_nothing(factor: Any, first: list[float]):
    assert bank(LeverSettings(products={"account": 2.0})).without(factor).priority[0] == pytest.approx(first)


def test_every_factor_can_be_left_out():
    assert FACTORS == ("propensity", "contact", "value", "margin", "kept", "lift", "context", "lever")


AMOUNTS = st.one_of(st.just(float("nan")), st.floats(0, 1e9))
CHANCES = st.one_of(st.just(float("nan")), st.floats(0, 1))


@st.composite
def banks(draw: st.DrawFn) -> PriorityFactors:
    n, p = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    economics = CustomerEconomics(
        *(draw(arrays(np.float64, n, elements=kind)) for kind in (AMOUNTS, AMOUNTS, CHANCES, CHANCES))
    )
    weights = draw(arrays(np.float64, (2, p), elements=st.floats(0.1, 5)))
    context = Context(draw(arrays(np.intp, n, elements=st.integers(0, 1))), weights, np.ones((2, 2)))
    refused = draw(arrays(bool, n))
    customers = Customers(economics, context, np.full(n, "VIP", object), ~refused)
    families = tuple(draw(st.sampled_from(["daily", "wealth"])) for _ in range(p))
    recipe = ArbitrationSettings(
        value=draw(st.sampled_from(["money", "unit_value", "none"])),
        order=draw(st.sampled_from(["gain", "chance"])),
        values=RATES,
        levers=LeverSettings(families={"daily": 1.5}, tiers={"VIP": 1.1}),
    )
    unit_values = draw(arrays(np.float64, p, elements=AMOUNTS))
    propensity = draw(arrays(np.float64, (n, p), elements=st.floats(0, 1)))
    return priority_factors(
        propensity,
        unit_values,
        tuple(f"p{i}" for i in range(p)),
        families,
        customers,
        recipe,
        contact=(EFFECTS, draw(st.sampled_from(["call", "app", "fax"]))),
    )


@settings(max_examples=200, deadline=None)
@given(banks())
def test_components_sum_to_the_value_and_factors_multiply_to_the_priority(found: PriorityFactors):
    parts = everywhere(found)
    assert (
        parts["value_amount"] == parts["margin_amount"] + parts["kept_amount"] + parts["lift_amount"]
    ).all()
    product = found.gain.ravel() * parts["value_amount"] * parts["context"] * parts["lever"]
    assert found.priority.ravel() == pytest.approx(product, rel=1e-12)
    assert np.isfinite(found.priority).all()
    assert (found.actions >= 0).all()
