"""Offers keep every limit; the control group takes no seat; random offers have the chances as written."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from tests.campaign import small_bank
from vipreco.arbitration import NOBODY
from vipreco.campaign import in_control, salt_of
from vipreco.campaign.arms import Arm, draws
from vipreco.campaign.assignments import assignments
from vipreco.campaign.dealing import Exploring, deal
from vipreco.campaign.definition import Campaign, ChannelPart, ManagersPart
from vipreco.campaign.limits import limit_table, limits_of
from vipreco.campaign.pool import Options, Pool

SALT = salt_of("", 3)
OPTIONS = Options(("card", "fund", "loan"), ("Card", "Fund", "Loan"), ("app", "call"))


def pool(customers: int, seed: int = 0, allowed: float = 0.7) -> Pool:
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
    return Pool(who[keep], OPTIONS, propensity[keep], value[keep], net[keep], keep)


def campaign(**changes: object) -> Campaign:
    return small_bank.campaign().model_copy(update=changes)


def test_every_limit_is_kept_with_control_and_random_offers_counted():
    given = pool(600)
    asked = small_bank.campaign(
        "\n[limits.branches.B0]\nmost = 25\n[limits.products.card]\nleast = 20\n",
        control_share="control_share = 0.2\nexploration_share = 0.1\nbudget_amount = 30.0",
    )
    dealt = deal(given, asked, SALT)
    rows = assignments(given, asked, dealt)
    offered = rows.filter(pl.col("arm").is_in([Arm.OFFERED, Arm.EXPLORED]))
    calls = offered.filter(pl.col("channel") == "call")
    assert offered.height == int(dealt.offered.sum()) > 0
    assert calls.height <= 40
    assert (15 * calls["manager_id"].value_counts()["count"]).max() <= 300
    assert offered.filter(pl.col("product_id") == "fund").height <= 30
    assert offered.filter(pl.col("branch_id") == "B0").height <= 25
    assert offered.filter(pl.col("product_id") == "card").height >= 20
    assert offered["cost_amount"].sum() <= 30.0 + 1e-9
    assert dealt.value == pytest.approx(offered["priority"].sum(), rel=1e-6)


def test_the_control_group_takes_no_seat_and_its_offers_follow_from_the_same_prices():
    given, asked = pool(600), campaign(control_share=0.4)
    dealt = deal(given, asked, SALT)
    rows = assignments(given, asked, dealt)
    control = in_control(given.customers["customer_id"], SALT, 0.4)
    assert (rows["arm"] == Arm.CONTROL).to_numpy().tolist() == control.tolist()
    alone = replace(given, customers=given.customers.filter(~control), net=given.net[~control])
    same = deal(
        replace(alone, propensity=given.propensity[~control], value=given.value[~control]),
        campaign(control_share=0.0),
        SALT,
    )
    assert dealt.choice[~control].tolist() == same.choice.tolist()
    ghosts = rows.filter(pl.col("arm") == Arm.CONTROL)
    assert ghosts.filter("would_offer").height > 0
    assert (ghosts["product_id"].eq_missing(ghosts["would_product_id"])).all()


def test_the_price_rule_looks_at_no_arm():
    given = pool(400, seed=2)
    dealt = deal(given, campaign(control_share=0.3), SALT)
    net, prices = given.net.astype(np.float64).copy(), dealt.allocation.prices
    for row in range(len(given)):
        for option in range(len(OPTIONS)):
            for one in dealt.limits:
                group = 0 if one.limit.group is None else one.limit.group[row]
                net[row, option] -= one.limit.use[option] * prices[one.limit.name][group]
    expected = np.where(net.max(axis=1) > 0, net.argmax(axis=1), NOBODY)
    close = np.abs(net.max(axis=1)) < 1e-4
    assert (dealt.favourite[~close] == expected[~close]).all()


def test_what_is_offered_is_mostly_what_the_prices_say():
    dealt = deal(pool(2_000), campaign(), SALT)
    treated = dealt.arm != Arm.CONTROL
    assert (dealt.choice[treated] == dealt.favourite[treated]).mean() > 0.99


def test_random_offers_come_with_the_chances_that_are_written():
    given = pool(60, seed=1)
    asked = campaign(control_share=0.0, exploration_share=0.3)
    limits = limits_of(asked, OPTIONS, given.customers)
    design = Exploring.among(given, 0.3, limits, np.ones(len(given), bool))
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
    given = pool(300, seed=4)
    asked = campaign(control_share=0.2, exploration_share=0.2, stock={"fund": 300}, managers=ManagersPart())
    dealt = deal(
        given, asked.model_copy(update={"channels": {"app": ChannelPart(), "call": ChannelPart()}}), SALT
    )
    each = 0.2 / given.allowed.sum(axis=1)
    explored = dealt.arm == Arm.EXPLORED
    both = explored & (dealt.choice == dealt.favourite)
    offered = dealt.arm == Arm.OFFERED
    np.testing.assert_allclose(dealt.action_probability[explored & ~both], each[explored & ~both])
    np.testing.assert_allclose(dealt.action_probability[both], 0.8 + each[both])
    np.testing.assert_allclose(dealt.action_probability[offered], 0.8 + each[offered])
    assert np.isnan(dealt.action_probability[~explored & ~offered]).all()
    np.testing.assert_allclose(dealt.arm_probability[explored], 0.8 * 0.2)
    np.testing.assert_allclose(dealt.arm_probability[dealt.arm == Arm.CONTROL], 0.2)
    np.testing.assert_allclose(dealt.arm_probability[offered], 0.8 * 0.8)


def test_random_offers_leave_half_of_every_limit_in_expectation():
    given = pool(3_000, allowed=1.0)
    asked = campaign(control_share=0.0, exploration_share=0.5)  # 250 random calls would be wanted of 40
    limits = limits_of(asked, OPTIONS, given.customers)
    design = Exploring.among(given, 0.5, limits, np.ones(len(given), bool))
    drawn = design.drawn(draws(given.customers["customer_id"], SALT, "explore"))
    calls = int((OPTIONS.channel[drawn[drawn != NOBODY]] == 1).sum())
    assert 5 <= calls <= 35  # 20 expected
    dealt = deal(given, asked, SALT)
    assert dealt.used[0][0] == 40.0  # and the allocation fills what is left
    explored = dealt.arm == Arm.EXPLORED
    by_call = OPTIONS.channel[np.maximum(dealt.choice, 0)] == 1
    lowered = explored & by_call & (dealt.choice != dealt.favourite)
    assert (dealt.action_probability[lowered] < 0.5 / 6).all()


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
    given = pool(80, seed)
    asked = small_bank.campaign(
        capacity=f"capacity = {capacity}",
        fund=f"fund = {stock}",
        control_share=f"control_share = {control}\nexploration_share = {explored}",
    )
    asked = asked.model_copy(update={"managers": asked.managers.model_copy(update={"minutes": minutes})})
    dealt = deal(given, asked, SALT)
    for one, used in zip(dealt.limits, dealt.used, strict=True):
        assert (used <= one.limit.capacity + 1e-6).all()
    assert (dealt.choice[dealt.offered] != NOBODY).all()
    assert (dealt.choice[dealt.arm == Arm.UNALLOCATED] == NOBODY).all()
    places = np.flatnonzero(dealt.choice != NOBODY)
    assert given.allowed[places, dealt.choice[places]].all()
    rows = assignments(given, asked, dealt)
    assert rows["customer_id"].is_unique().all()
    assert rows["customer_id"].is_sorted()


def test_prices_are_told_in_words():
    given, asked = pool(600), campaign(control_share=0.0, budget_amount=10.0)
    dealt = deal(given, asked, SALT)
    table = limit_table(dealt.limits, dealt.used, dealt.allocation.prices, 0.005)
    words = dict(zip(table["group"], table["meaning"], strict=True))
    prices = dict(zip(table["group"], table["price"], strict=True))
    assert words["all"] == f"one more unit of the budget is worth {prices['all']:,.2f}"
    assert prices["all"] > 0
    assert words["M0"] == "one more hour of M0 would bring nothing: there is room"
    more = deal(given, campaign(control_share=0.0, budget_amount=11.0), SALT)
    assert more.value - dealt.value == pytest.approx(prices["all"], rel=0.2)


def test_an_empty_pool_is_dealt_without_complaint():
    nobody = pool(5).__class__(
        pool(5).customers.clear(),
        OPTIONS,
        *(np.zeros((0, width), np.float32) for width in (3, 3, 6)),
        np.zeros(0, np.intp),
    )
    dealt = deal(nobody, campaign(), SALT)
    assert assignments(nobody, campaign(), dealt).height == 0
    assert dealt.value == 0.0
