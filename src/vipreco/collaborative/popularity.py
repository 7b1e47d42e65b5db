"""Baselines that need no model: popularity, popularity in the segment, "held before, not now"."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vipreco.collaborative.source import ItemSideSource
from vipreco.collaborative.state import Arrays, Flags, HoldingState, Scores


@dataclass
class Popularity(ItemSideSource):
    """The share of customers who hold the product; the same list for everybody."""

    name: ClassVar[str] = "popularity"
    axes: ClassVar[dict[str, str]] = {"shares": "P"}

    def _fit(self, state: HoldingState) -> Arrays:
        return {"shares": _shares(state.held).astype(np.float32)}

    def _score(self, state: HoldingState) -> Scores:
        return np.repeat(_float32(self._arrays["shares"])[None, :], len(state), axis=0)


@dataclass
class SegmentPopularity(ItemSideSource):
    """The share within the customer's segment, drawn to the overall share where the segment is small.

    Args:
        strength: The overall share counts as much as this many customers of the segment.
    """

    strength: float = 100.0
    name: ClassVar[str] = "segment-popularity"
    axes: ClassVar[dict[str, str]] = {"shares": "SP"}  # one row a segment code, the last one for unknown

    def _fit(self, state: HoldingState) -> Arrays:
        known = state.segments >= 0
        segments = int(state.segments.max(initial=-1)) + 1
        customers = np.bincount(state.segments[known], minlength=segments)[:, None]
        counts = _counts_by_segment(state, segments)
        overall = _shares(state.held)
        shares = (counts + self.strength * overall) / (customers + self.strength)
        return {"shares": np.vstack([shares, overall]).astype(np.float32)}

    def _score(self, state: HoldingState) -> Scores:
        shares = _float32(self._arrays["shares"])
        overall = len(shares) - 1
        known = (state.segments >= 0) & (state.segments < overall)
        return shares[np.where(known, state.segments, overall)]


@dataclass
class HeldBefore(ItemSideSource):
    """Products held earlier and not now, by popularity; then the others, by popularity."""

    name: ClassVar[str] = "held-before"
    axes: ClassVar[dict[str, str]] = {"shares": "P"}

    def _fit(self, state: HoldingState) -> Arrays:
        return {"shares": _shares(state.held).astype(np.float32)}

    def _score(self, state: HoldingState) -> Scores:
        # half a share is at most 0.5, so it never outweighs having held the product
        return state.held_before + _float32(self._arrays["shares"]) / np.float32(2)


def _shares(held: Flags) -> NDArray[np.float64]:
    counts = np.count_nonzero(held, axis=0)
    return np.asarray(counts / max(len(held), 1), dtype=np.float64)


def _counts_by_segment(state: HoldingState, segments: int) -> NDArray[np.int64]:
    counts = [
        np.bincount(state.segments[column & (state.segments >= 0)], minlength=segments)
        for column in state.held.T
    ]
    return np.array(counts, dtype=np.int64).reshape(len(counts), segments).T


def _float32(array: NDArray[np.generic]) -> Scores:
    return np.asarray(array, dtype=np.float32)
