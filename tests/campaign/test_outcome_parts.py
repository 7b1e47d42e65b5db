"""Outcomes of a campaign in parts: those of the bank, and the same report byte for byte."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl

from tests.campaign.report_frames import DAY, KEY, assignment, contact_rows, run_of, tables
from tests.parts.small_tables import write_batches
from vipreco.campaign import OutcomeSources, make_report
from vipreco.engines import LocalEngine, PartedBank
from vipreco.history import History
from vipreco.parts import Limits, lay_out

ARMS = ("offered", "offered", "control", "explored", "unallocated")
ROWS = [
    assignment(number, ARMS[number % 5], number % 3 > 0, f"F{number % 2 + 1}") for number in range(40, 0, -1)
]
IDS = [str(row["customer_id"]) for row in ROWS]
BOUGHT = [(IDS[place], ("F1", "F2", "Z9")[place % 3]) for place in range(0, 40, 4)]
TALKS = contact_rows(
    [(IDS[1], "accepted", KEY, "F1"), (IDS[2], "declined", None, "F1"), (IDS[9], "declined", None, "Z9")]
)


def store_with(*rows: tuple[str, str, str]) -> Any:
    """A store with contacts about the campaign: id, customer, outcome."""
    ids, customers, outcomes = zip(*rows, strict=True)
    frame = pl.DataFrame(
        {
            "contact_id": ids,
            "customer_id": customers,
            "channel": "call",
            "product_id": None,
            "campaign_id": KEY,
            "outcome": outcomes,
            "contacted_at": datetime(2026, 1, 9),  # noqa: DTZ001
        }
    )
    return SimpleNamespace(contacts=SimpleNamespace(in_window=lambda *_: frame))


def test_any_number_of_parts_gives_the_report_of_the_bank(tmp_path: Path):
    """Somebody who is gone, and a contact of which the tables know another outcome, among them."""
    write_batches(tmp_path / "tables", [tables(IDS, BOUGHT, TALKS, frozenset(IDS[5:6]))])
    history, run = History.open(tmp_path / "tables", 1), run_of(ROWS)
    store = store_with(("c0", IDS[1], "declined"), ("s1", IDS[7], "accepted"), ("s1", IDS[7], "declined"))
    whole = make_report(run, history, DAY, seed=1, sources=OutcomeSources(store))
    flags = whole.outcomes.customers
    assert flags["contacted"].to_list() == [place in (1, 2, 7) for place in range(40)]
    assert flags["accepted"].to_list() == [place in (1, 7) for place in range(40)]
    assert flags["observed"].to_list() == [place != 5 for place in range(40)]
    laid = lay_out(tmp_path / "tables", str(tmp_path / "parts"), 7, Limits(1))
    bank = PartedBank(LocalEngine(str(tmp_path / "runs")), laid)
    found = make_report(run, history, DAY, seed=1, sources=OutcomeSources(store, bank))
    assert found.outcomes.customers.equals(flags)
    assert found.content("json") == whole.content("json")
    assert not list(tmp_path.glob("runs/inputs/*")), "what each part was given is gone"
