"""The offer list: a customer gets the same offers whoever else is asked for."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pyarrow as pa

from tests.online.small_bank import DAY, IDS, MONTHS, artifact_of, frames
from tests.shared import BuiltOnce
from vipreco.explanations import Explainer
from vipreco.history import History
from vipreco.lists import offer_list
from vipreco.lists.offers import first_rows, reasoned_offers
from vipreco.lists.ordered_parts import ordered_offers
from vipreco.recommender import Recommender
from vipreco.settings import ContextRule

FRESH = ContextRule(name="fresh", when="inflow_amount > 0", weight=1.3)


def test_a_customer_alone_gets_the_rows_of_the_list_of_all(built_once: BuiltOnce):
    """Half of the customers have no activity in the bank's newest month: the rule does not hold for them."""
    rows = [(one, day) for place, one in enumerate(IDS) for day in MONTHS[: 5 - place % 2]]
    customers, months = zip(*rows, strict=True)
    activity = {"customer_id": customers, "month_date": months, "inflow_amount": [5.0] * len(rows)}
    history = History.from_frames(frames() | {"activity": pa.table(activity)})
    recommender = Recommender.load(artifact_of(built_once), threads=1)
    weights = recommender.settings.arbitration.model_copy(update={"context": (FRESH,)})
    explainer, view = Explainer(recommender.arbitrated(weights)), history.as_of(DAY)

    everybody = offer_list(explainer, view, 3)
    factors = everybody.filter(pl.col("rank") == 1).select("customer_id", "context")
    assert dict(factors.iter_rows()) == {
        one: 1.3 if IDS.index(one) % 2 == 0 else 1.0 for one in everybody["customer_id"].unique()
    }
    for one in (IDS[2], IDS[5]):
        alone = offer_list(explainer, view.of(pa.array([one])), 3)
        assert alone.height > 0
        assert alone.equals(everybody.filter(pl.col("customer_id") == one))


def test_a_month_that_ended_long_ago_is_no_situation_of_today(built_once: BuiltOnce):
    activity = {"customer_id": IDS[:1], "month_date": [DAY - timedelta(days=90)], "inflow_amount": [5.0]}
    view = History.from_frames(frames() | {"activity": pa.table(activity)}).as_of(DAY)
    recommender = Recommender.load(artifact_of(built_once), threads=1)
    weights = recommender.settings.arbitration.model_copy(update={"context": (FRESH,)})
    offers = offer_list(Explainer(recommender.arbitrated(weights)), view, 1)
    assert offers["context"].unique().to_list() == [1.0]


def test_the_first_rows_are_those_of_the_customers_with_the_most_valuable_offers():
    priority, customers = np.array([1.0, 0.5, 4.0, 3.0, 2.0, 9.0]), np.array([0, 0, 1, 1, 2, 4])
    assert first_rows(priority, customers, 1).tolist() == [False] * 5 + [True]
    assert first_rows(priority, customers, 2).tolist() == [False, False, True, True, False, True]
    assert first_rows(priority, customers, 4).tolist() == [False, False, True, True, True, True]
    assert first_rows(priority, customers, None).all()
    assert first_rows(priority, customers, 6).all()


def test_a_reader_is_shown_the_same_rows_with_their_reasons(built_once: BuiltOnce):
    view = History.from_frames(frames()).as_of(DAY)
    explainer = Explainer(Recommender.load(artifact_of(built_once), threads=1))
    whole = offer_list(explainer, view, 3)
    shown = ordered_offers(pl.concat(reasoned_offers(explainer, view, 3, shown=4)))
    assert shown.height == whole.height > 6
    assert shown.head(4).equals(whole.head(4))
    assert shown.drop("reason").equals(whole.drop("reason"))
    assert shown["reason"].to_list()[-1] == ""
