"""Outcomes of a split, counted by hand: both sides, everybody of the first day, contacted or not."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import polars as pl
import pyarrow as pa
import pytest

from tests import small_bank
from vipreco.analytics import split_outcomes
from vipreco.analytics.split_comparison import SUSPICIOUS, SplitOutcomes
from vipreco.errors import UsageError
from vipreco.history import History
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, ModelSplit

MONTHS = small_bank.month_ends(2024, 1, 3)
CALLED = datetime.fromisoformat("2024-02-05T10:00")
START = MONTHS[0] + timedelta(days=1)
IDS = small_bank.customer_ids(200)
SPLIT = ModelSplit("autumn", "7", 0.5, "salt")
CHALLENGED = SPLIT.challenged(pl.Series(IDS)).tolist()


def history() -> History:
    """Every second customer of the challenger opens a fund in February, every tenth of the champion a card;
    each of the challenger was called once, and every second said yes."""
    challenger = [one for one, flag in zip(IDS, CHALLENGED, strict=True) if flag]
    champion = [one for one, flag in zip(IDS, CHALLENGED, strict=True) if not flag]
    rows = [(one, "account", date(2023, 6, 1)) for one in IDS]
    rows += [(one, "fund", date(2024, 2, 10)) for one in challenger[::2]]
    rows += [(one, "card", date(2024, 2, 20)) for one in champion[::10]]
    contacts = {
        "contact_id": [f"k{one}" for one in challenger],
        "customer_id": challenger,
        "product_id": ["fund"] * len(challenger),
        "channel": ["call"] * len(challenger),
        "contacted_at": pa.array([CALLED] * len(challenger), pa.timestamp("us")),
        "outcome": ["declined" if place % 2 else "accepted" for place in range(len(challenger))],
        "recorded_date": pa.array([date(2024, 2, 5)] * len(challenger), pa.date32()),
    }
    return History.from_frames(
        {
            "customers": small_bank.customers_table(IDS, MONTHS),
            "products": small_bank.products_table(list(small_bank.CATALOGUE), ["branch", "call"]),
            "holdings": small_bank.holdings_table(rows),
            "contacts": pa.table(contacts),
        }
    )


def judged(split: ModelSplit = SPLIT, start: date = START) -> SplitOutcomes:
    past = history()
    return split_outcomes(past, past.as_of(MONTHS[0]), split, start, MONTHS[-1])


def test_both_sides_are_counted_from_the_first_day_on():
    found = judged()
    rows = {row["figure"]: row for row in found.rows.to_dicts()}
    sizes = {CHAMPION_SIDE: CHALLENGED.count(False), CHALLENGER_SIDE: CHALLENGED.count(True)}
    assert {side: rows["customers"][side] for side in sizes} == sizes
    funds, cards = -(-sizes[CHALLENGER_SIDE] // 2), -(-sizes[CHAMPION_SIDE] // 10)
    acquired = rows["acquired anything"]
    assert acquired[CHALLENGER_SIDE] == pytest.approx(funds / sizes[CHALLENGER_SIDE])
    assert acquired[CHAMPION_SIDE] == pytest.approx(cards / sizes[CHAMPION_SIDE])
    assert acquired["difference"] == pytest.approx(acquired[CHALLENGER_SIDE] - acquired[CHAMPION_SIDE])
    assert 0 < acquired["low"] < acquired["difference"] < acquired["high"]
    value = rows["value acquired, a customer"]
    assert value[CHALLENGER_SIDE] == pytest.approx(
        funds * small_bank.CATALOGUE["fund"][1] / sizes[CHALLENGER_SIDE]
    )
    assert (rows["contacts, a customer"][CHALLENGER_SIDE], rows["contacts, a customer"][CHAMPION_SIDE]) == (
        1,
        0,
    )
    assert rows["accepted offers, a customer"][CHALLENGER_SIDE] == pytest.approx(
        funds / sizes[CHALLENGER_SIDE]
    )
    assert (found.after, found.until) == (MONTHS[0], MONTHS[-1])


def test_a_share_that_the_customers_do_not_have_is_told():
    assert SUSPICIOUS not in judged().notes
    past = history()
    some = pa.array([one for one, flag in zip(IDS, CHALLENGED, strict=True) if flag or one < "00040"])
    view = past.as_of(MONTHS[0]).of(some)
    assert SUSPICIOUS in split_outcomes(past, view, SPLIT, START, MONTHS[-1]).notes


def test_before_any_snapshot_nothing_is_known():
    with pytest.raises(UsageError, match="no snapshot is known since the split began"):
        judged(start=MONTHS[-1] + timedelta(days=1))
