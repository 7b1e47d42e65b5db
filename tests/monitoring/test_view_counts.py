"""Counts of a tiny bank, worked out by hand: columns, holdings and outcomes of contacts as of a date."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pyarrow as pa

from tests.small_bank import customers_table
from vipreco.history import History
from vipreco.monitoring import ColumnCounts, Rate, count_view
from vipreco.monitoring.outcome_counts import outcome_rates
from vipreco.stats import number_codes

MONTHS = [date(2024, 1, 31), date(2024, 2, 29)]
IDS = ["a", "b", "c", "d"]
MOMENTS = pa.array([datetime(2024, 2, day, 9) for day in (1, 2, 3, 4)])  # noqa: DTZ001  the bank's own time
INCOME = [100.0, 0.0, None, -2.5] * 2


def bank() -> History:
    customers = customers_table(
        IDS,
        MONTHS,
        tier=["GOLD", "GOLD", "BASIC", None],
        attribute_income=INCOME,
        attribute_child=[True, False, None, True],
        birth_date=pa.array([date(2024, 2, 28), date(1990, 1, 1), None, date(2024, 2, 29)] * 2, pa.date32()),
    )
    return History.from_frames(
        {
            "customers": customers,
            "products": pa.table({"product_id": ["card"], "recorded_date": [date(2020, 1, 1)]}),
            "holdings": pa.table(
                {
                    "customer_id": ["a", "b", "b"],
                    "product_id": ["card", "card", "card"],
                    "opened_date": [date(2023, 1, 1), date(2023, 1, 1), date(2022, 1, 1)],
                    "closed_date": pa.array([None, date(2024, 2, 1), date(2022, 6, 1)], pa.date32()),
                }
            ),
            "activity": pa.table(
                {
                    "customer_id": ["a", "b", "a"],
                    "month_date": [MONTHS[0], MONTHS[0], MONTHS[1]],
                    "flow": [1.0, 9.0, 1.0],
                }
            ),
            "contacts": pa.table(
                {
                    "contact_id": ["1", "2", "3", "4"],
                    "customer_id": ["a", "c", "a", "a"],
                    "product_id": ["card", "card", None, "card"],
                    "channel": ["call", "app", "call", "call"],
                    "contacted_at": MOMENTS,
                    "outcome": ["accepted", "declined", "complaint", "unknown"],
                }
            ),
        }
    )


def test_columns_are_counted_by_codes_that_are_the_same_for_all_data() -> None:
    customers, columns, rates = count_view(bank().as_of(MONTHS[1]))
    codes = number_codes(np.array([100.0, 0.0, -2.5, 1.0])).tolist()
    assert customers == 4
    assert columns["input/customers.attribute_income"] == ColumnCounts(
        "number", 1, {str(codes[0]): 1, "0": 1, str(codes[2]): 1}
    )
    assert columns["input/customers.tier"] == ColumnCounts("category", 1, {"GOLD": 2, "BASIC": 1})
    assert columns["input/customers.attribute_child"] == ColumnCounts("category", 1, {"true": 2, "false": 1})
    born = columns["input/customers.birth_date"]
    assert (born.missing, born.counts["0"], born.counts[str(codes[3])]) == (
        1,
        1,
        1,
    )  # days before the snapshot
    assert columns["input/activity.flow"] == ColumnCounts("number", 3, {str(codes[3]): 1})  # the newest month
    assert "input/customers.customer_id" not in columns
    assert rates == {"input/holds card": Rate(1.0, 4.0)}


def test_the_cut_of_time_holds() -> None:
    _, columns, rates = count_view(bank().as_of(MONTHS[0]))
    assert rates == {"input/holds card": Rate(2.0, 4.0)}
    assert columns["input/activity.flow"].missing == 2


def test_outcomes_are_counted_for_all_and_by_group() -> None:
    found = outcome_rates(bank().as_of(MONTHS[1]), MONTHS[0])
    assert found["outcome/accepted, all"] == Rate(1.0, 3.0)
    assert found["outcome/complaint, channel call"] == Rate(1.0, 2.0)
    assert found["outcome/declined, tier BASIC"] == Rate(1.0, 1.0)
    assert found["outcome/accepted, product card"] == Rate(1.0, 2.0)
    assert outcome_rates(bank().as_of(MONTHS[1]), MONTHS[1])["outcome/accepted, all"] == Rate(0.0, 0.0)
