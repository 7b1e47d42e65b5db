"""The decision frame: a row for each (customer, product) at an as-of date; no stage drops a row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import ranks
from vipreco.columns import (
    AS_OF_DATE,
    CUSTOMER_ID,
    PRIORITY,
    PRODUCT_ID,
    PROPENSITY,
    RANK,
    REASON_CODE,
    STAGE,
    SUPPRESSED,
    THIN_EVIDENCE,
)
from vipreco.policy import ALLOWED, RULES

OFFER = "offer"
OFFERED = "OFFERED"
PERSONALISED = "personalised"
STAGES = [OFFER, *(rule.stage.value for rule in RULES)]
REASONS = [OFFERED, *(rule.reason_code for rule in RULES)]


@dataclass(frozen=True)
class Decisions:
    """The decision frame of a chunk of n customers and P products, held as dense arrays.

    Args:
        as_of: Date whose knowledge was used.
        customer_ids: Shape (n,).
        product_ids: Shape (P,).
        propensity: P(acquire within the horizon), shape (n, P).
        priority: What offers are ordered by, shape (n, P).
        verdict: 0 allowed, r stopped by rule r, shape (n, P).
        thin_evidence: Products whose propensity rests on few acquisitions, shape (P,).
        personalised: False for customers who opted out of profiling, shape (n,).
    """

    as_of: date
    customer_ids: NDArray[Any]
    product_ids: tuple[str, ...]
    propensity: NDArray[np.float64]
    priority: NDArray[np.float64]
    verdict: NDArray[np.int8]
    thin_evidence: NDArray[np.bool_]
    personalised: NDArray[np.bool_]

    @cached_property
    def rank(self) -> NDArray[np.int16]:
        """Place in the customer's list, 0 = not offered, shape (n, P)."""
        return ranks(self.priority, self.verdict == ALLOWED)

    def frame(self) -> pl.DataFrame:
        """Return all rows, ordered by customer and product."""
        rows, columns = np.indices(self.verdict.shape)
        return self.rows(rows.ravel(), columns.ravel())

    def listed(self, top: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return customer and product places of the first `top` offers of each customer, in order."""
        count = min(top, len(self.product_ids))
        of_rank = np.zeros((len(self.customer_ids), len(self.product_ids) + 1), np.intp)
        np.put_along_axis(
            of_rank, self.rank.astype(np.intp), np.arange(1, len(self.product_ids) + 1)[None], axis=1
        )
        rows, place = np.nonzero(of_rank[:, 1 : count + 1])
        return rows, of_rank[rows, place + 1] - 1

    def offers(self, top: int) -> pl.DataFrame:
        """Return the first `top` offers of each customer, in order."""
        return self.rows(*self.listed(top))

    def rows(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> pl.DataFrame:
        """Return the frame's rows of customer `rows[i]` and product `columns[i]`, in that order."""
        verdict = self.verdict[rows, columns]
        return pl.DataFrame(
            {
                CUSTOMER_ID: _texts(self.customer_ids.tolist()).gather(rows),
                PRODUCT_ID: _texts(self.product_ids).gather(columns),
                AS_OF_DATE: pl.repeat(self.as_of, len(rows), dtype=pl.Date, eager=True),
                RANK: self.rank[rows, columns],
                PROPENSITY: self.propensity[rows, columns],
                PRIORITY: self.priority[rows, columns],
                THIN_EVIDENCE: self.thin_evidence[columns],
                PERSONALISED: self.personalised[rows],
                SUPPRESSED: verdict != ALLOWED,
                STAGE: _texts(STAGES).gather(verdict),
                REASON_CODE: _texts(REASONS).gather(verdict),
            }
        )


def _texts(values: Sequence[str]) -> pl.Series:
    return pl.Series(values, dtype=pl.String)
