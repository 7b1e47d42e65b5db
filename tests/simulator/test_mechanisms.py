"""The mechanisms one by one, against values worked out by hand or by brute force."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.simulator import TIERS, acquisitions, contacts, fault_injection, hazards
from vipreco.simulator.assets import tier_of
from vipreco.simulator.calendar import NEVER, Calendar, as_dates
from vipreco.simulator.identity import customer_numbers
from vipreco.simulator.parameters import AssetParameters, ContactParameters
from vipreco.simulator.products import Catalogue
from vipreco.simulator.randomness import Purpose, stream

CATALOGUE = Catalogue()
CALENDAR = Calendar("2025-12", 24)


def column(product_id: str) -> int:
    return CATALOGUE.position(product_id)


def test_months_have_positions_from_the_first_written_one() -> None:
    assert (CALENDAR.label(0), CALENDAR.label(23), CALENDAR.label(-1)) == ("202401", "202512", "202312")
    assert CALENDAR.snapshot_date(1) == date(2024, 2, 29)
    assert (CALENDAR.length(1), CALENDAR.of_year(11), CALENDAR.year(11), CALENDAR.year(12)) == (
        29,
        11,
        2024,
        2025,
    )
    days = np.array([CALENDAR.first_day(0) - 1, CALENDAR.first_day(0), CALENDAR.last_day(2)], np.int32)
    assert CALENDAR.positions_of(days).tolist() == [-1, 0, 2]


def test_a_day_that_never_came_is_a_missing_date() -> None:
    dates = as_dates(np.array([NEVER, 0], np.int32))
    assert np.isnat(dates[0])
    assert dates[1] == np.datetime64("1970-01-01")


def test_tiers_follow_the_ladder_that_is_valid_at_the_date() -> None:
    average = np.array([0, 49_999.99, 50_000, 200_000, 999_999, 1e6, 6_500_000, 8e6])
    before = [TIERS[code] for code in tier_of(average, date(2025, 6, 30), AssetParameters())]
    after = [TIERS[code] for code in tier_of(average, date(2025, 7, 31), AssetParameters())]
    assert before == ["BASIC", "BASIC", "SILVER", "GOLD", "GOLD", "PLATINUM", "PLATINUM", "PRIVATE"]
    assert after == ["BASIC", "BASIC", "SILVER", "GOLD", "GOLD", "PLATINUM", "DIAMOND", "PRIVATE"]


def test_prerequisites_and_exclusions_point_to_earlier_products_or_the_same_group() -> None:
    assert all(needed < product for product, needed in CATALOGUE.links("prerequisites"))
    for product, other in (*CATALOGUE.links("exclusions"), *CATALOGUE.links("replaces")):
        assert any(product in group and other in group for group in CATALOGUE.groups)


def test_the_catalogue_has_25_to_40_products_of_all_risk_classes_in_seven_families_and_more() -> None:
    assert 25 <= len(CATALOGUE.products) <= 40
    assert {product.risk for product in CATALOGUE.products} == {0, 1, 2, 3, 4, 5}
    assert len({product.family for product in CATALOGUE.products}) >= 10
    assert all(product.value > 0 for product in CATALOGUE.products)


def test_a_product_is_blocked_while_held_without_its_prerequisite_or_beside_what_excludes_it() -> None:
    held = np.zeros((1, len(CATALOGUE.products)), bool)
    held[0, column("C003")] = True
    one = hazards.Hazards(CATALOGUE, CALENDAR, None, np.zeros(0))  # type: ignore[arg-type]
    blocked = one.blocked_by_holdings(held)[0]
    assert blocked[column("C003")]
    assert blocked[column("C001")]
    assert blocked[column("P001")]
    assert not blocked[column("D001")]


def test_one_uniform_number_decides_a_group_and_each_chance_is_kept() -> None:
    rows = 200_000
    probability = np.zeros((rows, len(CATALOGUE.products)), np.float32)
    cards = [column(name) for name in ("C001", "C002", "C003")]
    probability[:, cards] = [0.3, 0.2, 0.4]
    acquired = acquisitions.draw_acquisitions(probability, CATALOGUE, np.random.default_rng(1))[:, cards]
    assert acquired.sum(axis=1).max() == 1
    np.testing.assert_allclose(acquired.mean(axis=0), [0.3, 0.2, 0.4], atol=0.005)


def test_the_chances_of_a_group_never_sum_to_more_than_the_maximum() -> None:
    hazard = np.full((3, len(CATALOGUE.products)), 5.0, np.float32)
    probability = hazards.probability_of(hazard, CATALOGUE, 0.9)
    for group in CATALOGUE.groups:
        assert probability[:, list(group)].sum(axis=1) == pytest.approx(0.9)
    assert probability[0, column("D002")] == pytest.approx(0.9)


def test_the_logged_chance_is_the_average_over_all_contacts_that_the_policy_may_make() -> None:
    products = len(CATALOGUE.products)
    hazard = np.full((1, products), 0.05, np.float32)
    hazard[0, 3] = 0
    policy = ContactParameters()
    chances = contacts.ContactChances(
        contacted=np.array([0.4]),
        channel=np.array([[0.5, 0.2, 0.3]]),
        product=contacts.product_probability(hazard, CATALOGUE, policy),
    )
    effect = np.array([[1.2, 0.3, -0.5]], np.float32)
    quiet = -np.expm1(-hazard)
    expected = quiet[0].astype(float) * (1 - 0.4 * chances.product[0])
    for channel in range(3):
        reach = 1 - policy.no_answer_probability[channel]
        weight = 0.4 * chances.channel[0, channel] * chances.product[0]
        raised = 1 - np.exp(-hazard[0] * np.exp(effect[0, channel]))
        expected += weight * (reach * raised + (1 - reach) * quiet[0])
    got = contacts.mean_probability(hazard, quiet, chances, effect, policy)
    np.testing.assert_allclose(got[0], expected, rtol=1e-5)
    assert got[0, 3] == 0


def test_the_policy_names_only_what_is_possible_and_its_chances_sum_to_one() -> None:
    hazard = np.zeros((2, len(CATALOGUE.products)), np.float32)
    hazard[0, [2, 5]] = 0.1
    chances = contacts.product_probability(hazard, CATALOGUE, ContactParameters())
    assert chances.sum(axis=1) == pytest.approx([1, 0])
    assert np.flatnonzero(chances[0]).tolist() == [2, 5]
    assert chances[0].min(where=hazard[0] > 0, initial=1) > 0.15


def test_customer_numbers_do_not_repeat_and_keep_leading_zeros() -> None:
    numbers = customer_numbers(0, 200_000, 3)
    assert numbers.n_unique() == 200_000
    assert numbers.str.len_chars().unique().to_list() == [10]
    assert numbers.str.starts_with("0").any()


def test_streams_differ_by_seed_purpose_month_and_block_and_repeat_exactly() -> None:
    keys = [(1, Purpose.EVENTS, 0, 0), (2, Purpose.EVENTS, 0, 0), (1, Purpose.ASSETS, 0, 0)]
    keys += [(1, Purpose.EVENTS, 1, 0), (1, Purpose.EVENTS, -1, 0), (1, Purpose.EVENTS, 0, 1)]
    drawn = [stream(*key).random() for key in keys]
    assert len(set(drawn)) == len(keys)
    assert drawn == [stream(*key).random() for key in keys]


FAULTS = (
    fault_injection.Fault("B29", "blank", "id", fault_injection.missing),
    fault_injection.Fault("B30", "copy", "id", copies=True, outcome=fault_injection.Outcome.DUPLICATE),
    fault_injection.Fault("B30", "other copy", "x", lambda values: values + "!", copies=True),
)


def test_a_contradicting_copy_makes_both_rows_faulty() -> None:
    frame = pl.DataFrame({"id": ["a"], "x": ["1"]})
    planted = fault_injection.plant(frame, FAULTS[2:], 1.0, np.random.default_rng(0))
    assert planted.frame.rows() == [("a", "1"), ("a", "1!")]
    assert planted.report("f.csv", 2).select("row", "outcome").rows() == [
        (2, "quarantined"),
        (3, "quarantined"),
    ]


@settings(max_examples=50, deadline=None)
@given(rows=st.integers(0, 60), rate=st.floats(0, 1), seed=st.integers(0, 1_000))
def test_each_row_gets_one_fault_at_most_and_the_others_stay_as_they_were(
    rows: int, rate: float, seed: int
) -> None:
    frame = pl.DataFrame(
        {"id": [f"c{row}" for row in range(rows)], "x": ["1"] * rows},
        schema_overrides={"id": pl.String, "x": pl.String},
    )
    planted = fault_injection.plant(frame, FAULTS, rate, np.random.default_rng(seed))
    assert len(set(planted.position.tolist())) == len(planted.position)
    blank = planted.frame["id"].is_null().sum()
    kinds = [fault.kind for fault in planted.fault]
    assert blank == kinds.count("blank")
    assert planted.frame.height == rows + kinds.count("copy") + kinds.count("other copy") // 2
    kept = planted.frame[:rows].filter(pl.col("id").is_not_null())
    assert kept.equals(frame.filter(pl.col("id").is_in(kept["id"].implode())))


def test_marks_become_broken_bytes_and_extra_fields() -> None:
    text = f"a,{fault_injection.INVALID_BYTES},金{fault_injection.EXTRA_FIELD}\n"
    assert (
        fault_injection.damaged(text.encode("gb18030"), "gb18030")
        == b"a,\xff," + "金".encode("gb18030") + b",\n"
    )
