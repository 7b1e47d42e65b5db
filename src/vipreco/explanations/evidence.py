"""The reason beside each offer of a list: a fact about holdings that can be looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.candidates import CandidateSource, HoldingState, strongest_holdings

HELD_BEFORE = "HELD_BEFORE"
BECAUSE_HELD = "BECAUSE_HELD"
COMMON = "COMMON"
TEXTS = {
    HELD_BEFORE: "held it before",
    BECAUSE_HELD: "because of {product}",
    COMMON: "common among customers",
}


@dataclass(frozen=True)
class Evidence:
    """Evidence for n offers.

    Args:
        codes: HELD_BEFORE, BECAUSE_HELD or COMMON, shape (n,).
        because: Column of the held product that speaks most for the offer, -1 for none, shape (n,).
    """

    codes: NDArray[Any]
    because: NDArray[np.intp]

    def texts(self, product_names: tuple[str, ...]) -> list[str]:
        """Return the reason of each offer in plain words."""
        names = [*product_names, ""]  # the last one answers to -1
        return [
            TEXTS[str(code)].format(product=names[because])
            for code, because in zip(self.codes, self.because, strict=True)
        ]


def offer_evidence(
    source: CandidateSource, state: HoldingState, rows: NDArray[np.intp], columns: NDArray[np.intp]
) -> Evidence:
    """Return the evidence for the offers of product `columns[i]` to customer `rows[i]` of `state`."""
    because = strongest_holdings(source, state.take(rows), columns)
    codes = np.where(because >= 0, BECAUSE_HELD, COMMON)
    codes = np.where(state.held_before[rows, columns], HELD_BEFORE, codes)
    return Evidence(codes, because)
