"""Assignment of offers: control group first, then random offers, then the best use of the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration import NOBODY, Allocation, Limit, Problem, allocate
from vipreco.campaign.arms import Arm, in_control
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import CHUNK, EligibleCustomers
from vipreco.campaign.limits import CampaignLimit, limits_of, within
from vipreco.folds import draws

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Numbers = NDArray[np.int32]
Mask = NDArray[np.bool_]
MAX_EXPLORED = 0.5
"""Share of a limit that random offers may take, in expectation."""
TOLERANCE = 1e-6
Allocate = Callable[..., Allocation]


@dataclass(frozen=True)
class Assignment:
    """Arm and offer of each eligible customer.

    Args:
        arm: Name of the arm, shape (n,).
        choice: Option that is offered, -1 = none; of the control group the one that would be, shape (n,).
        favourite: Option that the prices alone give, -1 = none, shape (n,).
        arm_probability: Chance of the arm by design, shape (n,).
        action_probability: Chance of the option among those who are not in control; NaN without one,
            shape (n,).
        limits: The limits.
        used: What each group of each limit uses.
        rows: Rows of the customers neither in control nor explored, shape (m,).
        left: The limits that are left for them.
        allocation: Of those who are neither in control nor explored.
        value: Expected value of all offers, random ones included.
        exploration: Random offers that were asked for and made, and what stood between.
    """

    arm: NDArray[np.str_]
    choice: Numbers
    favourite: Numbers
    arm_probability: Floats
    action_probability: Floats
    limits: tuple[CampaignLimit, ...]
    used: tuple[Floats, ...]
    rows: NDArray[np.intp]
    left: tuple[Limit, ...]
    allocation: Allocation
    value: float
    exploration: Exploration

    @property
    def offered(self) -> Mask:
        """Flags of the customers with an offer, shape (n,)."""
        return np.asarray((self.arm == Arm.OFFERED) | (self.arm == Arm.EXPLORED))


@dataclass(frozen=True)
class Exploration:
    """Random offers of a campaign: what was asked for, what was made, and the reason for what lies between.

    Args:
        requested: Customers who would get one if nothing stood in the way: the share of the treated.
        made: Customers who got one.
        limits: Customers who go without one, in expectation, by the limit that is tightest for their option:
            random offers take at most `MAX_EXPLORED` of any limit. The rest is the luck of the draw.
    """

    requested: float
    made: int
    limits: Mapping[str, float]


def assign(
    eligible: EligibleCustomers,
    campaign: Campaign,
    salt: str,
    solve: Allocate = allocate,
    limits: tuple[CampaignLimit, ...] | None = None,
) -> Assignment:
    """Return the offer of each eligible customer.

    Args:
        eligible: The customers and their options.
        campaign: Limits and shares.
        salt: Of the bank's draws.
        solve: Finds the allocation.
        limits: In place of those of the campaign: what these customers have of them.
    """
    ids = eligible.customers["customer_id"]
    limits = limits_of(campaign, eligible.options, eligible.customers) if limits is None else limits
    control = in_control(ids, salt, campaign.control_share)
    exploring = RandomOffers.among(eligible, campaign.exploration_share, limits, ~control)
    explored = exploring.drawn(draws(ids, salt, f"explore {campaign.key}"))
    rows = np.flatnonzero(~control & (explored == NOBODY))
    used = [one.limit.used(explored) for one in limits]
    left = within(limits, used, rows)
    allocation = solve(Problem(eligible.net[rows], left))
    favourite = _favourites(eligible.net, limits, allocation)
    choice = explored.copy()
    choice[rows] = allocation.choice
    final = tuple(one.limit.used(choice) for one in limits)
    value = Problem(eligible.net, ()).total_value(choice)
    choice[control] = favourite[control]
    arm = _arms(control, explored != NOBODY, choice != NOBODY)
    share = campaign.control_share
    return Assignment(
        arm=arm,
        choice=choice,
        favourite=favourite,
        arm_probability=np.where(control, share, (1 - share) * exploring.arm_chance(explored != NOBODY)),
        action_probability=exploring.chance(choice, explored == NOBODY, favourite, ~control),
        limits=limits,
        used=final,
        rows=rows,
        left=left,
        allocation=allocation,
        value=value,
        exploration=exploring.reached(explored),
    )


def _arms(control: Mask, explored: Mask, has_offer: Mask) -> NDArray[np.str_]:
    names = np.array([Arm.UNALLOCATED, Arm.OFFERED, Arm.EXPLORED, Arm.CONTROL])
    place = np.where(control, 3, np.where(explored, 2, np.where(has_offer, 1, 0)))
    return np.asarray(names[place], np.str_)


def _favourites(net: Singles, limits: Sequence[CampaignLimit], allocation: Allocation) -> Numbers:
    """Return the option that the prices alone give each customer, whoever is in control, shape (n,)."""
    found = np.full(len(net), NOBODY, np.int32)
    if net.shape[1] == 0:
        return found
    for rows in _chunks(len(net)):
        reduced = net[rows].copy()
        for one in limits:
            reduced -= one.limit.prices(allocation.prices[one.limit.name], rows)
        best = reduced.argmax(axis=1).astype(np.int32)
        gains = reduced[np.arange(len(best)), best] > 0
        found[rows] = np.where(gains, best, np.int32(NOBODY))
    return found


@dataclass(frozen=True)
class RandomOffers:
    """Random offers: each allowed option of a treated customer has the same chance, less where seats are few.

    In expectation random offers take at most half of any limit. By how much their chances are lowered for
    that follows from what is allowed, before anything is drawn, so the chance of every option is known.

    Args:
        eligible: The customers and their options.
        share: Share of the treated customers.
        limits: The limits.
        treated: Who is not in control, shape (n,).
        scales: By how much the chance is lowered for each group of each limit.
    """

    eligible: EligibleCustomers
    share: float
    limits: tuple[CampaignLimit, ...]
    treated: Mask
    scales: tuple[Floats, ...]

    @classmethod
    def among(
        cls, eligible: EligibleCustomers, share: float, limits: tuple[CampaignLimit, ...], treated: Mask
    ) -> RandomOffers:
        """Return the design for the eligible customers."""
        plain = cls(eligible, share, limits, treated, tuple(np.ones(len(one.groups)) for one in limits))
        return replace(plain, scales=plain._fitting()) if plain.happens else plain

    @property
    def happens(self) -> bool:
        """True if any random offer can be drawn."""
        return self.share > 0 and self.eligible.net.size > 0

    def drawn(self, draw: Floats) -> Numbers:
        """Return the option that a draw gives each customer, -1 = none, shape (n,)."""
        found = np.full(len(self.eligible), NOBODY, np.int32)
        if not self.happens:
            return found
        for rows in _chunks(len(found)):
            upto = self._weights(rows).cumsum(axis=1)
            place = (upto <= draw[rows, None]).sum(axis=1)
            found[rows] = np.where((place < upto.shape[1]) & self.treated[rows], place, NOBODY)
        return _within_limits(found, self.limits, draw)

    def reached(self, made: Numbers) -> Exploration:
        """Return how many random offers were asked for and made, and what each limit took."""
        lost = {one.limit.name: 0.0 for one in self.limits}
        for rows in _chunks(len(self.eligible)) if self.happens else ():
            even, factor, binding = self._lowered(rows)
            taken = even * (1.0 - factor) * self.treated[rows, None]
            for place, one in enumerate(self.limits):
                lost[one.limit.name] += float(taken[binding == place].sum())
        return Exploration(
            requested=self.share * int(self.treated.sum()),
            made=int((made != NOBODY).sum()),
            limits={name: amount for name, amount in lost.items() if amount > TOLERANCE},
        )

    def arm_chance(self, explored: Mask) -> Floats:
        """Return the chance that a treated customer is explored, or is not, as drawn, shape (n,)."""
        total = np.zeros(len(self.eligible))
        if self.happens:
            for rows in _chunks(len(total)):
                total[rows] = self._weights(rows).sum(axis=1)
        return np.where(explored, total, 1 - total)

    def chance(self, choice: Numbers, best: Mask, favourite: Numbers, treated: Mask) -> Floats:
        """Return the chance of each customer's option among the treated; NaN without an option, shape (n,).

        An option can come about by the draw, and as the best one when nothing is drawn.
        """
        found = np.full(len(self.eligible), np.nan)
        as_best = (best | (choice == favourite)).astype(np.float64)
        if not self.happens:
            found[:] = as_best
        for rows in _chunks(len(found)) if self.happens else ():
            weights = self._weights(rows)
            own = weights[np.arange(len(weights)), np.maximum(choice[rows], 0)]
            found[rows] = own + (1 - weights.sum(axis=1)) * as_best[rows]
        return np.where((choice == NOBODY) | ~treated, np.nan, found)

    def _weights(self, rows: slice) -> Floats:
        """Return the chance of each option to be drawn, shape (rows, options)."""
        even, factor, _ = self._lowered(rows)
        return np.asarray(even * factor, np.float64)

    def _lowered(self, rows: slice) -> tuple[Floats, Floats, Numbers]:
        """Return even chances, the factor that limits put on each, and which limit does, -1 = none."""
        allowed = self.eligible.net[rows] > -np.inf
        even = allowed * (self.share / np.maximum(allowed.sum(axis=1, keepdims=True), 1))
        factor, binding = np.ones_like(even), np.full(even.shape, NOBODY, np.int32)
        for place, (one, scale) in enumerate(zip(self.limits, self.scales, strict=True)):
            own = scale[:1] if one.limit.group is None else scale[one.limit.group[rows]]
            wanted = np.where(one.limit.use[None, :] > 0, own[:, None], 1.0)
            binding[wanted < factor] = place
            np.minimum(factor, wanted, out=factor)
        return even, factor, binding

    def _fitting(self) -> tuple[Floats, ...]:
        wanted = [np.zeros(len(one.groups)) for one in self.limits]
        for rows in _chunks(len(self.eligible)):
            weights = self._weights(rows) * self.treated[rows, None]
            for place, one in enumerate(self.limits):
                use = weights @ one.limit.use.astype(np.float64)
                group = np.zeros(len(use), np.int32) if one.limit.group is None else one.limit.group[rows]
                wanted[place] += np.bincount(group, use, len(one.groups))
        return tuple(
            np.minimum(1.0, MAX_EXPLORED * one.limit.capacity / np.maximum(amount, TOLERANCE))
            for one, amount in zip(self.limits, wanted, strict=True)
        )


def _within_limits(drawn: Numbers, limits: Sequence[CampaignLimit], draw: Floats) -> Numbers:
    """Take random offers back, the latest drawn first, where chance overran a limit."""
    for one in limits:
        rows = np.flatnonzero((drawn != NOBODY) & (one.limit.use[drawn] > 0))
        groups = one.limit.groups(rows)
        order = np.lexsort((draw[rows], groups))
        use = one.limit.use[drawn[rows[order]]].astype(np.float64)
        upto = np.cumsum(use)
        first = np.flatnonzero(np.diff(groups[order], prepend=-1))
        before = np.repeat(upto[first] - use[first], np.diff(first, append=len(order)))
        over = upto - before > one.limit.capacity[groups[order]] + TOLERANCE
        drawn[rows[order[over]]] = NOBODY
    return drawn


def _chunks(customers: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, customers)) for start in range(0, customers, CHUNK))
