"""The rules, in the order in which they are asked; the first that stops a product gives the reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from vipreco.policy.facts import Facts, Mask

ALLOWED = 0


class Stage(StrEnum):
    """Stage of the policy, in order."""

    ELIGIBILITY = "eligibility"
    APPLICABILITY = "applicability"


@dataclass(frozen=True)
class Rule:
    """One reason not to offer a product.

    Args:
        reason_code: Stable name.
        stage: Where in the policy it is asked.
        text: What the relationship manager reads.
        unlock: What would make the product possible; empty if nothing would.
        stops: Pairs that the rule stops; shape (n, P) or (P,).
    """

    reason_code: str
    stage: Stage
    text: str
    unlock: str
    stops: Callable[[Facts], Mask]


def _prerequisite_missing(facts: Facts) -> Mask:
    missing = (~facts.held).astype(np.float32) @ facts.prerequisites.T.astype(np.float32)
    return np.asarray(missing > 0)


def _excluded_by_holding(facts: Facts) -> Mask:
    clashes = facts.held.astype(np.float32) @ facts.exclusions.T.astype(np.float32)
    return np.asarray(clashes > 0)


RULES: tuple[Rule, ...] = (
    Rule(
        "NOT_OFFERED",
        Stage.ELIGIBILITY,
        "The bank does not offer this product at this date.",
        "an offer window in the product table",
        lambda facts: ~facts.offered,
    ),
    Rule(
        "NOT_SCORED",
        Stage.ELIGIBILITY,
        "The model in use does not know this product yet.",
        "training on tables that hold the product",
        lambda facts: ~facts.scored,
    ),
    Rule(
        "HELD",
        Stage.APPLICABILITY,
        "The customer holds this product.",
        "",
        lambda facts: facts.held & ~facts.repeatable,
    ),
    Rule(
        "PREREQUISITE_MISSING",
        Stage.APPLICABILITY,
        "The customer does not hold a product that this one needs.",
        "opening the required product first",
        _prerequisite_missing,
    ),
    Rule(
        "EXCLUDED_BY_HOLDING",
        Stage.APPLICABILITY,
        "The customer holds a product that cannot be combined with this one.",
        "closing the product that excludes it",
        _excluded_by_holding,
    ),
)


def judge(facts: Facts) -> NDArray[np.int8]:
    """Return a verdict for each pair, shape (n, P): 0 is allowed, r is stopped by `RULES[r - 1]`."""
    verdicts = np.full(facts.held.shape, ALLOWED, np.int8)
    for number, rule in reversed(list(enumerate(RULES, start=1))):
        verdicts[np.broadcast_to(rule.stops(facts), verdicts.shape)] = number
    return verdicts
