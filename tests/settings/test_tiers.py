"""The ladder of tiers: its order, its lines by date, and what it refuses."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from pydantic import ValidationError

from vipreco.errors import UsageError
from vipreco.project import Project, read_settings
from vipreco.settings import TierLadder
from vipreco.settings.tiers import TierLine
from vipreco.simulator import TIERS
from vipreco.simulator.parameters import AssetParameters

ROOT = Path(__file__).parents[2]
JUNE, JULY = date(2025, 6, 30), date(2025, 7, 1)
LADDER = TierLadder(
    vip=("GOLD", "TOP"),
    ladder=(
        TierLine(tier="BASIC", from_amount=0.0),
        TierLine(tier="GOLD", from_amount=100.0, valid_until=date(2025, 12, 31)),
        TierLine(tier="GOLD", from_amount=150.0, valid_from=date(2026, 1, 1)),
        TierLine(tier="PLUS", from_amount=500.0, valid_from=JULY),
        TierLine(tier="TOP", from_amount=1000.0),
    ),
)


def test_the_order_is_that_of_the_first_naming_and_unknown_tiers_have_no_rank():
    assert LADDER.tiers == ("BASIC", "GOLD", "PLUS", "TOP")
    assert [LADDER.rank(tier) for tier in ("BASIC", "TOP", "OTHER", None)] == [0, 3, -1, -1]
    assert LADDER.ranks(np.array(["TOP", None, "OTHER", "GOLD"], object)).tolist() == [3, -1, -1, 1]
    assert LADDER.ranks(np.array([], object)).tolist() == []


def test_lines_hold_from_their_first_date_until_the_next_line_or_their_last():
    assert LADDER.thresholds(JUNE) == {"BASIC": 0.0, "GOLD": 100.0, "TOP": 1000.0}
    assert LADDER.thresholds(JULY)["PLUS"] == 500.0
    assert LADDER.thresholds(date(2026, 1, 1))["GOLD"] == 150.0


def test_a_closed_tier_has_no_line_any_more():
    lines = (TierLine(tier="A", from_amount=0.0), TierLine(tier="B", from_amount=5.0, valid_until=JUNE))
    ladder = TierLadder(vip=("B",), ladder=lines)
    assert ladder.thresholds(JUNE) == {"A": 0.0, "B": 5.0}
    assert ladder.thresholds(JULY) == {"A": 0.0}


def test_the_next_line_is_the_lowest_one_above_the_assets():
    aum = np.array([0.0, 99.99, 100.0, 999.0, 1000.0, np.nan])
    np.testing.assert_array_equal(LADDER.next_line(aum, JUNE), [100.0, 100.0, 1000.0, 1000.0, np.nan, np.nan])
    assert LADDER.next_line(np.array([100.0]), JULY).tolist() == [500.0]
    assert np.isnan(TierLadder().next_line(aum, JUNE)).all()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 5000), min_size=1, max_size=20), st.sampled_from([JUNE, JULY]))
def test_the_next_line_is_the_lowest_above_any_assets(aum, day):
    lines = LADDER.thresholds(day)
    ahead = LADDER.next_line(np.array(aum), day)
    assert [None if np.isnan(line) else line for line in ahead] == [
        min((line for line in lines.values() if line > amount), default=None) for amount in aum
    ]


def test_a_ladder_that_does_not_climb_is_refused():
    lines = (TierLine(tier="A", from_amount=5.0), TierLine(tier="B", from_amount=5.0, valid_from=JULY))
    with pytest.raises(ValidationError, match="at 2025-07-01 the tier B begins no higher than A"):
        TierLadder(vip=("B",), ladder=lines)


def test_a_ladder_without_any_vip_tier_is_refused():
    with pytest.raises(ValidationError, match="no tier of the ladder is among vip"):
        TierLadder(vip=("TOP",), ladder=(TierLine(tier="A", from_amount=0.0),))


def test_a_wrong_ladder_in_the_settings_is_a_usage_error_that_names_it(tmp_path: Path):
    path = tmp_path / "vipreco.toml"
    path.write_text(
        '[project]\nname = "x"\n[tiers]\nvip = ["A"]\n[[tiers.ladder]]\ntier = "A"\nfrom_amount = -1.0\n'
    )
    with pytest.raises(UsageError) as caught:
        read_settings(path)
    assert "tiers.ladder.0.from_amount" in str(caught.value)


def test_the_reference_project_has_the_ladder_of_the_simulated_bank():
    ladder = Project.find(ROOT).settings.tiers
    for own in AssetParameters().ladders:
        day = own.valid_from
        open_lines = {
            tier: amount
            for tier, amount in zip(TIERS[1:], own.thresholds, strict=True)
            if amount != float("inf")
        }
        assert ladder.thresholds(day) == {TIERS[0]: 0.0, **open_lines}
