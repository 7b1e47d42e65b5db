from __future__ import annotations

import pytest

from tests.uplift.designs import small_growing
from vipreco.uplift import LearnerContext


@pytest.fixture(scope="session")
def context() -> LearnerContext:
    return small_growing()
