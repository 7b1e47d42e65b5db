"""The collaborative arm sees what was held before, not only what is held."""

from __future__ import annotations

import numpy as np

from vipreco.collaborative import HoldingState
from vipreco.simulator.oracle.arms import collaborative

HELD = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1], [1, 0, 0], [0, 0, 0]], bool)
BEFORE = np.array([[0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 0]], bool)


def test_collaborative_scores_come_from_products_held_now_or_before() -> None:
    state = HoldingState(HELD, BEFORE, np.zeros(6, np.int32), ("A", "B", "C"))
    scores = collaborative(state)
    # A and B are held together by two of the three holders of A and both of B: cosine 2 / sqrt(6)
    np.testing.assert_allclose(scores[4], [1.0, 2 / np.sqrt(6), 1.0], rtol=1e-6)
    assert scores[5].tolist() == [0, 0, 0]
    np.testing.assert_allclose(scores[2], [0, 0, 1.0], atol=1e-7)
