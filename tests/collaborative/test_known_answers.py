"""Scores and reasons against dense formulas written down independently, and against implicit itself."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from implicit.nearest_neighbours import BM25Recommender, CosineRecommender
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from vipreco.collaborative import SOURCES, HoldingState, ItemItemCosine, Source, strongest_holdings
from vipreco.collaborative.als import ImplicitALS
from vipreco.collaborative.baskets import byte_tables, distinct_baskets, sum_held
from vipreco.collaborative.linear import Ease, ItemItemBM25
from vipreco.collaborative.popularity import HeldBefore, Popularity, SegmentPopularity
from vipreco.collaborative.source import Contributing, ItemSideSource
from vipreco.collaborative.state import Flags, empty_state


def strongest_holding(source: Source, ids: Sequence[str], held: Flags, product: str) -> str | None:
    """Return the held product that speaks most for a product."""
    nothing = empty_state(tuple(ids))
    state = HoldingState(held[None, :], nothing.held, nothing.segments, nothing.product_ids)
    found = int(strongest_holdings(source, state, np.array([ids.index(product)]))[0])
    return None if found < 0 else ids[found]


def state_of(held: Flags, before: Flags | None = None, segments: list[int] | None = None) -> HoldingState:
    customers, catalogue = held.shape
    return HoldingState(
        held,
        np.zeros_like(held) if before is None else before,
        np.array([-1] * customers if segments is None else segments, dtype=np.int32),
        tuple(f"p{number:02d}" for number in range(catalogue)),
    )


def bank(customers: int = 200, catalogue: int = 13, seed: int = 4) -> HoldingState:
    random = np.random.default_rng(seed)
    taste = random.random((customers, 1))
    return state_of(random.random((customers, catalogue)) < taste * np.linspace(0.9, 0.1, catalogue))


def flags(*rows: str) -> Flags:
    return np.array([[mark == "1" for mark in row] for row in rows])


def test_popularity_is_the_share_of_holders() -> None:
    state = state_of(flags("110", "100", "000", "100"))
    assert Popularity().fit(state).score(state)[0].tolist() == [0.75, 0.25, 0.0]


def test_segment_popularity_is_drawn_to_the_overall_share_as_by_so_many_customers() -> None:
    """Segment 1: 2 of 2 hold it, overall 2 of 4; with strength 2: (2 + 2 x 0.5) / (2 + 2) = 0.75."""
    state = state_of(flags("1", "1", "0", "0"), segments=[1, 1, 0, -1])
    fitted = SegmentPopularity(strength=2.0).fit(state)
    by_segment = fitted.score(state_of(flags("0", "0", "0", "0"), segments=[1, 0, -1, 7]))
    assert by_segment[:, 0].tolist() == pytest.approx([0.75, (0 + 2 * 0.5) / (1 + 2), 0.5, 0.5])


def test_a_segment_that_nobody_is_in_scores_as_everybody() -> None:
    fitted = SegmentPopularity().fit(state_of(flags("1", "0"), segments=[2, 2]))
    assert fitted.score(state_of(flags("0"), segments=[0]))[0, 0] == pytest.approx(0.5)


def test_held_before_comes_first_and_popularity_breaks_the_ties() -> None:
    everybody = state_of(flags("1110", "1100", "1000", "0001"))
    fitted = HeldBefore().fit(everybody)
    scores = fitted.score(state_of(flags("0000"), before=flags("0011")))[0]
    assert np.argsort(-scores, kind="stable").tolist() == [2, 3, 0, 1]


def test_what_everybody_holds_never_outweighs_what_was_held_before() -> None:
    fitted = HeldBefore().fit(state_of(flags("10", "10")))
    scores = fitted.score(state_of(flags("00"), before=flags("01")))[0]
    assert scores[1] > scores[0]


def test_ease_is_the_regression_of_each_product_on_all_the_others() -> None:
    """Steck's weights are those of one ridge regression a product; solved here one by one."""
    state, ridge = bank(), 20.0
    X = state.held.astype(np.float64)
    expected = np.zeros((X.shape[1],) * 2)
    for product in range(X.shape[1]):
        others = [column for column in range(X.shape[1]) if column != product]
        gram = X[:, others].T @ X[:, others] + ridge * np.eye(len(others))
        expected[others, product] = np.linalg.solve(gram, X[:, others].T @ X[:, product])
    fitted = Ease(regularization=ridge / len(state)).fit(state)
    np.testing.assert_allclose(fitted.weights, expected, atol=1e-6)
    np.testing.assert_allclose(fitted.score(state), X @ expected, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "theirs"),
    [
        (ItemItemCosine(), CosineRecommender(K=13, num_threads=1)),
        (ItemItemBM25(), BM25Recommender(K=13, K1=1.2, B=0.75, num_threads=1)),
    ],
    ids=lambda one: getattr(one, "name", ""),
)
@pytest.mark.filterwarnings("ignore:Method expects CSR input")
def test_item_item_scores_are_those_of_implicit(source: ItemSideSource, theirs: CosineRecommender) -> None:
    state = bank()
    held = csr_matrix(state.held, dtype=np.float32)
    theirs.fit(held, show_progress=False)
    ours = source.fit(state).score(state)
    for row in range(len(state)):
        products, scores = theirs.recommend(row, held[row], N=13, filter_already_liked_items=False)
        np.testing.assert_allclose(ours[row, products], scores, rtol=1e-5)
        assert np.delete(ours[row], products).max(initial=0.0) == 0.0


