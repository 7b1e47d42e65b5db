"""The rules between a customer and a product, put together into the steps that a person takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from vipreco.policy import Grain, Policy, PolicyFacts

Group: TypeAlias = tuple[int, ...]
"""Verdicts that one step satisfies: first that of the rule that says what the step is."""


def unlock_groups(policy: Policy, verdicts: Sequence[int]) -> list[Group]:
    """Return the steps to a product: all verdicts that stop it, each once, by the step that satisfies it.

    Args:
        policy: The rules.
        verdicts: Of `Policy.stops` for the product, in the order of the rules.
    """
    by_id = {policy.rules[verdict - 1].id: verdict for verdict in verdicts}
    members: dict[int, list[int]] = {}
    for verdict in verdicts:
        members.setdefault(_leader(policy, by_id, verdict), []).append(verdict)
    return [(leader, *(one for one in group if one != leader)) for leader, group in members.items()]


def _leader(policy: Policy, by_id: dict[str, int], verdict: int) -> int:
    """Return the verdict whose step satisfies another one too, itself where there is none."""
    seen = [verdict]
    while True:
        named = policy.compiled_of(seen[-1]).entry.done_with
        following = next((by_id[one] for one in named if one in by_id and by_id[one] not in seen), None)
        if following is None:
            return seen[-1]
        seen.append(following)


def carries(policy: Policy, facts: PolicyFacts, verdict: int, pair: tuple[int, int]) -> bool:
    """Return whether a step for one product satisfies the same rule for another one.

    Args:
        policy: The rules.
        facts: What they looked at.
        verdict: One of the rule.
        pair: Places of both products.
    """
    rule = policy.compiled_of(verdict)
    if pair[0] == pair[1]:
        return True
    if not rule.entry.reaches:
        return not any(_of_product(policy, name) for name in rule.required_columns)
    here, there = (facts.value(rule.entry.reaches, 0, place) for place in pair)
    return isinstance(here, float) and isinstance(there, float) and there <= here


def _of_product(policy: Policy, name: str) -> bool:
    return policy.known[name].grain in {Grain.PRODUCT, Grain.PAIR}
