"""Shared by all tests: what takes long to make is made once a run, for all of its processes, and copied."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.shared import BuiltOnce, new_store

TESTS = Path(__file__).parent
# A busy machine makes single examples slow, which says nothing of the code.
settings.register_profile("vipreco", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("vipreco")


# The files that take longest, in this order: one that begins last keeps the others waiting at the end.
FIRST = (
    "docs/test_readme.py",
    "docs/test_readme_santander.py",
    "serving/test_proxy.py",
    "training/test_flow.py",
    "serving/test_worker_faults.py",
    "training/test_model_fit.py",
    "cli/test_campaign_commands.py",
    "cli/test_offer_commands.py",
    "packaging/test_wheel.py",
    "uplift/test_flow.py",
    "cli/test_serve_commands.py",
    "simulator/test_targets.py",
    "attack/test_attack.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files that take longest in front."""
    places = {TESTS / name: place for place, name in enumerate(FIRST)}
    assert all(path.is_file() for path in places), "a file of FIRST has another name now"
    items.sort(key=lambda item: places.get(item.path, len(places)))


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltOnce:
    """Folders that are filled once a run, whatever number of processes it has."""
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return BuiltOnce(common / "built-once")


@pytest.fixture(scope="session")
def empty_store(built_once: BuiltOnce) -> Path:
    """A store without records, to be copied: its tables take a second to make."""
    return new_store(built_once)
