"""Allocation of options to customers: its value, a bound that none exceeds, the prices of the limits."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vipreco.arbitration.allocation.core import WHOLE_PAIRS, Core, whole
from vipreco.arbitration.allocation.dual import Dual, first_prices, later_prices
from vipreco.arbitration.allocation.problem import Floats, Numbers, Problem
from vipreco.arbitration.allocation.repair import Repair
from vipreco.errors import UsageError

ENOUGH = 1e-5
ROUNDS, POLISHES = 4, 1
FARTHER = 8.0
EXACT_PAIRS = 50_000
_NOBODY_YET = np.zeros(0, np.int32)


@dataclass(frozen=True)
class Allocation:
    """An allocation and the proof of how good it is.

    Args:
        choice: Option of each customer, -1 = none, shape (n,).
        value: Its value.
        bound: No allocation within the limits is total_value more.
        prices: For each limit, what one more unit would be total_value to each group.
        shortfall: By how much groups stay below their minimum, for the limits where one does.
        variables: The prices as a search for a similar problem may begin with them.
    """

    choice: Numbers
    value: float
    bound: float
    prices: dict[str, Floats]
    shortfall: dict[str, Floats]
    variables: Floats

    @property
    def gap(self) -> float:
        """Share of the bound that the value may stay below the best possible; 0 is proven best."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0


def allocate(
    problem: Problem, threads: int = 2, enough: float = ENOUGH, start: Floats | None = None
) -> Allocation:
    """Return an allocation that keeps every limit, close to the best one; small problems are solved exactly.

    Args:
        problem: Values and limits.
        threads: Threads that pass over the values; they change nothing but the time.
        enough: Gap at which the search ends.
        start: Prices of a similar problem to begin with (`Allocation.variables`).
    """
    dual = _dual(problem, threads)
    fits = start is not None and len(start) == dual.variables
    prices = later_prices(dual, start) if fits and start is not None else first_prices(dual)
    best, stretch = _allocated(dual, prices), np.ones(dual.variables)
    small = int(problem.allowed.sum()) <= WHOLE_PAIRS
    for number in range(ROUNDS if dual.variables else 0):
        if best.gap <= (0.0 if small and number == 0 else enough):
            break
        core = Core.at(dual, best.variables, stretch)
        choice, prices = core.solved()
        stretch = np.where(core.at_edge(prices), FARTHER * stretch, 1.0)
        best = _better(best, _allocated(dual, prices, choice))
    for _ in range(POLISHES if best.gap > enough and dual.variables else 0):
        choice = Core.around(dual, best.variables, best.choice).polished()
        best = _better(best, _allocated(dual, best.variables, choice))
    return best


def exact(problem: Problem, threads: int = 2) -> Allocation:
    """Return the best allocation as HiGHS finds it: a check of `allocate`, for small problems.

    Raises:
        UsageError: There are too many pairs, or no allocation reaches every minimum.
    """
    dual, pairs = _dual(problem, threads), int(problem.allowed.sum())
    if pairs > EXACT_PAIRS:
        raise UsageError(
            f"{pairs:,} allowed pairs are too many for the exact solver, which takes {EXACT_PAIRS:,}",
            remedy="leave --exact out: the gap to the best possible is proven without it",
            code="too-large",
        )
    near = allocate(problem, threads)
    choice = whole(dual)
    if choice is None:
        raise UsageError("no allocation reaches every minimum", code="infeasible")
    value = problem.total_value(choice)
    return replace(near, choice=choice, value=value, bound=value, shortfall=problem.shortfall(choice))


def _dual(problem: Problem, threads: int) -> Dual:
    return Dual(Problem(problem.values, tuple(limit.whole() for limit in problem.limits)), threads)


def _allocated(dual: Dual, prices: Floats, begin: Numbers = _NOBODY_YET) -> Allocation:
    choice = Repair(dual, prices, begin).run()
    problem = dual.problem
    return Allocation(
        choice,
        problem.total_value(choice),
        dual.bound(prices),
        dual.net_prices(prices),
        problem.shortfall(choice),
        prices,
    )


def _better(before: Allocation, now: Allocation) -> Allocation:
    """Return the better choice with the lower bound and its prices."""
    bounded = now if now.bound < before.bound else before
    chosen = now if _rank(now) > _rank(before) else before
    return replace(chosen, bound=bounded.bound, prices=bounded.prices, variables=bounded.variables)


def _rank(allocation: Allocation) -> tuple[float, float]:
    missing = sum(float(amount.sum()) for amount in allocation.shortfall.values())
    return -missing, allocation.value
