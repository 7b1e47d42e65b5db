"""A bank of fourteen customers for seven parts, one of which is empty; one customer left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from tests.online import small_bank
from tests.parts.small_tables import write_batches
from tests.shared import BuiltOnce
from vipreco.artifact import verify
from vipreco.history import History, View
from vipreco.parts import CustomerParts, Limits, lay_out
from vipreco.recommender import ModelInForce, Recommender

IDS = small_bank.IDS[:14]
LEFT = IDS[-1]
NEWCOMERS = ("99998", "99999")
LIMITS = Limits(threads=1)


@dataclass(frozen=True)
class Bank:
    """The bank, with a model that was fitted on more customers."""

    folder: Path
    artifact: Path
    recommender: Recommender
    model: ModelInForce

    @property
    def history(self) -> History:
        return History.open(self.folder / "tables", threads=1)

    @property
    def view(self) -> View:
        return self.history.as_of(small_bank.DAY)

    def parts(self, number: int) -> CustomerParts:
        return lay_out(self.folder / "tables", str(self.folder / "parts"), number, LIMITS)


def bank_in_parts(built_once: BuiltOnce, folder: Path) -> Bank:
    """Write the tables of the bank into a folder, in two batches: the newest month comes with the second."""
    artifact = small_bank.artifact_of(built_once)
    recommender = Recommender.load(artifact, threads=1)
    write_batches(folder / "tables", batches())
    model = ModelInForce.of(recommender, artifact, verify(artifact).artifact_hash)
    return Bank(folder, artifact, recommender, model)


def batches() -> list[dict[str, pa.Table]]:
    frames = {
        name: table.filter(pc.is_in(table["customer_id"], pa.array(IDS)))
        if "customer_id" in table.column_names
        else table
        for name, table in small_bank.frames().items()
    }
    customers = frames.pop("customers")
    newest = pc.equal(customers["snapshot_date"], pa.scalar(small_bank.DAY))
    stays = pc.not_equal(customers["customer_id"], LEFT)
    activity = pa.table(
        {
            "customer_id": [*IDS, *IDS[::2]],
            "month_date": [small_bank.MONTHS[-2]] * len(IDS) + [small_bank.DAY] * len(IDS[::2]),
            "inflow_amount": [5.0] * (len(IDS) + len(IDS[::2])),
        }
    )
    return [
        {**frames, "customers": customers.filter(pc.invert(newest)), "activity": activity.slice(0, len(IDS))},
        {"customers": customers.filter(pc.and_(newest, stays)), "activity": activity.slice(len(IDS))},
    ]
