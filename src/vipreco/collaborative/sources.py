"""Every collaborative-filtering source by its name; each is fitted by `SOURCES[name]().fit(state)`.

>>> list(SOURCES)[:3]
['popularity', 'segment-popularity', 'held-before']
"""

from __future__ import annotations

from vipreco.collaborative.als import ImplicitALS
from vipreco.collaborative.linear import Ease, ItemItemBM25, ItemItemCosine
from vipreco.collaborative.popularity import HeldBefore, Popularity, SegmentPopularity
from vipreco.collaborative.source import ItemSideSource

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
