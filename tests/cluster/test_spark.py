"""Spark as the engine, on a cluster of two executors: the bytes of one machine, and executors that die.

They run where pyspark and Java are installed (`pip install 'vipreco[spark]'`), with `make test-long`.
"""

from __future__ import annotations

import os
import shutil
import sys
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
ROOT = Path(__file__).parents[2]
PARTS = 7


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    from cluster.spark import SparkEngine

    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
    for name, value in {
        "spark.executorEnv.PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src"), *sys.path[1:]]),
        "spark.task.maxFailures": "4",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.host": "127.0.0.1",
    }.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
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
    found = [offers_in_parts(one, request, lambda *_: None) for one in (engine, LocalEngine(str(tmp_path)))]
    assert found[0].rows.equals(found[1].rows)
    assert found[0].rows.height > 0


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


def test_an_error_of_a_job_comes_back_from_the_cluster(engine: Any, tmp_path: Path):
    trouble = tmp_path / "trouble"
    trouble.touch()
    with pytest.raises(InputRejectedError, match="this part is refused"):
        engine.run(SQUARES, spec(tmp_path, refused=2, trouble=str(trouble)), PARTS)
