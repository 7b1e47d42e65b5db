"""Shared by all tests: what takes long to make is made once a run, for all of its processes, and copied."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

from tests.shared import BuiltOnce

# A busy machine makes single examples slow, which says nothing of the code.
settings.register_profile("vipreco", deadline=None)
settings.load_profile("vipreco")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> BuiltOnce:
    """Folders that are filled once a run, whatever number of processes it has."""
    own = tmp_path_factory.getbasetemp()
    common = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    return BuiltOnce(common / "built-once")
