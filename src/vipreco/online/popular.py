"""Offers to somebody without any record: the products that most customers of the segment hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import polars as pl

from vipreco.policy import ALLOWED, NEVER_DAYS, Policy, PolicyFacts, gather_facts, holding_pairs
from vipreco.recommender import DecisionContext

EVERYBODY = ""
# What is taken for granted of a stranger: somebody asks in this channel. Everything else stays unknown, and
# what is unknown is not offered.
GRANTED = {
    "customer_in_snapshot": True,
    "customer_consent_call": True,
    "customer_consent_sms": True,
    "customer_consent_app": True,
    "customer_consent_in_channel": True,
    "customer_profiling_opt_out": False,
    "customer_do_not_contact": False,
    "customer_do_not_contact_in_channel": False,
    "customer_complained": False,
}


@dataclass(frozen=True)
class HolderCounts:
    """Customers of each segment and how many of them hold each product: counted by part, then merged.

    Args:
        customers: Customers of each tier, and of the bank under `EVERYBODY`.
        holders: Holders of each product among them, by segment.
    """

    customers: Mapping[str, int]
    holders: Mapping[str, Sequence[int]]

    @classmethod
    def count(cls, known: DecisionContext) -> Self:
        """Count the customers of a context."""
        tiers, held = known.relations.tiers, known.state.held
        segments = sorted({str(tier) for tier in tiers if tier is not None})
        chosen = {EVERYBODY: np.ones(len(tiers), bool), **{segment: tiers == segment for segment in segments}}
        return cls(
            {segment: int(rows.sum()) for segment, rows in chosen.items()},
            {segment: held[rows].sum(axis=0).tolist() for segment, rows in chosen.items()},
        )

    def merged(self, other: HolderCounts) -> HolderCounts:
        """Return the counts of both."""
        customers = dict(self.customers)
        for segment, count in other.customers.items():
            customers[segment] = customers.get(segment, 0) + count
        holders = {segment: list(counts) for segment, counts in self.holders.items()}
        for segment, counts in other.holders.items():
            before = holders.get(segment, [0] * len(counts))
            holders[segment] = [one + more for one, more in zip(before, counts, strict=True)]
        return HolderCounts(customers, holders)

    def shares(self) -> dict[str, list[float]]:
        """Return the share of each segment that holds each product; the bank comes first, then the tiers."""
        return {
            segment: [count / max(self.customers[segment], 1) for count in self.holders[segment]]
            for segment in sorted(self.customers)
        }


@dataclass(frozen=True)
class StrangerVerdicts:
    """Verdicts of the rules on somebody of whom nothing is known, by channel.

    Args:
        allowed: Whether each product may be offered.
        causes: Code of the rule that stops most products, if any does.
    """

    allowed: Mapping[str, Sequence[bool]]
    causes: Mapping[str, str | None]

    @classmethod
    def judge(cls, known: DecisionContext, policy: Policy, channels: tuple[str, ...]) -> Self:
        """Judge a stranger by the rules and the catalogue of a context, which has a customer at least."""
        verdicts = {one: policy.judge(_stranger(known, policy, one))[0] for one in channels}
        return cls(
            {channel: (verdict == ALLOWED).tolist() for channel, verdict in verdicts.items()},
            {channel: policy.main_cause(verdict) for channel, verdict in verdicts.items()},
        )


def popular_lists(
    products: Sequence[str], shares: Mapping[str, Sequence[float]], allowed: Mapping[str, Sequence[bool]]
) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Return for each channel and segment the products that a stranger may be offered, most held first.

    Returns:
        Channel -> tier, or "" for everybody -> [(product, share of its customers who hold it)].
    """
    return {
        channel: {segment: _ordered(products, share, may) for segment, share in shares.items()}
        for channel, may in allowed.items()
    }


def _stranger(known: DecisionContext, policy: Policy, channel: str) -> PolicyFacts:
    """Return the facts about a customer of whom nothing is known but that they ask."""
    facts = gather_facts(known.view, known.catalog, policy, channel, known.state.held)
    first = facts.rows(slice(0, 1))
    counts = ("customer_contacts", "customer_channel_contacts")
    never = {name: 0.0 for name in first.customers.columns if name.startswith(counts)}
    values = {
        **dict.fromkeys(policy.absent_for_strangers, False),
        **GRANTED,
        **never,
        "customer_contact_days": float(NEVER_DAYS),
    }
    columns = [
        pl.lit(values.get(name), dtype=first.customers.schema[name]).alias(name)
        for name in first.customers.columns
    ]
    contacts = {name: np.full_like(values_, _nothing(name)) for name, values_ in first.pairs.items()}
    holdings = holding_pairs(np.zeros((1, len(known.catalog)), bool), known.catalog)
    return replace(first, customers=first.customers.select(columns), pairs={**contacts, **holdings})


def _nothing(pair: str) -> int:
    """Return what a fact about contacts is for somebody who was never approached."""
    return NEVER_DAYS if pair.endswith("_days") else 0


def _ordered(
    products: Sequence[str], share: Sequence[float], allowed: Sequence[bool]
) -> list[tuple[str, float]]:
    order = np.lexsort((np.arange(len(share)), -np.asarray(share)))
    return [(products[place], round(float(share[place]), 6)) for place in order if allowed[place]]
