"""Exact schedule of calls over working days: duties in time, then the greatest value day by day."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vipreco.lists.knapsack import packed

if TYPE_CHECKING:
    from scipy.optimize import LinearConstraint

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Mask = NDArray[np.bool_]
NEVER = np.iinfo(np.int32).max
NO_DAY = -1
# With more groups and days of duties the minutes of later days are shared in fractions: whole numbers took
# minutes for a book of 3,000 customers with twice the duties that fit, fractions a tenth of a second.
MAX_WHOLE_PAIRS = 60


@dataclass(frozen=True)
class CallTasks:
    """Calls to schedule, one a customer; n of them.

    Args:
        value: Expected value of each call, shape (n,).
        minutes: Length of each call, at least 1, shape (n,).
        first_day: Number of the first day on which the call may be made, shape (n,).
        last_day: Number of the last one, shape (n,).
        deadline: Number of the day by which the call must be made, `NEVER` where it is no duty, shape (n,).
        weight: Cost of missing that deadline, from 1, shape (n,).
    """

    value: Floats
    minutes: Integers
    first_day: Integers
    last_day: Integers
    deadline: Integers
    weight: Integers

    @property
    def is_duty(self) -> Mask:
        """Calls with a deadline, shape (n,)."""
        return self.deadline < NEVER

    def callable_on(self, day: int) -> Mask:
        """Return the calls that may be made on a day, shape (n,)."""
        return (self.first_day <= day) & (day <= self.last_day)


def schedule(tasks: CallTasks, capacity: Integers, days: int | None = None) -> Integers:
    """Return the number of the day of each call, `NO_DAY` where it has none, shape (n,).

    Of all plans it is one with the smallest weight of missed deadlines; among these with the greatest value
    on the first day, then, with that day settled, on the second, and so on. Calls without value are not made,
    except duties.

    Args:
        tasks: The calls.
        capacity: Minutes of each working day.
        days: Number of days that are asked for; deadlines count on all of them.
    """
    found = np.full(len(tasks.value), NO_DAY, np.int64)
    for day in range(len(capacity) if days is None else days):
        found[_Choice(tasks, capacity, day, found == NO_DAY).chosen] = day
    return found


def fits(tasks: CallTasks, duties: Integers, capacity: Integers, start: int) -> bool:
    """Return whether duties fit into the days from `start` on, placed one by one by their deadlines.

    Another order might find room where this one finds none.
    """
    room = capacity.copy()
    order = duties[np.lexsort((-tasks.minutes[duties], tasks.deadline[duties]))]
    for duty in order.tolist():
        first = max(start, int(tasks.first_day[duty]))
        last = min(int(tasks.deadline[duty]), int(tasks.last_day[duty]), len(room) - 1)
        days = np.flatnonzero(room[first : last + 1] >= tasks.minutes[duty])
        if not len(days):
            return False
        room[first + days[0]] -= tasks.minutes[duty]
    return True


@dataclass(frozen=True)
class _DutyGroups:
    """Open duties in groups of equal length, deadline, weight and days; G groups.

    Duties of a group take each other's place, so that their numbers are enough for later days.

    Args:
        duties: The open duties, shape (k,).
        group: Group of each, shape (k,).
        first: A duty of each group, shape (G,).
        count: Number of duties of each group, shape (G,).
    """

    duties: Integers
    group: Integers
    first: Integers
    count: Integers

    @classmethod
    def of(cls, tasks: CallTasks, duties: Integers) -> _DutyGroups:
        """Group open duties."""
        columns = (tasks.minutes, tasks.deadline, tasks.weight, tasks.first_day, tasks.last_day)
        keys = np.stack([column[duties] for column in columns], axis=1).astype(np.int64)
        _, first, group, count = np.unique(
            keys, axis=0, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(duties, group.ravel().astype(np.int64), duties[first], count.astype(np.int64))


@dataclass(frozen=True)
class _Choice:
    """The calls of one day, when those of the days before are settled.

    It is a mixed integer program. Variables: a call is made on this day (x); the number of duties of a group
    that are done on a later day (y); the number that are missed (m).
    """

    tasks: CallTasks
    capacity: Integers
    day: int
    open: Mask

    @cached_property
    def duties(self) -> Integers:
        """Open duties whose deadline has not passed."""
        return np.flatnonzero(self.open & self.tasks.is_duty & (self.tasks.deadline >= self.day))

    @cached_property
    def groups(self) -> _DutyGroups:
        """Open duties that bind today's choice: those of today, and of all days where room may be short.

        Where all the others fit into later days, so do those that are left whatever is chosen today.
        """
        is_later = self.tasks.deadline[self.duties] > self.day
        free = fits(self.tasks, self.duties[is_later], self.capacity, self.day + 1)
        return _DutyGroups.of(self.tasks, self.duties[~is_later] if free else self.duties)

    @cached_property
    def group_of(self) -> Integers:
        """Group of each call; -1 for calls that are no open duty, shape (n,)."""
        found = np.full(len(self.tasks.value), -1, np.int64)
        found[self.groups.duties] = self.groups.group
        return found

    @cached_property
    def eligible(self) -> Integers:
        """Calls that may be among the best of the day: of each length and group the best that fit."""
        tasks, minutes = self.tasks, int(self.capacity[self.day])
        able = self.open & tasks.callable_on(self.day) & (tasks.minutes <= minutes)
        able &= (self.group_of >= 0) | (tasks.value > 0)
        rows = np.flatnonzero(able)
        order = rows[np.lexsort((-tasks.value[rows], tasks.minutes[rows], self.group_of[rows]))]
        same = np.stack([self.group_of[order], tasks.minutes[order]])
        starts = np.r_[True, (same[:, 1:] != same[:, :-1]).any(axis=0)] if len(order) else np.zeros(0, bool)
        place = np.arange(len(order)) - np.flatnonzero(starts)[np.cumsum(starts) - 1]
        return np.sort(order[place < minutes // tasks.minutes[order]])

    @cached_property
    def later(self) -> tuple[Integers, Integers]:
        """Pairs of a group and a later day on which its duties are in time."""
        days, tasks, first = np.arange(self.day + 1, len(self.capacity)), self.tasks, self.groups.first
        able = (
            (tasks.first_day[first][:, None] <= days)
            & (days <= tasks.last_day[first][:, None])
            & (days <= tasks.deadline[first][:, None])
            & (tasks.minutes[first][:, None] <= self.capacity[days])
        )
        group, column = np.nonzero(able)
        return group, days[column]

    @property
    def chosen(self) -> Integers:
        """Calls of the day."""
        if not len(self.eligible):
            return self._filled(self.eligible)
        if not len(self.later[0]):
            return self._filled(self.eligible[self._packed])
        return self._filled(self._solved())

    @property
    def _packed(self) -> Mask:
        """Eligible calls of the day where no duty can be done later: a knapsack, without the solver's 0.3 s.

        A duty that is done is worth its value and the weight that it would cost to miss it.
        """
        group, costs = self.group_of[self.eligible], self._costs()
        own, missed = costs[: len(group)], costs[len(group) :]
        worth = np.where(group >= 0, missed[group] if len(missed) else 0.0, 0.0) - own
        return packed(worth, self.tasks.minutes[self.eligible], int(self.capacity[self.day]))

    def _solved(self) -> Integers:
        """Return the calls of the day by a mixed integer program."""
        from scipy.optimize import Bounds, milp  # noqa: PLC0415 - 0.3 s, for days that bind each other

        x, (group, _) = len(self.eligible), self.later
        count = self.groups.count
        whole = len(group) <= MAX_WHOLE_PAIRS
        result = milp(
            self._costs(),
            integrality=np.r_[np.ones(x), np.full(len(group) + len(count), int(whole))],
            bounds=Bounds(0.0, np.r_[np.ones(x), count[group], count].astype(float)),
            constraints=[self._room(), self._in_time()],
            options={"mip_rel_gap": 0.0},
        )
        if result.x is None:  # pragma: no cover - missing every duty is always a solution
            raise AssertionError(result.message)
        return np.asarray(self.eligible[result.x[:x] > 0.5], np.int64)

    def _costs(self) -> Floats:
        """Return the cost of each variable; all values of a day together weigh less than one missed duty."""
        value = self.tasks.value[self.eligible]
        total = max(float(np.maximum(value, 0.0).sum()), 1e-12)
        missed = self.tasks.weight[self.groups.first].astype(np.float64)
        return np.concatenate([-0.5 * value / total, np.zeros(len(self.later[0])), missed])

    def _room(self) -> LinearConstraint:
        """Return that the calls of this day, and the duties of each later day, fit into its minutes."""
        from scipy.optimize import LinearConstraint  # noqa: PLC0415 - with the solver alone
        from scipy.sparse import csr_array  # noqa: PLC0415

        group, days = self.later
        own = self.tasks.minutes[self.eligible]
        minutes = np.concatenate([own, self.tasks.minutes[self.groups.first[group]]]).astype(float)
        rows = np.concatenate([np.zeros(len(own), np.int64), days - self.day])
        shape = (len(self.capacity) - self.day, len(self._costs()))
        matrix = csr_array((minutes, (rows, np.arange(len(minutes)))), shape)
        return LinearConstraint(matrix, -np.inf, self.capacity[self.day :].astype(float))

    def _in_time(self) -> LinearConstraint:
        """Return that all duties of a group are done today, on later days in time, or counted as missed."""
        from scipy.optimize import LinearConstraint  # noqa: PLC0415 - with the solver alone
        from scipy.sparse import csr_array  # noqa: PLC0415

        (group, _), x, groups = self.later, len(self.eligible), len(self.groups.count)
        own = self.group_of[self.eligible]
        today = np.flatnonzero(own >= 0)
        rows = np.concatenate([own[today], group, np.arange(groups)])
        columns = np.concatenate([today, x + np.arange(len(group) + groups)])
        matrix = csr_array((np.ones(len(rows)), (rows, columns)), (groups, len(self._costs())))
        return LinearConstraint(matrix, self.groups.count.astype(float), np.inf)

    def _filled(self, chosen: Integers) -> Integers:
        """Return the same with duties that fit into minutes that are left, the earliest deadline first."""
        left = int(self.capacity[self.day] - self.tasks.minutes[chosen].sum())
        able = np.setdiff1d(self.duties[self.tasks.callable_on(self.day)[self.duties]], chosen)
        found = chosen.tolist()
        for duty in able[np.argsort(self.tasks.deadline[able], kind="stable")].tolist():
            if self.tasks.minutes[duty] <= left:
                found.append(duty)
                left -= int(self.tasks.minutes[duty])
        return np.array(sorted(found), np.int64)
