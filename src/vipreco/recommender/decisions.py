"""The decision frame: a row for each (customer, product) at an as-of date; no stage drops a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import LeftOut, PriorityFactors, SlateRules, left_out, slate
from vipreco.columns import (
    AS_OF_DATE,
    CUSTOMER_ID,
    EFFECT_BASIS,
    POLICY_VERSION,
    PRIORITY,
    PRODUCT_ID,
    PROPENSITY,
    RANK,
    REASON_CODE,
    STAGE,
    SUPPRESSED,
    THIN_EVIDENCE,
    UNKNOWN_VALUE,
)
from vipreco.policy import ALLOWED, Policy, PolicyFacts

OF_CUSTOMERS = (
    "customer_ids",
    "propensity",
    "priority",
    "verdict",
    "personalised",
    "attrition_probability",
    "tier_upgrade_probability",
)
OFFER = "offer"
OFFERED = "OFFERED"
PERSONALISED = "personalised"
ARBITRATION = "arbitration"
# Rule r of the policy has place r; what the slate left out for reason r has place -r.
SLATE_REASONS = [reason.name for reason in sorted(LeftOut, reverse=True) if reason]
COMPONENTS = ("margin", "kept", "lift")
UNKNOWN_VALUES = [
    "; ".join(part for bit, part in enumerate(COMPONENTS) if bits >> bit & 1) for bits in range(8)
]


@dataclass(frozen=True)
class Decisions:
    """The decision frame of a chunk of n customers and P products, held as dense arrays.

    Args:
        as_of: Date whose knowledge was used.
        customer_ids: Shape (n,).
        product_ids: Shape (P,).
        propensity: P(acquire within the horizon), shape (n, P).
        priority: What offers are ordered by: gain x value x context x lever, shape (n, P).
        factors: The factors of the priority, and those of calls without an offer.
        slate_rules: What a customer's list may look like.
        policy: The rules in force.
        facts: What they looked at.
        verdict: 0 allowed, r stopped by rule r of the policy, shape (n, P).
        thin_evidence: Products whose propensity rests on few acquisitions, shape (P,).
        personalised: False for customers who opted out of profiling, shape (n,).
        attrition_probability: P(a VIP customer leaves, falls below their tier or loses half of their assets
            within the horizon); NaN for others, for who opted out, and without such a model, shape (n,).
        tier_upgrade_probability: P(the customer reaches a higher tier within the horizon); NaN on the highest
            tier, for who opted out, and without such a model, shape (n,).
    """

    as_of: date
    customer_ids: NDArray[Any]
    product_ids: tuple[str, ...]
    propensity: NDArray[np.float64]
    priority: NDArray[np.float64]
    factors: PriorityFactors
    slate_rules: SlateRules
    policy: Policy
    facts: PolicyFacts
    verdict: NDArray[np.int16]
    thin_evidence: NDArray[np.bool_]
    personalised: NDArray[np.bool_]
    attrition_probability: NDArray[np.float64]
    tier_upgrade_probability: NDArray[np.float64]

    def take(self, rows: slice) -> Decisions:
        """Return the decisions about some of the customers."""
        taken = {name: getattr(self, name)[rows] for name in OF_CUSTOMERS}
        return replace(self, factors=self.factors.take(rows), facts=self.facts.rows(rows), **taken)

    @cached_property
    def stages(self) -> list[str]:
        """Stage behind each verdict, and behind each reason of the slate from the end."""
        return [
            OFFER,
            *(rule.stage.value for rule in self.policy.rules),
            *(ARBITRATION for _ in SLATE_REASONS),
        ]

    @cached_property
    def reasons(self) -> list[str]:
        """Reason code behind each verdict, and each reason of the slate from the end."""
        return [OFFERED, *(rule.reason_code for rule in self.policy.rules), *SLATE_REASONS]

    @cached_property
    def rank(self) -> NDArray[np.int16]:
        """Place in the customer's slate, as long as the rules admit, 0 = not in it, shape (n, P)."""
        return self.slate(len(self.product_ids))

    def slate(self, top: int) -> NDArray[np.int16]:
        """Return each product's place in a slate of at most `top` offers, 0 = not in it, shape (n, P)."""
        return slate(self.priority, self.verdict == ALLOWED, self.slate_rules, top)

    def frame(self, top: int | None = None) -> pl.DataFrame:
        """Return all rows, ordered by customer and product; slates have at most `top` offers."""
        rows, columns = np.indices(self.verdict.shape)
        ranks = self.rank if top is None else self.slate(top)
        return self.rows(rows.ravel(), columns.ravel(), ranks)

    def listed(self, top: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return customer and product places of the first `top` offers of each customer, in order."""
        return in_order(self.slate(top), top)

    def offers(self, top: int) -> pl.DataFrame:
        """Return the first `top` offers of each customer, in order."""
        ranks = self.slate(top)
        return self.rows(*in_order(ranks, top), ranks)

    def outcomes(self, top: int) -> NDArray[np.intp]:
        """Return the place in `stages` and `reasons` of what became of each pair, shape (n, P)."""
        rows, columns = np.indices(self.verdict.shape)
        places = self._reason_places(rows.ravel(), columns.ravel(), self.slate(top))
        return places.reshape(self.verdict.shape)

    def rows(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], ranks: NDArray[np.int16]
    ) -> pl.DataFrame:
        """Return the frame's rows of customer `rows[i]` and product `columns[i]`, in that order.

        Args:
            rows: Places of customers.
            columns: Places of products.
            ranks: Places in the slates, shape (n, P).
        """
        code = self._reason_places(rows, columns, ranks)
        return pl.DataFrame(
            {
                CUSTOMER_ID: _texts(self.customer_ids.tolist()).gather(rows),
                PRODUCT_ID: _texts(self.product_ids).gather(columns),
                AS_OF_DATE: pl.repeat(self.as_of, len(rows), dtype=pl.Date, eager=True),
                RANK: ranks[rows, columns],
                PROPENSITY: self.propensity[rows, columns],
                **self.factors.at(rows, columns),
                EFFECT_BASIS: _texts(self.factors.effects.bases).gather(columns),
                PRIORITY: self.priority[rows, columns],
                UNKNOWN_VALUE: _texts(UNKNOWN_VALUES).gather(self.factors.unknown_at(rows, columns)),
                THIN_EVIDENCE: self.thin_evidence[columns],
                PERSONALISED: self.personalised[rows],
                SUPPRESSED: self.verdict[rows, columns] != ALLOWED,
                STAGE: _texts(self.stages).gather(code),
                REASON_CODE: _texts(self.reasons).gather(code),
                POLICY_VERSION: pl.repeat(self.policy.version, len(rows), dtype=pl.String, eager=True),
            }
        )

    def _reason_places(
        self, rows: NDArray[np.intp], columns: NDArray[np.intp], ranks: NDArray[np.int16]
    ) -> NDArray[np.intp]:
        """Return the place in `reasons` of what became of each pair."""
        places = self.verdict[rows, columns].astype(np.intp)
        beside = (places == ALLOWED) & (ranks[rows, columns] == 0)
        if beside.any():
            reasons = left_out(self.priority, self.verdict == ALLOWED, self.slate_rules, ranks)
            places[beside] = len(self.reasons) - reasons[rows, columns][beside]
        return places


def in_order(ranks: NDArray[np.int16], top: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return customer and product of each offer, by customer and place."""
    count = min(top, ranks.shape[1])
    of_rank = np.zeros((len(ranks), ranks.shape[1] + 1), np.intp)
    np.put_along_axis(of_rank, ranks.astype(np.intp), np.arange(1, ranks.shape[1] + 1)[None], axis=1)
    rows, place = np.nonzero(of_rank[:, 1 : count + 1])
    return rows, of_rank[rows, place + 1] - 1


def _texts(values: Sequence[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)
