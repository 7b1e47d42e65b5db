"""Shares of the oracle: exact on small tables, equal to a search by brute force, never above 1."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from vipreco.arbitration import SlateRules
from vipreco.simulator import Effort, Unit
from vipreco.simulator.oracle.arms import Arm, ScoredPairs
from vipreco.simulator.oracle.resampled import Resampled
from vipreco.simulator.oracle.shares import Spending, Truth, called_reward, earned, listed_reward
from vipreco.simulator.oracle.true_calibration import true_deciles, true_ratio, true_slope
from vipreco.stats import Estimate

NOT = -np.inf
REWARD = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 32.0], [64.0, 128.0, 256.0], [512.0, 1024.0, 2048.0]])
ORDER = np.array([[3.0, 2.0, 1.0], [1.0, NOT, 3.0], [NOT, NOT, NOT], [5.0, 5.0, 6.0]])


def free(products: int) -> SlateRules:
    """Rules that rule nothing out."""
    return SlateRules.of(("",) * products, np.zeros((products, products), bool))


def known(allowed: NDArray[np.bool_], scores: dict[Arm, NDArray[np.float64]], vip: list[bool]) -> ScoredPairs:
    ids = np.array([f"{number:03d}" for number in range(len(vip))])
    names = tuple("ABCDEFG"[: allowed.shape[1]])
    rules = free(allowed.shape[1])
    return ScoredPairs(ids, names, allowed, np.zeros(allowed.shape), scores, np.array(vip), rules)


def test_a_list_earns_the_rewards_of_its_first_offers() -> None:
    assert listed_reward(ORDER, REWARD, free(3), 1).tolist() == [1, 32, 0, 2048]
    assert listed_reward(ORDER, REWARD, free(3), 2).tolist() == [1 + 2, 32 + 8, 0, 2048 + 512]
    assert listed_reward(ORDER, REWARD, free(3), 9).tolist() == [7, 40, 0, 512 + 1024 + 2048]


def test_a_list_spreads_over_families_and_holds_no_exclusive_pair() -> None:
    rules = SlateRules.of(("a", "a", "b"), np.zeros((3, 3), bool), per_family=1)
    assert listed_reward(ORDER, REWARD, rules, 2).tolist() == [1 + 4, 32 + 8, 0, 2048 + 512]
    apart = np.zeros((3, 3), bool)
    apart[0, 2] = True
    assert listed_reward(ORDER, REWARD, SlateRules.of(("",) * 3, apart), 2).tolist() == [
        3,
        32,
        0,
        2048 + 1024,
    ]


def test_calls_go_to_the_customers_whose_first_offer_ranks_highest() -> None:
    assert called_reward(ORDER, REWARD, 0.25).tolist() == [0, 0, 0, 2048]
    assert called_reward(ORDER, REWARD, 0.5).tolist() == [0.5, 16, 0, 2048]  # two equal ones share a call
    assert called_reward(ORDER, REWARD, 0.75).tolist() == [1, 32, 0, 2048]


def test_shares_of_a_bank_of_three_customers_are_those_computed_by_hand() -> None:
    allowed = np.array([[True, True], [True, False], [True, True]])
    chance = np.array([[0.5, 0.1], [0.2, 0.9], [0.1, 0.4]])
    values = np.array([10.0, 100.0])
    # the arm names the first product to everybody
    scores = {Arm.FULL: np.array([[1.0, 0.0], [2.0, 0.0], [3.0, 0.0]])}
    found = earned(
        known(allowed, scores, [True, False, False]), Truth(chance, values), Spending(1, call_rate=0.3)
    )
    money = found[Effort.LIST, Unit.MONEY, "all"]
    np.testing.assert_allclose(money[Arm.ORACLE], [10, 2, 40])
    np.testing.assert_allclose(money[Arm.FULL], [5, 2, 1])
    acquisitions = found[Effort.LIST, Unit.ACQUISITIONS, "others"]
    np.testing.assert_allclose(acquisitions[Arm.ORACLE], [0.2, 0.4])
    np.testing.assert_allclose(acquisitions[Arm.FULL], [0.2, 0.1])
    calls = found[Effort.CALLS, Unit.MONEY, "all"]
    np.testing.assert_allclose(calls[Arm.ORACLE], [0, 0, 40])
    np.testing.assert_allclose(calls[Arm.FULL], [0, 0, 1])
    np.testing.assert_allclose(found[Effort.LIST, Unit.MONEY, "VIP"][Arm.ORACLE], [10])


def test_shares_and_advantages_are_ratios_of_sums_with_the_bootstraps_interval() -> None:
    random = np.random.default_rng(3)
    oracle = random.gamma(0.5, 10, 400)
    full, plain = oracle * random.uniform(0.7, 1.0, 400), oracle * random.uniform(0.2, 0.9, 400)
    column = {Arm.ORACLE: oracle, Arm.FULL: full, Arm.NO_VALUE: plain}
    found = Resampled.of({(Effort.LIST, Unit.MONEY, arm): earns for arm, earns in column.items()}, 1, 2_000)
    got = found.share(Effort.LIST, Unit.MONEY, Arm.FULL)
    pairs = np.column_stack([full, oracle])
    means = [pairs[rows].mean(axis=0) for rows in np.random.default_rng(2).integers(400, size=(2_000, 400))]
    low, high = np.quantile([above / below for above, below in means], [0.025, 0.975])
    assert (got.value, got.customers) == (pytest.approx(full.sum() / oracle.sum()), 400)
    assert got.low == pytest.approx(low, abs=0.003)
    assert got.high == pytest.approx(high, abs=0.003)
    assert found.share(Effort.LIST, Unit.MONEY, Arm.ORACLE) == Estimate(1.0, 1.0, 1.0, customers=400)
    ahead = found.advantage(Effort.LIST, Unit.MONEY, Arm.FULL, Arm.NO_VALUE)
    assert ahead.value == pytest.approx((full.sum() - plain.sum()) / oracle.sum())
    assert 0 < ahead.low < ahead.value < ahead.high


def test_nobody_has_no_share() -> None:
    nothing = {(Effort.LIST, Unit.MONEY, arm): np.zeros(0) for arm in Arm}
    found = Resampled.of(nothing, 1, 10).share(Effort.LIST, Unit.MONEY, Arm.FULL)
    assert np.isnan(found.value)
    assert found.customers == 0


def best_by_search(reward: NDArray[np.float64], allowed: NDArray[np.bool_], length: int) -> float:
    """Try every order of every customer's products; written without the code under test."""
    total = 0.0
    for row, may in zip(reward.tolist(), allowed.tolist(), strict=True):
        possible = [value for value, is_allowed in zip(row, may, strict=True) if is_allowed]
        total += max((sum(order[:length]) for order in permutations(possible)), default=0.0)
    return total


