"""Check of the ways to products: each granted step opens the product, or meets a rule of a later step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.assurance.random_facts import OTHERWISE, USUAL
from vipreco.explanations import unlock_groups
from vipreco.policy import ALLOWED, PASSES, Compiled, Grain, Kind, Policy, PolicyColumn, PolicyFacts


@dataclass(frozen=True)
class UnlockCheck:
    """Result of walking the ways of a bank.

    Args:
        pairs: Customers and products that are not offered and have a way.
        steps: Steps of these ways that were granted.
        kept: Steps after which the product was open, or a rule stopped it that the way had named.
        opened: Pairs that were open after the last step.
    """

    pairs: int
    steps: int
    kept: int
    opened: int


def check_unlocks(policy: Policy, facts: PolicyFacts) -> UnlockCheck:
    """Grant the steps of all ways one by one, those of equal ways to a product at once."""
    pairs = steps = kept = opened = 0
    for way, of_pairs in _ways(policy, facts):
        now = of_pairs
        for number, step in enumerate(way):
            for rule in step:
                now = granted(policy, now, rule)
            verdicts = policy.judge(now)[:, 0]
            later = (rule for one in way[number + 1 :] for rule in one)
            named = [ALLOWED, *(verdict for rule in later for verdict in _verdicts(rule))]
            kept += int(np.isin(verdicts, named).sum())
        steps += len(way) * len(verdicts)
        pairs += len(verdicts)
        opened += int((verdicts == ALLOWED).sum())
    return UnlockCheck(pairs, steps, kept, opened)


def _ways(policy: Policy, facts: PolicyFacts) -> Iterator[tuple[list[list[Compiled]], PolicyFacts]]:
    """Give the steps of each way, as rules, with the facts of the pairs that have it, product by product."""
    asked = [(one, np.broadcast_to(codes, facts.shape)) for one, codes in policy.each(facts)]
    for column in range(facts.shape[1]):
        codes = np.array([found[:, column] for _, found in asked], np.int16)
        sequences, rows = np.unique(codes, axis=1, return_inverse=True)
        for number, sequence in enumerate(sequences.T):
            groups = unlock_groups(policy, [int(code) for code in sequence if code != PASSES])
            if groups and all(policy.rules[group[0] - 1].unlock.en for group in groups):
                steps = [[policy.compiled_of(verdict) for verdict in group] for group in groups]
                yield steps, _pairs(facts, np.flatnonzero(rows.ravel() == number), column)


def _pairs(facts: PolicyFacts, rows: NDArray[np.intp], column: int) -> PolicyFacts:
    own = facts.take(rows)
    pairs = {name: values[:, column : column + 1] for name, values in own.pairs.items()}
    return replace(own, products=own.products[column : column + 1], pairs=pairs)


def granted(policy: Policy, facts: PolicyFacts, rule: Compiled) -> PolicyFacts:
    """Return the facts as a rule asks for them: the customer's where it asks for any, else the product's.

    A step that reaches up to a fact of the product gives the customer as much, and no more.
    """
    columns = [policy.known[name] for name in sorted(rule.required_columns)]
    own = [one for one in columns if one.grain in {Grain.CUSTOMER, Grain.PAIR}]
    if not own and all(one.grain is Grain.CONTEXT for one in columns):
        return replace(facts, channel="branch")
    if rule.entry.reaches in rule.required_columns:
        enough = facts.products[rule.entry.reaches][0]
        numbers = [one for one in own if one.grain is Grain.CUSTOMER and one.kind is Kind.NUMBER]
        as_much = (pl.lit(enough, dtype=one.dtype).alias(one.name) for one in numbers)
        return replace(facts, customers=facts.customers.with_columns(as_much))
    pairs = dict(facts.pairs)
    for one in own:
        if one.grain is Grain.PAIR:
            pairs[one.name] = np.full(facts.shape, float(granted_value(one)))
    return replace(
        facts,
        customers=_with(facts.customers, own, Grain.CUSTOMER),
        products=facts.products if own else _with(facts.products, columns, Grain.PRODUCT),
        pairs=pairs,
    )


def _with(frame: pl.DataFrame, columns: Sequence[PolicyColumn], grain: Grain) -> pl.DataFrame:
    return frame.with_columns(
        pl.lit(granted_value(one), dtype=one.dtype).alias(one.name) for one in columns if one.grain is grain
    )


def granted_value(column: PolicyColumn) -> Any:
    """Return what a fact is once a step was taken."""
    return USUAL.get(column.name, OTHERWISE[column.kind])


def _verdicts(rule: Compiled) -> tuple[int, int]:
    return rule.number, rule.unknown_number
