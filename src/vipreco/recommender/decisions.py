"""The decision frame: a row for each (customer, product) at an as-of date; no stage drops a row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
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

    @property
    def rank(self) -> NDArray[np.int16]:
        """Place in the customer's list, 0 = not offered, shape (n, P)."""
        return ranks(self.priority, self.verdict == ALLOWED)

    def frame(self) -> pl.DataFrame:
        """Return all rows, ordered by customer and product."""
        rows, columns = np.indices(self.verdict.shape)
        return self._rows(rows.ravel(), columns.ravel(), self.rank.ravel())

    def offers(self, top: int) -> pl.DataFrame:
        """Return the first `top` offers of each customer, in order."""
        rank = self.rank
        rows, columns = np.nonzero((rank > 0) & (rank <= top))
        order = np.lexsort((rank[rows, columns], rows))
        rows, columns = rows[order], columns[order]
        return self._rows(rows, columns, rank[rows, columns])

    def _rows(self, rows: NDArray[Any], columns: NDArray[Any], rank: NDArray[np.int16]) -> pl.DataFrame:
        verdict = self.verdict[rows, columns]
        return pl.DataFrame(
            {
                CUSTOMER_ID: pl.Series(self.customer_ids.astype(object), dtype=pl.String).gather(rows),
                PRODUCT_ID: pl.Series(self.product_ids, dtype=pl.String).gather(columns),
                AS_OF_DATE: pl.repeat(self.as_of, len(rows), dtype=pl.Date, eager=True),
                RANK: rank,
                PROPENSITY: self.propensity[rows, columns],
                PRIORITY: self.priority[rows, columns],
                THIN_EVIDENCE: self.thin_evidence[columns],
                PERSONALISED: self.personalised[rows],
                SUPPRESSED: verdict != ALLOWED,
                STAGE: pl.Series(STAGES, dtype=pl.String).gather(verdict),
                REASON_CODE: pl.Series(REASONS, dtype=pl.String).gather(verdict),
            }
        )
