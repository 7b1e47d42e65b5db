"""The holding that speaks most for a product, from the source's own arithmetic."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative.source import Contributing, Source
from vipreco.collaborative.state import HoldingState

NO_REASON = -1


def strongest_holdings(source: Source, state: HoldingState, columns: NDArray[np.intp]) -> NDArray[np.intp]:
    """Column of the held product that speaks most for product `columns[i]` of customer i: (n,).

    -1 where no holding speaks for it, and everywhere for a source that does not look at holdings. Among
    equal ones it is the first column.
    """
    if not isinstance(source, Contributing) or not len(state):
        return np.full(len(state), NO_REASON, dtype=np.intp)
    added = source.contributions(state, columns)
    strongest = added.argmax(axis=1)
    return np.where(added.max(axis=1) > 0, strongest, NO_REASON)
