"""Prices of the limits: the Lagrangian dual of the allocation, smoothed, minimised by L-BFGS.

At prices `y >= 0` every customer takes the option with the largest value less what it uses at those prices,
or none. The sum of these, plus the capacities at their prices, is an upper bound of every feasible
allocation (weak duality). The maximum is smoothed by a soft maximum of falling temperature (Nesterov 2005),
so that a quasi-Newton method finds good prices in a few dozen passes over the values. The values stand option
by option, so that each step of a pass runs over customers side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from vipreco.arbitration.allocation.problem import Floats, Limit, Problem, Singles

Result = TypeVar("Result")
Rows = slice | NDArray[np.intp]
CHUNK = 16_384
TEMPERATURES = (0.1, 0.03, 0.01, 0.003)
"""Falling temperatures, in units of the mean value of a customer's best option."""
MEMORY = 20
PASSES = 40
SAMPLE = 8_192
"""Customers from whom the first prices are learnt."""


@dataclass(frozen=True)
class Part:
    """Positions of the variables of a limit: prices of capacities, then rewards of minima."""

    limit: Limit
    capped: NDArray[np.intp]
    wanted: NDArray[np.intp]
    start: int

    @property
    def stop(self) -> int:
        """Position at which the next limit begins."""
        return self.start + len(self.capped) + len(self.wanted)

    @cached_property
    def using(self) -> NDArray[np.intp]:
        """The options that use the limit."""
        return np.flatnonzero(self.limit.use > 0)

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
        return np.concatenate([self.limit.capacity[self.capped], -self.limit.minimum[self.wanted]])

    def slope(self, used: Floats) -> Floats:
        """Return the derivative of the bound at a use of each group."""
        return np.asarray(self.bounds - np.concatenate([used[self.capped], -used[self.wanted]]))


@dataclass(frozen=True)
class Priced:
    """Cost of each option at some prices: the same for all, and what differs by group."""

    flat: Singles
    grouped: Sequence[tuple[Part, Singles]]

    def taken_from(self, values: Singles, rows: Rows) -> Singles:
        """Return values (options, rows) less the cost."""
        reduced = values - self.flat[:, None]
        for part, net in self.grouped:
            assert part.limit.group is not None  # noqa: S101  that is what grouped means
            own = net[part.limit.group[rows]]
            for option in part.using:
                reduced[option] -= part.limit.use[option] * own
        return reduced


@dataclass(frozen=True)
class Dual:
    """The bound as a function of the prices, evaluated in chunks of customers."""

    problem: Problem
    threads: int = 2

    @cached_property
    def table(self) -> Singles:
        """Values, option by option; -inf where not allowed, shape (options, n)."""
        turned = np.ascontiguousarray(self.problem.values.T, np.float32)
        turned = turned.copy() if turned.base is not None else turned
        turned[~np.isfinite(turned)] = -np.inf
        return turned

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The variables of each limit."""
        found, start = [], 0
        for limit in self.problem.limits:
            capped, wanted = np.flatnonzero(np.isfinite(limit.capacity)), np.flatnonzero(limit.minimum > 0)
            found.append(Part(limit, capped, wanted, start))
            start = found[-1].stop
        return tuple(found)

    @property
    def customers(self) -> int:
        """Number of customers."""
        return len(self.problem.values)

    @property
    def variables(self) -> int:
        """Number of prices."""
        return self.parts[-1].stop if self.parts else 0

    @cached_property
    def scale(self) -> float:
        """Mean value of the customers' best options: the unit of prices and temperatures."""
        best = self.table.max(axis=0, initial=0)
        return float(best[best > 0].mean(dtype=np.float64)) if (best > 0).any() else 1.0

    def net_prices(self, prices: Floats) -> dict[str, Floats]:
        """Return the net price of each group by limit."""
        return {part.limit.name: part.net(prices) for part in self.parts}

    def priced(self, prices: Floats) -> Priced:
        """Return what each option costs at the prices."""
        flat, grouped = np.zeros(self.problem.values.shape[1]), []
        for part in self.parts:
            net = part.net(prices)
            if part.limit.group is None:
                flat += part.limit.use * net[0]
            elif net.any():
                grouped.append((part, net.astype(np.float32)))
        return Priced(flat.astype(np.float32), grouped)

    def reduced(self, prices: Floats, rows: Rows) -> Singles:
        """Return values less what they use at the prices, shape (options, rows); -inf where not allowed."""
        return self.priced(prices).taken_from(self.table[:, rows], rows)

    def bound(self, prices: Floats) -> float:
        """Return an upper bound of the value of every feasible allocation."""
        priced = self.priced(prices)
        return sum(self.each(lambda rows: self._best(priced, rows))) + self._at_prices(prices)

    def each(self, work: Callable[[slice], Result]) -> list[Result]:
        """Return what `work` gives for each chunk of customers, in order."""
        chunks = list(self.chunks())
        if len(chunks) < 2:
            return [work(rows) for rows in chunks]
        with ThreadPoolExecutor(self.threads) as pool:  # numpy leaves the lock: chunks run side by side
            return list(pool.map(work, chunks))

    def chunks(self) -> Iterator[slice]:
        """Give the chunks of customers."""
        return (slice(start, min(start + CHUNK, self.customers)) for start in range(0, self.customers, CHUNK))

    def _at_prices(self, prices: Floats) -> float:
        """Return what the limits themselves are worth."""
        return sum(float(part.bounds @ prices[part.start : part.stop]) for part in self.parts)

    def _best(self, priced: Priced, rows: slice) -> float:
        reduced = priced.taken_from(self.table[:, rows], rows)
        return float(reduced.max(axis=0, initial=0).sum(dtype=np.float64))

    def smooth(self, prices: Floats, temperature: float) -> tuple[float, Floats]:
        """Return the smoothed bound and its gradient."""
        priced = self.priced(prices)
        sums = self.each(lambda rows: self._smooth_chunk(priced, temperature, rows))
        value = sum(one[0] for one in sums) + self._at_prices(prices)
        gradient = np.zeros(self.variables)
        for number, part in enumerate(self.parts):
            used = sum((one[1][number] for one in sums), np.zeros(len(part.limit.capacity)))
            gradient[part.start : part.stop] = part.slope(used)
        return value, gradient

    def _smooth_chunk(self, priced: Priced, temperature: float, rows: slice) -> tuple[float, list[Floats]]:
        weights = priced.taken_from(self.table[:, rows], rows)
        top = weights.max(axis=0, initial=0)
        weights -= top
        weights *= np.float32(1 / temperature)
        np.exp(weights, out=weights)
        total = weights.sum(axis=0) + np.exp(top * np.float32(-1 / temperature))
        weights /= total
        value = float((top + np.float32(temperature) * np.log(total)).sum(dtype=np.float64))
        sums = weights.sum(axis=1).astype(np.float64)
        return value, [_usage(part, weights, sums, rows) for part in self.parts]


