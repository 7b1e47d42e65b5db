"""Off-policy estimates against obp, by hand, against a known truth, and refused where the log cannot tell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from scipy.stats import skew, t as student

from tests.stats.golden_obp import GOLDEN, SEEDS, case, estimates_of_obp, obp_is_there
from vipreco.errors import UsageError
from vipreco.stats import LoggedDecisions, off_policy
from vipreco.stats.policy_evaluation import cross_fitted, doubly_robust, effective_sample, snips, weights

ACTIONS = 6


def compare_with(expected: dict[str, float], seed: int) -> None:
    one = case(seed)
    logged = LoggedDecisions(one.action, one.probability, one.reward, ACTIONS)
    for name, found in (
        ("snips", snips(logged, one.policy)),
        ("dr", doubly_robust(logged, one.policy, one.predicted)),
    ):
        assert found.value == pytest.approx(expected[name], rel=1e-10)
        width = expected[f"{name}_high"] - expected[f"{name}_low"]
        assert found.high - found.low == pytest.approx(width, rel=0.15)  # theirs is a bootstrap


@pytest.mark.parametrize("seed", SEEDS)
def test_values_are_those_of_obp_and_intervals_are_as_wide(seed: int) -> None:
    compare_with(json.loads(GOLDEN.read_text())[str(seed)], seed)


@pytest.mark.skipif(not obp_is_there(), reason="obp is not installed; its stored estimates are compared")
def test_values_are_those_of_obp_run_now() -> None:
    for seed in SEEDS:
        compare_with(estimates_of_obp(case(seed)), seed)


def test_a_small_log_by_hand() -> None:
    """Two actions; the other policy always takes the second: weights 0, 2, 4."""
    logged = LoggedDecisions(np.array([0, 1, 1]), np.array([0.5, 0.5, 0.25]), np.array([9.0, 3.0, 6.0]), 2)
    policy = np.tile([0.0, 1.0], (3, 1))
    assert weights(logged, policy).tolist() == [0, 2, 4]
    assert snips(logged, policy).value == pytest.approx((2 * 3 + 4 * 6) / 6)
    assert effective_sample(weights(logged, policy)) == pytest.approx(36 / 20)
    predicted = np.tile([0.0, 4.0], (3, 1))
    assert doubly_robust(logged, policy, predicted).value == pytest.approx(4 + (2 * -1 + 4 * 2) / 3)


def world(seed: int, decisions: int = 2000) -> tuple[LoggedDecisions, Any, Any, float]:
    """A log with known chances, a policy that takes the best by what was known, and its true value."""
    random = np.random.default_rng(seed)
    truth = np.random.default_rng(0).beta(1, 8, (decisions, 4))
    logging = np.full((decisions, 4), 0.25)
    action = random.integers(0, 4, decisions)
    rows = np.arange(decisions)
    reward = (random.random(decisions) < truth[rows, action]).astype(np.float64)
    known = truth * 0.8 + 0.01
    policy = np.eye(4)[known.argmax(axis=1)]
    value = float((truth * policy).sum(axis=1).mean())
    return LoggedDecisions(action, logging[rows, action], reward, 4), policy, known, value


def test_both_intervals_cover_the_truth_and_the_model_narrows() -> None:
    found = []
    for seed in range(300):
        logged, policy, known, value = world(seed)
        found.append(off_policy(logged, policy, known, seed))
    for estimates in ([one.snips for one in found], [one.doubly_robust for one in found]):
        covered = [one.low <= value <= one.high for one in estimates]
        assert 0.92 <= np.mean(covered) <= 0.98
        assert np.mean([one.value for one in estimates]) == pytest.approx(value, abs=0.002)
    widths = [
        np.mean([one.high - one.low for one in estimates])
        for estimates in ([one.snips for one in found], [one.doubly_robust for one in found])
    ]
    assert widths[1] <= widths[0] * 1.02


def test_the_reward_model_has_not_seen_the_row_that_it_is_used_for() -> None:
    """Changing one reward moves no prediction of its own row."""
    logged, _, known, _ = world(1, 400)
    changed = logged.reward.copy()
    changed[7] += 100
    before = cross_fitted(logged, known, 3)
    after = cross_fitted(LoggedDecisions(logged.action, logged.probability, changed, 4), known, 3)
    np.testing.assert_array_equal(before[7], after[7])
    assert (before != after).any()


def test_the_logging_policy_itself_is_worth_its_mean_reward() -> None:
    logged, _, _, _ = world(2)
    found = off_policy(logged, np.full((2000, 4), 0.25))
    assert found.snips.value == pytest.approx(logged.reward.mean())
    assert found.effective == pytest.approx(2000)


def test_a_policy_that_wants_what_was_never_drawn_is_refused() -> None:
    logged, _, _, _ = world(3)
    two = logged.action < 2
    part = LoggedDecisions(logged.action[two], np.full(two.sum(), 0.5), logged.reward[two], 4)
    rows = int(two.sum())
    third = np.tile([0.4, 0.4, 0.2, 0.0], (rows, 1))
    assert off_policy(part, third).snips.lacks == "overlap"  # seen in the weights alone
    assert off_policy(part, np.tile([0.0, 0.0, 1.0, 0.0], (rows, 1))).snips.lacks == "effective-sample"
    possible = np.tile([True, True, False, False], (rows, 1))
    known = LoggedDecisions(part.action, part.probability, part.reward, 4, possible)
    refused = off_policy(known, third)
    assert (refused.doubly_robust.lacks, refused.unsupported) == ("overlap", pytest.approx(0.2))
    assert off_policy(known, np.tile([0.4, 0.6, 0.0, 0.0], (rows, 1))).snips.known


def test_a_handful_of_decisions_does_not_carry_an_answer() -> None:
    logged, policy, known, _ = world(4, 120)
    assert off_policy(logged, policy, known).snips.lacks == "effective-sample"


def test_too_few_rewards_do_not_carry_an_answer() -> None:
    logged, policy, known, _ = world(5)
    reward = np.where(np.cumsum(logged.reward) <= 9, logged.reward, 0.0)
    rare = LoggedDecisions(logged.action, logged.probability, reward, 4)
    assert off_policy(rare, policy, known).snips.lacks == "acquisitions"


def test_intervals_of_skewed_rewards_reach_further_up() -> None:
    """Hall's transformation, written out for one case: it turns the ends back into the quantiles."""
    random = np.random.default_rng(8)
    reward = (random.random(400) < 0.08) * random.lognormal(4, 1, 400)
    logged = LoggedDecisions(np.zeros(400, np.int64), np.ones(400), reward, 1)
    found = snips(logged, np.ones((400, 1)))
    error = reward.std(ddof=1) / 20
    tilt = skew(reward) / 20
    quantile = student.ppf(0.975, 399)
    for end, expected in ((found.low, quantile), (found.high, -quantile)):
        t = (found.value - end) / error
        back = t + tilt * t**2 / 3 + tilt**2 * t**3 / 27 + tilt / 6
        assert back == pytest.approx(expected)
    assert found.high - found.value > 1.3 * (found.value - found.low)


def test_what_cannot_be_is_refused() -> None:
    one, half = np.array([0]), np.array([0.5])
    for action, probability, reward, code in (
        (one, np.array([0.0]), half, "probability"),
        (one, np.array([np.nan]), half, "probability"),
        (np.array([2]), half, half, "action"),
        (one, half, np.array([np.nan]), "reward"),
        (one, half, np.array([]), "shape"),
    ):
        with pytest.raises(UsageError) as refused:
            LoggedDecisions(action, probability, reward, 2)
        assert refused.value.code == code
    logged = LoggedDecisions(one, half, half, 2)
    for policy, code in ((np.array([[0.4, 0.4]]), "policy"), (np.array([[1.0]]), "shape")):
        with pytest.raises(UsageError) as refused:
            off_policy(logged, policy)
        assert refused.value.code == code
