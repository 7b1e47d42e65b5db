"""The reason beside each offer of a list: a fact about holdings that can be looked up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.collaborative import HoldingState, Source, strongest_holdings

NO_HOLDING = -1
HELD_BEFORE = -2
TEXTS = ("held it before", "common among customers")  # of the two codes, from the end


@dataclass(frozen=True)
class Evidence:
    """Evidence for n offers.

    Args:
        because: Column of the held product that speaks most for the offer; NO_HOLDING where none does,
            HELD_BEFORE where the customer held the offered product itself; shape (n,).
    """

    because: NDArray[np.intp]

    def of(self, personalised: NDArray[np.bool_]) -> Evidence:
        """Return the same without a personal fact for customers who refused profiling, shape (n,)."""
        return Evidence(np.where(personalised, self.because, NO_HOLDING))

    def texts(self, product_names: tuple[str, ...]) -> pl.Series:
        """Return the reason of each offer in plain words."""
        texts = [*(f"because of {name}" for name in product_names), *TEXTS]
        return pl.Series(texts, dtype=pl.String).gather(self.because % len(texts))


def offer_evidence(
    source: Source, state: HoldingState, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Evidence:
    """Return the evidence for the offers of product `columns[i]` to customer `rows[i]` of `state`."""
    because = strongest_holdings(source, state.take(rows), columns)
    return Evidence(np.where(state.held_before[rows, columns], HELD_BEFORE, because))
