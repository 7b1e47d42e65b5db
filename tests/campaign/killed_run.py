"""Runs the small bank's campaign in a process of its own, to be killed: FOLDER WAIT(0 or 1)."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.campaign import small_bank
from vipreco.campaign import CampaignFolder, RunOptions, run
from vipreco.errors import VipRecoError
from vipreco.recommender import Recommender
from vipreco.store import Store


def main() -> int:
    folder, wait = Path(sys.argv[1]), sys.argv[2] == "1"
    bank = small_bank.bank(Recommender.load(folder / "model", 1))
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store:
        order = RunOptions("spring.toml", "tester", wait)
        try:
            result = run(bank, small_bank.campaign(), store, CampaignFolder(folder / "campaigns"), order)
        except VipRecoError as error:
            return error.exit_code
    return 100 if result.again else 0


if __name__ == "__main__":
    sys.exit(main())