def test_cosine_is_the_overlap_over_the_root_of_both_counts() -> None:
    state = state_of(flags("11", "10", "10", "01"))
    assert ItemItemCosine().fit(state).weights[0, 1] == pytest.approx(1 / np.sqrt(3 * 2))


def implicit_with(fitted: ImplicitALS) -> object:
    model = fitted.implicit_model()
    model.item_factors = np.ascontiguousarray(fitted.item_factors.T)
    return model


def test_the_fold_in_is_what_implicit_recalculates() -> None:
    fitted = ImplicitALS(factors=5, regularization=0.3, alpha=7.0).fit(bank())
    others = bank(seed=9).held
    with threadpool_limits(1):
        theirs = implicit_with(fitted).recalculate_user(  # type: ignore[attr-defined]
            np.arange(len(others)), csr_matrix(others, dtype=np.float32)
        )
    np.testing.assert_allclose(fitted.fold_in(others), theirs, atol=2e-4)


def test_als_scores_solve_the_weighted_least_squares_of_the_paper() -> None:
    """x minimises sum of c (p - x y)^2 + ridge x x over products; c = alpha where held, 1 elsewhere."""
    ridge, alpha = 0.5, 6.0
    fitted = ImplicitALS(factors=4, regularization=ridge, alpha=alpha).fit(bank())
    held = bank(seed=2).held[:20]
    Y = fitted.item_factors.T.astype(np.float64)
    expected = []
    for row in held:
        weight = np.sqrt(np.where(row, alpha, 1.0))
        stacked = np.vstack([weight[:, None] * Y, np.sqrt(ridge) * np.eye(4)])
        wanted = np.concatenate([weight * row, np.zeros(4)])
        expected.append(Y @ np.linalg.lstsq(stacked, wanted, rcond=None)[0])
    np.testing.assert_allclose(fitted.score(state_of(held)), np.array(expected), atol=1e-5)


def test_als_fits_as_implicit_does_from_the_same_start() -> None:
    """The reconstruction error falls to that of implicit's own fit with its random customers."""
    state = bank(customers=500)
    ours = ImplicitALS(factors=6, regularization=0.1, alpha=5.0)
    model = ours.implicit_model()
    with threadpool_limits(1):
        model.fit(csr_matrix(state.held, dtype=np.float32), show_progress=False)
    theirs = model.user_factors @ model.item_factors.T
    mine = ours.fit(state).score(state)
    assert loss(mine, state.held) == pytest.approx(loss(theirs, state.held), rel=0.03)


