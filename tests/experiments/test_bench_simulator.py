"""The benchmark of the simulator judges numbers by their targets, and its steps measure themselves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.experiments.scripts import script

bench = script("bench_simulator.py", "bench_simulator")


def verdicts(part: str, told: dict[str, Any]) -> dict[str, str]:
    return {line.what.strip(): line.verdict for line in bench.lines({part: told})}


def scale(seconds: float, gib: float) -> dict[str, Any]:
    facts = {"seconds": seconds, "written_bytes": 2**30}
    chosen = {"customers": 1_000_000, "months": 24}
    return {"facts": facts, "options": chosen, "peak_bytes": gib * 2**30, "load_before": 0.1}


def test_time_and_memory_are_met_up_to_their_targets() -> None:
    name = "1,000,000 customers x 24 months, written out"
    assert [verdicts("scale", scale(360, 8))[key] for key in (name, "peak memory", "written")] == [
        "yes",
        "yes",
        "",
    ]
    assert [verdicts("scale", scale(361, 8.1))[key] for key in (name, "peak memory")] == ["NO", "NO"]


VIP_SHARES = (("calls", 0.80), ("list", 0.87))


def test_the_share_of_the_oracle_has_a_target_for_lists_and_the_order_one_for_every_pair() -> None:
    base = {"part": "all", "arm": "full decision", "low": 0.8, "high": 0.9}
    shares = [
        {**base, "effort": "list", "unit": "money", "share": 0.85},
        {**base, "effort": "list", "unit": "acquisitions", "share": 0.84},
        {**base, "effort": "calls", "unit": "money", "share": 0.5},
        {**base, "effort": "list", "unit": "money", "share": 0.2, "arm": "random"},
    ]
    vip = {"part": "VIP", "unit": "money"}
    shares += [
        {**base, **vip, "effort": "calls", "share": 0.80},
        {**base, **vip, "effort": "list", "share": 0.87},
    ]
    pair = {"part": "all", "effort": "list", "better": "a", "worse": "b", "difference": 0.1, "high": 0.2}
    order = [{**pair, "low": 0.05, "holds": True}, {**pair, "worse": "c", "low": -0.05, "holds": False}]
    assert verdicts("oracle", {"facts": {"shares": shares, "order": order}}) == {
        "full decision / oracle, all: list, money": "yes",
        "full decision / oracle, all: list, acquisitions": "NO",
        "full decision / oracle, all: calls, money": "",
        "full decision / oracle, VIP: calls, money": "yes",
        "full decision / oracle, VIP: list, money": "NO",
        "list: a > b": "yes",
        "list: a > c": "NO",
    }


def test_a_fault_that_is_missed_or_a_right_row_that_is_refused_misses_the_target() -> None:
    facts = {
        "planted": 3,
        "quarantined": 3,
        "unplanted": 0,
        "planted_copies": 2,
        "duplicates": 1,
        "kinds": [
            {"kind": "x", "planted": 2, "quarantined": 1},
            {"kind": "y", "planted": 1, "quarantined": 1},
        ],
    }
    found = verdicts("faults", {"facts": facts})
    assert list(found.values()) == ["yes", "NO", "NO", "yes"]
    assert "NO" in verdicts("faults", {"facts": {**facts, "unplanted": 1, "kinds": []}}).values()


def test_a_small_dirty_bank_is_measured_from_end_to_end(tmp_path: Path) -> None:
    told = bench.run_step("faults", tmp_path, {"customers": 300, "months": 3, "rate": 0.01, "seed": 2})
    facts = told["facts"]
    assert facts["planted"] == facts["quarantined"] == sum(row["planted"] for row in facts["kinds"]) > 5
    assert facts["unplanted"] == 0
    assert 50 * 2**20 < told["peak_bytes"] < 2 * 2**30
    json.dumps(told)


def test_a_step_that_fails_ends_the_benchmark(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="ended with status"):
        bench.run_step("faults", tmp_path, {"customers": 0, "months": 3, "rate": 0.01, "seed": 2})
