"""The figures of a bank that was counted by hand."""

from __future__ import annotations

from datetime import date
from functools import cache

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.kpi.counted_bank import CALLS, DECEMBER, LADDER, NOVEMBER, OCTOBER, frames, history
from vipreco.errors import UsageError
from vipreco.kpi import (
    FIGURES,
    FigureInputs,
    FigureRows,
    by_manager,
    check_scope,
    customer_list,
    figure_rows,
    measures,
)
from vipreco.settings import KpiSettings, TierLadder

INPUTS = FigureInputs(LADDER, CALLS, KpiSettings())


@cache
def counted() -> FigureRows:
    return figure_rows(history().as_of(DECEMBER), INPUTS)


def told(rows: FigureRows, key: str, column: str = "number") -> dict[date, float]:
    return dict(measures(rows, [key]).select("month_date", column).iter_rows())


def behind(key: str, day: date = DECEMBER, rows: FigureRows | None = None) -> list[str]:
    return customer_list(rows or counted(), FIGURES[key], day)["customer_id"].to_list()


def test_vip_customers_are_counted_month_by_month_with_their_assets() -> None:
    assert told(counted(), "vip_customers") == {DECEMBER: 5, NOVEMBER: 5, OCTOBER: 5}
    assert told(counted(), "vip_customers", "total_amount") == {DECEMBER: 1660, NOVEMBER: 2630, OCTOBER: 2710}
    assert sorted(behind("vip_customers", NOVEMBER)) == ["a", "b", "c", "d", "h"]


@pytest.mark.parametrize(
    ("key", "november", "december", "amount"),
    [
        ("vip_gained", [], ["e"], 500),
        ("vip_risen", ["b"], [], 0),
        ("vip_sunk", [], ["c"], 240),
        ("vip_left", [], ["d"], 1400),
        ("vip_unplaced", ["g"], ["g"], 270),
    ],
)
def test_moves_name_who_came_rose_sank_and_left(
    key: str, november: list[str], december: list[str], amount: float
) -> None:
    assert told(counted(), key) == {DECEMBER: len(december), NOVEMBER: len(november)}
    assert (behind(key, NOVEMBER), behind(key)) == (november, december)
    assert told(counted(), key, "total_amount")[DECEMBER] == amount


def test_vip_customers_of_a_month_are_those_before_with_all_moves() -> None:
    moved = {key: told(counted(), f"vip_{key}") for key in ("gained", "risen", "sunk", "left")}
    placed = {NOVEMBER: -1, DECEMBER: 1}  # g, whose tier is unknown in November
    before = {NOVEMBER: 5, DECEMBER: 5}
    for month in (NOVEMBER, DECEMBER):
        come = moved["gained"][month] + moved["risen"][month]
        gone = moved["sunk"][month] + moved["left"][month]
        assert before[month] + come - gone + placed[month] == told(counted(), "vip_customers")[month]


def test_used_products_count_each_product_that_is_held_once() -> None:
    assert told(counted(), "products_used") == {
        DECEMBER: pytest.approx(8 / 5),  # a 2, b 1, e 0, g 2, h 3
        NOVEMBER: pytest.approx(7 / 5),  # a 2, b 2, c 0, d 1, h 2
        OCTOBER: pytest.approx(7 / 5),  # a 2, c 0, d 1, g 2, h 2
    }
    fewest = customer_list(counted(), FIGURES["products_used"])
    assert fewest.select("customer_id", "products").rows() == [
        ("e", 0.0),
        ("b", 1.0),
        ("g", 2.0),
        ("a", 2.0),
        ("h", 3.0),
    ]


def test_the_flow_explains_the_assets_of_who_was_vip_at_the_start() -> None:
    amounts = {
        key: told(counted(), f"flow_{key}", "total_amount")
        for key in ("bought", "matured_stayed", "matured_left", "moved_out", "came_in")
    }
    assert amounts == {
        "bought": {DECEMBER: 75},  # deposit of a, fund of h; b was not VIP in October
        "matured_stayed": {DECEMBER: 130},  # a 30, h 100
        "matured_left": {DECEMBER: 110},  # a 50, c 60
        "moved_out": {DECEMBER: 1600},  # c 100, d 1500
        "came_in": {DECEMBER: 30},  # g 10, h 20
    }
    assert 2710 + 30 - 110 - 1600 == 250 + 90 + 0 + 270 + 420
    assert behind("flow_moved_out") == ["d", "c"]


def test_coverage_counts_from_the_last_contact_that_reached_or_from_joining() -> None:
    assert told(counted(), "not_reached_3_months") == {
        DECEMBER: pytest.approx(1 / 5),  # g
        NOVEMBER: pytest.approx(2 / 5),  # a and d; b 13 October, c 17 November, h 5 October
        OCTOBER: pytest.approx(3 / 5),  # a, c, d
    }
    assert told(counted(), "not_reached_6_months") == {
        DECEMBER: 0,
        NOVEMBER: pytest.approx(2 / 5),
        OCTOBER: pytest.approx(3 / 5),
    }
    assert behind("not_reached_3_months") == ["g"]
    assert customer_list(counted(), FIGURES["not_reached_3_months"])["since"].to_list() == ["2025-08-01"]


def test_managers_have_limits_and_stand_by_their_id() -> None:
    found = by_manager(counted(), "not_reached_3_months")
    assert found.select("manager_id", "rows", "customers", "number").rows() == [
        ("M1", 2, 0, 0.0),
        ("M2", 1, 0, 0.0),
        ("M3", 2, 1, 0.5),
    ]
    # Wilson (1927) for 1 of 2 and for 0 of 1
    assert found["number_low"].to_list() == pytest.approx([0, 0, 0.0945], abs=1e-4)
    assert found["number_high"].to_list() == pytest.approx([0.6576, 0.7935, 0.9055], abs=1e-4)


