"""One fitted recommender for all tests, and a service of its own for each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.online.nights import Night, released_nights
from tests.online.small_bank import Served, artifact_of, prepared
from tests.shared import BuiltOnce
from vipreco.recommender import Recommender


@pytest.fixture(scope="session")
def artifact(built_once: BuiltOnce) -> Path:
    return artifact_of(built_once)


@pytest.fixture(scope="session")
def recommender(artifact: Path) -> Recommender:
    return Recommender.load(artifact, threads=1)


@pytest.fixture(scope="session")
def nights(built_once: BuiltOnce) -> dict[int, Path]:
    """Folders of the bank prepared for one day, and for three more."""
    return {days: prepared(built_once, days) for days in (0, 3)}


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
def served(
    tmp_path_factory: pytest.TempPathFactory,
    nights: dict[int, Path],
    recommender: Recommender,
    artifact: Path,
) -> Iterator[Served]:
    """The bank as nobody changes it."""
    folder = tmp_path_factory.mktemp("served") / "bank"
    shutil.copytree(nights[0], folder)
    found = Served(folder, recommender, artifact)
    yield found
    found.store.close()


@pytest.fixture(scope="session")
def night(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Night:
    """Releases of one bank in one part and in several, of all products and of the first ones."""
    return released_nights(built_once, tmp_path_factory.mktemp("night"))
