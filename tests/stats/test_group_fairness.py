"""Rates of protected groups are those of fairlearn; planted bias is found, equal groups are left in peace."""

from __future__ import annotations

import numpy as np
import pytest
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

from vipreco.stats import JudgedCustomers, group_differences, with_discovery_rates

LIMIT = 0.01


def bank(
    seed: int, customers: int = 6_000, *, chance: float = 1.0, offers: float = 1.0
) -> tuple[JudgedCustomers, np.ndarray]:
    """Return judged customers; of one group chances and offers are so many times what is right."""
    random = np.random.default_rng(seed)
    member = random.random(customers) < 0.4
    truth = random.beta(2, 20, customers)
    acquired = random.random(customers) < truth
    expected = truth * np.where(member, chance, 1.0)
    offered = random.random(customers) < np.clip(4 * truth, 0, 1) * np.where(member, offers, 1.0)
    return JudgedCustomers(offered, acquired, expected, acquired.astype(float)), member


def differing(judged: JudgedCustomers, member: np.ndarray) -> set[str]:
    found = {(each.measure,): each for each in group_differences(judged, member, 30, 10)}
    return {name for (name,), each in with_discovery_rates(found).items() if each.q <= LIMIT}


def test_rates_are_those_of_fairlearn() -> None:
    judged, member = bank(1, offers=0.7)
    frame = MetricFrame(
        metrics={
            "offer rate": selection_rate,
            "found": true_positive_rate,
            "offered in vain": false_positive_rate,
        },
        y_true=judged.acquired,
        y_pred=judged.offered,
        sensitive_features=member,
    )
    ours = {each.measure: each for each in group_differences(judged, member, 30, 10)}
    for measure, value in frame.by_group.loc[True].items():
        assert ours[measure].value.value == pytest.approx(value)
        assert ours[measure].others == pytest.approx(frame.by_group.loc[False, measure])
        assert ours[measure].difference.value == pytest.approx(value - frame.by_group.loc[False, measure])


def test_equal_groups_are_left_in_peace() -> None:
    assert [differing(*bank(seed)) for seed in range(20)] == [set()] * 20


def test_chances_that_are_too_low_for_a_group_are_found() -> None:
    assert differing(*bank(3, chance=0.6)) == {"calibration"}


def test_offers_that_are_withheld_from_a_group_are_found() -> None:
    assert {"offer rate", "found", "offered in vain"} <= differing(*bank(4, offers=0.6))


def test_a_group_of_few_is_not_judged() -> None:
    judged, _ = bank(5)
    member = np.arange(6_000) < 20
    assert all(np.isnan(each.p) for each in group_differences(judged, member, 30, 10))
