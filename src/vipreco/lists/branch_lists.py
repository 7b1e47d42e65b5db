"""The three lists of a branch: keep who may leave, grow by offers, develop who is near the next tier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from enum import StrEnum

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import AS_OF_DATE, AUM_AMOUNT, CUSTOMER_ID, TIER
from vipreco.errors import UsageError
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.lists.offers import offer_list
from vipreco.policy import Language
from vipreco.propensity import ATTRITION, ATTRITION_KINDS, TIER_UPGRADE
from vipreco.recommender import (
    DecisionContext,
    Recommender,
    Relations,
    Step,
    silent,
)
from vipreco.settings import TierLadder

ATTRITION_PROBABILITY, TIER_UPGRADE_PROBABILITY = "attrition_probability", "tier_upgrade_probability"
AT_RISK_AMOUNT, ABOVE_LINE_AMOUNT = "at_risk_amount", "above_line_amount"
MISSING_AMOUNT, NEXT_TIER = "missing_amount", "next_tier"
EXPECTED_SHARE = "expected_share"
KIND_PROBABILITIES = tuple(f"{kind}_probability" for kind in ATTRITION_KINDS)
REASONS = "reasons"


class BranchList(StrEnum):
    """Which list."""

    keep = "keep"
    grow = "grow"
    develop = "develop"


def customer_frame(
    customer_ids: NDArray[np.str_],
    relations: Relations,
    chances: tuple[NDArray[np.float64], NDArray[np.float64]],
    ladder: TierLadder,
    day: date,
) -> pl.DataFrame:
    """Return a row a customer: what the lists are made of; null where nobody knows.

    Args:
        customer_ids: Shape (n,).
        relations: How they stand, shape (n,).
        chances: P(attrition) and P(tier upgrade), each of shape (n,).
        ladder: The bank's tiers.
        day: Date at which their lines are read.
    """
    lines = ladder.thresholds(day)
    own = np.array([lines.get(tier, np.nan) for tier in relations.tiers.tolist()])
    frame = pl.DataFrame(
        {
            CUSTOMER_ID: pl.Series(customer_ids.tolist(), dtype=pl.String),
            TIER: pl.Series(relations.tiers.tolist(), dtype=pl.String),
            AUM_AMOUNT: relations.aum,
            ATTRITION_PROBABILITY: chances[0],
            TIER_UPGRADE_PROBABILITY: chances[1],
            ABOVE_LINE_AMOUNT: relations.aum - own,
            NEXT_TIER: pl.Series(next_tiers(ladder, relations.tiers, day), dtype=pl.String),
            MISSING_AMOUNT: np.maximum(relations.next_line - relations.aum, 0.0),
        }
    )
    return frame.with_columns(pl.col(pl.Float64).fill_nan(None))


def keep_list(customers: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Return the VIP customers of whose assets most is expected to go, at most `limit`.

    `above_line_amount` is what the assets are above the line of the own tier; `at_risk_amount` is what is
    expected to go: the sum of chance x share that goes x assets over the kinds of attrition. Where attrition
    is told as one chance, it is that chance x assets, and the likeliest come first.
    """
    known = customers.filter(pl.col(ATTRITION_PROBABILITY).is_not_null())
    share = ATTRITION_PROBABILITY if EXPECTED_SHARE not in customers.columns else EXPECTED_SHARE
    at_risk = (pl.col(share) * pl.col(AUM_AMOUNT)).alias(AT_RISK_AMOUNT)
    first = first_by(BranchList.keep, customers.columns)
    found = known.with_columns(at_risk).sort(first, CUSTOMER_ID, descending=[True, False], nulls_last=True)
    kinds = [name for name in KIND_PROBABILITIES if name in customers.columns]
    columns = (
        CUSTOMER_ID,
        TIER,
        AUM_AMOUNT,
        ATTRITION_PROBABILITY,
        *kinds,
        ABOVE_LINE_AMOUNT,
        AT_RISK_AMOUNT,
    )
    return found.head(limit).select(columns)


def first_by(which: BranchList, columns: Sequence[str]) -> str:
    """Return the column whose largest values come first on the list to keep, or to develop."""
    if which is BranchList.develop:
        return TIER_UPGRADE_PROBABILITY
    return AT_RISK_AMOUNT if set(KIND_PROBABILITIES) <= set(columns) else ATTRITION_PROBABILITY


