"""Records of a simulated month, delivered and imported as any month: a policy sees nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl

from vipreco.simulator import raw_frames
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.blocks import ENCODING
from vipreco.simulator.forward.warm_bank import ever_recorded
from vipreco.simulator.month import MonthResult
from vipreco.simulator.raw_files import Folder, csv_text

Late = dict[str, pl.DataFrame]
LayOut = Callable[[Bank, Block, int, MonthResult], pl.DataFrame]


def deliver_month(
    bank: Bank, lived: list[tuple[Block, MonthResult]], month: int, late: Late, out: Path
) -> tuple[list[Path], Late]:
    """Write the files of a month; return them, and what is recorded later.

    Args:
        bank: The bank.
        lived: Blocks at the end of the month, with what happened.
        month: Position of the month.
        late: What happened before and was not recorded yet, by raw file.
        out: Folder of the files.
    """
    folder, last = Folder(out), pl.lit(bank.calendar.snapshot_date(month))
    known = {
        "holdings": pl.concat([late["holdings"], _holdings(bank, lived, month)]),
        "contacts": pl.concat([late["contacts"], *_frames(raw_frames.contacts_frame, bank, lived, month)]),
    }
    due = {name: frame.filter(pl.col("LOAD_DT") <= last) for name, frame in known.items()}
    label = bank.calendar.label(month)
    customers = pl.concat([raw_frames.customers_frame(bank, block, month) for block, _ in lived])
    activity = pl.concat(_frames(raw_frames.activity_frame, bank, lived, month))
    _write_csv(folder, f"customers_{label}.csv", customers, ENCODING)
    folder.write_parquet(f"activity_{label}.parquet", [activity])
    folder.write_parquet("holdings.parquet", [due["holdings"]])
    _write_csv(folder, "contacts.csv", due["contacts"], "utf-8")
    folder.write_manifests()
    files = [folder.path / name for name in sorted(folder.rows) if folder.rows[name]]
    return files, {name: frame.filter(pl.col("LOAD_DT") > last) for name, frame in known.items()}


def _holdings(bank: Bank, lived: list[tuple[Block, MonthResult]], month: int) -> pl.DataFrame:
    """Return the records that the month gives rise to: openings, and closings of old and new holdings."""
    ended = [raw_frames.ended_frame(bank, block, result.ended) for block, result in lived]
    open_ = [raw_frames.open_frame(bank, block) for block, _ in lived]
    opened = pl.col("OPEN_DT") > pl.lit(bank.calendar.snapshot_date(month - 1))
    intervals = pl.concat([*ended, *(frame.filter(opened) for frame in open_)])
    return ever_recorded(intervals, bank, month).filter(pl.col("CLOSE_DT").is_not_null() | opened)


def _frames(
    lay_out: LayOut, bank: Bank, lived: list[tuple[Block, MonthResult]], month: int
) -> list[pl.DataFrame]:
    return [lay_out(bank, block, month, result) for block, result in lived]


def _write_csv(folder: Folder, name: str, frame: pl.DataFrame, encoding: str) -> None:
    folder.write_csv(name, [csv_text(frame, header=True).encode(encoding)], frame.height)
