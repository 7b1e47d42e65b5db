"""Ranking metrics against counting by hand, a literal brute force, and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, ndcg_score

from vipreco.stats import (
    Flags,
    Floats,
    PerCustomer,
    average_precision,
    coverage,
    listed,
    novel,
    ranking_metrics,
    rate_by_decile,
    reacquired,
    relevant_ranks,
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Floats, Flags, Flags, int]:
    """Scores with many ties, truth, listable, and k from 1 to beyond the catalogue."""
    shape = (draw(st.integers(0, 7)), draw(st.integers(1, 9)))
    scores = draw(hnp.arrays(np.float32, shape, elements=st.integers(-2, 3).map(float)))
    truth, listable = (draw(hnp.arrays(np.bool_, shape)) for _ in range(2))
    return scores, truth, listable, draw(st.integers(1, shape[1] + 2))


def list_of(scores: Floats, listable: Flags, k: int) -> list[int]:
    """The list as a person would make it: best first, the earlier column on a tie."""
    allowed = [column for column in range(len(scores)) if listable[column]]
    return sorted(allowed, key=lambda column: (-scores[column], column))[:k]


def by_hand(scores: Floats, truth: Flags, listable: Flags, k: int) -> dict[str, float]:
    """All metrics of one customer, literally from their definitions."""
    hits = [bool(truth[column]) for column in list_of(scores, listable, k)]
    relevant = int(truth.sum())
    precisions = [sum(hits[: place + 1]) / (place + 1) for place, is_hit in enumerate(hits) if is_hit]
    gain = sum(1 / np.log2(place + 2) for place, is_hit in enumerate(hits) if is_hit)
    ideal = sum(1 / np.log2(place + 2) for place in range(min(k, relevant)))
    if relevant == 0:
        return {"map": np.nan, "recall": np.nan, "ndcg": np.nan, "hit": np.nan, "precision": 0.0}
    return {
        "map": sum(precisions) / min(k, relevant),
        "recall": sum(hits) / relevant,
        "ndcg": gain / ideal,
        "hit": float(any(hits)),
        "precision": sum(hits) / k,
    }


def metric(name: str, scores: Floats, truth: Flags, listable: Flags, k: int) -> PerCustomer:
    return ranking_metrics(relevant_ranks(scores, truth, listable), k)[name]


@pytest.mark.parametrize("name", ["map", "recall", "ndcg", "hit", "precision"])
@given(case=cases())
def test_every_metric_is_what_its_definition_gives_customer_by_customer(
    name: str, case: tuple[Floats, Flags, Flags, int]
) -> None:
    scores, truth, listable, k = case
    expected = [by_hand(*row, k)[name] for row in zip(scores, truth, listable, strict=True)]
    np.testing.assert_allclose(metric(name, scores, truth, listable, k), np.array(expected).reshape(-1))


@given(case=cases())
def test_the_list_holds_the_first_k_listable_products_and_nothing_else(
    case: tuple[Floats, Flags, Flags, int],
) -> None:
    scores, _, listable, k = case
    chosen = listed(scores, listable, k)
    expected = [sorted(list_of(*row, k)) for row in zip(scores, listable, strict=True)]
    assert [np.flatnonzero(row).tolist() for row in chosen] == expected


@given(case=cases())
def test_the_rank_says_whether_a_product_is_listed(case: tuple[Floats, Flags, Flags, int]) -> None:
    scores, truth, listable, k = case
    ranks = relevant_ranks(scores, truth, listable)
    inside = (ranks.rank >= 1) & (ranks.rank <= k)
    assert (inside == listed(scores, listable, k)[truth]).all()


@given(case=cases(), seed=st.integers(0, 9))
def test_ranks_restricted_to_some_acquisitions_are_those_computed_from_them_alone(
    case: tuple[Floats, Flags, Flags, int], seed: int
) -> None:
    scores, truth, listable, k = case
    part = truth & (np.random.default_rng(seed).random(truth.shape) < 0.5)
    restricted = relevant_ranks(scores, truth, listable).restricted(part)
    alone = relevant_ranks(scores, part, listable)
    for name, expected in ranking_metrics(alone, k).items():
        np.testing.assert_array_equal(ranking_metrics(restricted, k)[name], expected)


def test_average_precision_of_a_list_counted_by_hand() -> None:
    """Hits at places 1 and 3 of 4 acquired products: (1/1 + 2/3) / min(3, 4)."""
    scores = np.array([[9.0, 8.0, 7.0, 6.0, 5.0]])
    truth = np.array([[True, False, True, True, True]])
    everything = np.ones_like(truth)
    assert average_precision(scores, truth, everything, 3)[0] == pytest.approx((1 + 2 / 3) / 3)


def test_what_a_rule_hides_and_the_customer_buys_all_the_same_counts_as_missed() -> None:
    scores, truth = np.array([[3.0, 2.0, 1.0]]), np.array([[True, True, False]])
    listable = np.array([[False, True, True]])
    assert metric("recall", scores, truth, listable, 3)[0] == 0.5
    assert average_precision(scores, truth, listable, 3)[0] == 0.5


def test_equal_scores_are_listed_in_the_order_of_the_columns() -> None:
    everything = np.ones((1, 4), dtype=bool)
    assert listed(np.zeros((1, 4)), everything, 2).tolist() == [[True, True, False, False]]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_listable_product_without_a_finite_score_is_refused_and_never_ranked_silently(value: float) -> None:
    scores, truth = np.array([[value, 1.0]]), np.array([[True, False]])
    with pytest.raises(ValueError, match="NaN or infinite"):
        average_precision(scores, truth, np.ones_like(truth), 1)
    assert average_precision(scores, truth, np.array([[False, True]]), 1)[0] == 0.0


def test_matrices_of_different_shape_are_refused() -> None:
    flags = np.ones((2, 3), dtype=bool)
    with pytest.raises(ValueError, match="shapes differ"):
        relevant_ranks(np.ones((2, 2)), flags, flags)


def test_a_list_of_no_place_is_refused() -> None:
    flags = np.ones((1, 1), dtype=bool)
    with pytest.raises(ValueError, match="k must be"):
        average_precision(np.ones((1, 1)), flags, flags, 0)


def random_case(seed: int = 3) -> tuple[Floats, Flags, Flags]:
    random = np.random.default_rng(seed)
    return random.random((60, 12)), random.random((60, 12)) < 0.2, random.random((60, 12)) < 0.8


def test_ndcg_agrees_with_scikit_learn() -> None:
    """scikit-learn knows no listable: what is not one gets the lowest scores."""
    scores, truth, listable = random_case()
    truth &= listable
    below = np.where(listable, scores, scores - 10)
    some = truth.any(axis=1)
    expected = [ndcg_score(truth[[row]], below[[row]], k=5) for row in np.flatnonzero(some)]
    np.testing.assert_allclose(metric("ndcg", scores, truth, listable, 5)[some], expected)


def test_average_precision_over_the_whole_catalogue_agrees_with_scikit_learn() -> None:
    scores, truth, _ = random_case()
    everything = np.ones_like(truth)
    ours = average_precision(scores, truth, everything, truth.shape[1])
    some = truth.any(axis=1)
    expected = [average_precision_score(truth[row], scores[row]) for row in np.flatnonzero(some)]
    np.testing.assert_allclose(ours[some], expected)


def test_novel_and_reacquired_split_the_acquisitions_and_customers_without_any_drop_out() -> None:
    truth = np.array([[True, True, False], [True, False, False]])
    before = np.array([[True, False, True], [True, True, False]])
    assert novel(truth, before).tolist() == [[False, True, False], [False, False, False]]
    assert (novel(truth, before) ^ reacquired(truth, before)).tolist() == truth.tolist()
    values = metric("hit", np.ones((2, 3)), novel(truth, before), np.ones_like(truth), 3)
    assert values[0] == 1.0
    assert np.isnan(values[1])


def test_coverage_is_the_share_of_products_that_somebody_sees() -> None:
    assert coverage(np.array([[True, False, False, False], [True, True, False, False]])) == 0.5
    assert coverage(np.zeros((0, 4), dtype=bool)) == 0.0


def test_ratios_of_four_groups_counted_by_hand() -> None:
    scores = np.array([8.0, 7, 6, 5, 4, 3, 2, 1])
    truth = np.array([1, 1, 1, 0, 0, 1, 0, 0], dtype=bool)
    table = rate_by_decile(scores, truth, groups=4)
    assert table["acquisitions"].tolist() == [2, 1, 1, 0]
    assert table["rate"].tolist() == [1.0, 0.5, 0.5, 0.0]
    assert table["ratio"].tolist() == [2.0, 1.0, 1.0, 0.0]
    assert table["cumulative_share"].tolist() == [0.5, 0.75, 1.0, 1.0]
    assert table["cumulative_ratio"].tolist() == pytest.approx([2.0, 1.5, 4 / 3, 1.0])


def test_scores_that_are_all_equal_have_a_ratio_of_one_whatever_the_order_of_the_rows() -> None:
    truth = np.array([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], dtype=bool)
    assert rate_by_decile(np.zeros(10), truth)["ratio"].tolist() == pytest.approx([1.0] * 10)


@given(
    truth=hnp.arrays(np.bool_, st.integers(1, 60)),
    seed=st.integers(0, 5),
    groups=st.integers(1, 12),
)
def test_the_decile_table_does_not_depend_on_the_order_of_rows_and_loses_no_acquisition(
    truth: Flags, seed: int, groups: int
) -> None:
    random = np.random.default_rng(seed)
    scores = random.integers(0, 4, len(truth)).astype(np.float64)
    order = random.permutation(len(truth))
    table, shuffled = (
        rate_by_decile(scores, truth, groups),
        rate_by_decile(scores[order], truth[order], groups),
    )
    np.testing.assert_allclose(table, shuffled)
    assert table["acquisitions"].sum() == pytest.approx(truth.sum())
    assert table["rows"].sum() == len(truth)


def test_deciles_of_no_rows_is_a_table_of_unknowns() -> None:
    table = rate_by_decile(np.array([]), np.array([], dtype=bool))
    assert len(table) == 10
    assert table["ratio"].isna().all()
