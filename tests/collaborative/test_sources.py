"""The contract that every candidate source keeps, and the strange customers of reliability.md."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

from vipreco.collaborative import SOURCES, HoldingState, ItemItemCosine
from vipreco.collaborative.als import ImplicitALS
from vipreco.collaborative.linear import Ease, ItemItemBM25
from vipreco.collaborative.source import ItemSideSource
from vipreco.collaborative.state import Arrays, Flags, empty_state
from vipreco.errors import IntegrityError

EVERY_SOURCE = pytest.mark.parametrize("source", [cls() for cls in SOURCES.values()], ids=list(SOURCES))


def products(count: int) -> tuple[str, ...]:
    return tuple(f"p{number:02d}" for number in range(count))


def state_of(held: Flags, seed: int = 0) -> HoldingState:
    """Some history before and some segments, drawn from `seed`."""
    random = np.random.default_rng(seed)
    before = (random.random(held.shape) < 0.2) & ~held
    segments = random.integers(-1, 3, len(held)).astype(np.int32)
    return HoldingState(held, before, segments, products(held.shape[1]))


def bank(customers: int = 300, catalogue: int = 11, seed: int = 7) -> HoldingState:
    random = np.random.default_rng(seed)
    taste = random.random((customers, 1))
    return state_of(random.random((customers, catalogue)) < taste * np.linspace(0.8, 0.05, catalogue), seed)


@st.composite
def states(draw: st.DrawFn) -> HoldingState:
    customers, catalogue = draw(st.integers(0, 12)), draw(st.integers(1, 18))
    flags = draw(st.lists(st.booleans(), min_size=customers * catalogue, max_size=customers * catalogue))
    return state_of(np.array(flags, dtype=bool).reshape(customers, catalogue), draw(st.integers(0, 9)))


def identical(left: NDArray[np.generic], right: NDArray[np.generic]) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


@EVERY_SOURCE
class TestContract:
    @settings(max_examples=25, deadline=None)
    @given(state=states(), other=states())
    def test_scores_are_finite_float32_for_whatever_it_was_fitted_on(
        self, source: ItemSideSource, state: HoldingState, other: HoldingState
    ) -> None:
        scores = source.fit(state).score(other)
        assert scores.shape == other.held.shape
        assert scores.dtype == np.float32
        assert np.isfinite(scores).all()

    def test_a_customer_without_any_holding_gets_a_score_for_every_product(
        self, source: ItemSideSource
    ) -> None:
        scores = source.fit(bank()).score(empty_state(products(11)))
        assert scores.shape == (1, 11)
        assert np.isfinite(scores).all()

    def test_a_customer_who_holds_everything_is_scored_like_any_other(self, source: ItemSideSource) -> None:
        scores = source.fit(bank()).score(state_of(np.ones((1, 11), dtype=bool)))
        assert np.isfinite(scores).all()
        assert np.abs(scores).max() < 1e6

    def test_a_catalogue_of_one_product_works(self, source: ItemSideSource) -> None:
        state = bank(catalogue=1)
        assert source.fit(state).score(state).shape == (300, 1)

    def test_a_product_that_nobody_holds_never_beats_all_others_and_breaks_nothing(
        self, source: ItemSideSource
    ) -> None:
        held = bank().held.copy()
        held[:, 4] = False
        state = HoldingState(held, np.zeros_like(held), np.zeros(300, dtype=np.int32), products(11))
        scores = source.fit(state).score(state)
        assert np.isfinite(scores).all()
        with_holdings = held.any(axis=1)
        assert (scores.argmax(axis=1)[with_holdings] != 4).all()

    def test_a_product_launched_after_the_fit_scores_zero_without_history(
        self, source: ItemSideSource
    ) -> None:
        fitted, state = source.fit(bank()), bank()
        launched = ("a-new-one", *state.product_ids)
        scores = fitted.score(empty_state(launched))
        assert scores[0, 0] == 0.0
        assert identical(scores[:, 1:].copy(), fitted.score(empty_state(state.product_ids)))

    def test_a_product_withdrawn_after_the_fit_is_left_out(self, source: ItemSideSource) -> None:
        fitted, fewer = source.fit(bank()), products(11)[:5]
        assert fitted.score(bank().in_columns(fewer)).shape == (300, 5)

    def test_zero_customers_get_zero_rows(self, source: ItemSideSource) -> None:
        assert source.fit(bank()).score(bank(customers=0)).shape == (0, 11)

    def test_fitting_on_zero_customers_gives_a_source_that_scores(self, source: ItemSideSource) -> None:
        assert np.isfinite(source.fit(bank(customers=0)).score(bank())).all()

    def test_fitting_on_one_customer_works(self, source: ItemSideSource) -> None:
        assert np.isfinite(source.fit(bank(customers=1)).score(bank())).all()

    def test_the_same_fit_twice_is_bit_identical(self, source: ItemSideSource) -> None:
        first, second = source.fit(bank()).arrays(), source.fit(bank()).arrays()
        assert list(first) == list(second)
        assert all(identical(first[name], second[name]) for name in first)

    def test_the_order_of_customers_has_no_say_in_the_fit(self, source: ItemSideSource) -> None:
        shuffled = bank().take(np.random.default_rng(1).permutation(300))
        first, second = source.fit(bank()).arrays(), source.fit(shuffled).arrays()
        assert all(identical(first[name], second[name]) for name in first)

    def test_arrays_go_through_npy_files_without_pickle_and_score_bit_identically(
        self, source: ItemSideSource
    ) -> None:
        fitted = source.fit(bank())
        loaded = type(source).from_arrays(through_npy(fitted.arrays()))
        assert identical(loaded.score(bank(seed=3)), fitted.score(bank(seed=3)))

    def test_a_fit_leaves_the_unfitted_source_and_its_input_alone(self, source: ItemSideSource) -> None:
        state = bank()
        copy = state.held.copy()
        assert source.fit(state) is not source
        assert identical(state.held, copy)

    @settings(max_examples=20, deadline=None)
    @given(state=states(), data=st.data())
    def test_a_score_does_not_depend_on_who_else_is_in_the_chunk(
        self, source: ItemSideSource, state: HoldingState, data: st.DataObject
    ) -> None:
        fitted = source.fit(bank())
        together = fitted.score(state)
        rows = np.array(
            data.draw(st.lists(st.integers(0, max(len(state) - 1, 0)), max_size=6)), dtype=np.intp
        )
        rows = rows[rows < len(state)]
        assert identical(fitted.score(state.take(rows)), together[rows])

    def test_chunks_of_any_size_give_the_same_bytes(self, source: ItemSideSource) -> None:
        state, fitted = bank(customers=1000), source.fit(bank())
        edges = [0, 1, 2, 17, 500, 999, 1000]
        chunks = [fitted.score(state.take(slice(start, stop))) for start, stop in pairwise(edges)]
        assert identical(np.vstack(chunks), fitted.score(state))

    @settings(max_examples=20, deadline=None)
    @given(state=states(), data=st.data())
    def test_shuffled_products_shuffle_the_scores_and_change_no_bit(
        self, source: ItemSideSource, state: HoldingState, data: st.DataObject
    ) -> None:
        shuffled = state.in_columns(tuple(data.draw(st.permutations(state.product_ids))))
        columns = [state.product_ids.index(product) for product in shuffled.product_ids]
        straight = source.fit(state).score(state)
        assert identical(source.fit(shuffled).score(shuffled), straight[:, columns].copy())

    def test_two_customers_alike_get_the_same_list_and_a_different_one_is_not_answered_with_it(
        self, source: ItemSideSource
    ) -> None:
        state = bank()
        twice = state.take(np.array([5, 9, 5]))
        scores = source.fit(state).score(twice)
        assert identical(scores[0], scores[2])

    @pytest.mark.parametrize(
        "damage", ["nan", "infinity", "type", "fortran", "shape", "missing", "extra", "ids"]
    )
    def test_damaged_arrays_are_refused(self, source: ItemSideSource, damage: str) -> None:
        arrays = source.fit(bank()).arrays()
        with pytest.raises(IntegrityError):
            type(source).from_arrays(damaged(arrays, sorted(source.axes)[-1], damage))


def through_npy(arrays: Arrays) -> Arrays:
    loaded: Arrays = {}
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        file.seek(0)
        loaded[name] = np.load(file, allow_pickle=False)
    return loaded


def damaged(arrays: Arrays, name: str, damage: str) -> Arrays:
    wrong: Arrays = dict(arrays)
    array = np.array(arrays[name])
    if damage in {"nan", "infinity"}:
        array.reshape(-1)[0] = np.nan if damage == "nan" else np.inf
        wrong[name] = array
    elif damage == "fortran":
        wrong[name] = np.asfortranarray(np.vstack([array, array]))
    elif damage == "type":
        wrong[name] = array.astype(np.float64)
    elif damage == "shape":
        wrong[name] = array[..., None]
    elif damage == "missing":
        del wrong[name]
    elif damage == "extra":
        wrong["another"] = array
    else:
        wrong["product_ids"] = arrays["product_ids"][::-1]
    return wrong


@pytest.mark.parametrize(
    "source",
    [ItemItemCosine(), ItemItemBM25(), Ease(), ImplicitALS(factors=32, regularization=0.0, alpha=1.0)],
    ids=lambda source: source.name,
)
def test_on_a_checkerboard_the_missing_square_of_the_own_colour_is_first(source: ItemSideSource) -> None:
    """The test that implicit runs on all its models: the right answer is the customer's own number."""
    size = 50
    board = np.add.outer(np.arange(size), np.arange(size)) % 2 == 0
    board &= ~np.eye(size, dtype=bool)
    state = HoldingState(board, np.zeros_like(board), np.zeros(size, dtype=np.int32), products(size))
    scores = source.fit(state).score(state)
    first = np.where(board, -np.inf, scores).argmax(axis=1)
    assert first.tolist() == list(range(size))