def _usage(part: Part, weights: Singles, sums: Floats, rows: slice) -> Floats:
    """Return what each group uses when the options are chosen with these weights."""
    limit = part.limit
    if limit.group is None:
        return np.array([float(sums @ limit.use)])
    amounts = limit.use[part.using] @ weights[part.using]
    return np.bincount(limit.group[rows], amounts, len(limit.capacity)).astype(np.float64)


def first_prices(dual: Dual) -> Floats:
    """Return prices (variables,) learnt from some of the customers, then all, at falling temperatures."""
    prices, count = np.zeros(dual.variables), dual.customers
    if dual.variables == 0:
        return prices
    if count > 2 * SAMPLE:
        rows = np.sort(np.random.default_rng(0).choice(count, SAMPLE, replace=False))
        sample = Dual(_some(dual.problem, rows, SAMPLE / count), dual.threads)
        for temperature in TEMPERATURES[:2]:
            prices = _minimised(sample, prices, temperature)
    for temperature in TEMPERATURES[2:] if count > 2 * SAMPLE else TEMPERATURES:
        prices = _minimised(dual, prices, temperature)
    return prices


def later_prices(dual: Dual, start: Floats) -> Floats:
    """Return prices (variables,) beginning from those of a similar problem."""
    return _minimised(dual, _minimised(dual, start, TEMPERATURES[2]), TEMPERATURES[3])


def _some(problem: Problem, rows: NDArray[np.intp], share: float) -> Problem:
    """Return the problem of some customers, with their share of every limit."""
    limits = tuple(
        Limit(
            limit.name,
            limit.use,
            limit.capacity * share,
            limit.minimum * share,
            None if limit.group is None else limit.group[rows],
        )
        for limit in problem.limits
    )
    return Problem(problem.values[rows], limits)


def _minimised(dual: Dual, prices: Floats, temperature: float) -> Floats:
    units = _units(dual)
    found = minimize(
        _scaled(dual, temperature * dual.scale, units),
        prices / units,
        jac=True,
        method="L-BFGS-B",
        bounds=[(0, None)] * dual.variables,
        options={"maxiter": PASSES, "maxcor": MEMORY, "ftol": 1e-9, "gtol": 1e-8},
    )
    return np.asarray(found.x * units)


def _units(dual: Dual) -> Floats:
    """Return the unit of each price: a limit that many use curves the bound more, so its price moves less."""
    parts = [np.abs(part.bounds) * max(float(part.limit.use.max(initial=0)), 1e-6) for part in dual.parts]
    return np.asarray(dual.scale / np.sqrt(np.maximum(np.concatenate([np.zeros(0), *parts]), 1.0)))


def _scaled(dual: Dual, temperature: float, units: Floats) -> Callable[[Floats], tuple[float, Floats]]:
    level = dual.scale * max(dual.customers, 1)

    def function(position: Floats) -> tuple[float, Floats]:
        value, gradient = dual.smooth(position * units, temperature)
        return value / level, gradient * units / level

    return function
