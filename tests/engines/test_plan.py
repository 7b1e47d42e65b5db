"""How a job is spread: one part as long as it fits, more where memory or cores ask for it."""

from __future__ import annotations

import pytest

from vipreco.engines import Plan, planned
from vipreco.engines.plan import CUSTOMER_BYTES, TASK_BYTES
from vipreco.settings import EngineSettings

GIB = 1 << 30


def plan(customers: int, cores: int = 2, **settings: object) -> Plan:
    return planned(EngineSettings(**{"memory_gb": 16.0, **settings}), customers, threads=2, cores=cores)


@pytest.mark.parametrize("customers", [0, 1, 5_539, 49_999])
def test_a_small_bank_is_one_part_with_the_threads_of_the_project(customers: int):
    assert plan(customers) == Plan(1, 1, 2, 16 * GIB)


def test_cores_are_used_as_soon_as_a_part_is_worth_a_process():
    assert plan(100_000) == Plan(2, 2, 1, 6 * GIB)
    assert plan(2_000_000, cores=16, memory_gb=256.0) == Plan(16, 16, 1, 12 * GIB)


def test_no_part_needs_more_than_a_task_may_take():
    found = plan(10_000_000)
    assert (found.workers, found.memory) == (2, 6 * GIB)
    assert TASK_BYTES + -(-10_000_000 // found.parts) * CUSTOMER_BYTES <= found.memory
    assert TASK_BYTES + -(-10_000_000 // (found.parts - 1)) * CUSTOMER_BYTES > found.memory


def test_little_memory_takes_fewer_workers():
    assert plan(200_000, cores=16, memory_gb=2.0).workers == 1
    assert plan(200_000, cores=16, memory_gb=4.0).workers == 3


def test_settings_come_before_what_is_found():
    assert plan(10, parts=7, workers=3, threads_a_task=2) == Plan(7, 3, 2, 4 * GIB)
    assert plan(10, parts=2, workers=8).workers == 2


def test_a_cluster_gets_parts_of_fifty_thousand_customers():
    assert plan(1_000_001, kind="spark").parts == 21
