"""Columns that know the label are found by name, whatever form they have; a clean bank raises no alarm."""

from __future__ import annotations

import re
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from tests.experiments.scripts import script
from tests.small_bank import customer_ids, customers_table, month_ends
from vipreco.assurance import LeakSettings, find_label_leaks
from vipreco.assurance.label_leaks import CODES
from vipreco.history import History
from vipreco.recommender import RecommenderSettings
from vipreco.settings import TierLadder

bench = script("bench_leaks.py", "bench_leaks")
ROOT = Path(__file__).parents[2]
MONTHS = month_ends(2024, 1, 5)
CUSTOMERS = 1_500
WINDOWS, DEFAULTS = RecommenderSettings(), LeakSettings()
EXPECTED = {
    "flag": {"ranks-alone"},
    "score": {"ranks-alone"},
    "code": {"knows-cases"},
    "date": {"knows-cases"},
    "corrected": {"rewritten"},
    "follows": {"changes-after"},
}


@pytest.fixture(scope="module")
def frames() -> dict[str, pa.Table]:
    """A bank in which a customer's assets make a fund likelier, and everything else is chance."""
    random = np.random.default_rng(4)
    ids = customer_ids(CUSTOMERS)
    wealth = random.normal(size=CUSTOMERS)
    chance = 0.06 * np.exp(wealth - 0.5)
    rows = [
        (customer, product, day + timedelta(days=5))
        for day in MONTHS[:-1]
        for product in ("fund", "card", "gold")
        for customer in np.array(ids)[random.random(CUSTOMERS) < chance / 2]
    ]
    rows = list({row[:2]: row for row in rows}.values())
    names, products, opened = zip(*rows, strict=True)
    size = CUSTOMERS * len(MONTHS)
    customers = customers_table(
        ids,
        MONTHS,
        aum_amount=np.exp(wealth),
        attribute_policy_qualified_investor=wealth > 1,
        attribute_region=random.choice(["north", "south", "west"], CUSTOMERS),
        attribute_mood=random.normal(size=size),
        batch_sequence=np.zeros(size, np.int32),
    )
    return bench.with_tempting(
        {
            "customers": customers,
            "products": pa.table(
                {"product_id": ["card", "fund", "gold"], "recorded_date": [date(2020, 1, 1)] * 3}
            ),
            "holdings": pa.table({"customer_id": names, "product_id": products, "opened_date": opened}),
        }
    )


def found_in(frames: dict[str, pa.Table], settings: LeakSettings = DEFAULTS) -> list:
    history = History.from_frames(frames)
    return find_label_leaks(history, MONTHS[:4], WINDOWS, TierLadder(), settings, 5)


def test_a_clean_bank_has_no_leak(frames) -> None:
    assert found_in(frames) == []


@pytest.mark.parametrize("kind", sorted(EXPECTED))
def test_a_planted_column_is_found_by_name(frames, kind: str) -> None:
    leaks = found_in(bench.planted(frames, kind, seed=1))
    assert {(leak.column, leak.code) for leak in leaks} == {
        ("customers.attribute_planted", code) for code in EXPECTED[kind]
    }


def test_a_column_may_be_used_knowingly(frames) -> None:
    planted = bench.planted(frames, "flag", seed=1)
    for pattern in ("planted", "attribute_planted", "customers.attribute_planted", "plan*"):
        assert [leak.accepted for leak in found_in(planted, LeakSettings(accept=(pattern,)))] == [True]
    assert [leak.accepted for leak in found_in(planted, LeakSettings(accept=("other",)))] == [False]


def test_few_cases_are_not_judged(frames) -> None:
    planted = bench.planted(frames, "flag", seed=1)
    assert found_in(planted, LeakSettings(min_cases=5_000)) == []


def test_a_finding_names_figures_and_page(frames) -> None:
    (leak,) = found_in(bench.planted(frames, "flag", seed=1))
    assert leak.page == "docs/leaks.md#ranks-alone"
    assert str(leak).startswith(
        "customers.attribute_planted: alone it ranks any acquisition with AUC 1.000 ["
    )


def test_every_sign_has_a_section() -> None:
    documented = set(re.findall(r"^### ([a-z-]+)$", (ROOT / "docs" / "leaks.md").read_text(), re.MULTILINE))
    assert documented == set(CODES)
