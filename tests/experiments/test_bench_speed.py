"""The speed benchmark measures real work on a tiny archive, and says so in its table and its JSON."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from tests.experiments.scripts import script

SCRIPT = Path(__file__).resolve().parents[2] / "experiments" / "bench_speed.py"
STEPS = SCRIPT.with_name("speed_steps.py")
TOP = 7
BALLAST = 1000  # MiB of the process that starts a step; more than a step of the test needs


bench = script("bench_speed.py", "bench_speed")


def measured(seconds: float, facts: dict[str, float], peak_gib: float = 1.0) -> object:
    return bench.Measured(seconds, int(peak_gib * 2**30), (0.1, 1.9), facts)


def archive(scoring: float, ratio: float) -> dict[str, object]:
    facts = {"scoring": scoring, "ratio": ratio, "around": 20.0, "raw_predict": 100.0, "customers": 9}
    steps = [measured(360.0, {}), measured(99.0, {"features": 60.1}), measured(5.0, {}, 12.5)]
    return dict(zip(bench.ARCHIVE_STEPS, [*steps, measured(500.0, facts)], strict=True))


def test_a_target_is_met_up_to_its_value_and_missed_above() -> None:
    verdicts = {line.what: line.verdict for line in bench.lines(archive(scoring=300.0, ratio=0.51))}
    assert verdicts == {
        "archive: import": "yes",
        "archive: features of one month, all customers": "NO",
        "archive: fit on two months": "",
        "archive: score all customers, write the lists": "yes",
        "archive: peak memory of the largest step": "NO",
        "around the booster / raw predict": "NO",
        "    around the booster": "",
        "    raw predict": "",
    }


def test_a_calibration_of_one_is_met_from_both_sides() -> None:
    told = measured(900.0, {"minutes": 10.5, "ratio": 1.09, "slope": 0.89})
    assert [line.verdict for line in bench.lines({"recipe": told})] == ["NO", "yes", "NO"]


@pytest.mark.long
def test_a_registry_that_is_down_is_measured_and_has_a_limit(tmp_path: Path) -> None:
    told = bench.run_step("outage", tmp_path)
    rows = bench.lines({"outage": told})
    assert [row.what for row in rows] == [
        "given up: registry that never answers",
        "given up: registry that is not there",
        "given up: registry whose database is locked",
    ]
    assert {(row.target, row.unit) for row in rows} == {(15.0, "s")}
    late = measured(1.0, {"hangs": 15.1})
    assert [row.verdict for row in bench.lines({"outage": late})] == ["NO"]


def test_without_any_step_the_table_is_empty() -> None:
    assert bench.lines({}) == []


@pytest.mark.parametrize(("held", "child", "least"), [(0, 0, 0), (400, 0, 400), (0, 400, 400)])
def test_the_peak_is_that_of_the_step_and_its_children_and_not_of_who_started_it(
    held: int, child: int, least: int
) -> None:
    ballast = b"x" * (BALLAST * 2**20)
    code = (
        "import runpy, subprocess, sys\n"
        f"steps = runpy.run_path({str(STEPS)!r})\n"
        f"held = b'x' * ({held} * 2**20)\n"
        f"subprocess.run([sys.executable, '-c', 'x = b\"x\" * ({child} * 2**20)'], check=True)\n"
        "print(steps['peak_bytes']())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert len(ballast) == BALLAST * 2**20
    assert least * 2**20 <= int(done.stdout) < BALLAST * 2**20


def test_a_step_that_fails_ends_the_benchmark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = tmp_path / "step.py"
    step.write_text("raise SystemExit(3)")
    monkeypatch.setattr(bench, "STEPS", step)
    with pytest.raises(SystemExit, match="ended with status 3"):
        bench.run_step("any", tmp_path)


@pytest.mark.long
def test_a_tiny_archive_goes_from_file_to_lists(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), "--work", str(tmp_path), "--rows", "30000", "--only", "archive"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    )
    assert done.returncode == 0, done.stderr
    content = json.loads((tmp_path / "speed.json").read_text())
    scored = content["steps"]["archive-score"]["facts"]
    offers = pl.read_parquet(tmp_path / "offers.parquet")
    assert offers.height == scored["offers_written"]
    assert offers["customer_id"].n_unique() == scored["customers"] > 1500
    assert offers.group_by("customer_id").len()["len"].max() == TOP
    assert scored["scoring"] == pytest.approx(scored["around"] + scored["within"])
    assert all(one["peak_bytes"] > 50 * 2**20 for one in content["steps"].values())
    assert "around the booster / raw predict" in done.stdout
    assert "archive-score" in done.stderr
