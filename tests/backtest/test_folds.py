"""Folds: no label that was not known at the test date; customers who stay where they are."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, strategies as st

from vipreco.backtest import rolling_folds
from vipreco.backtest.folds import customer_folds
from vipreco.errors import UsageError
from vipreco.history import add_months

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
