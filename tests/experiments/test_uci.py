"""Experiment 002: no contact is scored with anything that happened after it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.experiments.scripts import script

ROWS, START = 700, 300


uci = script("002-uci-bank-marketing/run.py", "experiment_002")


def contacts(rows: int = ROWS) -> pd.DataFrame:
    """Return made-up contacts: older customers say yes more often, and more so in the second half."""
    generator = np.random.default_rng(3)
    age = generator.integers(20, 90, rows)
    likely = (age > 60) * 0.4 + (np.arange(rows) > rows / 2) * 0.2 + 0.05
    return pd.DataFrame(
        {
            "age": age,
            "job": generator.choice(["clerk", "retired", "student"], rows),
            "month": np.where(np.arange(rows) < rows // 2, "may", "jun"),
            "day_of_week": np.array(["mon", "tue", "wed"])[np.arange(rows) // 40 % 3],
            "poutcome": generator.choice(["success", "nonexistent"], rows),
            "duration": generator.integers(5, 900, rows),
            "y": np.where(generator.random(rows) < likely, "yes", "no"),
        }
    )


def plan(**changes: Any) -> Any:
    """Return a plan that uses every device of the experiment at once."""
    memories = (uci.Memory(50), uci.Memory(20, ("job",)), uci.Memory(30, ("job", "poutcome")))
    settings = uci.START.settings.model_copy(update={"min_data_in_leaf": 5, "rounds": 15})
    every = uci.Plan(
        step=50, window=250, memories=memories, fading=100, recalibrated=60, calendar=True, settings=settings
    )
    return replace(every, **changes)


def scores(table: pd.DataFrame, **changes: Any) -> np.ndarray:
    return np.asarray(uci.moving_scores(table, plan(**changes), START, len(table)))


def with_other_outcome(table: pd.DataFrame, row: int) -> pd.DataFrame:
    changed = table.copy()
    changed.loc[row, "y"] = "no" if table.loc[row, "y"] == "yes" else "yes"
    return changed


@pytest.mark.parametrize("row", [340, 349, 350, 351, 512])
@pytest.mark.parametrize("delay", [1, 30])
def test_an_outcome_moves_no_score_before_it_is_known(row: int, delay: int) -> None:
    before, after = scores(contacts(), delay=delay), scores(with_other_outcome(contacts(), row), delay=delay)
    first = row + delay - START
    assert before[:first].tobytes() == after[:first].tobytes()
    assert before[first:].tobytes() != after[first:].tobytes()


def test_an_outcome_moves_no_mixed_score_before_it_is_known() -> None:
    row = 349
    plans = [plan(), plan(memories=()), plan(calendar=False)]
    before, after = (
        uci.mixed_scores(table, plans, START, ROWS)
        for table in (contacts(), with_other_outcome(contacts(), row))
    )
    first = row + 1 - START
    assert before[:first].tobytes() == after[:first].tobytes()
    assert before[first:].tobytes() != after[first:].tobytes()


def test_a_mixture_weighs_models_by_their_likelihood_of_known_outcomes() -> None:
    each = np.array([[0.9, 0.5], [0.8, 0.5], [0.6, 0.2], [0.6, 0.2]])
    mixed = uci.mixture(each, np.array([True, True, False, False]), step=2, delay=1)
    ours = 0.72 / (0.72 + 0.25)  # 0.9 x 0.8 against 0.5 x 0.5
    later = ours * 0.6 + (1 - ours) * 0.2
    np.testing.assert_allclose(mixed, [0.7, 0.65, later, later])


def test_later_contacts_move_no_score_of_earlier_ones() -> None:
    cut, rest = contacts().iloc[:500], contacts()
    rest.loc[500:, "age"] = 20
    rest.loc[500:, ["job", "poutcome", "month"]] = "never seen before"
    assert scores(cut).tobytes() == scores(rest)[: 500 - START].tobytes()


def test_the_duration_of_the_call_moves_no_score_unless_a_plan_asks_for_it() -> None:
    shorter = contacts().assign(duration=1)
    assert scores(contacts()).tobytes() == scores(shorter).tobytes()
    assert scores(contacts(), left_out=()).tobytes() != scores(shorter, left_out=()).tobytes()
    assert uci.LEAK in uci.CHOSEN.left_out


def test_a_recent_rate_halves_older_outcomes_and_leaves_out_its_own() -> None:
    table = pd.DataFrame({"y": ["yes", "no", "yes", "no"]})
    rates = uci.recent_rate(table, uci.Memory(1), delay=1)
    np.testing.assert_allclose(rates, [np.nan, 1, 1 / 3, (1 + 0 / 2 + 1 / 4) / 1.75])
    later = uci.recent_rate(table, uci.Memory(1), delay=2)
    np.testing.assert_allclose(later, [np.nan, np.nan, 1, 1 / 3])


def test_a_recent_rate_of_like_contacts_sees_only_those() -> None:
    table = pd.DataFrame({"job": ["a", "b", "a", "b", "a"], "y": ["yes", "no", "no", "yes", "no"]})
    rates = uci.recent_rate(table, uci.Memory(1, ("job",)), delay=1)
    np.testing.assert_allclose(rates, [np.nan, np.nan, 1, 0, 1 / 3])


def test_campaign_size_counts_only_calls_already_made() -> None:
    days = pd.DataFrame({"month": ["may"] * 5, "day_of_week": ["mon", "mon", "mon", "tue", "tue"]})
    size = uci.campaign_size(days)
    assert size["calls_today"].tolist() == [0, 1, 2, 0, 1]
    np.testing.assert_array_equal(size["calls_day_before"], [np.nan, np.nan, np.nan, 3, 3])


def test_alift_is_the_area_under_successes_reached_against_contacts_made() -> None:
    scored, yes = np.array([0.9, 0.8, 0.6, 0.3, 0.1]), np.array([True, False, True, False, False])
    reached = np.concatenate([[0], np.cumsum(yes) / yes.sum()])
    area = float(np.sum((reached[1:] + reached[:-1]) / 2) / len(yes))
    assert uci.quality(scored, yes)["alift"] == pytest.approx(area)


@pytest.mark.real_data
@pytest.mark.skipif(
    not uci.DATA.exists(), reason="bank_additional_full.parquet is not in ../shared/data/uci_bank"
)
def test_the_file_is_the_one_that_the_report_is_about() -> None:
    table = uci.read()
    assert len(table) == 41_188
    assert int(uci.outcomes(table).sum()) == 4_640
