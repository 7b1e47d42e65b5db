"""The faults of a run as often as it takes to meet a rare moment; `make test-long` alone runs them."""

from __future__ import annotations

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from tests import processes
from tests.campaign import spring_bank
from tests.campaign.conftest import Desk
from tests.campaign.test_run import assert_whole, started
from vipreco.campaign import Bank, CampaignFolder
from vipreco.recommender import Recommender
from vipreco.store import Store

pytestmark = pytest.mark.long
KILLS, PAIRS = 20, 50
BUSY, AGAIN = 5, 100


class Places:
    """Fresh folders with the model and an empty store, one a trial."""

    def __init__(self, folder: Path, bank: Bank, recommender: Recommender, empty_store: Path) -> None:
        self.folder, self.bank, self.empty_store, self.count = folder, bank, empty_store, 0
        recommender.save(folder / "model", {}, bank.view)

    def desk(self) -> Desk:
        self.count += 1
        place = self.folder / str(self.count)
        place.mkdir()
        (place / "model").symlink_to(self.folder / "model")
        shutil.copy(self.empty_store, place / "store.db")
        return Desk(
            self.bank, Store.open(f"sqlite:///{place / 'store.db'}"), CampaignFolder(place / "campaigns")
        )


@pytest.fixture(scope="module")
def places(
    tmp_path_factory: pytest.TempPathFactory, bank: Bank, recommender: Recommender, empty_store: Path
) -> Places:
    return Places(tmp_path_factory.mktemp("length"), bank, recommender, empty_store)


@pytest.fixture(scope="module")
def whole(places: Places) -> dict[str, bytes]:
    desk = places.desk()
    desk.run(spring_bank.campaign())
    return desk.files()


def test_f04_killed_at_twenty_random_moments_the_next_run_ends_with_the_same_bytes(
    places: Places, whole: dict[str, bytes]
):
    assert processes.ended(started(places.desk(), "")) == 0  # loads what the next ones are forked from
    begun = time.monotonic()
    assert processes.ended(started(places.desk(), "")) == 0
    length, moments = time.monotonic() - begun, random.Random(4)
    killed = 0
    for _ in range(KILLS):
        desk = places.desk()
        process = started(desk, "")
        time.sleep(moments.uniform(0.1, 1.0) * length)
        process.kill()
        killed += processes.ended(process) == -signal.SIGKILL
        desk.run(spring_bank.campaign())
        assert_whole(desk, whole)
        desk.store.close()
    assert killed >= KILLS / 2


def test_f13_of_fifty_pairs_at_once_one_runs_and_nobody_is_in_it_twice(
    places: Places, whole: dict[str, bytes]
):
    for _ in range(PAIRS):
        desk = places.desk()
        pair = [started(desk, ""), started(desk, "")]
        codes = sorted(processes.ended(process) for process in pair)
        assert codes[0] == 0
        assert codes[1] in {BUSY, AGAIN}
        assert_whole(desk, whole)
        desk.store.close()
