"""The order of one customer's offers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def ranks(priority: NDArray[np.floating[Any]], allowed: NDArray[np.bool_]) -> NDArray[np.int16]:
    """Return the place of each allowed product in its customer's list, shape (n, P).

    1 is the first offer, 0 means not offered. Equal priorities keep the order of the catalogue, so the
    same input always gives the same list.
    """
    ordered = np.argsort(np.where(allowed, -priority, np.inf), axis=1, kind="stable")
    places = np.empty(priority.shape, np.int16)
    np.put_along_axis(places, ordered, np.arange(1, priority.shape[1] + 1, dtype=np.int16)[None, :], axis=1)
    return np.where(allowed, places, np.int16(0))
