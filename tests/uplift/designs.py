"""Randomised designs with a known effect."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.propensity import BoosterSettings, Machine
from vipreco.uplift import LearnerContext, RandomisedRows, UpliftSettings

NAMES = ("mover", "answerer", "noise")
BOOSTER = BoosterSettings(
    rounds=60,
    learning_rate=0.1,
    num_leaves=4,
    min_data_in_leaf=50,
    feature_fraction=1.0,
    bagging_fraction=0.8,
)


def true_effect(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Whoever has a positive first column is moved, the others are put off a little."""
    return np.where(values[:, 0] > 0, 0.25, -0.05)


def design(customers: int, seed: int, *, effect: float = 1.0, chance: float = 0.5) -> RandomisedRows:
    """Return customers of whom the second column tells who answers anyway, and the first whom it moves."""
    random = np.random.default_rng(seed)
    values = random.standard_normal((customers, len(NAMES))).astype(np.float32)
    treated = random.random(customers) < chance
    anyway = 0.1 + 0.4 * (values[:, 1] > 0)
    outcome = random.random(customers) < anyway + effect * treated * true_effect(values)
    ids = np.array([f"C{seed}-{number:05d}" for number in range(customers)])
    return RandomisedRows(ids, values, treated, outcome, np.full(customers, chance))


def small_growing() -> LearnerContext:
    """Return settings that are trained in a moment."""
    settings = UpliftSettings(outcome=BOOSTER, effect=BOOSTER, patience=15)
    return LearnerContext(NAMES, settings, Machine(seed=7, threads=1))
