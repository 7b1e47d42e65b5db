"""Offers to somebody without any record: the products that most customers of the segment hold."""

from __future__ import annotations

from dataclasses import replace

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


def stranger_causes(
    known: DecisionContext, policy: Policy, channels: tuple[str, ...]
) -> dict[str, str | None]:
    """Return by channel the code of the rule that stops most products for a stranger."""
    return {
        channel: policy.main_cause(policy.judge(_stranger(known, policy, channel))[0]) for channel in channels
    }


def popular_lists(
    known: DecisionContext, policy: Policy, channels: tuple[str, ...]
) -> dict[str, dict[str, list[tuple[str, float]]]]:
    """Return for each channel and segment the products that a stranger may be offered, most held first.

    Returns:
        Channel -> tier, or "" for everybody -> [(product, share of its customers who hold it)].
    """
    tiers = known.relations.tiers
    segments = sorted({str(tier) for tier in tiers if tier is not None})
    shares = {EVERYBODY: known.state.held.mean(axis=0) if len(tiers) else np.zeros(len(known.catalog))}
    shares |= {segment: known.state.held[tiers == segment].mean(axis=0) for segment in segments}
    return {
        channel: {segment: _ordered(known, share, allowed) for segment, share in shares.items()}
        for channel in channels
        for allowed in [policy.judge(_stranger(known, policy, channel))[0] == ALLOWED]
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


def _ordered(known: DecisionContext, share: np.ndarray, allowed: np.ndarray) -> list[tuple[str, float]]:
    order = np.lexsort((np.arange(len(share)), -share))
    ids = known.catalog.product_ids
    return [(ids[place], round(float(share[place]), 6)) for place in order if allowed[place]]
