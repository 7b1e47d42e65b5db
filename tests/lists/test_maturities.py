"""Talk about a maturing amount: what is held may be renewed, what the rules allow is an alternative."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from vipreco.lists import Wording
from vipreco.lists.maturities import MaturityOptions, maturity_options, maturity_texts
from vipreco.settings import CallListSettings

PRODUCTS = ("three", "twelve", "large", "wealth", "note", "card")
HELD, RISK = 1, 2  # verdicts
RENEWABLE = np.array([False, True, False, False, False, False])
VERDICTS = np.array([[0, HELD, 0, HELD, RISK, 0]], np.int16)


def decisions() -> Any:
    priority = np.array([[1.0, 5.0, 3.0, 9.0, 8.0, 7.0]])
    return SimpleNamespace(priority=priority, verdict=VERDICTS)


def catalog() -> Any:
    return SimpleNamespace(
        product_ids=PRODUCTS,
        families=("deposit", "deposit", "deposit", "wealth", "wealth", "card"),
        min_amounts=np.array([1_000.0, np.nan, 200_000.0, 0.0, 0.0, 0.0]),
    )


@pytest.mark.parametrize(
    ("amount", "renewed", "others"),
    [
        (300_000.0, ("twelve",), ("large", "three")),
        (199_999.0, ("twelve",), ("three",)),
        (10.0, ("twelve",), ()),
    ],
)
def test_renewals_and_alternatives_fit_the_amount_and_keep_the_rules(
    amount: float, renewed: tuple[str, ...], others: tuple[str, ...]
):
    found = maturity_options(decisions(), catalog(), 0, RENEWABLE, amount, ("deposit", "wealth"))
    assert found == MaturityOptions(renewed, others)


def texts(amount: float, say: Wording) -> list[str]:
    day: Any = SimpleNamespace(
        inputs=SimpleNamespace(known=SimpleNamespace(catalog=catalog())),
        renewable={"a": RENEWABLE},
        decisions_about=lambda customer: (decisions(), 0),
        settings=CallListSettings(),
        names={"twelve": "Time deposit", "large": "Large certificate"},
    )
    row = {"customer_id": "a", "maturing_amount": amount, "maturing_month_date": date(2025, 12, 31)}
    return list(maturity_texts(day, row, say))


def test_the_options_have_a_date():
    assert texts(300_000.0, Wording("en", currency="CNY")) == [
        "CNY 300,000 matures soon (as of 31 December 2025)",
        "By 30 January 2026: renew Time deposit, or move it to Large certificate or three",
    ]
    assert texts(10.0, Wording("zh", currency="CNY"))[1] == "2026年1月30日前：续存Time deposit"
