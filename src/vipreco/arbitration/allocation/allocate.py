"""Who gets which option: the allocation, its value, a bound that none exceeds, the prices of the limits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from vipreco.arbitration.allocation.dual import Dual, falling_prices
from vipreco.arbitration.allocation.problem import Floats, Numbers, Problem
from vipreco.arbitration.allocation.repair import Repair

WARM = 2
"""Temperatures whose prices are too rough to allocate by."""
ENOUGH = 1e-6


@dataclass(frozen=True)
class Allocation:
    """An allocation and the proof of how good it is.

    Args:
        choice: Option of each customer, -1 = none, shape (n,).
        value: Its value.
        bound: No allocation within the limits is worth more.
        prices: For each limit, what one more unit would be worth to each group.
        shortfall: By how much groups stay below their least, for the limits where one does.
    """

    choice: Numbers
    value: float
    bound: float
    prices: dict[str, Floats]
    shortfall: dict[str, Floats]

    @property
    def gap(self) -> float:
        """Share of the bound that the value may stay below the best possible; 0 is proven best."""
        return max(self.bound - self.value, 0.0) / self.bound if self.bound > 0 else 0.0


def allocate(problem: Problem, threads: int = 2, enough: float = ENOUGH) -> Allocation:
    """Return an allocation that keeps every limit, close to the best one.

    Args:
        problem: Values and limits.
        threads: Threads that pass over the values; they change nothing but the time.
        enough: Gap at which the search ends.
    """
    dual = Dual(problem, threads)
    warm = islice(falling_prices(dual), WARM, None)
    best = _allocated(dual, next(warm))
    while best.gap > enough and (prices := next(warm, None)) is not None:
        best = _better(best, _allocated(dual, prices))
    return best


def _allocated(dual: Dual, prices: Floats) -> Allocation:
    choice = Repair(dual, prices).run()
    problem = dual.problem
    return Allocation(
        choice, problem.worth(choice), dual.bound(prices), dual.net_prices(prices), problem.shortfall(choice)
    )


def _better(before: Allocation, now: Allocation) -> Allocation:
    """Return the better choice with the lower bound and its prices."""
    bounded = now if now.bound < before.bound else before
    chosen = now if _rank(now) > _rank(before) else before
    return replace(chosen, bound=bounded.bound, prices=bounded.prices)


def _rank(allocation: Allocation) -> tuple[float, float]:
    missing = sum(float(amount.sum()) for amount in allocation.shortfall.values())
    return -missing, allocation.value
