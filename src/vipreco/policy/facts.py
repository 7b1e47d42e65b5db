"""What the rules look at: n customers and P products at one date."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Facts:
    """Facts about some customers and all products of the catalogue.

    Args:
        held: Held at the as-of date, shape (n, P).
        offered: Offered at the as-of date by the catalogue, shape (P,).
        scored: Known to the fitted model, shape (P,).
        repeatable: May be held more than once, shape (P,).
        prerequisites: Row product needs column product, shape (P, P).
        exclusions: Row product must not be held together with column product, shape (P, P).
    """

    held: Mask
    offered: Mask
    scored: Mask
    repeatable: Mask
    prerequisites: Mask
    exclusions: Mask
