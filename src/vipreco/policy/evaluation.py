"""The truth of condition parts over facts, each evaluated at its own grain and broadcast."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from vipreco.policy.columns import Grain, PolicyColumn
from vipreco.policy.conditions import Atom
from vipreco.policy.facts import PolicyFacts

Truth = NDArray[np.uint8]
"""0 false, 1 true, 2 unknown; shape (n, 1), (1, P) or (n, P)."""
FEW_ROWS: Final = 4_096
"""Up to so many rows, waiting for other threads takes longer than doing the work."""


def truths(atoms: Iterable[Atom], facts: PolicyFacts, known: Mapping[str, PolicyColumn]) -> dict[str, Truth]:
    """Return the truth of each part by its key."""
    by_grain: dict[Grain, dict[str, Atom]] = {}
    alone = facts.shape[0] == 1  # of one customer all is found at once: calls cost more than rows
    for atom in atoms:
        by_grain.setdefault(Grain.PAIR if alone else atom.grain, {})[atom.key] = atom
    found: dict[str, Truth] = {}
    for grain, parts in by_grain.items():
        found |= _at_grain(grain, parts, facts, known)
    return found


def _at_grain(
    grain: Grain, parts: Mapping[str, Atom], facts: PolicyFacts, known: Mapping[str, PolicyColumn]
) -> dict[str, Truth]:
    names = sorted(frozenset().union(*(atom.columns for atom in parts.values())))
    frame = facts.frame(grain, (known[name] for name in names))
    customers, products = facts.shape
    shape = {Grain.CUSTOMER: (customers, 1), Grain.PAIR: (customers, products)}.get(grain, (1, products))
    select = frame.select if frame.height > FEW_ROWS else frame.select_seq
    found = select(atom.truth for atom in parts.values())
    return {series.name: series.to_numpy().reshape(shape) for series in found.get_columns()}
