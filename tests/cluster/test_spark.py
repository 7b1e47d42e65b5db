"""Spark as the engine, on a cluster of two executors: the bytes of one machine; executors and drivers die.

They run where pyspark and Java are installed (`pip install 'vipreco[spark]'`), with `make test-long`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.engines.jobs import SQUARES
from tests.online.parted_bank import Bank, bank_in_parts
from tests.shared import BuiltOnce
from vipreco.engines import LocalEngine
from vipreco.errors import InputRejectedError
from vipreco.lists import Audience, OfferRequest, offers_in_parts
from vipreco.online import BUILD_JOB, PartRequest
from vipreco.parts import CustomerParts

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(shutil.which("java") is None, reason="Spark needs Java"),
]
pyspark = pytest.importorskip("pyspark", reason="pip install 'vipreco[spark]'")
PARTS = 7


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from cluster.spark import SparkEngine
    from tests.cluster.sessions import two_executors

    session = two_executors()
    yield SparkEngine(str(tmp_path_factory.mktemp("storage")))
    session.stop()


@pytest.fixture(scope="module")
def bank(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return bank_in_parts(built_once, tmp_path_factory.mktemp("bank"))


def test_outputs_are_those_of_one_machine(engine: Any, bank: Bank, tmp_path: Path):
    parts: CustomerParts = bank.parts(PARTS)
    build = PartRequest(parts.record(), asdict(bank.model), bank.view.date.isoformat(), ["VIP"], 0, {})
    local = LocalEngine(str(tmp_path)).run(BUILD_JOB, asdict(build), PARTS)
    spark = engine.run(BUILD_JOB, asdict(build), PARTS)
    assert [one.sha256 for one in spark.receipts] == [one.sha256 for one in local.receipts]
    wishes = {"channel": "branch", "top": 3, "reason_weights": {}}
    request = OfferRequest.of(parts, bank.model, bank.view, Audience(), **wishes)
    found = []
    for one in (engine, LocalEngine(str(tmp_path))):
        with offers_in_parts(one, request, lambda *_: None) as listed:
            found.append(listed.rows)
    assert found[0].equals(found[1])
    assert found[0].height > 0


def spec(folder: Path, **more: Any) -> dict[str, Any]:
    (folder / "marks").mkdir(exist_ok=True)
    return {"numbers": 8, "parts": PARTS, "marks": str(folder / "marks"), **more}


def test_a_task_whose_process_is_killed_is_run_again_and_finished_parts_are_not(engine: Any, tmp_path: Path):
    """The first attempt at part 3 kills its process; Spark tries again once the trouble is over."""
    results = engine.run(SQUARES, spec(tmp_path, killed_once=3, trouble=str(tmp_path / "trouble")), PARTS)
    assert results.total("rows") == 8
    tried = {path.name: len(path.read_text().splitlines()) for path in (tmp_path / "marks").iterdir()}
    assert tried["3"] == 2
    for path in (tmp_path / "marks").iterdir():
        path.unlink()
    results.lock.close()
    again = engine.run(SQUARES, spec(tmp_path, killed_once=3, trouble=str(tmp_path / "trouble")), PARTS)
    assert again.receipts == results.receipts
    assert not list((tmp_path / "marks").iterdir())


@pytest.mark.parametrize("place", ["task-written", "task-renamed"])
def test_an_executor_that_is_killed_leaves_nothing_half(engine: Any, tmp_path: Path, place: str):
    """Killed before the rename the part is done again, after it the part stays; the bytes are the same."""
    trouble = str(tmp_path / "trouble")
    work = spec(tmp_path, executor_killed=3, trouble=trouble, place=place)
    results = engine.run(SQUARES, work, PARTS)
    tried = {path.name: len(path.read_text().splitlines()) for path in (tmp_path / "marks").iterdir()}
    assert tried == {str(part): 2 if part == 3 and place == "task-written" else 1 for part in range(PARTS)}
    alone = LocalEngine(str(tmp_path / "alone")).run(SQUARES, work, PARTS)
    assert [one.sha256 for one in results.receipts] == [one.sha256 for one in alone.receipts]
    results.discard()


def test_a_driver_that_is_killed_is_started_again_and_finished_parts_stay(tmp_path: Path):
    work = spec(tmp_path, waits_from=4, go=str(tmp_path / "go"))
    asked, storage = tmp_path / "spec.json", tmp_path / "storage"
    asked.write_text(json.dumps(work))
    command = [sys.executable, "-m", "tests.cluster.driver", str(asked), str(storage)]
    driver = subprocess.Popen(command, start_new_session=True)
    receipts = "runs/*/p*/receipt.json"
    while len(list(storage.glob(receipts))) < 4 or not (tmp_path / "marks" / "4").exists():
        assert driver.poll() is None, "the driver ended before it was killed"
        time.sleep(0.2)
    os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
    finished = {path.parent.name for path in storage.glob(receipts)}
    assert finished == {f"p{part:04d}" for part in range(4)}
    (tmp_path / "go").touch()
    subprocess.run(command, check=True)
    tried = {path.name: len(path.read_text().splitlines()) for path in (tmp_path / "marks").iterdir()}
    assert {part: times for part, times in tried.items() if int(part) < 4} == dict.fromkeys("0123", 1)
    assert all(tried[str(part)] >= 1 for part in range(4, PARTS))
    alone = LocalEngine(str(tmp_path / "alone")).run(SQUARES, work, PARTS)
    found = [json.loads(path.read_text())["sha256"] for path in sorted(storage.glob(receipts))]
    assert found == [one.sha256 for one in alone.receipts]


def test_an_error_of_a_job_comes_back_from_the_cluster(engine: Any, tmp_path: Path):
    trouble = tmp_path / "trouble"
    trouble.touch()
    with pytest.raises(InputRejectedError, match="this part is refused"):
        engine.run(SQUARES, spec(tmp_path, refused=2, trouble=str(trouble)), PARTS)
