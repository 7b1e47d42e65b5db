"""Offers keep every limit; the control group takes no seat; random offers have the chances as written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from tests.campaign import spring_bank
from vipreco.arbitration import NOBODY
from vipreco.campaign import in_control
from vipreco.campaign.arms import Arm
from vipreco.campaign.assignment import RandomOffers, assign
from vipreco.campaign.assignment_table import assignment_table
from vipreco.campaign.definition import Campaign, ChannelPart, ManagersPart
from vipreco.campaign.eligibility import EligibleCustomers, Options
from vipreco.campaign.limits import limit_table, limits_of
from vipreco.folds import draws, salt_of

SALT = salt_of("", 3)
OPTIONS = Options(("card", "fund", "loan"), ("Card", "Fund", "Loan"), ("app", "call"))


def eligible(customers: int, seed: int = 0, allowed: float = 0.7) -> EligibleCustomers:
    generator = np.random.default_rng(seed)
    propensity = generator.uniform(0.01, 0.2, (customers, 3)).astype(np.float32)
    value = np.broadcast_to(np.array([20, 200, 100], np.float32), (customers, 3))
    net = np.tile(propensity * value, 2)
    net[:, :3] = 0.5 * net[:, :3] - 0.05
    net[:, 3:] -= 0.5
    net[generator.random(net.shape) > allowed] = -np.inf
    who = pl.DataFrame(
        {
            "customer_id": [f"{number:05d}" for number in range(customers)],
            "tier": ["VIP"] * customers,
            "branch_id": [f"B{number % 2}" for number in range(customers)],
            "manager_id": [f"M{number % 3}" for number in range(customers)],
        }
    )
    keep = np.flatnonzero((net > -np.inf).any(axis=1))
    return EligibleCustomers(
        customers=who[keep],
        options=OPTIONS,
        propensity=propensity[keep],
        value=value[keep],
        net=net[keep],
        without=propensity[keep],
        gain=np.tile(propensity[keep], 2),
    )


def campaign(**changes: object) -> Campaign:
    return spring_bank.campaign().model_copy(update=changes)


def test_every_limit_is_kept_with_control_and_random_offers_counted():
    given = eligible(600)
    asked = spring_bank.campaign(
        "\n[limits.branches.B0]\nmax = 25\n[limits.products.card]\nmin = 20\n",
        control_share="control_share = 0.2\nexploration_share = 0.1\nbudget_amount = 30.0",
    )
    assigned = assign(given, asked, SALT)
    rows = assignment_table(given, asked, assigned)
    offered = rows.filter(pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]))
    calls = offered.filter(pl.col("channel") == "call")
    assert offered.height == int(assigned.offered.sum()) > 0
    assert calls.height <= 40
    assert (15 * calls["manager_id"].value_counts()["count"]).max() <= 300
    assert offered.filter(pl.col("product_id") == "fund").height <= 30
    assert offered.filter(pl.col("branch_id") == "B0").height <= 25
    assert offered.filter(pl.col("product_id") == "card").height >= 20
    assert offered["cost_amount"].sum() <= 30.0 + 1e-9
    assert assigned.value == pytest.approx(offered["priority"].sum(), rel=1e-6)


def test_the_control_group_takes_no_seat_and_its_offers_follow_from_the_same_prices():
    given, asked = eligible(600), campaign(control_share=0.4)
    assigned = assign(given, asked, SALT)
    rows = assignment_table(given, asked, assigned)
    control = in_control(given.customers["customer_id"], SALT, 0.4)
    assert (rows["arm"] == Arm.CONTROL).to_numpy().tolist() == control.tolist()
    alone = replace(given, customers=given.customers.filter(~control), net=given.net[~control])
    same = assign(
        replace(alone, propensity=given.propensity[~control], value=given.value[~control]),
        campaign(control_share=0.0),
        SALT,
    )
    assert assigned.choice[~control].tolist() == same.choice.tolist()
    ghosts = rows.filter(pl.col("arm") == Arm.CONTROL)
    assert ghosts.filter("would_offer").height > 0
    assert (ghosts["product_id"].eq_missing(ghosts["would_product_id"])).all()


def test_the_price_rule_looks_at_no_arm():
    given = eligible(400, seed=2)
    assigned = assign(given, campaign(control_share=0.3), SALT)
    net, prices = given.net.astype(np.float64).copy(), assigned.allocation.prices
    for row in range(len(given)):
        for option in range(len(OPTIONS)):
            for one in assigned.limits:
                group = 0 if one.limit.group is None else one.limit.group[row]
                net[row, option] -= one.limit.use[option] * prices[one.limit.name][group]
    expected = np.where(net.max(axis=1) > 0, net.argmax(axis=1), NOBODY)
    close = np.abs(net.max(axis=1)) < 1e-4
    assert (assigned.favourite[~close] == expected[~close]).all()


def test_what_is_offered_is_mostly_what_the_prices_say():
    assigned = assign(eligible(2_000), campaign(), SALT)
    treated = assigned.arm != Arm.CONTROL
    assert (assigned.choice[treated] == assigned.favourite[treated]).mean() > 0.99


def test_random_offers_come_with_the_chances_that_are_written():
    given = eligible(60, seed=1)
    asked = campaign(control_share=0.0, exploration_share=0.3)
    limits = limits_of(asked, OPTIONS, given.customers)
    design = RandomOffers.among(given, 0.3, limits, np.ones(len(given), bool))
    repeats = 4_000
    counts = np.zeros((len(given), len(OPTIONS) + 1))
    generator = np.random.default_rng(5)
    for _ in range(repeats):
        found = design.drawn(generator.random(len(given)))
        counts[np.arange(len(given)), found] += 1
    shares = counts[:, :-1] / repeats
    allowed = given.allowed
    plain = np.where(allowed, 0.3 / allowed.sum(axis=1, keepdims=True), 0)
    np.testing.assert_allclose(shares, plain, atol=5 * np.sqrt(0.25 / repeats) * 0.6)
    choice = given.net.argmax(axis=1).astype(np.int32)
    chance = design.chance(choice, np.ones(len(given), bool), choice, np.ones(len(given), bool))
    np.testing.assert_allclose(chance, 0.7 + plain[np.arange(len(given)), choice], rtol=1e-9)


def test_the_chance_of_an_explored_option_counts_both_ways_to_it():
    given = eligible(300, seed=4)
    asked = campaign(control_share=0.2, exploration_share=0.2, stock={"fund": 300}, managers=ManagersPart())
    assigned = assign(
        given, asked.model_copy(update={"channels": {"app": ChannelPart(), "call": ChannelPart()}}), SALT
    )
    each = 0.2 / given.allowed.sum(axis=1)
    explored = assigned.arm == Arm.EXPLORED
    both = explored & (assigned.choice == assigned.favourite)
    offered = assigned.arm == Arm.OFFERED
    np.testing.assert_allclose(assigned.action_probability[explored & ~both], each[explored & ~both])
    np.testing.assert_allclose(assigned.action_probability[both], 0.8 + each[both])
    np.testing.assert_allclose(assigned.action_probability[offered], 0.8 + each[offered])
    assert np.isnan(assigned.action_probability[~explored & ~offered]).all()
    np.testing.assert_allclose(assigned.arm_probability[explored], 0.8 * 0.2)
    np.testing.assert_allclose(assigned.arm_probability[assigned.arm == Arm.CONTROL], 0.2)
    np.testing.assert_allclose(assigned.arm_probability[offered], 0.8 * 0.8)


def test_random_offers_leave_half_of_every_limit_in_expectation():
    given = eligible(3_000, allowed=1.0)
    asked = campaign(control_share=0.0, exploration_share=0.5)  # 250 random calls would be wanted of 40
    limits = limits_of(asked, OPTIONS, given.customers)
    design = RandomOffers.among(given, 0.5, limits, np.ones(len(given), bool))
    drawn = design.drawn(draws(given.customers["customer_id"], SALT, "explore"))
    calls = int((OPTIONS.channel[drawn[drawn != NOBODY]] == 1).sum())
    assert 5 <= calls <= 35  # 20 expected
    assigned = assign(given, asked, SALT)
    assert assigned.used[0][0] == 40.0  # and the allocation fills what is left
    explored = assigned.arm == Arm.EXPLORED
    by_call = OPTIONS.channel[np.maximum(assigned.choice, 0)] == 1
    lowered = explored & by_call & (assigned.choice != assigned.favourite)
    assert (assigned.action_probability[lowered] < 0.5 / 6).all()


@settings(max_examples=12, deadline=None)
@given(
    seed=st.integers(0, 999),
    control=st.sampled_from([0.0, 0.2, 0.9]),
    explored=st.sampled_from([0.0, 0.05]),
    capacity=st.integers(1, 50),
    minutes=st.integers(0, 100),
    stock=st.integers(0, 20),
)
def test_whatever_the_limits_they_are_kept_and_everybody_has_one_arm(
    seed: int, control: float, explored: float, capacity: int, minutes: int, stock: int
):
    given = eligible(80, seed)
    asked = spring_bank.campaign(
        capacity=f"capacity = {capacity}",
        fund=f"fund = {stock}",
        control_share=f"control_share = {control}\nexploration_share = {explored}",
    )
    asked = asked.model_copy(update={"managers": asked.managers.model_copy(update={"minutes": minutes})})
    assigned = assign(given, asked, SALT)
    for one, used in zip(assigned.limits, assigned.used, strict=True):
        assert (used <= one.limit.capacity + 1e-6).all()
    assert (assigned.choice[assigned.offered] != NOBODY).all()
    assert (assigned.choice[assigned.arm == Arm.UNALLOCATED] == NOBODY).all()
    places = np.flatnonzero(assigned.choice != NOBODY)
    assert given.allowed[places, assigned.choice[places]].all()
    rows = assignment_table(given, asked, assigned)
    assert rows["customer_id"].is_unique().all()
    assert rows["customer_id"].is_sorted()


def test_prices_are_explained_in_words():
    given, asked = eligible(600), campaign(control_share=0.0, budget_amount=10.0)
    assigned = assign(given, asked, SALT)
    table = limit_table(assigned.limits, assigned.used, assigned.allocation.prices, 0.005)
    words = dict(zip(table["group"], table["meaning"], strict=True))
    prices = dict(zip(table["group"], table["price"], strict=True))
    assert words["all"] == f"one more unit of the budget is worth {prices['all']:,.2f}"
    assert prices["all"] > 0
    assert words["M0"] == "one more hour of M0 would add nothing: the limit is not reached"
    more = assign(given, campaign(control_share=0.0, budget_amount=11.0), SALT)
    assert more.value - assigned.value == pytest.approx(prices["all"], rel=0.2)


def test_an_empty_pool_is_dealt_without_complaint():
    nobody = eligible(5).__class__(
        eligible(5).customers.clear(),
        OPTIONS,
        *(np.zeros((0, width), np.float32) for width in (3, 3, 6, 3, 6)),
    )
    assigned = assign(nobody, campaign(), SALT)
    assert assignment_table(nobody, campaign(), assigned).height == 0
    assert assigned.value == 0.0
