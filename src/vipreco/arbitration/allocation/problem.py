"""An allocation problem: values of customers and options, and the limits that they share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vipreco.errors import UsageError

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Numbers = NDArray[np.int32]
ROUNDING = 1e-6
NOBODY = -1
"""The option of a customer who gets none."""


@dataclass(frozen=True)
class Limit:
    """Limits of one kind, one for each group of customers: seats of a channel, minutes of each manager.

    Args:
        name: As shown beside its price.
        use: What a customer with an option uses of it, shape (options,), not negative.
        capacity: Most that each group may use, shape (groups,); infinite where there is no limit.
        minimum: Minimum that each group has to use, shape (groups,).
        group: Group of each customer, shape (n,); None = one group for all.
    """

    name: str
    use: Singles
    capacity: Floats
    minimum: Floats
    group: Numbers | None = None

    @classmethod
    def of(
        cls,
        name: str,
        use: NDArray[np.generic],
        capacity: NDArray[np.generic] | float,
        group: NDArray[np.generic] | None = None,
        minimum: NDArray[np.generic] | float = 0.0,
    ) -> Limit:
        """Make a limit of plain arrays or single numbers."""
        most = np.atleast_1d(np.asarray(capacity, np.float64))
        return cls(
            name,
            np.asarray(use, np.float32),
            most,
            np.broadcast_to(np.asarray(minimum, np.float64), most.shape).copy(),
            None if group is None else np.asarray(group, np.int32),
        )

    def whole(self) -> Limit:
        """Return the same limit with amounts that can be used: 50 minutes are 45 where a call takes 15."""
        grain = _grain(self.use)
        if grain == 0:
            return self
        capacity = np.floor(self.capacity / grain + ROUNDING) * grain
        minimum = np.minimum(np.ceil(self.minimum / grain - ROUNDING) * grain, capacity)
        return replace(self, capacity=capacity, minimum=minimum)

    def split(self, share: float) -> tuple[Limit, Limit]:
        """Return the rest of the limit and a share of it, in amounts that can be used; together they are it.

        What groups get more or less by that evens out from one to the next: all together have the share.
        """
        grain = _grain(self.use)
        capacity = np.where(np.isfinite(self.capacity), _shared(self.capacity, share, grain), np.inf)
        rest = np.where(np.isfinite(self.capacity), self.capacity - capacity, np.inf)
        minimum = np.minimum(_shared(self.minimum, share, grain), capacity)
        left = np.minimum(self.minimum - minimum, rest)
        return replace(self, capacity=rest, minimum=left), replace(self, capacity=capacity, minimum=minimum)

    def groups(self, rows: NDArray[np.intp]) -> NDArray[np.integer]:
        """Return the group of each of some customers."""
        return np.zeros(len(rows), np.int32) if self.group is None else self.group[rows]

    def used(self, choice: Numbers) -> Floats:
        """Return what each group uses under a choice of options, shape (groups,)."""
        rows = np.flatnonzero(choice != NOBODY)
        amounts = self.use[choice[rows]].astype(np.float64)
        return np.bincount(self.groups(rows), amounts, len(self.capacity)).astype(np.float64)

    def prices(self, net: Floats, rows: slice | NDArray[np.intp]) -> Singles:
        """Return what each option costs each of some customers at a net price of each group."""
        if self.group is None:
            return (self.use * np.float32(net[0]))[None, :]
        return np.asarray(net.astype(np.float32)[self.group[rows], None] * self.use[None, :])


def _shared(amounts: Floats, share: float, grain: float) -> Floats:
    """Return a share of each amount, as multiples of a grain whose running sum has the share too."""
    finite = np.where(np.isfinite(amounts), amounts, 0.0)
    if grain == 0:
        return np.asarray(finite * share)
    usable = np.floor(finite / grain + ROUNDING)
    upto = np.round(usable.cumsum() * share)
    parts = np.clip(np.diff(upto, prepend=0.0), 0.0, usable)
    return np.asarray(parts * grain)


def _grain(use: Singles) -> float:
    """Return the largest amount of which every use is a multiple; 0 where there is none to speak of."""
    thousandths = np.round(use.astype(np.float64) * 1_000)
    if not np.allclose(thousandths, use.astype(np.float64) * 1_000, atol=1e-3) or not thousandths.any():
        return 0.0
    return float(np.gcd.reduce(thousandths.astype(np.int64))) / 1_000


@dataclass(frozen=True)
class Problem:
    """The choice of at most one option for each customer, so that the value is largest within the limits.

    Args:
        values: Value of each customer and option, shape (n, options); not finite where it is not allowed.
        limits: The limits.

    Raises:
        UsageError: A limit does not fit the values, or is negative.
    """

    values: Singles
    limits: tuple[Limit, ...]

    def __post_init__(self) -> None:
        wrong = [limit.name for limit in self.limits if not self._fits(limit)]
        if wrong:
            raise UsageError(
                "a limit does not fit the customers and options, or is negative",
                where=", ".join(wrong),
                remedy="give it a use of each option, and a capacity of at least the minimum for each group",
                code="allocation-limit",
            )

    def _fits(self, limit: Limit) -> bool:
        customers, options = self.values.shape
        grouped = limit.group is None or (
            limit.group.shape == (customers,)
            and (customers == 0 or 0 <= limit.group.min() <= limit.group.max() < len(limit.capacity))
        )
        amounts = (limit.use, limit.capacity, limit.minimum)
        return bool(
            limit.use.shape == (options,)
            and grouped
            and all((amount >= 0).all() for amount in amounts)
            and (limit.minimum <= limit.capacity).all()
        )

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Return the pairs that may be chosen, shape (n, options)."""
        return np.isfinite(self.values)

    def total_value(self, choice: Numbers) -> float:
        """Return the value of a choice of options."""
        rows = np.flatnonzero(choice != NOBODY)
        return float(self.values[rows, choice[rows]].sum(dtype=np.float64))

    def excess(self, choice: Numbers) -> float:
        """Return the largest amount by which a limit is overused, 0 if none is."""
        over = [np.max(limit.used(choice) - limit.capacity, initial=0.0) for limit in self.limits]
        return float(max(over, default=0.0))

    def shortfall(self, choice: Numbers) -> dict[str, Floats]:
        """Return by how much each group stays below its minimum, for the limits where one does."""
        short = {limit.name: np.maximum(limit.minimum - limit.used(choice), 0) for limit in self.limits}
        return {name: missing for name, missing in short.items() if missing.any()}
