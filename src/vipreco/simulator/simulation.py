"""Simulation of a bank: months in order, blocks of customers in parallel, files as they are ready."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import groupby
from pathlib import Path

import polars as pl
from threadpoolctl import threadpool_limits

from vipreco.durable import flush_directory
from vipreco.errors import UsageError
from vipreco.simulator.bank import Bank, Block, CampaignContacts
from vipreco.simulator.blocks import BlockRecords, make_blocks, prepare
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.calibration import calibrate
from vipreco.simulator.delivery import Delivery
from vipreco.simulator.drift import draw_drift, stock_levels
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.products import Catalogue
from vipreco.simulator.report import SimulationReport

Progress = Callable[[str, int, int], None]
MAXIMUM_CUSTOMERS = 99_999_999
MAXIMUM_MONTHS = 240
MAX_FAULT_RATE = 0.2


def simulate(  # noqa: PLR0913, PLR0917 - the options of the command
    customers: int,
    months: int,
    seed: int,
    out: Path,
    fault_rate: float = 0.0,
    progress: Progress | None = None,
    parameters: Parameters | None = None,
    threads: int = 2,
    campaign: CampaignContacts | None = None,
) -> SimulationReport:
    """Write a bank with known truth: raw files, their mapping and manifests, and the truth apart.

    The same arguments give the same bytes, whatever the number of threads. `out` appears when all is
    written, or not at all.

    Args:
        customers: Customers that the bank ever has; a part joins while the simulation runs.
        months: Number of monthly snapshots.
        seed: Seed of everything random.
        out: Folder to write to: `raw/`, `mapping.toml`, `simulation.json`, `truth/`.
        fault_rate: Share of raw rows that get a planted fault; `truth/planted.parquet` lists them.
        progress: Called with what is being done, how many months are done, and how many there are.
        parameters: The bank; by default the reference bank.
        threads: Blocks that are worked on side by side.
        campaign: Contacts that the bank makes beside its own.

    Raises:
        UsageError: A size is out of range, or `out` holds something already.
        ResourcesError: The disk is full.
    """
    _check(customers, months, fault_rate, out)
    tell = progress or silent
    with threadpool_limits(1), ThreadPoolExecutor(threads) as pool, appearing(out) as folder:
        tell("drawing customers", 0, months)
        bank = replace(make_bank(months, seed, parameters or Parameters()), campaign=campaign)
        made = make_blocks(bank, customers, pool)
        report = deliver(bank, made, Delivery(bank, folder, fault_rate), pool, tell)
    return report.moved_to(out)


@contextmanager
def appearing(folder: Path) -> Iterator[Path]:
    """Give a folder beside `folder` to fill; it takes that name when all went well, else it is removed."""
    part = folder.parent / f".{folder.name}.part"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        yield part
        if folder.exists():
            folder.rmdir()
        part.replace(folder)
        flush_directory(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def make_bank(months: int, seed: int, parameters: Parameters) -> Bank:
    """Return a bank whose hazards meet the stated targets."""
    catalogue, calendar = Catalogue(), Calendar(parameters.last_month, months)
    levels = calibrate(catalogue, calendar, parameters, seed)
    there = replace(levels, stock=stock_levels(catalogue, levels.stock, parameters.drift))
    drift = draw_drift(catalogue, calendar, parameters.drift, seed)
    return Bank(catalogue, calendar, parameters, there, drift, seed)


def deliver(
    bank: Bank, made: list[tuple[Block, pl.DataFrame]], delivery: Delivery, pool: Executor, tell: Progress
) -> SimulationReport:
    """Run all months of a bank under its own contacts and write its files; blocks end after the last.

    Args:
        bank: The bank; its calendar says how many months.
        made: Blocks before the first month, with their past holdings.
        delivery: Where the files go.
        pool: Works on the blocks.
        tell: Takes the progress.
    """
    blocks = [block for block, _past in made]
    delivery.ended += [past for _block, past in made]
    months = bank.calendar.months
    prepared = _prepared(bank, blocks, delivery.fault_rate, pool)
    for year, positions in groupby(range(months), bank.calendar.year):
        with delivery.raw.stream(f"activity_{year}.parquet") as activity:
            for month in positions:
                tell(f"month {bank.calendar.month(month)}", month, months)
                delivery.month(month, next(prepared), activity)
    tell("writing holdings and contacts", months, months)
    return delivery.finish(blocks)


def _prepared(
    bank: Bank, blocks: list[Block], fault_rate: float, pool: Executor
) -> Iterator[list[BlockRecords]]:
    """Yield the months in order; while one is written, the next is worked on."""
    running = pool.map(partial(prepare, bank, month=0, fault_rate=fault_rate), blocks)
    for month in range(1, bank.calendar.months):
        done = list(running)
        running = pool.map(partial(prepare, bank, month=month, fault_rate=fault_rate), blocks)
        yield done
    yield list(running)


def silent(_what: str, _done: int, _all: int) -> None:
    """Show no progress."""


def _check(customers: int, months: int, fault_rate: float, out: Path) -> None:
    if not 1 <= customers <= MAXIMUM_CUSTOMERS:
        raise UsageError(f"customers must be 1 to {MAXIMUM_CUSTOMERS:,}", where="--customers", code="range")
    if not 1 <= months <= MAXIMUM_MONTHS:
        raise UsageError(f"months must be 1 to {MAXIMUM_MONTHS}", where="--months", code="range")
    if not 0 <= fault_rate <= MAX_FAULT_RATE:
        raise UsageError(
            f"the fault rate is a share between 0 and {MAX_FAULT_RATE}", where="--faults", code="range"
        )
    if out.exists() and any(out.iterdir()):
        raise UsageError(
            "the folder is not empty", where=str(out), remedy="give a new folder", code="output-exists"
        )
