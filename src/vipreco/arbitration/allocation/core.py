"""The last step to the optimum: an exact linear program over the customers who are close to indifferent.

At good prices upper customers are far from indifferent: whatever the exact prices are, they take the same
option. Those are fixed. What is left of the limits is divided among the others by HiGHS, whose dual values
are better prices, and whose solution is nearly whole: at most as many customers are divided as there are
limits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, linprog, milp
from scipy.sparse import coo_array, csr_array

from vipreco.arbitration.allocation.dual import Dual, Part
from vipreco.arbitration.allocation.problem import NOBODY, Floats, Numbers, Singles
from vipreco.arbitration.allocation.repair import favourites

EACH, ALL = 16, 400
"""Customers of the core: so many for the price of each group, or for a price that is the same for all."""
FULL_PAIRS = 10_000
"""Up to so many pairs everybody is in the core."""
WHOLE_PAIRS = 2_000
"""Up to so many pairs the program is solved in whole numbers."""
NODES = 1_000
POLISHED = 200
"""Customers among whom the last value is looked for in whole numbers."""
HALF = 0.5
FAR, ALMOST = 1e3, 0.999


@dataclass(frozen=True)
class Core:
    """The customers close to indifferent at some prices, and their options that come into question.

    Args:
        dual: The problem.
        prices: Where they are close to indifferent, shape (variables,).
        choice: Option of everybody at these prices, shape (n,).
        rows: Customer of each pair.
        options: Option of each pair.
        reach: How far each price may go before others change their minds, shape (variables,).
    """

    dual: Dual
    prices: Floats
    choice: Numbers
    rows: NDArray[np.intp]
    options: NDArray[np.intp]
    reach: Floats

    @classmethod
    def at(cls, dual: Dual, prices: Floats, stretch: Floats) -> Core:
        """Return the core at some prices: for each price the customers whom it is about to move.

        Args:
            dual: The problem.
            prices: Where they are close to indifferent, shape (variables,).
            stretch: How many times farther than that each price may go, shape (variables,).
        """
        priced = dual.priced(prices)

        def look(rows: slice) -> tuple[Numbers, Singles]:
            reduced = priced.taken_from(dual.table[:, rows], rows)
            return favourites(reduced), _distances(dual, reduced)

        found = dual.each(look)
        choice = np.concatenate([one[0] for one in found])
        distances = np.concatenate([one[1] for one in found], axis=1)
        if np.isfinite(dual.table).sum() <= FULL_PAIRS:
            near = np.ones(dual.customers, bool)
            widths = [np.full(len(part.limit.capacity), np.inf) for part in dual.parts]
        else:
            picked = [
                _nearest(part, own, dual.scale) for part, own in zip(dual.parts, distances, strict=True)
            ]
            near = np.any([rows for rows, _ in picked], axis=0)
            widths = [width for _, width in picked]
        members = np.flatnonzero(near)
        reduced = priced.taken_from(dual.table[:, members], members)
        own = np.max(
            [width[_group(part, members)] for part, width in zip(dual.parts, widths, strict=True)], axis=0
        )
        options, places = np.nonzero((reduced >= reduced.max(axis=0, initial=0) - own) & np.isfinite(reduced))
        order = np.lexsort((options, places))
        reach = stretch * _reach(dual, widths)
        return cls(dual, prices, choice, members[places[order]], options[order], reach)

    def solved(self) -> tuple[Numbers, Floats]:
        """Return the options of all customers, close to the best ones, and better prices (variables,).

        The prices stay so close to those before that nobody outside of the core changes their mind: going
        beyond a limit costs the highest such price, and what is left unused brings the lowest.
        """
        fixed = self.choice.copy()
        fixed[self.rows] = NOBODY
        table, upper = self._limits(fixed)
        worth = self.dual.table[self.options, self.rows].astype(np.float64)
        owner, count = self._owners()
        high, low = self.prices + self.reach, np.maximum(self.prices - self.reach, 0)
        cost = np.concatenate([-worth, high, -low])
        matrix = _stacked(table, owner, count)
        right = np.concatenate([upper, np.ones(count)])
        found = linprog(cost, matrix, right, bounds=(0, None), method="highs")
        if found.x is None:
            return self.choice, self.prices
        share = found.x[: len(worth)]
        if len(worth) <= WHOLE_PAIRS:
            better = _whole(-worth, table, upper, owner, NODES)
            share = share if better is None else better
        taken = share > HALF
        fixed[self.rows[taken]] = self.options[taken]
        return fixed, np.maximum(-found.ineqlin.marginals[: table.shape[0]], 0)

    def at_edge(self, prices: Floats) -> NDArray[np.bool_]:
        """Return which prices went as far as they may, shape (variables,)."""
        return np.asarray(np.abs(prices - self.prices) >= ALMOST * self.reach)

    @classmethod
    def around(cls, dual: Dual, prices: Floats, choice: Numbers) -> Core:
        """Return a small core: who has not got the best at the prices, and who is closest to indifferent."""
        priced = dual.priced(prices)

        def look(rows: slice) -> NDArray[np.float32]:
            reduced = priced.taken_from(dual.table[:, rows], rows)
            return np.where(favourites(reduced) == choice[rows], _margins(reduced), np.float32(-1))

        margins = np.concatenate(dual.each(look))
        count = min(POLISHED, dual.customers)
        members = np.sort(np.argpartition(margins, count - 1)[:count])
        reduced = priced.taken_from(dual.table[:, members], members)
        width = max(float(margins[members].max()), 1e-6 * dual.scale)
        near = reduced >= reduced.max(axis=0, initial=0) - 2 * width
        mine = choice[members]
        near[mine[mine != NOBODY], np.flatnonzero(mine != NOBODY)] = True
        options, places = np.nonzero(near & np.isfinite(reduced))
        order = np.lexsort((options, places))
        return cls(dual, prices, choice, members[places[order]], options[order], np.zeros(dual.variables))

    def polished(self) -> Numbers:
        """Return options (n,) that are at least as good, with everybody outside of the core as they are."""
        fixed = self.choice.copy()
        fixed[self.rows] = NOBODY
        table, upper = self._limits(fixed)
        worth = self.dual.table[self.options, self.rows].astype(np.float64)
        found = _whole(-worth, table, upper, self._owners()[0], NODES)
        if found is None:
            return self.choice
        taken = found > HALF
        fixed[self.rows[taken]] = self.options[taken]
        return fixed

    def _owners(self) -> tuple[NDArray[np.intp], int]:
        members, owner = np.unique(self.rows, return_inverse=True)
        return owner.astype(np.intp), len(members)

    def _limits(self, fixed: Numbers) -> tuple[csr_array, Floats]:
        """Return the rows of the limits over the pairs, and what is left for them."""
        rows, columns = [np.zeros(0, np.intp)], [np.zeros(0, np.intp)]
        amounts, upper = [np.zeros(0)], [np.zeros(0)]
        for part in self.dual.parts:
            used = part.limit.used(fixed)
            limit = part.limit
            upper += [(limit.capacity - used)[part.capped], (used - limit.minimum)[part.wanted]]
            for numbers, sign, first in _sides(part):
                of_group = np.full(len(part.limit.capacity), -1)
                of_group[numbers] = np.arange(first, first + len(numbers))
                place = of_group[part.limit.groups(self.rows)]
                use = part.limit.use[self.options].astype(np.float64)
                hit = np.flatnonzero((place >= 0) & (use > 0)).astype(np.intp)
                rows.append(place[hit])
                columns.append(hit)
                amounts.append(sign * use[hit])
        shape = (self.dual.variables, len(self.rows))
        parts = (
            np.concatenate(amounts),
            (np.concatenate(rows), np.concatenate(columns)),
        )
        return coo_array(parts, shape=shape).tocsr(), np.concatenate(upper)


def _sides(part: Part) -> list[tuple[NDArray[np.intp], float, int]]:
    return [(part.capped, 1.0, part.start), (part.wanted, -1.0, part.start + len(part.capped))]


def _distances(dual: Dual, reduced: Singles) -> Singles:
    """Return how far each customer is from changing to or from each limit, shape (limits, rows)."""
    found = np.empty((len(dual.parts), reduced.shape[1]), np.float32)
    for place, part in enumerate(dual.parts):
        using = part.limit.use > 0
        with_it = reduced[using].max(axis=0, initial=-np.inf)
        found[place] = np.abs(with_it - reduced[~using].max(axis=0, initial=0))
    return found


def _group(part: Part, rows: NDArray[np.intp]) -> NDArray[np.integer]:
    return part.limit.groups(rows)


def _nearest(part: Part, distances: Singles, scale: float) -> tuple[NDArray[np.bool_], Floats]:
    """Return who is closest to changing to or from a limit, and the distance of the farthest by group."""
    groups, count = len(part.limit.capacity), EACH if part.limit.group is not None else ALL
    places = np.arange(len(distances))
    group = part.limit.groups(places)
    order = np.lexsort((distances, group))
    first = np.searchsorted(group[order], np.arange(groups))
    within = np.arange(len(order)) - first[group[order]]
    taken = order[(within < count) & np.isfinite(distances[order])]
    near = np.zeros(len(distances), bool)
    near[taken] = True
    width = np.full(groups, 1e-6 * scale)
    np.maximum.at(width, group[taken], distances[taken].astype(np.float64))
    return near, width


def _reach(dual: Dual, widths: list[Floats]) -> Floats:
    """Return how far each price may go, shape (variables,)."""
    touched = np.maximum(sum((part.limit.use > 0).astype(np.intp) for part in dual.parts), 1)
    far = FAR * float(dual.table.max(initial=dual.scale))
    found = [np.zeros(0)]
    for part, width in zip(dual.parts, widths, strict=True):
        largest = max(float((part.limit.use * touched).max(initial=0)), 1e-9)
        reach = np.where(np.isfinite(width), width / (2 * largest), far)
        found += [reach[part.capped], reach[part.wanted]]
    return np.concatenate(found)


def _margins(reduced: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return by how much the best of each customer (or none) is better than the second best."""
    with_none = np.concatenate([reduced, np.zeros((1, reduced.shape[1]), np.float32)])
    best = with_none.argmax(axis=0)
    places = np.arange(reduced.shape[1])
    top = with_none[best, places]
    with_none[best, places] = -np.inf
    return np.asarray(top - with_none.max(axis=0))


