"""Rows of a large matrix as LightGBM takes them in turn, so that no copy of those chosen is made."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.propensity.slim_lightgbm import lightgbm

MAX_COPY: Final = 4 << 30
"""Bytes of chosen rows beyond which they are taken in turn. LightGBM then draws another sample for its bins
than from a matrix, so that the same rows may give other trees: only what cannot be copied goes this way."""


class StreamedRows(lightgbm.Sequence):
    """Some rows of a matrix.

    Args:
        whole: The matrix, shape (n, columns).
        indices: Rows that are meant, in order.
    """

    batch_size = 16_384

    def __init__(self, whole: NDArray[np.float32], indices: NDArray[np.int64]) -> None:
        self.whole, self.indices = whole, indices

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, rows: int | slice | list[int]) -> NDArray[np.float64]:
        """Return one row or some as LightGBM counts them."""
        return np.asarray(self.whole[self.indices[rows]], np.float64)


def chosen_rows(
    whole: NDArray[np.float32], indices: NDArray[np.int64], max_copy: int = MAX_COPY
) -> NDArray[np.float32] | StreamedRows:
    """Return some rows of a matrix to learn from: a copy, or in turn where that is too large."""
    if whole.itemsize * whole.shape[1] * len(indices) <= max_copy:
        return whole[indices]
    return StreamedRows(whole, indices)
