"""Labels: who acquired what, and about whom nothing is known."""

from datetime import date, datetime

import pyarrow as pa
import pytest

from vipreco.errors import UsageError
from vipreco.history import History

JAN, FEB, MAR, APR = (date(2020, 1, 31), date(2020, 2, 29), date(2020, 3, 31), date(2020, 4, 30))


def seen(*pairs):
    return pa.table(
        {"customer_id": [pair[0] for pair in pairs], "snapshot_date": [pair[1] for pair in pairs]}
    )


def held(*intervals):
    customers, products, opened, closed = zip(*intervals, strict=True)
    return pa.table(
        {
            "customer_id": list(customers),
            "product_id": list(products),
            "opened_date": pa.array(opened, pa.date32()),
            "closed_date": pa.array(closed, pa.date32()),
        }
    )


def labels(observations, intervals, after=FEB, until=MAR, **more):
    frames = {"observations": observations, "holdings": intervals, **more}
    found = History.from_frames(frames).acquisitions(after, until)
    acquired = [tuple(row.values()) for row in found.acquired.to_pylist()]
    return acquired, found.observed.to_pylist()


ONE = seen(("1", FEB), ("1", MAR))


def test_a_product_opened_in_the_window_is_acquired():
    assert labels(ONE, held(("1", "p", MAR, None))) == ([("1", "p", MAR, False)], ["1"])


def test_the_window_is_open_at_its_start_and_closed_at_its_end():
    intervals = held(
        ("1", "a", FEB, None), ("1", "b", date(2020, 3, 1), None), ("1", "c", date(2020, 4, 1), None)
    )
    assert labels(ONE, intervals)[0] == [("1", "b", date(2020, 3, 1), False)]


def test_a_product_held_at_the_start_is_not_acquired_even_when_it_reopens_in_the_window():
    intervals = held(("1", "p", JAN, date(2020, 3, 10)), ("1", "p", date(2020, 3, 20), None))
    assert labels(ONE, intervals)[0] == []


def test_a_product_that_ended_on_the_start_date_can_be_acquired_again_and_is_marked():
    intervals = held(("1", "p", JAN, FEB), ("1", "p", MAR, None))
    assert labels(ONE, intervals)[0] == [("1", "p", MAR, True)]


def test_a_repeatable_product_is_acquired_again_while_it_is_held():
    products = pa.table({"product_id": ["p"], "repeatable": [True]})
    intervals = held(("1", "p", JAN, None), ("1", "p", MAR, None))
    assert labels(ONE, intervals, products=products)[0] == [("1", "p", MAR, True)]


def test_a_repeatable_product_opened_on_the_start_date_is_before_the_window():
    products = pa.table({"product_id": ["p"], "repeatable": [True]})
    assert labels(ONE, held(("1", "p", FEB, None)), products=products)[0] == []


def test_two_openings_in_the_window_are_one_acquisition_at_the_first():
    intervals = held(("1", "p", date(2020, 3, 2), date(2020, 3, 9)), ("1", "p", MAR, None))
    assert labels(ONE, intervals)[0] == [("1", "p", date(2020, 3, 2), False)]


def test_a_customer_without_a_snapshot_at_the_end_is_unobserved_never_a_negative():
    observations = seen(("1", FEB), ("2", FEB), ("2", MAR))
    acquired, observed = labels(observations, held(("1", "p", MAR, None), ("2", "p", MAR, None)))
    assert observed == ["2"]
    assert acquired == [("2", "p", MAR, False)]


def test_a_customer_who_was_not_there_at_the_start_has_no_label():
    observations = seen(("1", FEB), ("1", MAR), ("new", MAR), ("gone", JAN), ("gone", MAR))
    assert labels(observations, held(("new", "p", MAR, None)))[1] == ["1"]


def test_the_end_of_a_long_window_is_its_last_month():
    observations = seen(("1", FEB), ("1", MAR), ("2", FEB), ("2", APR))
    assert labels(observations, held(("1", "p", MAR, None)), FEB, APR) == ([], ["2"])


def test_without_a_snapshot_at_the_end_nobody_is_observed():
    assert labels(seen(("1", FEB)), held(("1", "p", MAR, None))) == ([], [])


def test_a_snapshot_recorded_late_does_not_make_somebody_present_at_the_start():
    observations = pa.table(
        {
            "customer_id": ["1", "1", "1", "2", "2"],
            "snapshot_date": [JAN, FEB, MAR, FEB, MAR],
            "recorded_date": [JAN, date(2020, 3, 3), MAR, date(2020, 3, 3), MAR],
        }
    )
    assert labels(observations, held(("1", "p", MAR, None)))[1] == ["1"]


def test_labels_can_be_told_as_they_were_known_at_a_date():
    intervals = held(("1", "p", date(2020, 3, 10), None)).append_column(
        "recorded_date", pa.array([date(2020, 4, 2)])
    )
    history = History.from_frames({"observations": ONE, "holdings": intervals})
    assert history.acquisitions(FEB, MAR, known=MAR).acquired.num_rows == 0
    assert history.acquisitions(FEB, MAR).acquired.num_rows == 1


def test_an_empty_window_is_refused():
    with pytest.raises(UsageError, match="is empty"):
        labels(ONE, held(("1", "p", MAR, None)), MAR, MAR)


def test_a_history_known_until_a_date_has_the_snapshots_labels_and_contacts_of_then():
    late = pa.table(
        {
            "customer_id": ["1", "2"],
            "product_id": ["p", "p"],
            "opened_date": pa.array([MAR, MAR], pa.date32()),
            "recorded_date": pa.array([MAR, APR], pa.date32()),
        }
    )
    contacts = pa.table(
        {
            "contact_id": ["a", "b"],
            "customer_id": ["1", "2"],
            "product_id": ["p", "p"],
            "channel": ["call", "call"],
            "contacted_at": [datetime(2020, 3, 5, 9)] * 2,  # noqa: DTZ001  the business's local time
            "recorded_date": pa.array([MAR, APR], pa.date32()),
        }
    )
    seen_thrice = seen(*((customer, day) for customer in "12" for day in (FEB, MAR, APR)))
    frames = {"observations": seen_thrice, "holdings": late, "contacts": contacts}
    history = History.from_frames(frames)
    then = history.known_until(MAR)
    assert (history.snapshot_dates, then.snapshot_dates) == ([FEB, MAR, APR], [FEB, MAR])
    assert [row["customer_id"] for row in history.acquisitions(FEB, MAR).acquired.to_pylist()] == ["1", "2"]
    assert [row["customer_id"] for row in then.acquisitions(FEB, MAR).acquired.to_pylist()] == ["1"]
    assert (history.contacts(FEB, MAR).num_rows, then.contacts(FEB, MAR).num_rows) == (2, 1)
    assert then.as_of(MAR).snapshots == (MAR, FEB)
    with pytest.raises(UsageError, match="no snapshot was known"):
        then.as_of(APR)
    assert then.known_until(None).snapshot_dates == [FEB, MAR, APR]
