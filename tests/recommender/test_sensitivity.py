"""The effect of each factor: two customers whose first offers are worked out by hand."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.shared import CALLS
from vipreco.arbitration import Context, CustomerEconomics, Customers, priority_factors
from vipreco.lists import sensitivity
from vipreco.settings import ArbitrationSettings, LeverSettings, ValueSettings

NONE = np.array([np.nan, np.nan, np.nan])


def decisions(levers: LeverSettings) -> Any:
    """Customer 0 might leave and keeps 100 by a call; 1 buys; 2 may be offered nothing."""
    economics = CustomerEconomics(
        np.array([4_000.0, np.nan, np.nan]), NONE, np.array([0.5, np.nan, np.nan]), NONE
    )
    rates = ValueSettings(
        annual_margin_rate=0.2, share_at_risk=1.0, contact_keeps=0.25, acquisition_keeps=0.0
    )
    found = priority_factors(
        np.array([[0.5, 0.1], [0.4, 0.1], [0.5, 0.5]]),
        np.array([100.0, 300.0]),
        ("card", "fund"),
        ("daily", "wealth"),
        Customers(economics, Context.plain(3, 2), np.full(3, None, object), np.ones(3, bool)),
        ArbitrationSettings(order="chance", values=rates, levers=levers),
        contact=CALLS,
    )
    verdict = np.array([[0, 0], [0, 0], [1, 2]])
    return SimpleNamespace(factors=found, verdict=verdict, product_ids=("card", "fund"))


def rows(levers: LeverSettings) -> dict[str, tuple[float, ...]]:
    found = sensitivity([decisions(levers)]).drop("lost_rate")
    return {row[0]: row[1:] for row in found.iter_rows()}


def test_what_changes_is_counted_and_what_it_costs_is_told_in_money():
    # with all: 0 keeps (0.5 x 0.25 x 800 = 100 against 50 and 30), 1 is offered the card (40 against 30)
    found = rows(LeverSettings())
    # without the propensity the fund heads both calls: 300 against a sure 200 that is kept, and against 100
    assert found["propensity"] == pytest.approx((2, 1.0, 1.0, (100 - 30) + (40 - 30)))
    assert found["margin"] == pytest.approx((2, 0.0, 0.0, 0.0))
    assert found["kept"] == pytest.approx((2, 0.0, 0.5, 100 - 50))
    assert found["lever"] == pytest.approx((2, 0.0, 0.0, 0.0))


def test_a_lever_has_its_price():
    # doubled, the fund wins with customer 1: 60 against 40; without the lever 10 more are expected
    found = rows(LeverSettings(products={"fund": 2.0}))
    assert found["lever"] == pytest.approx((2, 1.0, 0.5, -10.0))
