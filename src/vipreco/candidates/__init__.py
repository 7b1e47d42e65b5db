"""Collaborative filtering over holdings: candidate sources behind one protocol.

>>> from vipreco.candidates import SOURCES
>>> list(SOURCES)[:3]
['popularity', 'segment-popularity', 'held-before']
"""

from __future__ import annotations

from vipreco.candidates.als import ImplicitALS
from vipreco.candidates.linear import Ease, ItemItemBM25, ItemItemCosine
from vipreco.candidates.popularity import HeldBefore, Popularity, SegmentPopularity
from vipreco.candidates.reasons import because_you_hold, strongest_holdings
from vipreco.candidates.source import CandidateSource, Contributing, ItemSideSource
from vipreco.candidates.state import HoldingState, empty_state, holding_state, segment_values
from vipreco.candidates.tuning import AlsSearch, Trial, tune, tune_als

SOURCES: dict[str, type[ItemSideSource]] = {
    source.name: source
    for source in (
        Popularity,
        SegmentPopularity,
        HeldBefore,
        ItemItemCosine,
        ItemItemBM25,
        Ease,
        ImplicitALS,
    )
}
"""Name of each source -> its class; every one is fitted by `SOURCES[name]().fit(state)`."""

__all__ = [
    "SOURCES",
    "AlsSearch",
    "CandidateSource",
    "Contributing",
    "Ease",
    "HeldBefore",
    "HoldingState",
    "ImplicitALS",
    "ItemItemBM25",
    "ItemItemCosine",
    "ItemSideSource",
    "Popularity",
    "SegmentPopularity",
    "Trial",
    "because_you_hold",
    "empty_state",
    "holding_state",
    "segment_values",
    "strongest_holdings",
    "tune",
    "tune_als",
]
