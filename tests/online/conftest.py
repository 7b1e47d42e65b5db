"""One fitted recommender for all tests, and a service of its own for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.online.small_bank import DAY, Served, fit, frames
from vipreco.history import History
from vipreco.recommender import Recommender


@pytest.fixture(scope="session")
def recommender() -> Recommender:
    return fit(History.from_frames(frames()))


@pytest.fixture(scope="session")
def artifact(recommender: Recommender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "artifact"
    recommender.save(folder, {}, History.from_frames(frames()).as_of(DAY))
    return folder


@pytest.fixture(scope="session")
def nights(
    tmp_path_factory: pytest.TempPathFactory, recommender: Recommender, artifact: Path
) -> dict[int, Path]:
    """Folders of the bank prepared for one day, and for three more."""
    found = {}
    for days in (0, 3):
        folder = tmp_path_factory.mktemp("night")
        Served(folder, recommender, artifact, days).store.close()
        found[days] = folder
    return found


@pytest.fixture
def serve(
    tmp_path: Path, nights: dict[int, Path], recommender: Recommender, artifact: Path
) -> Iterator[Callable[..., Served]]:
    """Open the prepared bank in a folder of the test's own."""
    opened: list[Served] = []

    def make(days: int = 0) -> Served:
        folder = tmp_path / str(len(opened))
        shutil.copytree(nights[days], folder)
        opened.append(Served(folder, recommender, artifact, days))
        return opened[-1]

    yield make
    for served in opened:
        served.store.close()


@pytest.fixture(scope="session")
def served(nights: dict[int, Path], recommender: Recommender, artifact: Path) -> Iterator[Served]:
    """The bank as nobody changes it."""
    found = Served(nights[0], recommender, artifact)
    yield found
    found.store.close()
