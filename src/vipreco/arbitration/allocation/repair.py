"""From prices to an allocation that keeps every limit: take the best option, give way, fill up.

Each step works on all customers at once. At good prices few customers have to move, and each of them loses
little: the gap to the bound stays small.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration.allocation.dual import Dual
from vipreco.arbitration.allocation.problem import NOBODY, Floats, Limit, Numbers, Problem, Singles

ROUNDS = 60
TOLERANCE = 1e-6
Rows = NDArray[np.intp]


@dataclass
class Repair:
    """An allocation in the making.

    Args:
        dual: The problem at its bound.
        prices: Prices of the limits, shape (variables,).
        choice: Option of each customer to begin with, -1 = none, shape (n,); by default the best one.
    """

    dual: Dual
    prices: Floats
    choice: Numbers = field(default_factory=lambda: np.zeros(0, np.int32))

    def __post_init__(self) -> None:
        self.priced = self.dual.priced(self.prices)
        if len(self.choice) != self.dual.customers:
            parts = self.dual.each(self._favourite)
            self.choice = np.concatenate(parts) if parts else np.zeros(0, np.int32)

    @property
    def problem(self) -> Problem:
        """The problem that is solved."""
        return self.dual.problem

    def run(self) -> Numbers:
        """Return options (n,) that keep every capacity, and every minimum as far as it can be reached."""
        self.give_way()
        self.reach_minimum()
        self.fill()
        return self.choice

    def give_way(self) -> None:
        """Take back options where a capacity is overused, from those whose loss is smallest by it."""
        for number in range(ROUNDS):
            over = [limit for limit in self.problem.limits if _overused(limit, self.choice).any()]
            if not over:
                return
            for limit in over:
                self._release(limit, final=number >= ROUNDS // 2)

    def fill(self) -> None:
        """Give free seats to those who gain most, until nobody gains."""
        for _ in range(ROUNDS):
            if not self._accept(*self._wishes()):
                return

    def reach_minimum(self) -> None:
        """Move those whose loss is smallest into options whose minimum is not reached."""
        for limit in self.problem.limits:
            for _ in range(ROUNDS if (limit.minimum > 0).any() else 0):
                if not self._move_into(limit):
                    break

    def _reduced(self, rows: slice | Rows) -> Singles:
        return self.priced.taken_from(self.dual.table[:, rows], rows)

    def _favourite(self, rows: slice) -> Numbers:
        return favourites(self._reduced(rows))

    def _release(self, limit: Limit, *, final: bool) -> None:
        rows = np.flatnonzero((self.choice != NOBODY) & (limit.use[self.choice] > 0))
        excess = _overused(limit, self.choice)
        rows = rows[excess[limit.groups(rows)] > 0]
        other, loss = self._alternative(rows, none_only=final)
        order = np.lexsort((loss, limit.groups(rows)))
        rows, other = rows[order], other[order]
        freed = limit.use[self.choice[rows]].astype(np.float64)
        before = _running(freed, limit.groups(rows)) - freed
        leaves = before < excess[limit.groups(rows)]
        self.choice[rows[leaves]] = other[leaves]

    def _alternative(self, rows: Rows, *, none_only: bool) -> tuple[Numbers, Floats]:
        """Return the next best open option of each row, and the loss of taking it, at the prices."""
        now, places = self._reduced(rows), np.arange(len(rows))
        held = now[self.choice[rows], places].astype(np.float64)
        if none_only:
            return np.full(len(rows), NOBODY, np.int32), held
        now[~self._open(rows)] = -np.inf
        now[self.choice[rows], places] = -np.inf
        best = now.argmax(axis=0).astype(np.int32)
        worth = now[best, places].astype(np.float64)
        taken = worth > 0
        return np.where(taken, best, np.int32(NOBODY)), held - np.where(taken, worth, 0)

    def _open(self, rows: slice | Rows, left: Sequence[Floats] | None = None) -> NDArray[np.bool_]:
        """Return which options have room for one more customer of each row, shape (options, rows)."""
        count = rows.stop - rows.start if isinstance(rows, slice) else len(rows)
        room = np.ones((len(self.dual.table), count), bool)
        for limit, free in zip(self.problem.limits, left or self._left(), strict=True):
            if limit.group is None:
                room[(limit.use > free[0] + TOLERANCE) & (limit.use > 0)] = False
                continue
            own = free[limit.group[rows]] + TOLERANCE
            for option in np.flatnonzero(limit.use > 0):
                room[option] &= limit.use[option] <= own
        return room

    def _left(self) -> list[Floats]:
        return [limit.capacity - limit.used(self.choice) for limit in self.problem.limits]

    def _wishes(self) -> tuple[Rows, Numbers]:
        """Return who would gain by which open option, the largest gain first."""
        left = self._left()
        found = self.dual.each(lambda rows: self._wishes_of(rows, left))
        if not found:
            return np.zeros(0, np.intp), np.zeros(0, np.int32)
        rows, options, gains = (np.concatenate(column) for column in zip(*found, strict=True))
        order = np.lexsort((rows, -gains))
        return rows[order], options[order]

    def _wishes_of(self, rows: slice, left: Sequence[Floats]) -> tuple[Rows, Numbers, Floats]:
        places = np.arange(rows.start, rows.stop)
        if len(self.dual.table) == 0:
            return places[:0], np.zeros(0, np.int32), np.zeros(0)
        values = np.where(self._open(rows, left), self.dual.table[:, rows], np.float32(-np.inf))
        best = values.argmax(axis=0).astype(np.int32)
        now = _chosen(self.dual.table[:, rows], self.choice[rows])
        gains = values[best, np.arange(len(best))].astype(np.float64) - now
        wishing = gains > TOLERANCE * self.dual.scale
        wishing[wishing] = ~self._bound_by_minimum(places[wishing])
        return places[wishing], best[wishing], gains[wishing]

    def _bound_by_minimum(self, rows: Rows) -> NDArray[np.bool_]:
        """Return who must keep the option because a minimum would be missed without it."""
        bound = np.zeros(len(rows), bool)
        for limit in self.problem.limits:
            if (limit.minimum > 0).any():
                spare = limit.used(self.choice) - limit.minimum
                use = np.where(self.choice[rows] == NOBODY, 0, limit.use[self.choice[rows]])
                bound |= (use > 0) & (use > spare[limit.groups(rows)])
        return bound

    def _accept(self, rows: Rows, options: Numbers) -> bool:
        """Grant the wishes, in their order, that all limits have room for; return whether any was."""
        granted = np.ones(len(rows), bool)
        for limit in self.problem.limits:
            groups, use = limit.groups(rows), limit.use[options].astype(np.float64)
            left = limit.capacity - limit.used(self.choice)
            granted &= (_running_in_order(use, groups) <= left[groups] + TOLERANCE) | (use == 0)
            granted &= self._keeps_minimum(limit, rows)
        self.choice[rows[granted]] = options[granted]
        return bool(granted.any())

    def _keeps_minimum(self, limit: Limit, rows: Rows) -> NDArray[np.bool_]:
        if not (limit.minimum > 0).any():
            return np.ones(len(rows), bool)
        spare = limit.used(self.choice) - limit.minimum
        use = np.where(self.choice[rows] == NOBODY, 0, limit.use[self.choice[rows]]).astype(np.float64)
        groups = limit.groups(rows)
        kept = (use == 0) | (_running_in_order(use, groups) <= spare[groups] + TOLERANCE)
        return np.asarray(kept)

    def _move_into(self, limit: Limit) -> bool:
        missing = limit.minimum - limit.used(self.choice)
        rows = np.flatnonzero(missing[limit.groups(np.arange(len(self.choice)))] > TOLERANCE)
        rows = rows[(self.choice[rows] == NOBODY) | (limit.use[self.choice[rows]] == 0)]
        reduced = self._reduced(rows)
        values = np.where(self._open(rows) & (limit.use > 0)[:, None], reduced, -np.inf)
        if not np.isfinite(values).any():
            return False
        best = values.argmax(axis=0).astype(np.int32)
        gain = values[best, np.arange(len(rows))].astype(np.float64)
        gain -= _chosen(reduced, self.choice[rows])
        can = np.isfinite(gain)
        rows, best, gain = rows[can], best[can], gain[can]
        order = np.lexsort((rows, -gain))
        rows, best = rows[order], best[order]
        use = limit.use[best].astype(np.float64)
        groups = limit.groups(rows)
        wanted = _running_in_order(use, groups) - use < missing[groups] - TOLERANCE
        return self._accept(rows[wanted], best[wanted])


def favourites(reduced: Singles) -> Numbers:
    """Return the best option of each customer, -1 where none is worth something; of (options, rows)."""
    if len(reduced) == 0:
        return np.full(reduced.shape[1], NOBODY, np.int32)
    best = reduced.argmax(axis=0).astype(np.int32)
    return np.where(reduced[best, np.arange(len(best))] > 0, best, np.int32(NOBODY))


def _overused(limit: Limit, choice: Numbers) -> Floats:
    over = limit.used(choice) - limit.capacity
    return np.where(over > TOLERANCE, over, 0)


def _chosen(values: Singles, choice: Numbers) -> Floats:
    picked = values[np.maximum(choice, 0), np.arange(len(choice))].astype(np.float64)
    return np.where(choice == NOBODY, 0, picked)


def _running(amounts: Floats, groups: NDArray[np.integer]) -> Floats:
    """Return running sums within groups; equal groups stand together."""
    total = np.cumsum(amounts)
    first = np.flatnonzero(np.diff(groups, prepend=-1))
    before = total[first] - amounts[first]
    return np.asarray(total - np.repeat(before, np.diff(first, append=len(groups))))


def _running_in_order(amounts: Floats, groups: NDArray[np.integer]) -> Floats:
    """Return running sums within groups in the order given."""
    order = np.argsort(groups, kind="stable")
    found = np.empty(len(amounts))
    if len(amounts):
        found[order] = _running(amounts[order], groups[order])
    return found
