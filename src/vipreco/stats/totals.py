"""Sums over customers who each decide by themselves: how many, and how much, with the interval of chance."""

from __future__ import annotations

import numpy as np

from vipreco.stats.arrays import Floats
from vipreco.stats.estimate import NO_CUSTOMERS, Estimate, percentiles
from vipreco.stats.level import LEVEL

DRAWS = 2000
CELLS_AT_ONCE = 1 << 23


def totals_of_chances(
    chances: Floats, amounts: Floats, seed: int = 0, draws: int = DRAWS, level: float = LEVEL
) -> tuple[Estimate, Estimate]:
    """Return the expected number of events, and the expected sum of their amounts.

    The interval holds the share `level` of what would come about if each event happened by itself with its
    chance: it knows nothing of chances that are wrong, nor of causes that all have in common.

    Args:
        chances: Chance of each event, shape (n,).
        amounts: What goes with each event, shape (n,); NaN counts as nothing.
        seed: Of the draws.
        draws: How many futures are drawn.
        level: Of the intervals.
    """
    amounts = np.nan_to_num(amounts)
    if len(chances) == 0:
        return Estimate(0.0, lacks=NO_CUSTOMERS, customers=0), Estimate(0.0, lacks=NO_CUSTOMERS, customers=0)
    random, block = np.random.default_rng(seed), max(CELLS_AT_ONCE // len(chances), 1)
    found = []
    for start in range(0, draws, block):
        happens = random.random((min(block, draws - start), len(chances)), np.float32) < chances
        found.append((happens.sum(axis=1), happens @ amounts))
    counts, sums = (np.concatenate(parts).astype(np.float64) for parts in zip(*found, strict=True))
    number, total = float(chances.sum()), float(chances @ amounts)
    return (
        Estimate(number, *percentiles(counts, level), customers=len(chances)),
        Estimate(total, *percentiles(sums, level), customers=len(chances)),
    )