@st.composite
def banks(draw: st.DrawFn) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    seed = draw(st.integers(0, 2**32))
    customers, products = draw(st.integers(1, 5)), draw(st.integers(1, 4))
    random = np.random.default_rng(seed)
    chance = random.random((customers, products)).round(draw(st.sampled_from([1, 6])))
    return chance, random.random((customers, products)), random.random((customers, products)) < 0.7


@settings(max_examples=60, deadline=None)
@given(banks(), st.integers(1, 5), st.floats(0.05, 1.0))
def test_the_oracle_is_the_best_of_all_orders_and_no_arm_is_above_it(
    bank: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]], length: int, rate: float
) -> None:
    chance, score, allowed = bank
    values = np.arange(1.0, chance.shape[1] + 1)
    rows = known(allowed, {Arm.RANDOM: score}, [True] * len(chance))
    found = earned(rows, Truth(chance, values), Spending(length, rate))
    best = best_by_search(chance * values, allowed, length)
    assert found[Effort.LIST, Unit.MONEY, "all"][Arm.ORACLE].sum() == pytest.approx(best)
    for arms in found.values():
        assert arms[Arm.RANDOM].sum() <= arms[Arm.ORACLE].sum() + 1e-9


@settings(max_examples=30, deadline=None)
@given(banks(), st.randoms(use_true_random=False))
def test_the_order_of_customers_and_products_does_not_matter(
    bank: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]], random: object
) -> None:
    chance, score, allowed = bank
    values = np.arange(1.0, chance.shape[1] + 1)
    generator = np.random.default_rng(random.getrandbits(32))  # type: ignore[attr-defined]
    rows, columns = (generator.permutation(size) for size in chance.shape)
    pick = np.ix_(rows, columns)
    spending = Spending(2, 0.4)
    straight = earned(known(allowed, {Arm.FULL: score}, [True] * len(rows)), Truth(chance, values), spending)
    shuffled = earned(
        known(allowed[pick], {Arm.FULL: score[pick]}, [True] * len(rows)),
        Truth(chance[pick], values[columns]),
        spending,
    )
    for key, arms in straight.items():
        for arm, reward in arms.items():
            assert shuffled[key][arm].sum() == pytest.approx(reward.sum())


def test_right_propensities_have_slope_and_ratio_one() -> None:
    chance = np.random.default_rng(1).beta(0.3, 20, 5_000)
    assert true_ratio(chance, chance) == pytest.approx(1)
    assert true_slope(chance, chance) == pytest.approx(1, abs=1e-6)


def test_propensities_that_are_too_extreme_have_a_slope_below_one() -> None:
    chance = np.array([0.1, 0.2, 0.3, 0.4])
    odds = chance / (1 - chance)
    extreme = odds**2 / (1 + odds**2)
    assert true_slope(extreme, chance) == pytest.approx(0.5)
    assert true_ratio(2 * chance, chance) == pytest.approx(2)


def test_deciles_give_mean_propensity_and_mean_chance_from_the_lowest_up() -> None:
    propensity, chance = np.array([0.4, 0.1, 0.3, 0.2]), np.array([0.8, 0.1, 0.2, 0.2])
    found = true_deciles(propensity, chance, groups=2)
    assert found.rows() == [
        (1, 2, pytest.approx(0.15), pytest.approx(0.15), pytest.approx(1.0)),
        (2, 2, pytest.approx(0.35), pytest.approx(0.5), pytest.approx(0.7)),
    ]