def loss(scores: NDArray[np.floating], held: Flags) -> float:
    return float((np.where(held, 5.0, 1.0) * (held - scores) ** 2).mean())


def test_nobody_holding_anything_gives_als_scores_of_zero() -> None:
    state = state_of(np.zeros((5, 3), dtype=bool))
    assert not ImplicitALS().fit(state).score(bank(catalogue=3)).any()


@pytest.mark.parametrize("name", ["ease", "item-item-cosine", "item-item-bm25", "implicit-als"])
def test_the_contributions_of_the_holdings_add_up_to_the_score(name: str) -> None:
    state = bank()
    fitted = SOURCES[name]().fit(state)
    assert isinstance(fitted, Contributing)
    columns = np.argmin(state.held, axis=1)
    open_offers = ~state.held[np.arange(len(state)), columns]
    added = fitted.contributions(state, columns)
    scores = fitted.score(state)[np.arange(len(state)), columns]
    np.testing.assert_allclose(added.sum(axis=1)[open_offers], scores[open_offers], atol=1e-5)
    assert not added[~state.held].any()


@pytest.mark.parametrize("name", ["ease", "item-item-cosine", "item-item-bm25", "implicit-als"])
def test_the_strongest_holding_is_the_companion_of_the_product(name: str) -> None:
    """p00 and p01 always come together, p02 is alone: who holds p00 and p02 is offered p01 for p00."""
    held = np.tile(flags("1100", "0010", "0001"), (40, 1))
    fitted = SOURCES[name]().fit(state_of(held))
    ids = ("p00", "p01", "p02", "p03")
    assert strongest_holding(fitted, ids, flags("1010")[0], "p01") == "p00"
    assert strongest_holding(fitted, ids[::-1], flags("0101")[0], "p01") == "p00"


@pytest.mark.parametrize("source", [cls() for cls in SOURCES.values()], ids=list(SOURCES))
def test_who_holds_nothing_gets_no_reason_and_a_baseline_never_gives_one(source: ItemSideSource) -> None:
    fitted = source.fit(bank())
    assert strongest_holding(fitted, bank().product_ids, np.zeros(13, dtype=bool), "p03") is None
    if not isinstance(fitted, Contributing):
        assert strongest_holding(fitted, bank().product_ids, np.ones(13, dtype=bool), "p03") is None


def test_a_product_is_no_reason_for_itself_and_a_new_one_has_none() -> None:
    fitted = ItemItemCosine().fit(bank())
    only = np.zeros(13, dtype=bool)
    only[3] = True
    assert strongest_holding(fitted, bank().product_ids, only, "p03") is None
    assert strongest_holding(fitted, ("new", *bank().product_ids), np.insert(only, 0, False), "new") is None


def test_reasons_for_no_customer_are_no_reasons() -> None:
    fitted = Ease().fit(bank())
    none = empty_state(bank().product_ids, customers=0)
    assert strongest_holdings(fitted, none, np.array([], dtype=np.intp)).tolist() == []


def test_sums_over_bytes_are_sums_over_products() -> None:
    random = np.random.default_rng(0)
    for catalogue in (1, 7, 8, 9, 24, 60):
        held = random.random((50, catalogue)) < 0.4
        weights = random.normal(size=(catalogue, 3)).astype(np.float32)
        np.testing.assert_allclose(sum_held(held, byte_tables(weights)), held @ weights, atol=1e-5)


def test_distinct_baskets_put_together_are_the_holdings() -> None:
    held = bank(customers=400, catalogue=9).held
    baskets, which = distinct_baskets(held)
    assert (baskets[which] == held).all()
    assert len(np.unique(baskets, axis=0)) == len(baskets) == len(np.unique(held, axis=0))