def develop_list(customers: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Return the customers likeliest to reach a higher tier, those below VIP included, at most `limit`.

    `missing_amount` is what lacks to the line of `next_tier`.
    """
    known = customers.filter(pl.col(TIER_UPGRADE_PROBABILITY).is_not_null())
    found = known.sort(TIER_UPGRADE_PROBABILITY, CUSTOMER_ID, descending=[True, False]).head(limit)
    return found.select(CUSTOMER_ID, TIER, AUM_AMOUNT, TIER_UPGRADE_PROBABILITY, NEXT_TIER, MISSING_AMOUNT)


def grow_list(offers: pl.DataFrame, customers: pl.DataFrame, limit: int) -> pl.DataFrame:
    """Return the offers of the first `limit` customers of an `offer_list`, with tier and assets."""
    first = offers[CUSTOMER_ID].unique(maintain_order=True).head(limit)
    chosen = offers.filter(pl.col(CUSTOMER_ID).is_in(first.implode()))
    facts = customers.select(CUSTOMER_ID, TIER, AUM_AMOUNT)
    joined = chosen.join(facts, on=CUSTOMER_ID, how="left", maintain_order="left")
    return joined.select(CUSTOMER_ID, TIER, AUM_AMOUNT, pl.exclude(CUSTOMER_ID, TIER, AUM_AMOUNT))


def branch_list(
    explainer: Explainer,
    view: View,
    which: BranchList,
    limit: int,
    step: Step = silent,
    language: Language = "en",
) -> pl.DataFrame:
    """Return one of the three lists for the customers of a view, each row with its reasons.

    Raises:
        UsageError: The model gives no such probability, and the list needs it.
    """
    recommender = explainer.recommender
    change = {BranchList.keep: ATTRITION, BranchList.develop: TIER_UPGRADE}.get(which)
    if change is not None:
        _check_told(recommender, change)
    step("features")
    known = recommender.context(view)
    step("chances")
    customers = customers_of(recommender, known)
    if change is None:
        offers = offer_list(explainer, view, 1, step)
        without = customers.height - offers[CUSTOMER_ID].n_unique()
        step(f"no offer today for {without:,} of {customers.height:,} customers")
        return grow_list(offers, customers, limit)
    listed = (keep_list if change == ATTRITION else develop_list)(customers, limit)
    step("reasons")
    found = explainer.change_reasons(known, change, listed[CUSTOMER_ID].to_list(), language)
    reasons = [[reason.text for reason in said] for said in found]
    return listed.with_columns(
        pl.Series(REASONS, reasons, dtype=pl.List(pl.String)),
        pl.lit(view.date).alias(AS_OF_DATE),
    )


def customers_of(recommender: Recommender, known: DecisionContext) -> pl.DataFrame:
    """Return the `customer_frame` of all customers of a situation, with the kinds of attrition if known."""
    parts = list(recommender.decisions(known))
    attrition = np.concatenate([part.attrition_probability for part in parts])
    upgrade = np.concatenate([part.tier_upgrade_probability for part in parts])
    ladder, day = recommender.features.ladder, known.view.date
    frame = customer_frame(known.computed.customer_ids, known.relations, (attrition, upgrade), ladder, day)
    kinds = [part.factors.economics.kinds for part in parts if part.factors.economics.kinds is not None]
    if not kinds:
        return frame
    chances = np.concatenate([part.probabilities for part in kinds])
    columns = dict(zip(KIND_PROBABILITIES, chances.T, strict=True))
    share = (chances * kinds[0].lost_shares).sum(axis=1)
    told = pl.DataFrame({**columns, EXPECTED_SHARE: share}, nan_to_null=True)
    return frame.hstack(told)


def next_tiers(ladder: TierLadder, tiers: NDArray[np.object_], day: date) -> list[str | None]:
    """Return the next higher tier of each customer, None where there is none or the own one is unknown."""
    lines = list(ladder.thresholds(day))
    places = np.array([ladder.rank(tier) for tier in lines], np.int64)
    ranks = ladder.ranks(tiers)
    above = np.searchsorted(places, ranks, side="right")
    named = np.array([*lines, None], object)[above]
    return [name if rank >= 0 else None for name, rank in zip(named.tolist(), ranks.tolist(), strict=True)]


def _check_told(recommender: Recommender, change: str) -> None:
    if recommender.relationship is None or not recommender.relationship.gives(change):
        raise UsageError(
            f"this model gives no {change.replace('_', ' ')} probability",
            remedy="give [tiers] in vipreco.toml a ladder, import a longer history, and train anew",
            code="no-relationship-model",
        )
