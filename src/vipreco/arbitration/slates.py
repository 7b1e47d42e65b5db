"""The slate: each customer's offers in order, spread over families, no two that exclude each other."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Ranks = NDArray[np.int16]


class LeftOut(IntEnum):
    """Reasons for which an allowed product is not in the slate."""

    IN_SLATE = 0
    BELOW_MIN_PRIORITY = 1
    EXCLUDED_BY_OFFER = 2
    FAMILY_FULL = 3
    SLATE_FULL = 4


class NoAction(IntEnum):
    """Reasons for which a customer has no offer today."""

    HAS_OFFERS = 0
    ALL_STOPPED = 1
    BELOW_MIN_PRIORITY = 2


@dataclass(frozen=True)
class SlateRules:
    """Rules about the shape of a slate, for P products.

    Args:
        families: Number of each product's family, shape (P,).
        exclusive: Pairs that must not stand in one slate, symmetric, shape (P, P).
        per_family: Most offers of one family; 0 means any number.
        min_priority: Offers below it are not worth a call.
    """

    families: NDArray[np.intp]
    exclusive: Mask
    per_family: int = 0
    min_priority: float = 0.0

    @classmethod
    def of(
        cls, families: tuple[str, ...], exclusions: Mask, per_family: int = 0, min_priority: float = 0.0
    ) -> SlateRules:
        """Make the rules of a catalogue.

        Args:
            families: Family of each product; products without one are a family of their own each.
            exclusions: Row product must not be held together with column product, shape (P, P).
            per_family: Most offers of one family; 0 means any number.
            min_priority: Offers below it are not worth a call.
        """
        named = [family or f"\0{place}" for place, family in enumerate(families)]
        _, numbers = np.unique(np.array(named, dtype=np.str_), return_inverse=True)
        return cls(numbers.astype(np.intp), exclusions | exclusions.T, per_family, min_priority)

    @cached_property
    def blocks(self) -> Mask:
        """Row p: what an offer of p rules out at once: itself, and what excludes it; shape (P, P)."""
        blocked = self.exclusive | np.eye(len(self.families), dtype=bool)
        if self.per_family == 1:
            blocked = blocked | (self.families[:, None] == self.families[None, :])
        return np.asarray(blocked)


def slate(priority: Floats, allowed: Mask, rules: SlateRules, length: int) -> Ranks:
    """Return the place of each product in its customer's slate, shape (n, P); 0 means not in it.

    Each place goes to the allowed product of highest priority that the rules still admit. The slate of N
    offers is the beginning of the slate of N + 1. Equal priorities keep the order of the catalogue.

    Args:
        priority: What offers are ordered by, shape (n, P).
        allowed: Pairs that no rule of the policy stops, shape (n, P).
        rules: What a slate may look like.
        length: Longest slate.
    """
    customers = np.arange(len(priority))
    left = np.where(allowed & (priority >= rules.min_priority), priority, -np.inf)
    ranks = np.zeros(left.shape, np.int16)
    taken = np.zeros((len(left), rules.families.max(initial=-1) + 1), np.int16)
    for place in range(1, min(length, left.shape[1]) + 1):
        best = left.argmax(axis=1)
        found = left[customers, best] > -np.inf
        if not found.any():
            break
        ranks[customers[found], best[found]] = place
        left[rules.blocks[best]] = -np.inf
        if rules.per_family > 1:
            taken[customers, rules.families[best]] += 1
            left[(taken >= rules.per_family)[:, rules.families]] = -np.inf
    return ranks


def left_out(priority: Floats, allowed: Mask, rules: SlateRules, ranks: Ranks) -> NDArray[np.int8]:
    """Return why each allowed product is not in the slate, as `LeftOut`, shape (n, P).

    A stopped product is `IN_SLATE`: its reason is the policy's, not the slate's.
    """
    offered = ranks > 0
    clashes = (offered.astype(np.float32) @ rules.exclusive.astype(np.float32)) > 0
    reasons = np.full(ranks.shape, LeftOut.SLATE_FULL, np.int8)
    if rules.per_family:
        reasons[_family_counts(offered, rules)[:, rules.families] >= rules.per_family] = LeftOut.FAMILY_FULL
    reasons[clashes] = LeftOut.EXCLUDED_BY_OFFER
    reasons[priority < rules.min_priority] = LeftOut.BELOW_MIN_PRIORITY
    reasons[offered | ~allowed] = LeftOut.IN_SLATE
    return reasons


def no_action(allowed: Mask, ranks: Ranks) -> NDArray[np.int8]:
    """Return why each customer has no offer, as `NoAction`, shape (n,)."""
    causes = np.where(allowed.any(axis=1), NoAction.BELOW_MIN_PRIORITY, NoAction.ALL_STOPPED)
    return np.where((ranks > 0).any(axis=1), NoAction.HAS_OFFERS, causes).astype(np.int8)


def most_frequent_verdict(verdict: NDArray[np.integer[Any]]) -> NDArray[np.intp]:
    """Return the rule that stops most products of each customer, 0 where none does, shape (n,).

    Of rules that stop equally many, the first in the order of the policy.
    """
    highest = int(verdict.max(initial=0))
    counts = np.zeros((len(verdict), highest + 1), np.intp)
    for rule in range(1, highest + 1):
        counts[:, rule] = (verdict == rule).sum(axis=1)
    return np.asarray(counts.argmax(axis=1), np.intp)


def _family_counts(offered: Mask, rules: SlateRules) -> NDArray[np.float32]:
    one_hot = np.eye(rules.families.max(initial=-1) + 1, dtype=np.float32)[rules.families]
    return offered.astype(np.float32) @ one_hot
