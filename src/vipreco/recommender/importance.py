"""Importance of features by family of the data dictionary: where the trees of each model find their gain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Final

import numpy as np

from vipreco.features import PLACEHOLDER, Dictionary
from vipreco.propensity import ATTRITION, CHANGES, Booster
from vipreco.recommender.recommender import Recommender

ANY, PRODUCT = "any acquisition", "which product"
OTHERWISE: Final = "other columns"
Shares = dict[str, dict[str, float]]


def importance_by_family(recommender: Recommender) -> Shares:
    """Return, by model, the share of the gain that its trees find in each family of features.

    The gain is LightGBM's: how much less the loss is after the splits by a column. Models come in a fixed
    order, families by their largest share. The prior below the trees of "which product" is not counted.
    """
    found = {
        name: _by_family(boosters, recommender.features.dictionary)
        for name, boosters in _boosters(recommender)
        if boosters
    }
    families = sorted(
        {family for shares in found.values() for family in shares},
        key=lambda family: (-max(shares.get(family, 0.0) for shares in found.values()), family),
    )
    return {name: {family: shares.get(family, 0.0) for family in families} for name, shares in found.items()}


def _boosters(recommender: Recommender) -> Iterator[tuple[str, Sequence[Booster]]]:
    model, changes = recommender.model, recommender.relationship
    yield ANY, [model.any] if model.any else []
    yield PRODUCT, model.product.boosters
    for change in (ATTRITION, *CHANGES):
        own = changes.model(change) if changes else None
        yield change.replace("_", " "), [own.booster] if own and own.booster else []


def _by_family(boosters: Sequence[Booster], dictionary: Dictionary) -> dict[str, float]:
    patterns = [
        (feature.name.replace(PLACEHOLDER, "*"), file.family)
        for file in dictionary.file
        for feature in file.features
    ]
    exact = dict(patterns)
    totals: dict[str, float] = {}
    for booster in boosters:
        for name, gain in zip(booster.names, booster.gains().tolist(), strict=True):
            family = _family(name.partition("@")[0], exact, patterns)
            totals[family] = totals.get(family, 0.0) + gain
    whole = float(np.sum(list(totals.values())))
    return {family: total / whole for family, total in totals.items() if total} if whole else {}


def _family(name: str, exact: dict[str, str], patterns: Sequence[tuple[str, str]]) -> str:
    if name in exact:
        return exact[name]
    return next((family for pattern, family in patterns if fnmatchcase(name, pattern)), OTHERWISE)
