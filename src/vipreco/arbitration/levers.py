"""Business weights from the recipe, as arrays over products and customers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from vipreco.settings import LeverSettings

Floats = NDArray[np.float64]


def product_levers(product_ids: Sequence[str], families: Sequence[str], levers: LeverSettings) -> Floats:
    """Return product lever x family lever, 1 where the recipe names neither, shape (P,)."""
    return weights(product_ids, levers.products) * weights(families, levers.families)


def weights(names: Sequence[str], by_name: Mapping[str, float]) -> Floats:
    """Return the weight of each name, 1 where there is none."""
    return np.array([by_name.get(name, 1.0) for name in names], np.float64)


def tier_levers(tiers: NDArray[np.object_], levers: LeverSettings) -> Floats:
    """Return the weight of each customer's tier, shape (n,).

    Args:
        tiers: Tier as text, None where unknown, shape (n,).
        levers: The recipe's.
    """
    found = np.ones(len(tiers))
    for tier, weight in sorted(levers.tiers.items()):
        found[tiers == tier] = weight
    return found


def unknown_names(
    product_ids: Sequence[str], families: Sequence[str], levers: LeverSettings
) -> tuple[str, ...]:
    """Return products and families of the levers that the catalogue does not have: likely misspelt."""
    products = set(levers.products) - set(product_ids)
    return tuple(sorted(products | (set(levers.families) - set(families))))
