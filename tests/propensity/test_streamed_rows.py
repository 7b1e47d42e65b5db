"""Rows that are taken in turn teach the trees that a copy of them teaches."""

from __future__ import annotations

import numpy as np

from vipreco.propensity import BoosterSettings, Machine
from vipreco.propensity.booster import Booster, Examples
from vipreco.propensity.streamed_rows import StreamedRows, chosen_rows


def test_rows_in_turn_give_the_trees_of_a_copy():
    random = np.random.default_rng(1)
    whole = random.normal(size=(800, 4)).astype(np.float32)
    whole[random.random(whole.shape) < 0.1] = np.nan
    indices = random.integers(0, 800, 1_000)
    labels = (np.nan_to_num(whole[indices, 0]) > 0.3).astype(np.int64)
    weights = random.uniform(0.5, 2.0, 1_000).astype(np.float32)
    copied, in_turn = chosen_rows(whole, indices), chosen_rows(whole, indices, max_copy=1_000)
    assert isinstance(copied, np.ndarray)
    assert isinstance(in_turn, StreamedRows)
    trees = [
        Booster.fit(
            Examples(values, labels, weights),
            ("a", "b", "c", "d"),
            BoosterSettings(rounds=5),
            Machine(seed=3, threads=1),
        ).model.model_to_string()
        for values in (copied, in_turn)
    ]
    assert trees[0] == trees[1]
