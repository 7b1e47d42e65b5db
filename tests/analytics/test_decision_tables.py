"""Funnel and duels, counted by hand on three customers and three products."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vipreco.analytics.analysis import STAGES
from vipreco.analytics.decision_tables import Duels, Funnel
from vipreco.analytics.plots import plot

# places: 0 offer, 1 eligibility YOUNG, 2 suitability RISKY, 3 arbitration SLATE_FULL
OUTCOMES = np.array([[1, 1, 1], [0, 2, 3], [0, 0, 3]])
MONEY = np.array([[1.0, 2.0, 4.0], [8.0, 16.0, 4.0], [10.0, 6.0, -1.0]])


def decisions() -> Any:
    first = np.array([[0, 0, 0], [1, 0, 0], [1, 0, 0]])
    return SimpleNamespace(
        product_ids=("card", "fund", "loan"),
        stages=["offer", "eligibility", "suitability", "arbitration"],
        reasons=["OFFERED", "YOUNG", "RISKY", "SLATE_FULL"],
        verdict=np.array([[1, 1, 1], [0, 2, 0], [0, 0, 0]]),
        factors=SimpleNamespace(money=SimpleNamespace(priority=MONEY)),
        outcomes=lambda top: OUTCOMES,
        slate=lambda top: first,
    )


def test_the_funnel_leads_from_all_pairs_to_the_offers() -> None:
    funnel = Funnel()
    funnel.add(decisions(), 3)
    assert funnel.frame(STAGES).rows() == [
        ("eligibility", "YOUNG", 3, pytest.approx(3 / 9), 1, 6, 7.0),
        ("suitability", "RISKY", 1, pytest.approx(1 / 9), 1, 5, 16.0),
        ("arbitration", "SLATE_FULL", 2, pytest.approx(2 / 9), 2, 3, 4.0),
        ("offer", "OFFERED", 3, pytest.approx(3 / 9), 2, 3, 24.0),
    ]


def test_chunks_add_up() -> None:
    once, twice = Funnel(), Funnel()
    once.add(decisions(), 3)
    twice.add(decisions(), 3)
    twice.add(decisions(), 3)
    assert twice.frame(STAGES)["pairs"].to_list() == [2 * one for one in once.frame(STAGES)["pairs"]]
    assert twice.frame(STAGES)["pairs_rate"].to_list() == once.frame(STAGES)["pairs_rate"].to_list()


def test_a_product_wins_where_it_is_first_and_the_other_was_allowed() -> None:
    duels = Duels()
    duels.add(decisions())
    assert duels.frame().rows() == [
        ("card", "loan", 2, 2, 0, 1.0, pytest.approx((4 + 10) / 2)),  # loan is behind by 8 - 4 and 10 - 0
        ("card", "fund", 1, 1, 0, 1.0, pytest.approx(4.0)),
        ("fund", "card", 1, 0, 1, 0.0, None),
        ("loan", "card", 2, 0, 2, 0.0, None),
    ]


def test_each_table_has_a_plot() -> None:
    funnel, duels = Funnel(), Duels()
    funnel.add(decisions(), 3)
    duels.add(decisions())
    assert plot("funnel", funnel.frame(STAGES)).axes[0].get_xlabel() == "pairs of customer and product"
    assert plot("products", duels.frame()).axes[0].get_ylabel() == "product"
