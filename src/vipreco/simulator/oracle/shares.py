"""Earnings of each arm under the true chances, and their share of the oracle's.

Two rewards of an offer: its true chance (expected acquisitions), and that times the product's value
(expected money). Two ways to spend effort: every customer is shown a list of the first k offers
(`list`), or the share of customers whose first offer ranks highest is called about it (`calls`).
The oracle orders by the reward itself. All arms have the same allowed pairs and the same rules of the slate
(families, exclusive pairs): with those of the simulated catalogue no arm can be above the oracle.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration import SlateRules, slate
from vipreco.simulator.oracle.arms import Arm, ScoredPairs

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Effort(StrEnum):
    """Ways of a bank to spend its effort."""

    LIST = "list"
    CALLS = "calls"


class Unit(StrEnum):
    """Units of a reward."""

    MONEY = "money"
    ACQUISITIONS = "acquisitions"


PARTS = ("all", "VIP", "others")


@dataclass(frozen=True)
class Truth:
    """True chance of each acquisition (n, P), and value of each product (P,), of `ScoredPairs`."""

    chance: Floats
    values: Floats

    def reward(self, unit: Unit) -> Floats:
        """Return what offering each pair brings in expectation, shape (n, P)."""
        return self.chance * self.values if unit is Unit.MONEY else self.chance


@dataclass(frozen=True)
class Spending:
    """Offers that a customer is shown, and share of the customers who are called."""

    list_length: int
    call_rate: float


Key = tuple[Effort, Unit, str]
Earned = Mapping[Arm, Floats]


def earned(known: ScoredPairs, truth: Truth, spending: Spending) -> dict[Key, dict[Arm, Floats]]:
    """Return what each arm earns with each customer, by effort, unit and part of the customers.

    Returns:
        (effort, unit, part) -> arm -> expected reward, one value a customer of the part.
    """
    return {
        (effort, unit, part): {
            arm: _earned_by(effort, order, reward, known.slate_rules, spending)
            for arm, order, reward in _orders(known, truth, unit, rows)
        }
        for effort in Effort
        for unit in Unit
        for part, rows in parts_of(known.vip).items()
    }


def parts_of(vip: Flags) -> dict[str, Flags]:
    """Return the customers of each part: all, VIP, others."""
    return dict(zip(PARTS, (np.ones_like(vip), vip, ~vip), strict=True))


def _orders(
    known: ScoredPairs, truth: Truth, unit: Unit, rows: Flags
) -> Iterator[tuple[Arm, Floats, Floats]]:
    """Give each arm with what it orders the allowed pairs of some customers by, and their reward."""
    reward = truth.reward(unit)
    for arm, score in {Arm.ORACLE: reward, **known.scores}.items():
        order = np.where(known.allowed, score, -np.inf)
        yield arm, order[rows], reward[rows]


def _earned_by(
    effort: Effort, order: Floats, reward: Floats, rules: SlateRules, spending: Spending
) -> Floats:
    if effort is Effort.LIST:
        return listed_reward(order, reward, rules, spending.list_length)
    return called_reward(order, reward, spending.call_rate)


def listed_reward(order: Floats, reward: Floats, rules: SlateRules, length: int) -> Floats:
    """Return the sum of rewards of each customer's slate, shape (n,).

    Args:
        order: Higher comes first, minus infinity is not offered, shape (n, P); equal ones keep the
            catalogue's order.
        reward: Of each pair, shape (n, P).
        rules: What a slate may look like; the least priority is for the decision alone and plays no part.
        length: Offers of a list.
    """
    places = slate(order, order > -np.inf, replace(rules, min_priority=-np.inf), length)
    return np.asarray((reward * (places > 0)).sum(axis=1))


def called_reward(order: Floats, reward: Floats, rate: float) -> Floats:
    """Return the reward of the first offer of those who are called, 0 for the others, shape (n,).

    Called is the share `rate` of the customers (rounded up) whose first offer ranks highest; of equal
    customers each has the same chance, so they share the calls that are left.
    """
    best = order.max(axis=1)
    first = reward[np.arange(len(order)), order.argmax(axis=1)] * (best > -np.inf)
    calls = int(np.ceil(rate * len(best)))
    if not calls:
        return np.zeros(0)
    line = np.sort(best)[-calls]
    above, level = best > line, best == line
    return np.asarray(first * (above + level * (calls - above.sum()) / level.sum()))
