"""The acquisition model: learns a planted rule, says what it cannot know, repeats itself bit for bit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from vipreco.errors import InputRejectedError, IntegrityError
from vipreco.propensity import (
    AcquisitionModel,
    Booster,
    BoosterSettings,
    Examples,
    FitContext,
    LabelledRows,
    Machine,
    ProductModel,
    PropensitySettings,
    stack,
)

SMALL = BoosterSettings(rounds=30, min_data_in_leaf=10, feature_fraction=1.0, bagging_fraction=1.0)
GROWTH = FitContext(("likes", "noise"), PropensitySettings(product=SMALL, any=SMALL), Machine(7, 1))


def planted(customers: int = 3000, months: int = 1) -> LabelledRows:
    """Customers acquire with 20 %; then product 0 if the first column is 1, product 1 otherwise; never 2."""
    generator = np.random.default_rng(11)
    rows = customers * months
    likes = generator.integers(0, 2, rows)
    acquires = generator.random(rows) < 0.2
    acquired = np.column_stack([acquires & (likes == 1), acquires & (likes == 0), np.zeros(rows, bool)])
    return LabelledRows(
        customer_ids=np.array([f"c{i % customers}" for i in range(rows)], object),
        values=np.column_stack([likes, generator.normal(size=rows)]).astype(np.float32),
        acquired=acquired,
        listable=np.ones((rows, 3), bool),
        as_of=np.repeat(np.array(["2024-01-31", "2024-02-29"], "datetime64[D]")[:months], customers),
        weights=np.ones(rows, np.float32),
    )


def fitted(rows: LabelledRows) -> AcquisitionModel:
    return AcquisitionModel.fit(rows, GROWTH)


@pytest.mark.parametrize("months", [1, 2])
def test_it_finds_rate_and_product_of_the_planted_rule(months: int):
    found = fitted(planted(months=months)).propensities(np.array([[1, 0], [0, 0]], np.float32))
    assert found[:, :2] == pytest.approx(np.array([[0.2, 0.0], [0.0, 0.2]]), abs=0.06)
    assert found[:, 2].max() < 0.005


def test_products_with_few_acquisitions_are_marked():
    assert fitted(planted()).thin_evidence.tolist() == [False, False, True]


def test_where_everybody_acquired_the_rates_are_unknown():
    rows = planted()
    model = fitted(rows.take(rows.acquirers))
    assert not model.rates_known
    assert fitted(rows).rates_known


def test_rates_come_from_another_sample_where_the_rows_hold_acquirers_alone():
    """Among acquirers nobody can tell that a fifth acquires; the other sample tells."""
    rows = planted()
    others = replace(rows, customer_ids=np.array([f"other {name}" for name in rows.customer_ids], object))
    model = AcquisitionModel.fit(rows.take(rows.acquirers), GROWTH, rates=others)
    assert model.rates_known
    found = model.propensities(rows.values).sum(axis=0)[:2]
    assert found == pytest.approx(rows.acquired.sum(axis=0)[:2], rel=0.05)


def test_the_rate_of_a_sample_is_not_bent_by_the_customers_it_shares_with_the_acquirers():
    """Half of the sample's acquirers are learnt from elsewhere; without them only a ninth would acquire."""
    rows = planted()
    shared = rows.acquirers & (np.arange(len(rows)) % 2 == 0)
    names = np.where(shared, rows.customer_ids, [f"other {name}" for name in rows.customer_ids])
    model = AcquisitionModel.fit(rows.take(shared), GROWTH, rates=replace(rows, customer_ids=names))
    assert model.propensities(rows.values).sum() == pytest.approx(rows.acquired.sum(), rel=0.03)


def test_rates_of_customers_who_were_learnt_from_prove_nothing():
    rows = planted()
    acquirers = rows.take(rows.acquirers)
    with pytest.raises(InputRejectedError, match="among the acquirers"):
        AcquisitionModel.fit(acquirers, GROWTH, rates=acquirers)


def test_the_same_rows_grow_the_same_model_to_the_last_bit():
    rows = planted()
    first, second = fitted(rows), fitted(rows)
    assert first.propensities(rows.values).tobytes() == second.propensities(rows.values).tobytes()
    assert [item.text() for item in first.product.boosters] == [
        item.text() for item in second.product.boosters
    ]


def test_bags_are_averaged_and_the_first_is_the_one_alone():
    rows = planted(800)
    acquirers = rows.take(rows.acquirers)
    bagged = replace(GROWTH, settings=GROWTH.settings.model_copy(update={"bags": 3}))
    three, one = ProductModel.fit(acquirers, bagged), ProductModel.fit(acquirers, GROWTH)
    assert three.boosters[0].text() == one.boosters[0].text()
    parts = [replace(three, boosters=(booster,)).shares(rows.values) for booster in three.boosters]
    assert three.shares(rows.values) == pytest.approx(np.mean(parts, axis=0))


def test_sampled_rows_count_for_those_they_stand_for():
    """Every second customer without an acquisition left out, the others counted twice: the same rates."""
    rows = planted()
    kept = rows.acquirers | (np.arange(len(rows)) % 2 == 0)
    weights = np.where(rows.acquirers, 1.0, 2.0).astype(np.float32)
    sampled = replace(rows, weights=weights).take(kept)
    expected = fitted(sampled).propensities(rows.values).sum(axis=0)[:2]
    assert expected == pytest.approx(rows.acquired.sum(axis=0)[:2], rel=0.1)


def test_contributions_add_up_to_the_raw_score():
    rows = planted(500)
    booster = Booster.fit(
        Examples(rows.values, rows.acquirers, rows.weights), ("likes", "noise"), SMALL, Machine(1, 1)
    )
    raw = booster.model.predict(rows.values, raw_score=True)
    constant = booster.model.predict(rows.values, pred_contrib=True)[:, -1]
    assert booster.contributions(rows.values).sum(axis=1) + constant == pytest.approx(raw)


def test_nobody_is_scored_without_rows():
    assert fitted(planted()).propensities(np.zeros((0, 2), np.float32)).shape == (0, 3)


def test_a_single_product_needs_no_second_booster():
    rows = planted()
    one = replace(rows, acquired=rows.acquired[:, :1] | rows.acquired[:, 1:2], listable=rows.listable[:, :1])
    model = fitted(one)
    assert model.product.boosters == ()
    assert model.propensities(rows.values)[:, 0].mean() == pytest.approx(0.2, abs=0.02)


def test_a_booster_with_other_columns_is_refused():
    rows = planted(500)
    booster = Booster.fit(
        Examples(rows.values, rows.acquirers, rows.weights), ("likes", "noise"), SMALL, Machine(1, 1)
    )
    with pytest.raises(IntegrityError, match="columns and classes"):
        Booster.from_text(booster.text(), ("likes",), 1, 1)


def test_stacked_rows_keep_their_order():
    rows = planted(10)
    both = stack([rows.take(np.arange(3)), rows.take(np.arange(3, 10))])
    assert (both.values == rows.values).all()
    assert both.customer_ids.tolist() == rows.customer_ids.tolist()
