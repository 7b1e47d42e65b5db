"""Features that are computed once a date are those that would be computed each time."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from vipreco.features import ComputedFeatures, ComputedOnce, FeatureSet
from vipreco.history import History
from vipreco.recommender import Recommender, importance_by_family

from .conftest import MONTHS, customer_ids

PRODUCTS = ("card", "fund")


def same(one: ComputedFeatures, other: ComputedFeatures) -> bool:
    mine, yours = one.matrix(), other.matrix()
    return (
        mine.names == yours.names
        and mine.customer_ids.tolist() == yours.customer_ids.tolist()
        and np.array_equal(mine.values.view(np.uint32), yours.values.view(np.uint32))
    )


def test_a_sample_has_the_features_that_it_has_among_all(features: FeatureSet, history: History) -> None:
    view, some = history.as_of(MONTHS[0]), pa.array(customer_ids()[3:9])
    once, alone = ComputedOnce(features), features.compute(view, PRODUCTS, some)
    assert same(once.compute(view, PRODUCTS, some), alone)
    whole = ComputedOnce(features)
    assert same(whole.compute(view, PRODUCTS), features.compute(view, PRODUCTS))
    assert same(whole.compute(view, PRODUCTS, some), alone)  # cut out of those of everybody


def test_each_date_and_sample_is_computed_once(
    features: FeatureSet, history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[object, int]] = []
    compute = FeatureSet.compute

    def counted(self: FeatureSet, view: object, products: object, customers: object = None) -> object:
        asked.append((view.date, 0 if customers is None else len(customers)))  # type: ignore[attr-defined, arg-type]
        return compute(self, view, products, customers)  # type: ignore[arg-type]

    monkeypatch.setattr(FeatureSet, "compute", counted)
    once, ids = ComputedOnce(features), customer_ids()
    for day in (MONTHS[0], MONTHS[1], MONTHS[0]):
        for some in (ids[:4], ids[2:8], ids[:4], ids[3:7]):  # the last is a part of the second
            once.compute(history.as_of(day), PRODUCTS, pa.array(some))
    assert asked == [(MONTHS[0], 4), (MONTHS[0], 6), (MONTHS[1], 4), (MONTHS[1], 6)]


def test_shares_of_the_gain_add_up_and_families_are_those_of_the_dictionary(recommender: Recommender) -> None:
    shares = importance_by_family(recommender)
    assert "any acquisition" in shares
    for own in shares.values():
        assert sum(own.values()) == pytest.approx(1.0)
    families = {file.family for file in recommender.features.dictionary.file}
    assert {family for own in shares.values() for family in own} <= families
