"""Check of the ways to products: each granted step opens the product, or meets a rule that was named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.assurance.random_facts import OTHERWISE, USUAL
from vipreco.policy import ALLOWED, PASSES, Compiled, Grain, Policy, PolicyColumn, PolicyFacts

GRANTED: Final[dict[str, Any]] = {**USUAL, "customer_free_liquidity_amount": 1e12}
"""What a fact is once a step was taken; other facts as `OTHERWISE`."""


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
    for rules, of_pairs in _ways(policy, facts):
        now = of_pairs
        for number, rule in enumerate(rules):
            now = granted(policy, now, rule)
            verdicts = policy.judge(now)[:, 0]
            named = [ALLOWED, *(verdict for one in rules[number + 1 :] for verdict in _verdicts(one))]
            kept += int(np.isin(verdicts, named).sum())
        steps += len(rules) * len(verdicts)
        pairs += len(verdicts)
        opened += int((verdicts == ALLOWED).sum())
    return UnlockCheck(pairs, steps, kept, opened)


def _ways(policy: Policy, facts: PolicyFacts) -> Iterator[tuple[list[Compiled], PolicyFacts]]:
    """Give the rules of each way with the facts of the pairs that have it, product by product."""
    asked = [(one, np.broadcast_to(codes, facts.shape)) for one, codes in policy.each(facts)]
    for column in range(facts.shape[1]):
        codes = np.array([found[:, column] for _, found in asked], np.int16)
        sequences, rows = np.unique(codes, axis=1, return_inverse=True)
        for number, sequence in enumerate(sequences.T):
            stops = [
                (one, int(code)) for (one, _), code in zip(asked, sequence, strict=True) if code != PASSES
            ]
            if stops and all(policy.rules[code - 1].unlock.en for _, code in stops):
                yield [one for one, _ in stops], _pairs(facts, np.flatnonzero(rows.ravel() == number), column)


def _pairs(facts: PolicyFacts, rows: NDArray[np.intp], column: int) -> PolicyFacts:
    own = facts.take(rows)
    pairs = {name: values[:, column : column + 1] for name, values in own.pairs.items()}
    return replace(own, products=own.products[column : column + 1], pairs=pairs)


def granted(policy: Policy, facts: PolicyFacts, rule: Compiled) -> PolicyFacts:
    """Return the facts as a rule asks for them: the customer's where it asks for any, else the product's."""
    names = frozenset[str]().union(*(atom.columns for atom in rule.requires))
    columns = [policy.known[name] for name in sorted(names)]
    own = [one for one in columns if one.grain in {Grain.CUSTOMER, Grain.PAIR}]
    if not own and all(one.grain is Grain.CONTEXT for one in columns):
        return replace(facts, channel="branch")
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
    return GRANTED.get(column.name, OTHERWISE[column.kind])


def _verdicts(rule: Compiled) -> tuple[int, int]:
    return rule.number, rule.unknown_number
