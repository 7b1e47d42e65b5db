"""Stable groups of customers: the same customer always falls into the same fold."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Folds = NDArray[np.int64]


def customer_folds(customer_ids: NDArray[Any], folds: int, seed: int) -> Folds:
    """Put each customer into one of `folds` groups, by a hash of id and seed alone.

    Adding, removing or reordering customers moves nobody else. Polars' seeded hash is stable for one
    version of Polars, which the constraints pin; folds are recomputed with every fit, never stored.

    Args:
        customer_ids: Ids as text, shape (n,).
        folds: Number of groups, at least 1.
        seed: The project's seed.

    Returns:
        Fold of each customer, 0 to `folds - 1`, shape (n,).
    """
    hashes = pl.Series(customer_ids.astype(object), dtype=pl.String).hash(seed=seed)
    return (hashes % folds).cast(pl.Int64).to_numpy()