def test_the_funnel_of_contacts_goes_from_due_to_bought() -> None:
    due = customer_list(counted(), FIGURES["contacts_due"]).sort("customer_id")
    assert due.select("customer_id", "cause").rows() == [
        ("a", "follow_up"),
        ("b", "follow_up"),
        ("c", "follow_up"),
        ("d", "approached"),
        ("g", "coverage"),
        ("h", "approached"),
    ]
    steps = {
        key: sorted(behind(f"contacts_{key}")) for key in ("reached", "considering", "declined", "bought")
    }
    assert steps == {
        "reached": ["a", "b", "c", "h"],
        "considering": ["c"],
        "declined": ["a", "h"],
        "bought": ["b", "h"],
    }


def test_a_follow_up_is_kept_by_the_first_working_day_on_or_after_its_date() -> None:
    assert told(counted(), "follow_ups_kept") == {DECEMBER: pytest.approx(1 / 3)}
    listed = customer_list(counted(), FIGURES["follow_ups_kept"]).sort("customer_id")
    assert listed.select("customer_id", "status").rows() == [("a", "open"), ("b", "late"), ("c", "kept")]


def test_a_branch_and_a_book_have_their_own_figures() -> None:
    first, second = counted().of(branch="B1"), counted().of(branch="B2")
    assert (told(first, "vip_customers")[DECEMBER], told(second, "vip_customers")[DECEMBER]) == (3, 2)
    assert behind("vip_left", DECEMBER, first) == ["d"]
    assert behind("vip_left", DECEMBER, second) == []
    assert told(counted().of(manager="M2"), "vip_left")[DECEMBER] == 1
    assert told(counted().of(branch="B1", manager="M3"), "vip_customers")[DECEMBER] == 0


def test_a_number_is_that_of_its_list() -> None:
    found = measures(counted())
    for row in found.filter(
        pl.col("figure").is_in(["not_reached_3_months", "follow_ups_kept"]).not_()
    ).to_dicts():
        listed = behind(row["figure"], row["month_date"])
        assert len(set(listed)) == row["customers"], row["figure"]


@pytest.mark.parametrize(
    ("without", "code", "keys"),
    [
        ("contacts", "contacts", {"not_reached_3_months", "contacts_due", "follow_ups_kept"}),
        ("holdings", "holdings", {"products_used", "flow_bought", "contacts_bought"}),
        ("activity", "maturing", {"flow_matured_stayed", "flow_matured_left"}),
    ],
)
def test_a_bank_without_a_table_is_told_what_is_missing(without: str, code: str, keys: set[str]) -> None:
    rows = figure_rows(history(**{without: None}).as_of(DECEMBER), INPUTS)
    lacking = {key for key, why in rows.missing.items() if why == code}
    assert keys <= lacking
    assert rows.missing.keys() - lacking == {"drain_expected", "offers_stopped"}  # there is no model
    assert measures(rows).filter(pl.col("figure").is_in(list(keys))).is_empty()


def test_without_maturities_all_that_fell_has_moved_out() -> None:
    rows = figure_rows(history(activity=None).as_of(DECEMBER), INPUTS)
    assert told(rows, "flow_moved_out", "total_amount") == {DECEMBER: 1710}


def test_a_bank_without_vip_tiers_is_told_so() -> None:
    rows = figure_rows(history().as_of(DECEMBER), FigureInputs(TierLadder(), CALLS, KpiSettings()))
    assert set(rows.missing) == set(FIGURES)
    assert set(rows.missing.values()) == {"vip"}


def test_one_month_alone_has_states_and_no_moves() -> None:
    rows = figure_rows(history().as_of(OCTOBER), INPUTS)
    assert told(rows, "vip_customers") == {OCTOBER: 5}
    assert {key: rows.missing[key] for key in ("vip_left", "flow_moved_out")} == {
        "vip_left": "two_months",
        "flow_moved_out": "window",
    }
    with pytest.raises(UsageError, match="vip_left is not told: two_months"):
        customer_list(rows, FIGURES["vip_left"])


def test_nothing_of_later_than_the_date_is_counted() -> None:
    assert told(figure_rows(history().as_of(NOVEMBER), INPUTS), "vip_customers") == {NOVEMBER: 5, OCTOBER: 5}
    later = figure_rows(history().as_of(date(2025, 11, 29)), INPUTS)
    assert later.months == (OCTOBER,)


def test_unknown_assets_are_no_zero() -> None:
    customers = frames()["customers"].drop_columns("aum_amount")
    rows = figure_rows(history(customers=customers).as_of(DECEMBER), INPUTS)
    assert rows.missing["flow_moved_out"] == "assets"
    assert told(rows, "vip_customers") == {DECEMBER: 5, NOVEMBER: 5, OCTOBER: 5}


def test_a_branch_that_never_was_is_refused() -> None:
    view = history().as_of(DECEMBER)
    check_scope(view, "B1", "M2")
    with pytest.raises(UsageError, match="no customer was ever of branch B9"):
        check_scope(view, "B9", None)
    check_scope(view, "B1", "M9", {"a": ("M1", "M9")})  # a new manager, who got customers


def test_a_month_without_snapshot_is_compared_with_the_last_one_before() -> None:
    customers = frames()["customers"]
    kept = customers.filter(pc.not_equal(customers["snapshot_date"], pa.scalar(NOVEMBER)))
    rows = figure_rows(history(customers=kept).as_of(DECEMBER), INPUTS)
    assert rows.months == (DECEMBER, OCTOBER)
    assert told(rows, "vip_risen") == {DECEMBER: 1}
    assert rows.missing["flow_moved_out"] == "window"
