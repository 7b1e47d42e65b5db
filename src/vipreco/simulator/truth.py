"""The truth that lies apart: only oracles and tests read it, never an import."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.month import MonthResult
from vipreco.simulator.parameters import CHANNELS

TRUTH_FOLDER = "truth"


def truth_frames(bank: Bank, block: Block, result: MonthResult) -> dict[str, pl.DataFrame]:
    """Return the true chances of a month by file name; empty for a month without truth.

    `acquisitions` has one column a product: the chance to acquire it in the month, averaged over the
    logging policy's contacts. `uncontacted` has the chance without any contact. With an answered contact
    on a channel the chance is `1 - (1 - uncontacted) ** exp(effect)`. `customers` has that effect by
    channel, the chance to be contacted and the chance to leave.
    """
    truth = result.truth
    if truth is None:
        return {}
    rows = np.flatnonzero(truth.present)
    ids = pl.DataFrame({"customer_id": block.ids[rows]})
    products = list(bank.catalogue.ids)
    customers = pl.DataFrame(
        {
            "attrition_probability": truth.attrition[rows],
            "contact_probability": truth.contact[rows],
            **{f"effect_{name}": truth.effect[rows, code] for code, name in enumerate(CHANNELS)},
        }
    )
    return {
        "acquisitions": ids.hstack(pl.DataFrame(truth.logged[rows], schema=products)),
        "uncontacted": ids.hstack(pl.DataFrame(truth.uncontacted[rows], schema=products)),
        "customers": ids.hstack(customers),
    }


def read_truth(bank: Path, name: str, label: str) -> pl.DataFrame:
    """Return a truth file of a month; for oracles only.

    Args:
        bank: Folder that `simulate` wrote.
        name: `acquisitions`, `uncontacted` or `customers`.
        label: Month as six digits, such as `202512`.
    """
    return pl.read_parquet(bank / TRUTH_FOLDER / f"{name}_{label}.parquet", glob=False)
