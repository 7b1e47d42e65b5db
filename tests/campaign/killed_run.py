"""Runs the small bank's campaign in a process of its own, to be killed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.campaign import spring_bank
from vipreco.campaign import CampaignFolder, RunOptions, run
from vipreco.errors import VipRecoError
from vipreco.failpoints import VARIABLE
from vipreco.recommender import Recommender
from vipreco.store import Store


def run_in(folder: Path, failpoint: str, wait: bool) -> None:
    """Run the campaign in a folder and exit by what came of it: 100 if it was finished before."""
    os.environ[VARIABLE] = failpoint
    bank = spring_bank.bank(Recommender.load(folder / "model", 1))
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store:
        order = RunOptions("spring.toml", "tester", wait)
        try:
            result = run(bank, spring_bank.campaign(), store, CampaignFolder(folder / "campaigns"), order)
        except VipRecoError as error:
            sys.exit(error.exit_code)
    sys.exit(100 if result.again else 0)