def _stacked(table: csr_array, owner: NDArray[np.intp], count: int) -> csr_array:
    """Return limits, with what is used beyond and what is left unused, above one row a customer."""
    pairs, limits = len(owner), table.shape[0]
    top, each = table.tocoo(), np.arange(limits)
    rows = np.concatenate([top.coords[0], each, each, limits + owner])
    columns = np.concatenate([top.coords[1], pairs + each, pairs + limits + each, np.arange(pairs)])
    amounts = np.concatenate([top.data, -np.ones(limits), np.ones(limits), np.ones(pairs)])
    return coo_array((amounts, (rows, columns)), shape=(limits + count, pairs + 2 * limits)).tocsr()


def whole(dual: Dual) -> Numbers | None:
    """Return the best options (n,) by branch and bound over all pairs, None if a minimum is out of reach."""
    options, rows = np.nonzero(np.isfinite(dual.table))
    everybody = np.full(dual.customers, NOBODY, np.int32)
    nothing = np.zeros(dual.variables)
    core = Core(dual, nothing, everybody, rows, options, nothing)
    table, upper = core._limits(everybody)
    worth = dual.table[options, rows].astype(np.float64)
    share = _whole(-worth, table, upper, rows, None)
    if share is None:
        return None
    taken = share > HALF
    everybody[rows[taken]] = options[taken]
    return everybody


def _whole(
    cost: Floats, table: csr_array, upper: Floats, owner: NDArray[np.intp], nodes: int | None
) -> Floats | None:
    """Return the best solution in whole numbers; None if none is found within so many nodes."""
    if not len(owner):
        return np.zeros(0)
    each = coo_array((np.ones(len(owner)), (owner, np.arange(len(owner))))).tocsr()
    limits = [LinearConstraint(table, -np.inf, upper)] if len(upper) else []
    found = milp(
        cost / max(float(np.abs(cost).max()), 1e-12),  # the solver is at its best with costs up to 1
        constraints=[*limits, LinearConstraint(each, -np.inf, 1)],
        integrality=np.ones(len(owner)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": 1e-8, **({} if nodes is None else {"node_limit": nodes})},
    )
    return None if found.x is None else np.asarray(found.x)
