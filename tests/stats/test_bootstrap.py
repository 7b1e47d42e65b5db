"""Bootstrap intervals against a plain bootstrap, against theory, and on cases with a known answer."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import bootstrap

from vipreco.stats import (
    bootstrap_mean,
    clustered_mean,
    paired_difference,
    resampled_column_means,
    resampled_counts,
)
from vipreco.stats.bootstrap import resampled_means


def precisions(customers: int = 500, seed: int = 1) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Values such as average precision takes: few different ones."""
    return np.random.default_rng(seed).choice([0.0, 1 / 3, 0.5, 1.0], customers, p=[0.3, 0.3, 0.2, 0.2])


def test_the_interval_is_that_of_a_bootstrap_of_customers() -> None:
    values = precisions()
    ours = bootstrap_mean(values, seed=0, resamples=20_000)
    theirs = bootstrap((values,), np.mean, n_resamples=20_000, method="percentile", rng=1).confidence_interval
    assert ours.value == pytest.approx(values.mean())
    assert ours.low == pytest.approx(theirs.low, abs=1.5e-3)
    assert ours.high == pytest.approx(theirs.high, abs=1.5e-3)
    assert ours.customers == 500


def test_resampled_means_spread_as_theory_says() -> None:
    values = precisions(2000)
    means = resampled_means(values, seed=2, resamples=20_000)
    assert means.mean() == pytest.approx(values.mean(), abs=5e-4)
    assert means.std() == pytest.approx(values.std() / np.sqrt(2000), rel=0.03)


def test_values_that_all_differ_are_resampled_with_the_same_right_spread() -> None:
    values = np.random.default_rng(0).random(50_000)
    means = resampled_means(values, seed=2, resamples=800)
    assert len(means) == 800
    assert means.std() == pytest.approx(values.std() / np.sqrt(50_000), rel=0.1)


def test_the_interval_covers_the_true_mean_as_often_as_it_says() -> None:
    found = [bootstrap_mean(precisions(200, seed), seed, resamples=400) for seed in range(400)]
    truth = 0.3 / 3 + 0.1 + 0.2
    assert 0.91 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.98


def test_customers_without_a_value_take_no_part() -> None:
    values = np.array([1.0, np.nan, 0.0, np.nan])
    found = bootstrap_mean(values, seed=0)
    assert (found.value, found.customers) == (0.5, 2)


def test_without_any_customer_the_estimate_is_unknown() -> None:
    found = bootstrap_mean(np.array([np.nan]), seed=0)
    assert np.isnan([found.value, found.low, found.high]).all()
    assert found.customers == 0


def test_without_resamples_there_is_a_value_and_no_interval() -> None:
    found = bootstrap_mean(precisions(), seed=0, resamples=0)
    assert found.value == pytest.approx(precisions().mean())
    assert np.isnan([found.low, found.high]).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    assert bootstrap_mean(precisions(), seed=3) == bootstrap_mean(precisions(), seed=3)


def test_a_paired_difference_sees_what_two_intervals_hide() -> None:
    """Better by 0.02 for every tenth customer: certain in pairs, lost in the spread between customers."""
    theirs = precisions(2000)
    ours = theirs + np.where(np.arange(2000) % 10 == 0, 0.02, 0.0)
    assert bootstrap_mean(ours, 0).low < bootstrap_mean(theirs, 0).value
    difference = paired_difference(ours, theirs, seed=0)
    assert difference.value == pytest.approx(0.002)
    assert difference.low > 0


def test_columns_are_resampled_together() -> None:
    """Twice the first column in the second: so it is in every resample."""
    values = precisions() + 0.1
    means = resampled_column_means(np.column_stack([values, 2 * values]), seed=0, resamples=120)
    assert means.shape == (120, 2)
    assert means[:, 1] == pytest.approx(2 * means[:, 0])
    assert means[:, 0].std() == pytest.approx(values.std() / np.sqrt(500), rel=0.25)


def test_all_rows_of_a_customer_are_drawn_together_and_as_many_customers_as_there_are() -> None:
    customers = np.array(["a", "b", "a", "c", "b"], object)
    counts = np.array(list(resampled_counts(customers, seed=1, resamples=200)))
    assert (counts[:, 0] == counts[:, 2]).all()
    assert (counts[:, 1] == counts[:, 4]).all()
    assert (counts[:, [0, 1, 3]].sum(axis=1) == 3).all()
    assert counts.mean(axis=0) == pytest.approx(np.ones(5), abs=0.15)


def test_the_same_seed_draws_the_same_customers() -> None:
    customers = np.array(["a", "b", "c"], object)
    first, second = (np.array(list(resampled_counts(customers, 7, 5))) for _ in range(2))
    assert first.tolist() == second.tolist()


def test_rows_of_one_customer_are_drawn_together() -> None:
    """A thousand customers with ten equal rows each: the spread is that of a thousand."""
    values = np.repeat(precisions(1000), 10)
    ids = np.repeat(np.arange(1000), 10)
    together = clustered_mean(values, ids, seed=1, resamples=2000)
    alone = bootstrap_mean(precisions(1000), seed=1, resamples=2000)
    assert together.value == pytest.approx(alone.value)
    assert together.low == pytest.approx(alone.low, abs=3e-3)
    assert together.high == pytest.approx(alone.high, abs=3e-3)
    assert together.customers == 1000


def test_a_mean_over_customers_weighs_rows_and_leaves_out_what_is_unknown() -> None:
    values, ids = np.array([1.0, 1.0, 0.0, np.nan]), np.array(["a", "a", "b", "c"])
    found = clustered_mean(values, ids, seed=1, resamples=50)
    assert (found.value, found.customers) == (pytest.approx(2 / 3), 2)
    assert clustered_mean(np.zeros(3), np.arange(3), seed=1).low == 0.0
    assert not clustered_mean(np.full(2, np.nan), np.arange(2), seed=1).known
