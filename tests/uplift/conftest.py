from __future__ import annotations

import pytest

from tests.uplift.designs import small_growing
from vipreco.uplift import Growing


@pytest.fixture(scope="session")
def growing() -> Growing:
    return small_growing()
