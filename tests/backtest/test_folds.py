"""Folds: no label that was not known at the test date; customers who stay where they are.

Cases B111.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vipreco.backtest import rolling_folds
from vipreco.backtest.folds import customer_folds
from vipreco.backtest.trials import _judgeable, _Members
from vipreco.errors import InputRejectedError, UsageError
from vipreco.history import add_months, label_windows

MONTHS = [add_months(date(2015, 1, 31), number) for number in range(17)]


def test_the_newest_folds_learn_only_from_windows_that_had_ended() -> None:
    folds = rolling_folds(MONTHS, horizon_months=1, train_months=2, folds=2)
    assert [fold.test for fold in folds] == [date(2016, 3, 31), date(2016, 4, 30)]
    assert folds[1].train == (date(2016, 2, 29), date(2016, 3, 31))
    assert folds[1].window(folds[1].test) == (date(2016, 4, 30), date(2016, 5, 31))


def test_a_gap_moves_window_and_training_apart() -> None:
    fold = rolling_folds(MONTHS, horizon_months=2, gap_months=1, train_months=1, folds=1)[0]
    assert fold.test == date(2016, 2, 29)
    assert fold.window(fold.test) == (date(2016, 3, 31), date(2016, 5, 31))
    assert fold.train == (date(2015, 11, 30),)


@given(
    months=st.integers(2, 30),
    horizon=st.integers(1, 4),
    gap=st.integers(0, 3),
    newest=st.none() | st.integers(1, 5),
)
def test_no_fold_learns_a_label_that_ends_after_its_test_date(
    months: int, horizon: int, gap: int, newest: int | None
) -> None:
    dates = [add_months(date(2014, 3, 31), number) for number in range(months)]
    if months <= 2 * (horizon + gap):
        with pytest.raises(UsageError):
            rolling_folds(dates, horizon, gap, newest)
        return
    for fold in rolling_folds(dates, horizon, gap, newest, folds=99):
        assert max(fold.window(day)[1] for day in fold.train) <= fold.test
        assert fold.window(fold.test)[1] <= dates[-1]


def test_a_history_of_one_labelled_month_is_told_to_use_customer_folds() -> None:
    with pytest.raises(UsageError, match="customer folds"):
        rolling_folds(MONTHS[:2], horizon_months=1)


def test_no_snapshot_at_all_is_told_too() -> None:
    with pytest.raises(UsageError, match="no snapshot at all"):
        rolling_folds([], horizon_months=1)


def test_a_customer_stays_in_the_fold_when_others_come_go_or_change_places() -> None:
    ids = np.array([f"c{number:05d}" for number in range(3000)])
    folds = dict(zip(ids, customer_folds(ids, 5, seed=1), strict=True))
    others = np.random.default_rng(0).permutation(np.concatenate([ids[::3], [f"x{n}" for n in range(500)]]))
    again = dict(zip(others, customer_folds(others, 5, seed=1), strict=True))
    assert all(again[one] == folds[one] for one in ids[::3])


def test_folds_are_of_about_equal_size_and_another_seed_makes_others() -> None:
    ids = np.array([f"c{number:05d}" for number in range(5000)])
    folds = customer_folds(ids, 5, seed=1)
    assert np.bincount(folds, minlength=5).min() > 900
    assert (folds != customer_folds(ids, 5, seed=2)).mean() > 0.7


def windows(dates: list[date], horizon: int = 1) -> dict[date, date]:
    return {day: until for day, (_, until) in label_windows(dates, horizon).items()}


def test_a_date_before_a_missing_snapshot_is_left_out() -> None:
    dates = [day for day in MONTHS if day != date(2016, 2, 29)]
    assert date(2016, 1, 31) not in windows(dates)
    folds = rolling_folds(dates, horizon_months=1, train_months=2, folds=2)
    assert [fold.test for fold in folds] == [date(2016, 3, 31), date(2016, 4, 30)]
    assert folds[1].train == (date(2015, 12, 31), date(2016, 3, 31))


def test_a_missing_newest_but_one_snapshot_judges_an_earlier_date() -> None:
    dates = [day for day in MONTHS if day != date(2016, 4, 30)]
    assert rolling_folds(dates, horizon_months=1, folds=1)[0].test == date(2016, 2, 29)


@pytest.mark.parametrize(
    ("dates", "horizon"),
    [
        # last working days: a window may end a few days after the nominal date
        (
            [
                date(2025, 8, 29),
                date(2025, 9, 30),
                date(2025, 10, 31),
                date(2025, 11, 28),
                date(2025, 12, 31),
            ],
            1,
        ),
        # months of four, four and five weeks
        ([date(2025, 1, 31), date(2025, 2, 28), date(2025, 4, 4), date(2025, 5, 2), date(2025, 5, 30)], 1),
        ([date(2025, 1, 3) + timedelta(days=7 * week) for week in range(12)], 1),  # every Friday
        ([add_months(date(2024, 3, 31), 3 * quarter) for quarter in range(5)], 3),
        ([date(2024, 1, 31), date(2024, 2, 29), date(2024, 3, 31)], 1),
        ([date(2025, 9, 25), date(2025, 10, 24), date(2025, 11, 25)], 1),
    ],
)
def test_every_date_but_those_at_the_end_is_usable_in_any_calendar(dates: list[date], horizon: int) -> None:
    found = windows(dates, horizon)
    due = [day for day in dates if add_months(day, horizon) <= dates[-1]]
    assert set(due) <= set(found)
    assert all(until in dates or until == add_months(day, horizon) for day, until in found.items())


def test_a_date_of_nobody_is_neither_learnt_from_nor_judged() -> None:
    fold = rolling_folds(MONTHS, 1, train_months=2, folds=1, unusable=[date(2016, 4, 30), date(2016, 2, 29)])[
        0
    ]
    assert (fold.test, fold.train) == (date(2016, 3, 31), (date(2015, 12, 31), date(2016, 1, 31)))


def test_quarterly_snapshots_tell_nothing_about_a_month() -> None:
    assert windows([add_months(date(2024, 3, 31), 3 * quarter) for quarter in range(5)]) == {}


@pytest.mark.parametrize("customers", [6, 40])
def test_folds_without_customers_are_left_out(customers: int) -> None:
    folds = customer_folds(np.array([f"c{n}" for n in range(customers)]), 5, 1)
    assert _judgeable(_Members(np.arange(customers), folds), 5) == sorted(set(folds.tolist()))


def test_a_single_customer_cannot_be_judged_by_others() -> None:
    with pytest.raises(InputRejectedError, match=r"1 customer\(s\) cannot be judged"):
        _judgeable(_Members(np.array(["c"]), np.array([3])), 5)
