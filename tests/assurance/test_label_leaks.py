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
from vipreco.assurance.label_leaks import CODES, _as_the_cases
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


@pytest.mark.parametrize("kind", ["flag", "corrected", "follows"])
def test_a_draw_of_the_customers_finds_it_as_well(frames, kind: str) -> None:
    """Two thirds of them, the same at all dates; without a leak they raise no alarm."""
    some = LeakSettings(max_customers=1_000)
    assert found_in(frames, some) == []
    leaks = found_in(bench.planted(frames, kind, seed=1), some)
    assert {(leak.column, leak.code) for leak in leaks} == {
        ("customers.attribute_planted", code) for code in EXPECTED[kind]
    }


@pytest.mark.parametrize("share", [0.95, 1.0])
def test_a_column_that_tells_the_month_is_no_leak(share: float) -> None:
    """A profile delivered from May on, when nearly all acquire; in April one in ten does, who has none."""
    assert found_in(busy_month(share)) == []


@pytest.mark.parametrize("kind", ["flag", "code", "date"])
def test_a_leak_beside_a_month_of_acquirers_alone_is_found(kind: str) -> None:
    leaks = found_in(bench.planted(busy_month(1.0), kind, seed=1))
    assert [leak.column for leak in leaks] == ["customers.attribute_planted"]


def test_that_newcomers_take_a_first_product_is_no_leak() -> None:
    """All acquire: newcomers, whom the months as a customer tell, mostly the account, the others anything."""
    assert found_in(acquirers_alone()) == []


def test_a_leak_among_acquirers_alone_is_found() -> None:
    leaks = found_in(bench.planted(acquirers_alone(), "code", seed=1))
    assert [(leak.column, leak.code) for leak in leaks] == [("customers.attribute_planted", "knows-cases")]


def acquirers_alone() -> dict[str, pa.Table]:
    """A bank of one labelled month, in which each customer acquires one product; one in ten is a newcomer."""
    random = np.random.default_rng(7)
    ids, months = customer_ids(CUSTOMERS), MONTHS[3:]
    new = np.arange(CUSTOMERS) % 10 == 0
    others = random.choice(["account", "card", "fund", "gold"], CUSTOMERS, p=[0.1, 0.3, 0.3, 0.3])
    next_product = np.where(new & (random.random(CUSTOMERS) < 0.9), "account", others)
    holders = np.array(ids)[~new]
    return {
        "customers": customers_table(
            ids, months, attribute_months=np.where(new, 1.0, random.integers(20, 80, CUSTOMERS))
        ),
        "products": pa.table(
            {
                "product_id": ["account", "card", "fund", "gold", "old"],
                "recorded_date": [date(2020, 1, 1)] * 5,
            }
        ),
        "holdings": pa.table(
            {
                "customer_id": [*holders, *ids],
                "product_id": ["old"] * len(holders) + next_product.tolist(),
                "opened_date": [date(2023, 1, 1)] * len(holders)
                + [months[0] + timedelta(days=5)] * CUSTOMERS,
            }
        ),
    }


def busy_month(share: float) -> dict[str, pa.Table]:
    """A bank of two labelled months, April and May; all is chance but the month itself."""
    random = np.random.default_rng(6)
    months, ids = MONTHS[2:], customer_ids(CUSTOMERS)
    april, may = (np.array(ids)[random.random(CUSTOMERS) < rate] for rate in (0.1, share))
    names = [*april, *may]
    opened = [months[0] + timedelta(days=5)] * len(april) + [months[1] + timedelta(days=5)] * len(may)
    ages: list[float | None] = [None] * CUSTOMERS
    regions: list[str | None] = [None] * CUSTOMERS
    for _ in months[1:]:
        ages += random.integers(20, 80, CUSTOMERS).astype(float).tolist()
        regions += random.choice(["north", "south"], CUSTOMERS).tolist()
    return {
        "customers": customers_table(ids, months, attribute_age=ages, attribute_region=regions),
        "products": pa.table({"product_id": ["card", "fund"], "recorded_date": [date(2020, 1, 1)] * 2}),
        "holdings": pa.table(
            {
                "customer_id": names,
                "product_id": ["card"] * len(april) + ["fund"] * len(may),
                "opened_date": opened,
            }
        ),
    }


def test_others_weigh_in_each_month_as_much_as_its_cases() -> None:
    """In a busy month all columns were delivered anew: cases and others changed alike in either month."""
    assert _as_the_cases(np.array([[20.0, 8, 100, 10]])) == pytest.approx([20, 8, 100, 10])
    busy, calm = [90.0, 90, 10, 10], [10.0, 1, 90, 9]
    cases, moved, others, others_moved = _as_the_cases(np.array([busy, calm]))
    assert (cases, moved / cases, others_moved / others) == pytest.approx((100, 0.91, 0.91))
    assert others == pytest.approx(1 / (0.81 / 10 + 0.01 / 90))


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
