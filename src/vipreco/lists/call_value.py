"""Expected value of a call to each customer: keeping, selling, developing, renewing an assessment."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import (
    DEVELOP,
    KEEP,
    CustomerEconomics,
    PriorityFactors,
    most_frequent_verdict,
    no_action,
)
from vipreco.columns import CUSTOMER_ID
from vipreco.lists.call_offers import CallOffers
from vipreco.policy import ALLOWED, ASSESSMENT_AGES, PASSES, PolicyFacts, Stage
from vipreco.propensity import ATTRITION_KINDS
from vipreco.recommender import Decisions
from vipreco.settings import ValueSettings

Floats = NDArray[np.float64]
Ranks = NDArray[np.int16]
FORBIDDING = (Stage.ELIGIBILITY, Stage.CONTACT_POLICY)


def call_values(found: CallOffers, rates: ValueSettings) -> pl.DataFrame:
    """Return the expected value of a call in the currency of the values, one row a customer, in their order.

    Columns, each once as `*_priority` (with context and levers, for the order) and once as `*_amount`
    (gain x value in currency, for the reader): `keep`, `develop` (calls without a product); `grow` (sum
    over the offers that count); `unlocked` (what they would gain by a renewed assessment). Then `cause` (of
    `arbitration.NoAction`); `stopped_by` (the verdict that stops most products); `stopped_whole` (the verdict
    of the first rule that stops the customer whatever the product, 0 = none); `attrition_probability` and
    `tier_upgrade_probability`; `attrition_kind` (of `ATTRITION_KINDS`: the kind against which a call is worth
    most; null where attrition is told as one chance) with its `kind_probability`; `at_risk_amount` and
    `margin_at_risk_amount` (assets that would go by it, and the margin of the bank on them a year).

    Args:
        found: Offers of the calls.
        rates: Figures behind the values.
    """
    decisions, counted = found.decisions, found.rules.counted
    ranks, renewed = (counted_ranks(ranks, counted) for ranks in (found.ranks, ranks_if_renewed(found)))
    economics = decisions.factors.economics
    kind, chance, share = leading_kinds(economics, rates)
    at_risk = rates.share_at_risk * share * economics.aum
    return pl.DataFrame(
        {
            CUSTOMER_ID: pl.Series(decisions.customer_ids.tolist(), dtype=pl.String),
            **_parts(decisions.factors, ranks, renewed, "priority"),
            **_parts(decisions.factors.money, ranks, renewed, "amount"),
            "cause": no_action(decisions.verdict == ALLOWED, found.ranks),
            "stopped_by": most_frequent_verdict(decisions.verdict),
            "stopped_whole": stopped_whole(decisions),
            "attrition_probability": economics.attrition_probability,
            "tier_upgrade_probability": economics.tier_upgrade_probability,
            "attrition_kind": kind,
            "kind_probability": chance,
            "at_risk_amount": at_risk,
            "margin_at_risk_amount": at_risk * rates.annual_margin_rate,
        },
        nan_to_null=True,
    )


def leading_kinds(economics: CustomerEconomics, rates: ValueSettings) -> tuple[pl.Series, Floats, Floats]:
    """Return the kind of attrition against which a call is worth most, its chance, and the share that goes.

    Where attrition is told as one chance, the kind is null, and everything goes.
    """
    customers = len(economics.aum)
    if economics.kinds is None:
        nothing = pl.Series([None], dtype=pl.String).new_from_index(0, customers)
        return nothing, economics.attrition_probability, np.ones(customers)
    chances, shares = economics.kinds.probabilities, economics.kinds.lost_shares
    known = ~np.isnan(chances).any(axis=1)
    first = np.nan_to_num(chances * shares * np.array(rates.call_keeps)).argmax(axis=1)
    names = pl.Series(ATTRITION_KINDS, dtype=pl.String).gather(first)
    kind = pl.select(pl.when(pl.Series(known)).then(names)).to_series()
    return kind, chances[np.arange(customers), first], np.where(known, shares[first], np.nan)


def _parts(weighed: PriorityFactors, ranks: Ranks, renewed: Ranks, unit: str) -> dict[str, Floats]:
    now, then = (slate_value(weighed.priority, slates) for slates in (ranks, renewed))
    return {
        f"keep_{unit}": weighed.actions[:, KEEP],
        f"develop_{unit}": weighed.actions[:, DEVELOP],
        f"grow_{unit}": now,
        f"unlocked_{unit}": np.maximum(then - now, 0.0),
    }


def counted_ranks(ranks: Ranks, counted: int | None) -> Ranks:
    """Return the ranks of the offers whose gain counts for the call; the others are 0."""
    return ranks if counted is None else np.where(ranks <= counted, ranks, 0).astype(ranks.dtype)


def slate_value(priority: Floats, ranks: Ranks) -> Floats:
    """Return the sum of the priorities of what is offered, shape (n,)."""
    return np.asarray(np.where(ranks > 0, priority, 0.0).sum(axis=1))


def stopped_whole(decisions: Decisions) -> NDArray[np.intp]:
    """Return the first rule that forbids a customer every product, as a verdict, 0 = none, shape (n,).

    Asked are blocks and the rules of contact: a call without an offer has to keep them too, and what is held
    or unsuitable hides them in the verdicts of the pairs. A missing assessment is no such rule: a call can
    mend it.
    """
    found = np.full(len(decisions.customer_ids), PASSES)
    for rule, codes in decisions.policy.each(decisions.facts):
        if rule.entry.stage in FORBIDDING:
            found = np.minimum(found, codes.max(axis=1, initial=0))
    return np.where(found == PASSES, ALLOWED, found).astype(np.intp)


def with_renewed_assessments(facts: PolicyFacts) -> PolicyFacts:
    """Return the same facts with every risk assessment renewed today, at the class that it gave."""
    known = pl.col("customer_risk_rank").is_not_null()
    there = [name for name in sorted(ASSESSMENT_AGES) if name in facts.customers.columns]
    if "customer_risk_rank" not in facts.customers.columns:
        return facts
    dated = [pl.when(known).then(0.0).otherwise(pl.col(name)).alias(name) for name in there]
    return replace(facts, customers=facts.customers.with_columns(dated))


def ranks_if_renewed(found: CallOffers) -> Ranks:
    """Return the ranks if every assessment were renewed today: the rules are asked again, shape (n, P)."""
    decisions = found.decisions
    return found.ranks_if(decisions.policy.judge(with_renewed_assessments(decisions.facts)) == ALLOWED)
