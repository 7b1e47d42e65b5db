"""Allocations keep every limit, are worth what an exact solver finds, and never more than their bound."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray
from scipy.optimize import LinearConstraint, milp

from vipreco.arbitration import NOBODY, Limit, Problem, allocate, exact
from vipreco.errors import UsageError


def problem(values: list[list[float]], *limits: Limit) -> Problem:
    return Problem(np.array(values, np.float32), limits)


def seats(options: int, capacity: float, **named: object) -> Limit:
    return Limit.of("seats", np.ones(options), capacity, **named)  # type: ignore[arg-type]


def test_without_limits_everybody_gets_the_best_option_that_is_worth_something():
    found = allocate(problem([[1, 3], [2, 1], [-1, -2], [np.nan, 0.5]]))
    assert found.choice.tolist() == [1, 0, NOBODY, 1]
    assert (found.value, found.gap) == (5.5, 0.0)


def test_a_seat_goes_to_whom_it_is_worth_most():
    found = allocate(problem([[5, 4], [9, 1], [7, 6]], Limit.of("stock", np.array([1, 0]), 1.0)))
    assert found.choice.tolist() == [1, 0, 1]
    assert found.value == 4 + 9 + 6
    assert found.gap < 1e-4


def test_the_price_of_a_limit_is_what_one_more_seat_is_worth():
    values = [[10.0], [8.0], [5.0], [3.0]]
    found = allocate(problem(values, seats(1, 2)))
    more = allocate(problem(values, seats(1, 3)))
    assert more.value - found.value == 5.0
    assert 5.0 - 0.05 <= found.prices["seats"][0] <= 8.0 + 0.05


def test_minutes_of_each_manager_are_kept_apart():
    minutes = Limit.of("minutes", np.array([30, 0]), np.array([30, 60]), group=np.array([0, 0, 1, 1]))
    found = allocate(problem([[9, 1], [8, 1], [7, 1], [6, 1]], minutes))
    assert found.choice.tolist() == [0, 1, 0, 0]


def test_a_least_is_reached_at_the_smallest_loss():
    minimum = Limit.of("product", np.array([0, 1]), 10.0, minimum=2.0)
    found = allocate(problem([[5, 4], [5, 1], [5, 4.5]], minimum))
    assert found.choice.tolist() == [1, 0, 1]
    assert not found.shortfall


def test_a_least_that_nobody_may_take_is_reported_as_short():
    minimum = Limit.of("product", np.array([0, 1]), 10.0, minimum=2.0)
    found = allocate(problem([[5, np.nan], [5, 1]], minimum))
    assert found.choice.tolist() == [0, 1]
    assert found.shortfall["product"].tolist() == [1.0]


def test_customers_all_alike_fill_the_seats_exactly():
    found = allocate(problem([[1.0, 1.0]] * 50, seats(2, 20)))
    assert (found.choice != NOBODY).sum() == 20
    assert found.gap < 1e-4


def test_no_customer_and_no_option_are_no_problem():
    assert allocate(Problem(np.zeros((0, 3), np.float32), (seats(3, 1),))).value == 0
    assert allocate(Problem(np.zeros((3, 0), np.float32), ())).choice.tolist() == [NOBODY] * 3


@pytest.mark.parametrize(
    "limit",
    [
        Limit.of("seats", np.ones(3), 1.0),
        Limit.of("seats", -np.ones(2), 1.0),
        Limit.of("seats", np.ones(2), 1.0, minimum=2.0),
        Limit.of("seats", np.ones(2), np.ones(2), group=np.array([0, 2])),
    ],
)
def test_a_limit_that_does_not_fit_is_refused_by_name(limit: Limit):
    with pytest.raises(UsageError, match="does not fit") as refusal:
        problem([[1, 2], [3, 4]], limit)
    assert refusal.value.where == "seats"


def test_the_same_problem_gives_the_same_allocation_on_any_number_of_threads():
    one, two = (allocate(drawn(3, 500, 6), threads) for threads in (1, 2))
    assert one.choice.tobytes() == two.choice.tobytes()
    assert one.bound == two.bound


def drawn(seed: int, customers: int, options: int, minimum: float = 0.0) -> Problem:
    """A campaign in small: seats of two channels, minutes of three managers, stock, a budget."""
    generator = np.random.default_rng(seed)
    values = generator.lognormal(0, 1, (customers, options))
    values[generator.random(values.shape) < 0.3] = np.nan
    channel = np.arange(options) % 2
    managers = generator.integers(0, 3, customers)
    limits = (
        Limit.of("calls", channel == 0, customers * 0.2),
        Limit.of("minutes", np.where(channel == 0, 15, 0), np.array([40.0, 60.0, 90.0]), group=managers),
        Limit.of("stock", np.arange(options) == 1, customers * 0.1, minimum=minimum),
        Limit.of("budget", 1 + np.arange(options) / 4, customers * 0.8),
    )
    return Problem(values.astype(np.float32), limits)


def highs(given_problem: Problem) -> float:
    """Return the best value by a mixed-integer solver (HiGHS)."""
    rows, columns = np.nonzero(given_problem.allowed)
    worth = given_problem.values[rows, columns].astype(np.float64)
    constraints = [
        LinearConstraint((rows[None] == np.arange(len(given_problem.values))[:, None]), -np.inf, 1)
    ]
    for limit in given_problem.limits:
        groups = limit.groups(rows)
        use = limit.use[columns] * (groups[None] == np.arange(len(limit.capacity))[:, None])
        constraints.append(LinearConstraint(use, limit.minimum, limit.capacity))
    solved = milp(-worth, constraints=constraints, integrality=np.ones(len(worth)), bounds=(0, 1))
    return -float(solved.fun)


def kept(given_problem: Problem, choice: NDArray[np.int32]) -> bool:
    chosen = choice != NOBODY
    allowed = given_problem.allowed[np.flatnonzero(chosen), choice[chosen]].all()
    return bool(allowed) and given_problem.excess(choice) <= 1e-5


@pytest.mark.parametrize("seed", range(6))
def test_small_campaigns_are_worth_what_an_exact_solver_finds_and_stay_below_the_bound(seed: int):
    small = drawn(seed, 60, 6, minimum=3.0 if seed % 2 else 0.0)
    found, best = allocate(small), highs(small)
    assert kept(small, found.choice)
    assert not found.shortfall
    assert found.value == pytest.approx(best, abs=1e-4)
    assert best <= found.bound + 1e-4


def test_the_exact_solver_finds_the_same_and_says_that_nothing_is_better():
    small = drawn(7, 60, 6)
    found = exact(small)
    assert found.value == pytest.approx(highs(small), abs=1e-4)
    assert found.gap == 0.0
    assert kept(small, found.choice)


def test_the_exact_solver_refuses_what_it_would_not_end():
    with pytest.raises(UsageError, match="too many") as refusal:
        exact(drawn(1, 12_000, 6))
    assert refusal.value.code == "too-large"


def test_the_exact_solver_says_when_a_minimum_cannot_be_reached():
    minimum = Limit.of("product", np.array([0, 1]), 10.0, minimum=2.0)
    with pytest.raises(UsageError, match="minimum"):
        exact(problem([[5, np.nan], [5, 1]], minimum))


@pytest.mark.parametrize("seed", range(3))
def test_larger_campaigns_end_within_a_hundred_thousandth_of_the_optimum(seed: int):
    large = drawn(seed, 20_000, 8, minimum=500.0)
    found = allocate(large)
    assert found.gap <= 1e-5
    assert kept(large, found.choice)
    assert not found.shortfall


def test_a_search_that_begins_at_the_prices_of_a_similar_problem_ends_as_close():
    before, changed = drawn(4, 5_000, 6), drawn(4, 5_000, 6)
    more = Limit.of("budget", changed.limits[3].use, changed.limits[3].capacity * 1.1)
    changed = Problem(changed.values, (*changed.limits[:3], more))
    found = allocate(changed, start=allocate(before).variables)
    assert found.gap <= 1e-5
    assert found.value > allocate(before).value


def test_fifty_minutes_are_three_calls_of_fifteen():
    whole = Limit.of(
        "minutes", np.array([15, 0, 15]), np.array([50.0, 44.9, np.inf]), np.array([0, 1, 2]), 16.0
    )
    assert whole.whole().capacity.tolist() == [45.0, 30.0, np.inf]
    assert whole.whole().minimum.tolist() == [30.0, 30.0, 30.0]


def test_a_limit_of_amounts_without_a_common_part_stays_as_it_is():
    odd = Limit.of("budget", np.array([1 / 3, 1.0]), 10.0)
    assert odd.whole().capacity.tolist() == [10.0]
    mixed = Limit.of("budget", np.array([0.1, 1.0]), 9.95)
    assert mixed.whole().capacity.tolist() == pytest.approx([9.9])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(-2, 6), min_size=2, max_size=2), min_size=1, max_size=5),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_tiny_campaigns_never_beat_brute_force_nor_the_bound(values: list[list[int]], calls: int, stock: int):
    tiny = problem(values, seats(2, calls), Limit.of("stock", np.array([0, 1]), stock))  # type: ignore[arg-type]
    choices = [np.array(choice, np.int32) for choice in product((NOBODY, 0, 1), repeat=len(values))]
    best = max(tiny.total_value(choice) for choice in choices if tiny.excess(choice) <= 0)
    found = allocate(tiny)
    assert kept(tiny, found.choice)
    assert found.value == best <= found.bound + 1e-5
