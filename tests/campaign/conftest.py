"""One small bank with its model for all campaigns of these tests, and a fresh store and folder for each."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import small_bank
from tests.campaign import spring_bank
from tests.shared import BuiltOnce
from vipreco.campaign import Bank, CampaignFolder, RunOptions, run
from vipreco.campaign.campaign_run import RunResult
from vipreco.campaign.definition import Campaign
from vipreco.recommender import Recommender
from vipreco.store import Store


@pytest.fixture(scope="session")
def artifact(built_once: BuiltOnce) -> Path:
    """The saved recommender, fitted once a run."""
    return small_bank.saved(
        built_once, "campaign", lambda: (spring_bank.fitted(), spring_bank.history(), spring_bank.MONTHS[-1])
    )


@pytest.fixture(scope="session")
def recommender(artifact: Path) -> Recommender:
    return Recommender.load(artifact, threads=1)


@pytest.fixture(scope="session")
def bank(recommender: Recommender) -> Bank:
    return spring_bank.bank(recommender)


@dataclass
class Desk:
    """A bank with its store and folder of campaigns."""

    bank: Bank
    store: Store
    campaigns: CampaignFolder

    def run(self, campaign: Campaign, **order: bool) -> RunResult:
        asked = RunOptions("spring.toml", "tester", **order)  # type: ignore[arg-type]
        return run(self.bank, campaign, self.store, self.campaigns, asked)

    def files(self, key: str = "spring") -> dict[str, bytes]:
        folder = self.campaigns.path_of(key)
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def desk(bank: Bank, empty_store: Path, tmp_path: Path) -> Iterator[Desk]:
    shutil.copy(empty_store, tmp_path / "store.db")
    with Store.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        yield Desk(bank, store, CampaignFolder(tmp_path / "campaigns"))
