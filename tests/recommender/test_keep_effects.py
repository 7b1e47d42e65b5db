"""Effect of a call on attrition: the ratio by hand; who was chosen counts nothing; few cases say little."""

from __future__ import annotations

import numpy as np
import pytest

from vipreco.recommender.attrition_calls import CONTINUITY, CalledRows, keep_effect, log_ratio, risk_groups


def test_the_ratio_is_pooled_over_groups_of_like_chance():
    """Group 0: 1 of 2 called, 2 of 4 others; group 1: 0 of 1 called, 1 of 1 other."""
    called = np.array([1, 1, 0, 0, 0, 0, 1, 0], bool)
    happened = np.array([1, 0, 1, 1, 0, 0, 0, 1], bool)
    groups = np.array([0, 0, 0, 0, 0, 0, 1, 1])
    with_call, without = 1 * 4 / 6, 2 * 2 / 6 + 1 * 1 / 2
    expected = np.log((with_call + CONTINUITY) / (without + CONTINUITY))
    assert log_ratio(called, happened, groups, np.ones(8)) == pytest.approx(expected)


def rows(customers: int, effect: float) -> CalledRows:
    """Half of the risky fifth and a tenth of the others are called; a call takes a share of the chance."""
    random = np.random.default_rng(7)
    chance = np.where(np.arange(customers) % 5 == 0, 0.3, 0.02)
    called = random.random(customers) < np.where(chance > 0.1, 0.5, 0.1)
    happened = random.random(customers) < chance * np.where(called, 1 - effect, 1.0)
    ids = np.array([f"{number:06d}" for number in range(customers)])
    groups = np.repeat(risk_groups(chance)[:, None], 3, axis=1)
    return CalledRows(ids, called, np.repeat(happened[:, None], 3, axis=1), groups)


def test_with_many_cases_the_effect_is_found_though_the_risky_are_called():
    found = keep_effect(rows(40_000, 0.4), 0, "closure", 0.1, 1)
    assert found.low < 0.4 < found.high
    assert found.high - found.low < 0.15
    assert found.low > 0.1


def test_with_few_cases_the_prior_stays():
    found = keep_effect(rows(60, 0.4), 0, "closure", 0.1, 1)
    assert found.cases_called + found.cases_others < 15
    assert abs(found.share - 0.1) < 0.25
    assert found.low < 0.1 < found.high
