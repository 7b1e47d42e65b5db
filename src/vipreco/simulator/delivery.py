"""The bank's delivery: raw files as the months come, then holdings, contacts, products, manifests, truth."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from vipreco.durable import write_bytes, write_json
from vipreco.simulator import raw_frames
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.blocks import ENCODING, BlockRecords, as_texts, clean, nobody
from vipreco.simulator.fault_injection import PLANTED_SCHEMA, Outcome, Planted, plant
from vipreco.simulator.faults import CONTACT_FAULTS, HOLDING_FAULTS
from vipreco.simulator.mapping_file import mapping_text
from vipreco.simulator.parameters import VIP_TIERS
from vipreco.simulator.randomness import Purpose
from vipreco.simulator.raw_files import MODE, Folder, ParquetStream, csv_text
from vipreco.simulator.report import SimulationReport, Tally

FIRST_CSV_ROW = 2
FIRST_PARQUET_ROW = 1


class Delivery:
    """Writes a bank's files; `month` for each month in order, then `finish`.

    Args:
        bank: The bank.
        out: Folder to write to.
        fault_rate: Share of raw rows that get a planted fault.
    """

    def __init__(self, bank: Bank, out: Path, fault_rate: float) -> None:
        self.bank = bank
        self.out = out
        self.fault_rate = fault_rate
        self.raw = Folder(out / "raw")
        self.truth = Folder(out / "truth")
        self.tally = Tally()
        self.ended: list[pl.DataFrame] = []
        self.contacts: list[pl.DataFrame] = []
        self.contact_truth: list[pl.DataFrame] = []
        self.planted: list[pl.DataFrame] = [pl.DataFrame(schema=PLANTED_SCHEMA)]

    def month(self, month: int, parts: list[BlockRecords], activity: ParquetStream) -> None:
        """Write a month's customers, behaviour and truth; keep its holdings and contacts for the end."""
        label = self.bank.calendar.label(month)
        for part in parts:
            self.tally.add(part.result)
            self._add_activity(part.activity, activity)
        self._write_customers(f"customers_{label}.csv", month, parts)
        self.ended += [part.ended for part in parts]
        self.contacts += [part.contacts for part in parts]
        self.contact_truth += [part.contact_truth for part in parts]
        for name in parts[0].truth:
            self.truth.write_parquet(f"{name}_{label}.parquet", [part.truth[name] for part in parts])

    def finish(self, blocks: list[Block]) -> SimulationReport:
        """Write what spans all months, and the manifests; return the report."""
        self._write_holdings(blocks)
        self._write_contacts()
        products = raw_frames.products_frame(self.bank)
        self.raw.write_csv(
            "products.csv", [csv_text(products, header=True).encode(ENCODING)], products.height
        )
        self.raw.write_manifests()
        self.truth.write_parquet("contacts.parquet", [pl.concat(self.contact_truth)])
        planted = pl.concat(self.planted).sort("file", "row")
        self.truth.write_parquet("planted.parquet", [planted])
        write_bytes(self.out / "mapping.toml", mapping_text(self.bank.catalogue).encode(), MODE)
        found = planted.filter(pl.col("outcome") != Outcome.STORED).height
        return self._report(blocks, found)

    def _write_customers(self, name: str, month: int, parts: list[BlockRecords]) -> None:
        header = csv_text(raw_frames.customers_frame(self.bank, nobody(self.bank), month), header=True)
        rows = 0
        for part in parts:
            self._note(part.customer_faults, name, FIRST_CSV_ROW + rows)
            rows += part.customer_faults.frame.height
        self.raw.write_csv(name, [header.encode(ENCODING), *(part.customers for part in parts)], rows)

    def _add_activity(self, records: Planted, activity: ParquetStream) -> None:
        self._note(records, activity.name, FIRST_PARQUET_ROW + activity.rows)
        activity.write(records.frame)

    def _write_holdings(self, blocks: list[Block]) -> None:
        frames = [*self.ended, *(raw_frames.open_frame(self.bank, block) for block in blocks)]
        random = self.bank.random(Purpose.LOADING, self.bank.calendar.months, 0)
        records = clean(raw_frames.holding_versions(pl.concat(frames), self.bank, random))
        if self.fault_rate:
            random = self.bank.random(Purpose.FAULTS_HOLDINGS, 0, 0)
            records = plant(records.frame, HOLDING_FAULTS, self.fault_rate, random)
        self._note(records, "holdings.parquet", FIRST_PARQUET_ROW)
        self.raw.write_parquet("holdings.parquet", [records.frame])

    def _write_contacts(self) -> None:
        last = self.bank.calendar.snapshot_date(self.bank.calendar.months - 1)
        records = clean(pl.concat(self.contacts).filter(pl.col("LOAD_DT") <= last))
        if self.fault_rate and records.frame.height:
            random = self.bank.random(Purpose.FAULTS_CONTACTS, 0, 0)
            records = plant(as_texts(records.frame), CONTACT_FAULTS, self.fault_rate, random)
        self._note(records, "contacts.csv", FIRST_CSV_ROW)
        text = csv_text(records.frame, header=True)
        self.raw.write_csv("contacts.csv", [text.encode()], records.frame.height)

    def _note(self, records: Planted, file: str, first_row: int) -> None:
        if records.fault:
            self.planted.append(records.report(file, first_row))

    def _report(self, blocks: list[Block], planted: int) -> SimulationReport:
        calendar = self.bank.calendar
        last = calendar.months - 1
        order = sorted(self.raw.rows, key=lambda name: (not name.startswith("products"), name))
        report = SimulationReport(
            folder=self.out,
            sources=tuple(self.raw.path / name for name in order),
            mapping=self.out / "mapping.toml",
            customers=sum(int(one.in_snapshot(last).sum()) for one in blocks),
            first_snapshot=calendar.snapshot_date(0).isoformat(),
            last_snapshot=calendar.snapshot_date(last).isoformat(),
            vip_tiers=VIP_TIERS,
            acquisitions=self.tally.acquisitions,
            acquiring_rate=self.tally.acquirers / max(self.tally.customer_months, 1),
            contacts=self.tally.contacts,
            left=self.tally.left,
            planted=planted,
        )
        files = {name: {"rows": self.raw.rows[name], "sha256": self.raw.sha256[name]} for name in order}
        content = {
            "seed": self.bank.seed,
            "fault_rate": self.fault_rate,
            "report": report.counts(),
            "files": files,
        }
        write_json(self.out / "simulation.json", content, MODE)
        return report
