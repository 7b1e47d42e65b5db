"""Prices of the limits: the Lagrangian dual of the allocation, smoothed, minimised by L-BFGS.

At prices `y >= 0` every customer takes the option with the largest value less what it uses at those prices,
or none. The sum of these, plus the capacities at their prices, is an upper bound of every feasible
allocation (weak duality). The maximum is smoothed by a soft maximum of falling temperature (Nesterov 2005),
so that a quasi-Newton method finds good prices in a few dozen passes over the values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from vipreco.arbitration.allocation.problem import Floats, Limit, Problem, Singles

Result = TypeVar("Result")
CHUNK = 16_384
TEMPERATURES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001, 0.0003, 0.0001, 0.00001)
"""Falling temperatures, in units of the mean value of a customer's best option."""
MEMORY = 20
PASSES = 60


@dataclass(frozen=True)
class _Part:
    """Where the variables of a limit stand: prices of capacities, then rewards of leasts."""

    limit: Limit
    capped: NDArray[np.intp]
    wanted: NDArray[np.intp]
    start: int

    @property
    def stop(self) -> int:
        return self.start + len(self.capped) + len(self.wanted)

    def net(self, prices: Floats) -> Floats:
        """Return the net price of each group."""
        own = prices[self.start : self.stop]
        net = np.zeros(len(self.limit.capacity))
        net[self.capped] += own[: len(self.capped)]
        net[self.wanted] -= own[len(self.capped) :]
        return net

    @property
    def bounds(self) -> Floats:
        """Return what a unit of each variable adds to the bound."""
        return np.concatenate([self.limit.capacity[self.capped], -self.limit.least[self.wanted]])

    def slope(self, used: Floats) -> Floats:
        """Return the derivative of the bound at a use of each group."""
        return np.asarray(self.bounds - np.concatenate([used[self.capped], -used[self.wanted]]))


@dataclass(frozen=True)
class Dual:
    """The bound as a function of the prices, evaluated in chunks of customers."""

    problem: Problem
    threads: int = 2

    @cached_property
    def parts(self) -> tuple[_Part, ...]:
        """The variables of each limit."""
        found, start = [], 0
        for limit in self.problem.limits:
            capped, wanted = np.flatnonzero(np.isfinite(limit.capacity)), np.flatnonzero(limit.least > 0)
            found.append(_Part(limit, capped, wanted, start))
            start = found[-1].stop
        return tuple(found)

    @property
    def variables(self) -> int:
        """Number of prices."""
        return self.parts[-1].stop if self.parts else 0

    @cached_property
    def scale(self) -> float:
        """Mean value of the customers' best options: the unit of prices and temperatures."""
        best = np.where(self.problem.allowed, self.problem.values, 0).max(axis=1, initial=0)
        return float(best[best > 0].mean()) if (best > 0).any() else 1.0

    def net_prices(self, prices: Floats) -> dict[str, Floats]:
        """Return the net price of each group by limit."""
        return {part.limit.name: part.net(prices) for part in self.parts}

    def reduced(self, prices: Floats, rows: slice | NDArray[np.intp]) -> Singles:
        """Return values less what they use at the prices, shape (rows, options); -inf where not allowed."""
        reduced = np.where(self.problem.allowed[rows], self.problem.values[rows], np.float32(-np.inf))
        for part in self.parts:
            reduced -= part.limit.prices(part.net(prices), rows)
        return np.asarray(reduced, np.float32)

    def bound(self, prices: Floats) -> float:
        """Return an upper bound of the value of every feasible allocation."""
        best = self._map(lambda rows: float(self._best(prices, rows).sum(dtype=np.float64)))
        return sum(best) + self._at_prices(prices)

    def _at_prices(self, prices: Floats) -> float:
        """Return what the limits themselves are worth."""
        return sum(float(part.bounds @ prices[part.start : part.stop]) for part in self.parts)

    def _best(self, prices: Floats, rows: slice) -> Singles:
        return np.asarray(np.maximum(self.reduced(prices, rows).max(axis=1, initial=-np.inf), 0))

    def smooth(self, prices: Floats, temperature: float) -> tuple[float, Floats]:
        """Return the smoothed bound and its gradient."""
        sums = self._map(lambda rows: self._smooth_chunk(prices, temperature, rows))
        value = sum(one[0] for one in sums) + self._at_prices(prices)
        gradient = np.zeros(self.variables)
        for number, part in enumerate(self.parts):
            used = sum((one[1][number] for one in sums), np.zeros(len(part.limit.capacity)))
            gradient[part.start : part.stop] = part.slope(used)
        return value, gradient

    def _smooth_chunk(self, prices: Floats, temperature: float, rows: slice) -> tuple[float, list[Floats]]:
        reduced = self.reduced(prices, rows)
        top = np.maximum(reduced.max(axis=1, initial=-np.inf), 0)
        weights = np.exp((reduced - top[:, None]) / np.float32(temperature))
        none = np.exp(-top / np.float32(temperature))
        total = weights.sum(axis=1) + none
        weights /= total[:, None]
        value = float((top + np.float32(temperature) * np.log(total)).sum(dtype=np.float64))
        return value, [_usage(part.limit, weights, rows) for part in self.parts]

    def _map(self, work: Callable[[slice], Result]) -> list[Result]:
        with ThreadPoolExecutor(self.threads) as pool:  # numpy leaves the lock: chunks run side by side
            return list(pool.map(work, self._chunks()))

    def _chunks(self) -> Iterator[slice]:
        customers = len(self.problem.values)
        return (slice(start, min(start + CHUNK, customers)) for start in range(0, customers, CHUNK))


def _usage(limit: Limit, weights: Singles, rows: slice) -> Floats:
    """Return what each group uses when the options are chosen with these weights."""
    if limit.group is None:
        return np.array([float(weights.sum(axis=0, dtype=np.float64) @ limit.use)])
    return np.bincount(limit.group[rows], weights @ limit.use, len(limit.capacity)).astype(np.float64)


def falling_prices(dual: Dual, passes: int = PASSES) -> Iterator[Floats]:
    """Give prices (variables,) at falling temperatures: each time closer to the least bound."""
    prices, units = np.zeros(dual.variables), _units(dual)
    for temperature in TEMPERATURES:
        if dual.variables:
            found = minimize(
                _scaled(dual, temperature * dual.scale, units),
                prices / units,
                jac=True,
                method="L-BFGS-B",
                bounds=[(0, None)] * dual.variables,
                options={"maxiter": passes, "maxcor": MEMORY, "ftol": 1e-12, "gtol": 1e-10},
            )
            prices = found.x * units
        yield prices


def _units(dual: Dual) -> Floats:
    """Return the unit of each price: a limit that many use curves the bound more, so its price moves less."""
    parts = [np.abs(part.bounds) * max(float(part.limit.use.max(initial=0)), 1e-6) for part in dual.parts]
    return np.asarray(dual.scale / np.sqrt(np.maximum(np.concatenate([np.zeros(0), *parts]), 1.0)))


def _scaled(dual: Dual, temperature: float, units: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    level = dual.scale * max(len(dual.problem.values), 1)

    def function(position: Floats) -> tuple[float, Floats]:
        value, gradient = dual.smooth(position * units, temperature)
        return value / level, gradient * units / level

    return function
