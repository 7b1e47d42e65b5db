"""Holdings at a date, read through the one time door."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np
import pyarrow as pa
import pytest

from vipreco.collaborative import HoldingState, holding_state, segment_values
from vipreco.collaborative.state import empty_state
from vipreco.history import History, View

APRIL, MAY, JUNE = date(2025, 4, 30), date(2025, 5, 31), date(2025, 6, 30)
IDS = ("card", "fund", "loan")


def history() -> History:
    customers = [("c2", MAY, "TOP"), ("c1", MAY, None), ("c3", MAY, "MASS"), ("c1", APRIL, "TOP")]
    holdings = [
        ("c1", "card", date(2025, 1, 5), None),
        ("c1", "fund", date(2025, 1, 5), date(2025, 3, 1)),  # given up
        ("c2", "card", date(2025, 1, 5), date(2025, 2, 1)),  # given up ...
        ("c2", "card", date(2025, 4, 1), None),  # ... and taken again
        ("c2", "loan", date(2025, 1, 5), MAY),  # the closing date is the first day without it
        ("c2", "fund", date(2025, 1, 5), JUNE),  # still held: the closing lies in the future
        ("c3", "loan", JUNE, None),  # not yet opened
        ("c3", "other", date(2025, 1, 5), None),  # not in the columns
        ("gone", "card", date(2025, 1, 5), None),  # nobody of the population
    ]
    return History.from_frames(
        {
            "customers": frame(["customer_id", "snapshot_date", "tier"], customers),
            "holdings": frame(["customer_id", "product_id", "opened_date", "closed_date"], holdings),
        }
    )


def frame(names: list[str], rows: Sequence[tuple[object, ...]]) -> pa.Table:
    types = {name: pa.date32() if name.endswith("_date") else pa.string() for name in names}
    return pa.table(
        {
            name: pa.array(column, types[name])
            for name, column in zip(names, zip(*rows, strict=True), strict=True)
        }
    )


@pytest.fixture(scope="module")
def view() -> View:
    return history().as_of(MAY)


def test_rows_are_the_population_in_order_and_columns_are_those_asked_for(view: View) -> None:
    state = holding_state(view, IDS)
    assert state.product_ids == IDS
    assert state.held.tolist() == [
        [True, False, False],  # c1
        [True, True, False],  # c2
        [False, False, False],  # c3
    ]


def test_held_before_is_what_was_given_up_and_not_taken_again(view: View) -> None:
    state = holding_state(view, IDS)
    assert state.held_before.tolist() == [
        [False, True, False],
        [False, False, True],
        [False, False, False],
    ]


def test_the_order_of_columns_is_the_caller_s(view: View) -> None:
    straight, turned = holding_state(view, IDS), holding_state(view, IDS[::-1])
    assert (turned.held == straight.held[:, ::-1]).all()
    assert (turned.held_before == straight.held_before[:, ::-1]).all()


def test_segments_are_positions_in_the_list_of_the_fit_and_unknown_otherwise(view: View) -> None:
    assert segment_values(view) == ("MASS", "TOP")
    assert holding_state(view, IDS, ("MASS", "TOP")).segments.tolist() == [-1, 1, 0]
    assert holding_state(view, IDS, ("TOP",)).segments.tolist() == [-1, 0, -1]
    assert holding_state(view, IDS).segments.tolist() == [-1, -1, -1]


def test_a_later_date_sees_what_came_later() -> None:
    later = holding_state(history().as_of(JUNE), IDS)
    assert later.held[2].tolist() == [False, False, True]
    assert later.held_before[1].tolist() == [False, True, True]


def test_no_columns_and_no_population_give_empty_matrices(view: View) -> None:
    assert holding_state(view, ()).held.shape == (3, 0)
    assert len(empty_state(IDS, customers=0)) == 0


def test_other_columns_drop_products_and_add_those_that_nobody_holds(view: View) -> None:
    state = holding_state(view, IDS).in_columns(("new", "card"))
    assert state.held.tolist() == [[False, True], [False, True], [False, False]]
    assert not empty_state(()).in_columns(("new",)).held.any()


@pytest.mark.parametrize(
    ("held", "before", "ids"),
    [
        (np.ones((2, 2), dtype=bool), np.zeros((2, 3), dtype=bool), ("a", "b")),
        (np.ones((2, 2), dtype=bool), np.zeros((2, 2), dtype=bool), ("a", "a")),
        (np.ones((2, 2), dtype=bool), np.ones((2, 2), dtype=bool), ("a", "b")),
        (np.ones((3, 2), dtype=bool), np.zeros((3, 2), dtype=bool), ("a", "b")),
    ],
    ids=["shapes differ", "product twice", "held and held before", "more rows than segments"],
)
def test_a_state_that_cannot_be_is_refused(
    held: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    before: np.ndarray[tuple[int, int], np.dtype[np.bool_]],
    ids: tuple[str, ...],
) -> None:
    with pytest.raises(ValueError, match=r"must be|twice|at once"):
        HoldingState(held, before, np.zeros(2, dtype=np.int32), ids)
