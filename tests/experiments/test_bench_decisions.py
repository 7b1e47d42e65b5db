"""The bench of the call list counts everybody who could be called, and tells what is kept as a gain."""

from __future__ import annotations

from typing import Any

import polars as pl

from tests.experiments.scripts import script

bench = script("bench_decisions.py", "bench_decisions")


def lives() -> pl.DataFrame:
    """Three customers under four policies: one VIP, one who became one and was called, one never called."""
    at_stake = {
        "nobody": [90.0, 50.0, 7.0],
        "propensity": [80.0, 50.0, 7.0],
        "popularity": [70.0, 50.0, 7.0],
        "call list": [60.0, 40.0, 7.0],
    }
    called = {"nobody": [0, 0, 0], "propensity": [1, 0, 0], "popularity": [1, 0, 0], "call list": [1, 1, 0]}
    return pl.concat(
        pl.DataFrame(
            {
                "seed": [1, 1, 1],
                "arm": [arm] * 3,
                "customer_id": ["a", "b", "c"],
                "vip": [True, False, False],
                "contacts": [float(number) for number in called[arm]],
                "earned_amount": [0.0] * 3,
                "expected_amount": [5.0 if arm == "call list" else 4.0] * 3,
                "at_stake_amount": stakes,
                "assets_amount": [1.0] * 3,
                "left": [False] * 3,
            }
        )
        for arm, stakes in at_stake.items()
    )


def test_who_became_a_vip_customer_counts_under_every_policy_once_one_of_them_called() -> None:
    counted = bench.in_books(lives()).filter("vip")
    assert counted["customer_id"].to_list() == ["a", "b"] * 4


def test_less_at_stake_is_more_kept() -> None:
    found: dict[tuple[str, str], dict[str, Any]] = {
        (row["baseline"], row["measure"]): row for row in bench.differences(bench.in_books(lives()))
    }
    kept = found["propensity", "kept_amount"]
    assert (kept["difference"], kept["low"], kept["high"]) == (15.0, 10.0, 20.0)  # 20 and 10
    assert (kept["banks"], kept["banks_better"]) == (1, 1)
    assert found["popularity", "kept_amount"]["difference"] == 10.0
    assert found["popularity", "expected_amount"]["difference"] == 1.0
    sums = {row["arm"]: row for row in bench.totals(bench.in_books(lives()))}
    assert {arm: row["kept_amount"] for arm, row in sums.items()} == {
        "nobody": 0.0,
        "propensity": 10.0,
        "popularity": 20.0,
        "call list": 40.0,
    }


def test_an_interval_that_holds_zero_does_not_meet_the_target() -> None:
    base = {"baseline": "propensity", "difference": 1.0, "high": 2.0}
    rows = [
        {**base, "measure": "kept_amount", "low": 0.1},
        {**base, "measure": "expected_amount", "low": 0.0},
        {**base, "measure": "worth_amount", "low": -1.0},
        {**base, "measure": "left", "low": -1.0},
    ]
    speed = [{"what": "ratio", "measured": 1.1, "unit": "", "at most": 1.0, "met": False}]
    told = list(bench.lines({"totals": [], "differences": rows, "speed": speed}))
    assert [line.verdict for line in told] == ["yes", "NO", "", "NO"]


def test_a_gain_is_a_share_of_what_the_oracle_gains_over_calling_nobody() -> None:
    oracle = (
        lives()
        .filter(arm="call list")
        .with_columns(arm=pl.lit("oracle"), expected_amount=pl.lit(6.0), at_stake_amount=pl.lit(7.0))
    )
    found = {
        (row["arm"], row["measure"]): row["share"]
        for row in bench.oracle_shares(bench.in_books(pl.concat([lives(), oracle])))
    }
    # two customers: kept 30 + 10 of 83 + 43; earned 1 + 1 of 2 + 2
    assert found["call list", "kept_amount"] == 40 / 126
    assert found["call list", "expected_amount"] == 0.5
    assert found["nobody", "kept_amount"] == 0.0


def test_the_lists_of_the_days_are_told_with_their_share_and_the_calls_without_an_offer() -> None:
    row = {"calls": 5, "calls_without_offer": 2, "duties_missed": 1, "promises": 3, "promises_kept": 3}
    told = list(bench.day_lines([{**row, "share": 0.9}, {**row, "share": 1.0}]))
    assert [line.measured for line in told] == ["0.950 (least 0.900, 2 lists)", "4 of 10", "6 of 6", "2"]
    assert [line.verdict for line in told] == ["yes", "", "yes", ""]
