"""The tidy frame and its Markdown: every slice, every model, baselines beside each number."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from vipreco.backtest import to_markdown
from vipreco.backtest.judged_lists import JudgedLists
from vipreco.backtest.report import Judgement, compare, evaluate
from vipreco.stats import Floats, average_precision


def judgement(customers: int = 120) -> Judgement:
    random = np.random.default_rng(1)
    shape = (customers, 6)
    before = random.random(shape) < 0.3
    truth = random.random(shape) < 0.2
    tiers = np.array(["TOP", "MASS", None], dtype=object)[np.arange(customers) % 3]
    return Judgement(truth, before, tiers, k=3, resamples=200)


def scores_of(against: Judgement) -> dict[str, Floats]:
    random = np.random.default_rng(2)
    noise = random.random(against.truth.shape)
    return {"oracle": against.truth + noise / 2, "popularity": np.tile(against.truth.mean(axis=0), (120, 1))}


def models(against: Judgement) -> dict[str, JudgedLists]:
    listable = np.ones_like(against.truth)
    return {
        name: JudgedLists.of(scores, against.truth, listable, against.k)
        for name, scores in scores_of(against).items()
    }


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return evaluate(models(judgement()), judgement())


def value_of(frame: pd.DataFrame, model: str, part: str, metric: str) -> pd.Series[float]:
    chosen = frame[(frame["model"] == model) & (frame["slice"] == part) & (frame["metric"] == metric)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_the_frame_is_tidy_one_row_a_model_slice_and_metric(frame: pd.DataFrame) -> None:
    assert list(frame.columns) == ["model", "slice", "metric", "value", "low", "high", "customers"]
    assert not frame.duplicated(["model", "slice", "metric"]).any()
    assert len(frame) == 2 * (9 * 5 + 1)


def test_slices_are_all_and_each_tier_and_within_them_novel_and_reacquired(frame: pd.DataFrame) -> None:
    assert list(dict.fromkeys(frame["slice"])) == [
        "all",
        "novel",
        "re-acquired",
        "tier MASS",
        "tier MASS, novel",
        "tier MASS, re-acquired",
        "tier TOP",
        "tier TOP, novel",
        "tier TOP, re-acquired",
    ]


def test_a_perfect_ranker_reaches_one_and_popularity_does_not(frame: pd.DataFrame) -> None:
    assert value_of(frame, "oracle", "all", "map@3")["value"] == 1.0
    assert value_of(frame, "popularity", "all", "map@3")["value"] < 1.0


def test_a_value_is_the_mean_over_the_customers_of_the_slice_who_acquired_something(
    frame: pd.DataFrame,
) -> None:
    against = judgement()
    assert against.tiers is not None
    rows = np.asarray(against.tiers == "TOP")
    truth = (against.truth & ~against.held_before)[rows]
    scores = scores_of(against)["popularity"][rows]
    expected = average_precision(scores, truth, np.ones_like(truth), 3)
    found = value_of(frame, "popularity", "tier TOP, novel", "map@3")
    assert found["value"] == pytest.approx(np.nanmean(expected))
    assert found["customers"] == truth.any(axis=1).sum()
    assert found["low"] <= found["value"] <= found["high"]


def test_precision_is_over_all_customers_of_the_slice(frame: pd.DataFrame) -> None:
    assert value_of(frame, "popularity", "all", "precision@3")["customers"] == 120


def test_the_same_judgement_twice_is_the_same_frame(frame: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(evaluate(models(judgement()), judgement()), frame)


def test_without_tiers_there_are_three_slices() -> None:
    against = judgement()
    plain = Judgement(against.truth, against.held_before, k=3, resamples=10)
    assert list(dict.fromkeys(evaluate(models(against), plain)["slice"])) == ["all", "novel", "re-acquired"]


def test_a_slice_without_acquisitions_is_unknown_and_shown_as_a_dash() -> None:
    against = judgement()
    nothing = Judgement(np.zeros_like(against.truth), against.held_before, k=3)
    text = to_markdown(evaluate(models(nothing), nothing), ["map@3"])
    assert "| all | map@3 | 0 | – | – |" in text


def test_the_difference_to_each_rival_is_paired_and_ours_minus_theirs() -> None:
    against = judgement()
    found = compare(models(against), "oracle", against)
    row = found.set_index("slice").loc["all"]
    assert set(found["model"]) == {"popularity"}
    assert row["metric"] == "map@3 difference"
    assert row["value"] > 0
    assert row["low"] > 0


def test_markdown_puts_the_baselines_beside_every_number_and_the_best_in_bold() -> None:
    frame = pd.DataFrame(
        [
            ("ours", "all", "map@7", 0.89, 0.88, 0.9, 1200),
            ("popularity", "all", "map@7", 0.567, 0.56, 0.57, 1200),
            ("ours", "all", "coverage@7", 1.0, np.nan, np.nan, 1200),
            ("popularity", "all", "coverage@7", 0.4, np.nan, np.nan, 1200),
        ],
        columns=["model", "slice", "metric", "value", "low", "high", "customers"],
    )
    assert to_markdown(frame) == (
        "| slice | metric | customers | ours | popularity |\n"
        "| --- | --- | ---: | ---: | ---: |\n"
        "| all | map@7 | 1,200 | **0.8900** [0.8800, 0.9000] | 0.5670 [0.5600, 0.5700] |\n"
        "| all | coverage@7 | 1,200 | **1.0000** | 0.4000 |\n"
    )


def test_differences_are_not_a_contest_and_none_is_bold() -> None:
    against = judgement()
    assert "**" not in to_markdown(compare(models(against), "oracle", against))
