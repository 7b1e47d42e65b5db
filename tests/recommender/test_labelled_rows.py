"""Rows for fitting: who is taken, with which label and weight; against plain Python."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from vipreco.features import FeatureSet
from vipreco.history import History
from vipreco.recommender import Gatherer, Panel, Recommender, is_in, label_matrix
from vipreco.recommender.label_arrays import place_of

from .conftest import CUSTOMERS, MONTHS, SETTINGS, customer_ids, frames


def gatherer(recommender: Recommender, features: FeatureSet, most_rows: int) -> Gatherer:
    fitted = recommender.fitted
    propensity = SETTINGS.propensity.model_copy(update={"max_rate_rows": most_rows})
    chosen = SETTINGS.model_copy(update={"propensity": propensity})
    return Gatherer(features, fitted.vocabulary, fitted.product_ids, fitted.kept, chosen, seed=3)


ids = st.lists(st.text("abc", min_size=1, max_size=3), unique=True, max_size=8)


@settings(max_examples=200, deadline=None)
@given(ids, st.lists(st.text("abc", min_size=1, max_size=3), max_size=8))
def test_places_agree_with_a_dictionary(known: list[str], wanted: list[str]):
    ordered = np.array(sorted(known), np.str_)
    places = {name: place for place, name in enumerate(ordered)}
    array = pa.array(wanted, pa.string())
    assert place_of(ordered, array).tolist() == [places.get(name, -1) for name in wanted]
    assert is_in(ordered, array).tolist() == [name in wanted for name in ordered]


def test_labels_are_the_acquisitions_of_the_window(history: History):
    names = np.array(customer_ids())
    matrix = label_matrix(names, ("fund", "card"), history.acquisitions(MONTHS[0], MONTHS[1]))
    expected = [
        (customer, product)
        for customer, product, opened in zip(*frames()["holdings"].to_pydict().values(), strict=True)
        if opened == MONTHS[1]
    ]
    rows, columns = np.nonzero(matrix)
    found = {(names[row], ("fund", "card")[column]) for row, column in zip(rows, columns, strict=True)}
    assert found == set(expected)


def test_all_acquirers_and_a_weighted_sample_of_the_others(
    recommender: Recommender, features: FeatureSet, history: History
):
    rows = gatherer(recommender, features, 1000).rows(Panel(history, (MONTHS[0],)))
    sampled = gatherer(recommender, features, 100).rows(Panel(history, (MONTHS[0],)))
    assert len(rows) == CUSTOMERS
    assert (rows.weights == 1).all()
    assert sampled.acquirers.sum() == rows.acquirers.sum() == CUSTOMERS // 6
    assert len(sampled) < 150
    assert sampled.weights.sum() == pytest.approx(CUSTOMERS, rel=1e-5)
    assert (sampled.weights[sampled.acquirers] == 1).all()


def test_the_same_customers_are_sampled_whoever_else_is_there(
    recommender: Recommender, features: FeatureSet, history: History
):
    first = gatherer(recommender, features, 100).rows(Panel(history, (MONTHS[0],)))
    second = gatherer(recommender, features, 100).rows(Panel(history, (MONTHS[0],)))
    assert first.customer_ids.tolist() == second.customer_ids.tolist()


def test_a_customer_who_vanished_is_no_negative(recommender: Recommender, features: FeatureSet):
    tables = frames()
    customers = tables["customers"]
    keep = [
        not (customer < "00010" and month == MONTHS[1])
        for customer, month in zip(
            customers["customer_id"].to_pylist(), customers["snapshot_date"].to_pylist(), strict=True
        )
    ]
    history = History.from_frames({**tables, "customers": customers.filter(pa.array(keep))})
    rows = gatherer(recommender, features, 1000).rows(Panel(history, (MONTHS[0],)))
    assert sorted(rows.customer_ids)[0] == "00010"
    assert len(rows) == CUSTOMERS - 10


def test_a_panel_of_some_customers_holds_only_them(
    recommender: Recommender, features: FeatureSet, history: History
):
    some = pa.array(["00000", "00007", "nobody"])
    rows = gatherer(recommender, features, 1000).rows(Panel(history, (MONTHS[0],), some))
    assert rows.customer_ids.tolist() == ["00000", "00007"]
