"""Tables folders of a few rows that are written down, batch by batch, as `vipreco import` leaves them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from vipreco.durable import sha256_of
from vipreco.history import CONTRACTS, History
from vipreco.tables.batches import Manifest, write_manifest

Frames = Mapping[str, pa.Table]
SEPTEMBER, OCTOBER = date(2025, 9, 30), date(2025, 10, 31)
CLOCKS = ["customer_id", "snapshot_date"]
IDS = ("a", "b", "c", "d", "e")
"""In seven parts: b in 1, a in 2, d in 3, c and e in 4; nobody in the others."""


FIRST_CONTACTS = (("k1", "a"), ("k2", "e"), ("k3", "e"))


def write_batches(folder: Path, batches: Sequence[Frames]) -> Path:
    """Write batches of tables and their manifest; return the folder."""
    entries = []
    for number, frames in enumerate(batches, start=1):
        name = f"{number:04d}-test"
        (folder / "batches" / name).mkdir(parents=True, exist_ok=True)
        files = {}
        observed = {"observations": frames["customers"].select(CLOCKS)} if "customers" in frames else {}
        for table, rows in {**frames, **observed}.items():
            path = folder / "batches" / name / f"{table}.parquet"
            pq.write_table(rows, path)
            place = str(path.relative_to(folder))
            files[table] = [{"path": place, "rows": rows.num_rows, "sha256": sha256_of(path)}]
        entries.append({"batch_id": name, "sequence": number, "files": files, "ledger": []})
    write_manifest(folder, Manifest(tuple(entries)))
    return folder


def contacts(*rows: tuple[str, str, str, int]) -> pa.Table:
    """Return contacts: id, customer, outcome and number of the batch; all of one moment."""
    ids, customers, outcomes, batches = zip(*rows, strict=True)
    return pa.table(
        {
            "contact_id": ids,
            "customer_id": customers,
            "product_id": ["card"] * len(ids),
            "channel": ["call"] * len(ids),
            "contacted_at": pa.array([datetime(2025, 9, 15, 10)] * len(ids), pa.timestamp("us")),  # noqa: DTZ001
            "outcome": outcomes,
            "recorded_date": pa.array([SEPTEMBER] * len(ids)),
            "batch_sequence": pa.array(batches, pa.int32()),
        }
    )


def two_batches() -> list[Frames]:
    """Return September with all customers, and October, for which only a, b and c are there.

    Contact k1 moves from a to b, k2 from e to c (both in part 4), k3 stays with e.
    """
    return [
        {
            "customers": customers(SEPTEMBER, IDS),
            "products": pa.table({"product_id": ["card"], "family": ["daily"], "name": ["Card"]}),
            "holdings": holdings("a", "c"),
            "activity": activity(SEPTEMBER, ("a", "c", "e")),
            "contacts": contacts(*((*pair, "declined", 1) for pair in FIRST_CONTACTS)),
        },
        {
            "customers": customers(OCTOBER, ("a", "b", "c")).append_column(
                "attribute_city", pa.array(["X", "Y", None])
            ),
            "activity": activity(OCTOBER, ("b",)),
            "contacts": contacts(("k1", "b", "accepted", 2), ("k2", "c", "accepted", 2)),
        },
    ]


def customers(day: date, ids: Sequence[str]) -> pa.Table:
    return pa.table(
        {
            "customer_id": ids,
            "snapshot_date": [day] * len(ids),
            "tier": ["GOLD"] * len(ids),
            "aum_amount": [1.5] * len(ids),
        }
    )


def holdings(*ids: str) -> pa.Table:
    return pa.table(
        {"customer_id": ids, "product_id": ["card"] * len(ids), "opened_date": [SEPTEMBER] * len(ids)}
    )


def activity(day: date, ids: Sequence[str]) -> pa.Table:
    return pa.table({"customer_id": ids, "month_date": [day] * len(ids), "inflow_amount": [2.0] * len(ids)})


def rows(history: History, day: date) -> dict[str, list[tuple[object, ...]]]:
    """Return the rows of all views about customers at a date, sorted as texts."""
    view = history.as_of(day)
    names = [*CONTRACTS, "customers_now", "clock", "snapshots"]
    found = {name: view.query(f"SELECT * FROM {name}").to_pylist() for name in names}
    return {name: sorted((tuple(row.values()) for row in one), key=repr) for name, one in found.items()}
