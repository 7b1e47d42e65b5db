"""The pool above the boosters, as artifacts of before have it: they are scored as when they were written."""

from __future__ import annotations

import numpy as np
import pytest

from vipreco.collaborative import SOURCES
from vipreco.propensity import HoldingColumns, Hybrid

PRODUCTS = ("card", "fund", "gold")
NAMES = tuple(f"{feature}@{product}" for product in PRODUCTS for feature in ("held_lag_0", "held_before"))


def hybrid(weights: list[float], thin: list[float]) -> Hybrid:
    """Popularity as source: the scores are 1/2, 1/4 and 1/4, whoever is asked about."""
    holdings = HoldingColumns.of(NAMES, PRODUCTS)
    assert holdings is not None
    bank = np.array(
        [[1, 0, 0, 1, 0, 0], [1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0]], np.float32
    )
    source = SOURCES["popularity"]().fit(holdings.ever(bank))
    return Hybrid(
        source, holdings, np.zeros(3), np.ones(3), np.array(thin), np.array([0, 1, 1]), np.array(weights)
    )


NOBODY = np.zeros((1, 6), np.float32)
SHARES = np.array([[0.5, 0.4, 0.1]])


def test_without_weights_the_shares_are_those_of_the_boosters():
    assert hybrid([0, 0, 0], [0.5, 0.5, 0.5]).pool(SHARES, NOBODY) == pytest.approx(SHARES)


def test_the_score_counts_for_all_and_again_where_evidence_is_thin():
    found = hybrid([1, 2, 0], [0, 0, 0.5]).pool(SHARES, NOBODY)
    raised = SHARES * np.exp([[0.5, 0.25, 0.25 + 2 * 0.5 * 0.25]])
    assert found == pytest.approx(raised / raised.sum())


def test_a_thin_product_is_drawn_to_its_family_weighed_by_evidence():
    found = hybrid([0, 0, 1], [0, 0, 1]).pool(SHARES, NOBODY)  # gold rests on fund alone
    raised = np.array([[0.5, 0.4, 0.4]])
    assert found == pytest.approx(raised / raised.sum())
