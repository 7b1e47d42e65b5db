"""The reason "because you hold X", from the source's own arithmetic."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative.source import CandidateSource, Contributing
from vipreco.collaborative.state import HoldingState, empty_state

NO_REASON = -1


def strongest_holdings(
    source: CandidateSource, state: HoldingState, columns: NDArray[np.intp]
) -> NDArray[np.intp]:
    """Column of the held product that speaks most for product `columns[i]` of customer i: (n,).

    -1 where no holding speaks for it, and everywhere for a source that does not look at holdings. Among
    equal ones it is the first column.
    """
    if not isinstance(source, Contributing) or not len(state):
        return np.full(len(state), NO_REASON, dtype=np.intp)
    added = source.contributions(state, columns)
    strongest = added.argmax(axis=1)
    return np.where(added.max(axis=1) > 0, strongest, NO_REASON)


def because_you_hold(
    source: CandidateSource, product_ids: Sequence[str], held_row: NDArray[np.bool_], product: str
) -> str | None:
    """The held product that adds most to the customer's score of `product`, or None.

    Args:
        source: A fitted source.
        product_ids: The columns of `held_row`.
        held_row: (P,), what the customer holds.
        product: One of `product_ids`.
    """
    nothing = empty_state(tuple(product_ids))
    state = HoldingState(
        np.asarray(held_row, dtype=bool)[None, :], nothing.held, nothing.segments, nothing.product_ids
    )
    strongest = strongest_holdings(source, state, np.array([state.product_ids.index(product)]))[0]
    return None if strongest == NO_REASON else state.product_ids[strongest]
