"""Three chances of attrition with three prices: what a call keeps, and what one more product keeps."""

from __future__ import annotations

import numpy as np
import pytest

from vipreco.arbitration import AttritionKinds, CustomerEconomics
from vipreco.arbitration.value import values
from vipreco.settings import ArbitrationSettings, ValueSettings

RATES = ValueSettings(
    acquisition_keeps=0.1, contact_keeps_closure=0.1, contact_keeps_outflow=0.02, contact_keeps_dip=0.01
)
CHANCES = np.array([[0.01, 0.02, 0.6], [0.1, 0.0, 0.0], [0.0, 0.0, 0.0], [np.nan] * 3])
ASSETS = np.array([201_938.0, 1_000_000.0, 500_000.0, 300_000.0])
ECONOMICS = CustomerEconomics(
    aum=ASSETS,
    next_line=np.full(4, np.nan),
    attrition_probability=CHANCES.sum(axis=1),
    tier_upgrade_probability=np.full(4, np.nan),
    kinds=AttritionKinds(CHANCES, np.array([1.0, 0.6, 0.1])),
)


def test_each_kind_is_priced_by_the_share_of_the_assets_that_goes_with_it():
    found = values(ECONOMICS, np.array([5.0]), ("card",), ArbitrationSettings(values=RATES))
    chance = np.nan_to_num(ECONOMICS.attrition_probability)
    # yearly margin 2,019.38: 0.01 x 1 x 0.1 + 0.02 x 0.6 x 0.02 + 0.6 x 0.1 x 0.01 = 0.00184 of it is kept
    assert chance * found.kept_by_call == pytest.approx([2_019.38 * 0.00184, 10_000 * 0.01, 0.0, 0.0])
    # 0.1 x (0.01 + 0.02 x 0.6 + 0.6 x 0.1) of the margin
    assert found.kept == pytest.approx([2_019.38 * 0.0082, 10_000 * 0.01, 0.0, 0.0])


def test_a_likely_dip_is_worth_less_of_a_call_than_an_unlikely_closing_of_the_same_assets():
    dip = AttritionKinds(np.array([[0.0, 0.0, 0.62]]), np.array([1.0, 0.6, 0.1]))
    closing = AttritionKinds(np.array([[0.02, 0.0, 0.0]]), np.array([1.0, 0.6, 0.1]))
    kept = [
        (kinds.probabilities.sum(axis=1) * kinds.mean_share(RATES.call_keeps)).item()
        for kinds in (dip, closing)
    ]
    assert kept == pytest.approx([0.62 * 0.1 * 0.01, 0.02 * 0.1])


def test_of_who_opted_out_no_kind_is_used():
    masked = ECONOMICS.masked(np.array([False, True, True, True]))
    assert masked.kinds is not None
    assert np.isnan(masked.kinds.probabilities).all(axis=1).tolist() == [True, False, False, True]
