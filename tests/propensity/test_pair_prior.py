"""The prior of the boosters: all products teach it, thin ones are ranked by it; nothing of the future."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vipreco.collaborative import SOURCES
from vipreco.propensity import (
    AcquisitionModel,
    BoosterSettings,
    CollaborativeFiltering,
    FitContext,
    HoldingColumns,
    LabelledRows,
    LookAlikes,
    Machine,
    PropensitySettings,
)
from vipreco.propensity.acquisition import prior_inputs
from vipreco.propensity.look_alikes import look_alike_columns
from vipreco.propensity.pair_prior import (
    MEANS,
    NEVER,
    TERMS,
    PriorInputs,
    base_logits,
    family_numbers,
    on_shelf,
    others_of_family,
    softmax,
)

PRODUCTS = ("card", "fund", "gold", "loan")
FAMILIES = ("cards", "wealth", "wealth", "")
BLOCK = ("held_lag_0", "held_before", "months_since_left")
NAMES = ("age", "tier", *(f"{feature}@{product}" for product in PRODUCTS for feature in BLOCK))
SMALL = BoosterSettings(rounds=3, min_data_in_leaf=10, feature_fraction=1.0, bagging_fraction=1.0)
MONTHS = np.array(["2024-01-31", "2024-02-29", "2024-03-31"], "datetime64[D]")


def values(*baskets: str, age: float = 40.0) -> NDArray[np.float32]:
    """Feature rows: h held now, b held before and left 5 months ago, 0 never; in the order of `PRODUCTS`."""
    blocks = {"h": [1, 0, np.nan], "b": [0, 1, 5.0], "0": [0, 0, np.nan]}
    rows = [np.concatenate([[age, 1.0], *(blocks[one] for one in basket)]) for basket in baskets]
    return np.array(rows, np.float32)


def holdings() -> HoldingColumns:
    found = HoldingColumns.of(NAMES, PRODUCTS)
    assert found is not None
    return found


def bank(months: int = 1) -> LabelledRows:
    """Gold goes with fund among the young; holders of fund acquire gold, those of a loan a card."""
    baskets = ["0hh0", "hhh0", "0bb0", "h000", "000h", "h00h", "0000", "0h00", "0h00", "000h"] * 30
    rows = np.tile(values(*baskets), (months, 1))
    rows[:, 0] = np.where(rows[:, NAMES.index("held_lag_0@fund")] > 0, 30.0, 60.0)
    acquired = np.zeros((len(baskets), 4), bool)
    acquired[7::20, 2], acquired[9::20, 0], acquired[4::40, 0] = True, True, True
    acquired = np.tile(acquired, (months, 1))
    held = holdings().now(rows)
    return LabelledRows(
        customer_ids=np.array([f"c{number % len(baskets)}" for number in range(len(rows))], object),
        values=rows,
        acquired=acquired & ~held,
        listable=~held,
        as_of=np.repeat(MONTHS[:months], len(baskets)),
        weights=np.ones(len(rows), np.float32),
    )


def context(rows: LabelledRows, source: str = "ease") -> FitContext:
    ever = holdings().ever(rows.values)
    fitted = SOURCES[source]().fit(ever)
    sources = dict.fromkeys(np.unique(rows.as_of), fitted)
    filtering = CollaborativeFiltering(sources, PRODUCTS, FAMILIES, ("tier",))
    return FitContext(NAMES, PropensitySettings(product=SMALL, any=SMALL), Machine(7, 1), filtering)


def inputs(rows: LabelledRows, source: str = "ease") -> PriorInputs:
    found = prior_inputs(rows, context(rows, source))
    assert found is not None
    return found


def test_baskets_now_before_and_ever():
    rows = values("hb00")
    found = holdings()
    assert found.now(rows).tolist() == [[True, False, False, False]]
    assert found.former(rows).tolist() == [[False, True, False, False]]
    assert found.ever(rows).held.tolist() == [[True, True, False, False]]
    assert found.months_since_left(rows)[0, 1] == 5.0
    assert found.months_since_left(rows)[0, 0] > 1e6


def test_a_recipe_without_what_was_held_before_takes_the_last_snapshots():
    """As for the published Santander files."""
    names = [f"held_lag_{lag}@{product}" for product in PRODUCTS for lag in range(5)]
    found = HoldingColumns.of(names, PRODUCTS)
    assert found is not None
    assert found.since_left is None
    rows = np.zeros((1, 20), np.float32)
    rows[0, [0, 2, 8, 14]] = 1  # card now and two snapshots ago, fund three, gold four snapshots ago
    assert found.now(rows).tolist() == [[True, False, False, False]]
    assert found.former(rows).tolist() == [[False, True, True, False]]
    assert HoldingColumns.of(names[1:], PRODUCTS) is None
    assert HoldingColumns.of([name for name in names if "lag_0" in name], PRODUCTS) is None


def test_the_family_counts_the_other_products_of_it():
    held = np.array([[True, True, True, True], [False, False, True, False]])
    assert others_of_family(held, family_numbers(FAMILIES)).tolist() == [[0, 1, 1, 0], [0, 1, 0, 0]]
    assert len(set(family_numbers(("", "", "a", "a")).tolist())) == 3


def test_a_product_that_nobody_acquired_starts_between_its_family_and_all():
    acquired = np.zeros((10, 4), bool)
    acquired[:8, 1], acquired[8:, 0] = True, True
    found = np.exp(base_logits(acquired, family_numbers(FAMILIES))) * 10
    assert found == pytest.approx(
        [(2 + 2.5) / 2 + 0.1, (4 + 2.5) / 2 + 0.1, (4 + 2.5) / 2 + 0.1, 2.5 / 2 + 0.1]
    )


def test_look_alikes_find_who_holds_what_and_say_nothing_where_nobody_differs():
    """Holders of the second product are young; a constant column and a missing value say nothing."""
    age = np.repeat([30.0, 60.0], 50)
    rows = np.column_stack([age, np.ones(100)]).astype(np.float32)
    held = np.column_stack([np.ones(100, bool), age < 40])
    found = LookAlikes.fit(rows, held, np.ones(100, np.float32), np.array([0, 1]), ridge=0.1)
    assert found.columns.tolist() == [0]
    scores = found.score(np.array([[30, 1], [60, 1], [np.nan, 1]], np.float32))
    assert scores[:, 0] == pytest.approx([0, 0, 0])
    assert scores[:, 1] == pytest.approx([0.5 / 1.1, -0.5 / 1.1, 0.0])  # ridge regression on one column


def test_a_customer_counts_in_look_alikes_as_often_as_it_stands_for():
    random = np.random.default_rng(3)
    rows, held = random.normal(size=(60, 3)).astype(np.float32), random.random((60, 2)) < 0.4
    weights = random.integers(1, 4, 60)
    columns = np.arange(3)
    weighed = LookAlikes.fit(rows, held, weights.astype(np.float32), columns, 0.1)
    again = np.repeat(np.arange(60), weights)
    repeated = LookAlikes.fit(rows[again], held[again], np.ones(len(again), np.float32), columns, 0.1)
    same = replace(repeated, knots=weighed.knots)
    assert weighed.columns.tolist() == same.columns.tolist()
    assert weighed.weights.shape == (3, 2)


def test_look_alikes_see_numbers_of_the_customer_and_no_codes_or_counts_of_holdings():
    names = ("age", "tier", "products_ever", "aum_log", "held_lag_0@card")
    assert look_alike_columns(names, ("tier",), ("products_*",)).tolist() == [0, 3]


@pytest.mark.parametrize("source", ["ease", "item-item-cosine"])
def test_a_product_without_acquisitions_is_ranked_by_what_goes_with_it(source: str):
    """Nobody acquired gold in the learnt month: with the usual weights co-holding knows for whom it is."""
    rows = bank()
    known = replace(rows, acquired=rows.acquired & np.array([True, True, False, True]))
    found = replace(inputs(known, source).fit(known.take(known.acquirers)), weights=MEANS)
    logits = found.logits(values("0h00", "h000", age=45.0))
    gold = np.exp(logits[:, 2] - logits[:, 3])  # against a loan
    assert gold[0] > 1.1 * gold[1]


def test_acquirers_teach_how_much_the_terms_count():
    """Holders of fund acquire gold and those of a loan a card, as co-holding says; or the other way round."""
    rows = bank()
    taught = inputs(rows).fit(rows.take(rows.acquirers))
    turned = replace(rows, acquired=rows.acquired[:, [2, 1, 0, 3]] & rows.listable)
    misled = inputs(turned).fit(turned.take(turned.acquirers))
    place = TERMS.index("co_holding")
    assert taught.weights[place] > misled.weights[place]


def test_rows_are_scored_by_what_was_known_at_their_date():
    """A date is scored by its own source, a later one by the newest before it."""
    rows = bank(months=2)
    found = inputs(rows)
    first, second = sorted(found.scores)
    strange = replace(found.scores[second], centre=found.scores[second].centre + 100.0)
    altered = replace(found, scores={first: found.scores[first], second: strange})
    prior = found.fit(rows.take(rows.acquirers))
    old, new = rows.as_of == first, rows.as_of == second
    before, after = found.logits(prior, rows), altered.logits(prior, rows)
    assert (before[old] == after[old]).all()
    assert (before[new] != after[new]).any()
    later = replace(rows, as_of=np.full(len(rows), MONTHS[2]))
    assert (altered.logits(prior, later)[new] == after[new]).all()


def test_the_boosters_learn_what_the_prior_leaves_over():
    rows = bank(months=2)
    model = AcquisitionModel.fit(rows, context(rows))
    prior = model.product.prior
    assert prior is not None
    some = rows.values[:40]
    above = prior.logits(some)
    above[:, model.product.class_products] += model.product.boosters[0].raw(some)
    assert model.product.shares(some) == pytest.approx(softmax(above))
    assert replace(model.product, boosters=()).shares(some) == pytest.approx(softmax(prior.logits(some)))


def test_a_recipe_that_leaves_the_holdings_out_has_no_prior():
    rows = bank()
    names = ("age", "tier", *(f"x{number}" for number in range(12)))
    model = AcquisitionModel.fit(rows, replace(context(rows), names=names))
    assert model.product.prior is None


def test_a_customer_is_scored_alike_alone_and_among_others():
    rows = bank()
    model = AcquisitionModel.fit(rows, context(rows, "implicit-als"))
    together = model.shares(rows.values)
    alone = np.concatenate([model.shares(rows.values[[row]]) for row in range(0, len(rows), 7)])
    assert (together[::7] == alone).all()
    assert together.sum(axis=1) == pytest.approx(np.ones(len(rows)))
    assert model.shares(rows.values[:0]).shape == (0, 4)


@given(hnp.arrays(np.float64, (3, 4), elements=st.floats(-30, 30)), st.floats(-50, 50))
def test_shares_sum_to_one_and_do_not_care_for_a_constant(logits: NDArray[np.float64], constant: float):
    assert softmax(logits).sum(axis=1) == pytest.approx(np.ones(3))
    assert softmax(logits + constant) == pytest.approx(softmax(logits))


def test_months_before_its_launch_say_nothing_against_a_product():
    """Nobody ever acquired a fund: without a launch that counts against it, before a launch it does not."""
    rows = bank(months=3)
    fund, everything = PRODUCTS.index("fund"), np.ones(len(PRODUCTS), bool)
    inputs = prior_inputs(rows, context(rows))
    assert inputs is not None
    later = dict.fromkeys(MONTHS, everything & (np.arange(len(PRODUCTS)) != fund))
    acquirers = rows.take(rows.acquirers)
    known = replace(inputs, launched=later).fit(acquirers)
    blamed = inputs.fit(acquirers)
    gold = acquirers.acquired[:, PRODUCTS.index("gold")].sum()
    of_all = np.mean([acquirers.acquired[:, place].sum() for place in range(4) if place != fund])
    usual = np.log((gold + of_all) / 2 + 0.1) - np.log(acquirers.acquired.sum())  # gold is its family
    assert known.intercepts[fund] == pytest.approx(usual, abs=0.01)
    assert blamed.intercepts[fund] < known.intercepts[fund] - 1.0


def test_acquisitions_after_the_launch_count_for_the_months_that_the_product_was_there():
    rows = bank(months=3)
    gold = PRODUCTS.index("gold")
    acquired = rows.acquired.copy()
    acquired[rows.as_of < MONTHS[2], gold] = False
    rows = replace(rows, acquired=acquired)
    acquirers = rows.take(rows.acquirers)
    before = np.ones(len(PRODUCTS), bool)
    before[gold] = False
    launched = {MONTHS[0]: before, MONTHS[1]: before}
    inputs = prior_inputs(rows, context(rows))
    assert inputs is not None
    known = replace(inputs, launched=launched)
    assert known.fit(acquirers).intercepts[gold] > inputs.fit(acquirers).intercepts[gold] + 0.3
    assert (known.logits(inputs.fit(acquirers), rows)[rows.as_of < MONTHS[2], gold] == NEVER).all()


def test_a_launch_that_acquisitions_contradict_is_not_believed():
    rows = bank(months=1)
    nothing = {MONTHS[0]: np.zeros(len(PRODUCTS), bool)}
    there = on_shelf(rows, nothing)
    assert there.all(axis=0).tolist() == rows.acquired.any(axis=0).tolist()
