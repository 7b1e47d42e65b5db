"""The engine of one machine: receipts, runs that are taken up again, and processes that die."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import pytest

from tests.engines.jobs import SQUARES
from vipreco.engines import LocalEngine, Results
from vipreco.errors import BusyError, InputRejectedError, ResourcesError
from vipreco.parts import folder_hash

PARTS = 3


def spec(folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "marks").mkdir(exist_ok=True)
    return {"numbers": 8, "parts": PARTS, "marks": str(folder / "marks"), **more}


def done(folder: Path) -> dict[str, int]:
    """Return how often each part was done, and forget it."""
    found = {path.name: len(path.read_text().splitlines()) for path in sorted((folder / "marks").iterdir())}
    for path in (folder / "marks").iterdir():
        path.unlink()
    return found


def outputs(results: Results, scratch: Path) -> list[str]:
    return [(results.fetch(part, scratch) / "squares.txt").read_text() for part in range(PARTS)]


def run(folder: Path, work: Mapping[str, Any], workers: int = 1) -> Results:
    """Run as a process that ends after it: nobody holds the lock any more."""
    results = LocalEngine(str(folder / "storage"), workers).run(SQUARES, work, PARTS)
    assert results.lock is not None
    results.lock.close()
    return results


@pytest.mark.parametrize("workers", [1, 2])
def test_every_part_has_an_output_and_a_receipt(tmp_path: Path, workers: int):
    seen: list[tuple[str, int, int]] = []
    engine = LocalEngine(str(tmp_path / "storage"), workers)
    results = engine.run(SQUARES, spec(tmp_path), PARTS, lambda *one: seen.append(one))
    assert outputs(results, tmp_path) == ["0\n9\n36\n", "1\n16\n49\n", "4\n25\n"]
    assert [one.rows for one in results.receipts] == [3, 3, 2]
    assert results.total("rows") == 8
    assert results.total("largest") == 6 + 7 + 5
    for one in results.receipts:
        folder = results.fetch(one.part, tmp_path)
        assert one.sha256 == folder_hash(folder, ["receipt.json"])
        assert one.cpu_seconds >= 0
        assert one.peak_bytes > 10 << 20
    assert seen == [("parts", count, PARTS) for count in range(PARTS + 1)]
    assert not list(tmp_path.glob("storage/**/.new-*"))


def test_the_output_does_not_depend_on_the_number_of_processes(tmp_path: Path):
    marks = spec(tmp_path)
    hashes = [
        [
            one.sha256
            for one in LocalEngine(str(tmp_path / str(workers)), workers).run(SQUARES, marks, PARTS).receipts
        ]
        for workers in (1, 2)
    ]
    assert hashes[0] == hashes[1]
    assert len(set(hashes[0])) == PARTS


def test_the_same_work_is_not_done_twice_and_other_work_is(tmp_path: Path):
    first = run(tmp_path, spec(tmp_path))
    assert done(tmp_path) == {"0": 1, "1": 1, "2": 1}
    assert run(tmp_path, spec(tmp_path)).receipts == first.receipts
    assert done(tmp_path) == {}
    run(tmp_path, spec(tmp_path, numbers=9))
    assert done(tmp_path) == {"0": 1, "1": 1, "2": 1}
    first.discard()
    run(tmp_path, spec(tmp_path))
    assert done(tmp_path) == {"0": 1, "1": 1, "2": 1}


def test_two_processes_do_not_do_the_same_work_at_once(tmp_path: Path):
    engine = LocalEngine(str(tmp_path / "storage"))
    first = engine.run(SQUARES, spec(tmp_path), PARTS)
    with pytest.raises(BusyError, match="the same work"):
        engine.run(SQUARES, spec(tmp_path), PARTS)
    assert engine.run(SQUARES, spec(tmp_path, numbers=9), PARTS).total("rows") == 9
    first.discard()
    assert engine.run(SQUARES, spec(tmp_path), PARTS).total("rows") == 8


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_of_a_job_comes_back_whole_and_finished_parts_stay(tmp_path: Path, workers: int):
    trouble = tmp_path / "trouble"
    trouble.touch()
    work = spec(tmp_path, refused=2, trouble=str(trouble))
    with pytest.raises(InputRejectedError) as caught:
        run(tmp_path, work, workers)
    error = caught.value
    assert (error.what, error.where, error.code, list(error.examples)) == (
        "this part is refused",
        "part 2",
        "odd",
        ["x"],
    )
    trouble.unlink()
    done(tmp_path)
    assert run(tmp_path, work).total("rows") == 8
    assert done(tmp_path) == {"2": 1}


def test_a_process_that_ends_before_all_parts_are_handed_over_is_told_as_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """F26: the pool refuses further parts then, which was an error of ours."""

    def broken(*_: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(ProcessPoolExecutor, "submit", broken)
    with pytest.raises(ResourcesError, match="killed"):
        run(tmp_path, spec(tmp_path), workers=2)


@pytest.mark.parametrize("place", ["job", "task-written", "task-renamed"])
def test_a_process_that_is_killed_leaves_finished_parts_and_nothing_half(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
):
    """F-like: killed in the job, before the rename and after it; the next run gives the same bytes."""
    trouble = tmp_path / "trouble"
    trouble.touch()
    work = spec(tmp_path, trouble=str(trouble), **({"killed": 0} if place == "job" else {}))
    if place != "job":
        monkeypatch.setenv("VIPRECO_FAILPOINT", f"{place}:kill")
    with pytest.raises(ResourcesError, match="killed"):
        run(tmp_path, work, workers=2)
    trouble.unlink()
    monkeypatch.delenv("VIPRECO_FAILPOINT", raising=False)
    finished = {path.parent.name for path in tmp_path.glob("storage/runs/*/p*/receipt.json")}
    assert place != "task-renamed" or finished
    done(tmp_path)
    results = run(tmp_path, work)
    assert set(done(tmp_path)) == {str(part) for part in range(PARTS) if f"p{part:04d}" not in finished}
    assert outputs(results, tmp_path) == ["0\n9\n36\n", "1\n16\n49\n", "4\n25\n"]
