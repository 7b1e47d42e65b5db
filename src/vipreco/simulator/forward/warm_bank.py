"""Warm start: a bank simulated under its own contacts and imported, ready to go on under a policy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import polars as pl
from threadpoolctl import threadpool_limits

from vipreco.errors import UsageError
from vipreco.history import History
from vipreco.settings import Settings
from vipreco.simulator import raw_frames
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.blocks import make_blocks
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.delivery import Delivery
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.randomness import Purpose
from vipreco.simulator.simulation import deliver, make_bank, silent
from vipreco.simulator.state import State
from vipreco.tables import import_

LATEST_RECORD_MONTHS = 120
CLEAN = 0.0


@dataclass(frozen=True)
class ForwardSpec:
    """Size and seed of a bank with a past.

    Args:
        customers: Customers that the bank ever has.
        past_months: Months under the bank's own contacts, from which a recommender can learn.
        months: Months that follow, in which policies decide.
        seed: Of everything random.
        threads: Threads of simulation and queries.
        parameters: The simulated bank; `last_month` is the last of the months that follow.
    """

    customers: int
    past_months: int
    months: int
    seed: int
    threads: int = 2
    parameters: Parameters = field(default_factory=Parameters)


@dataclass(frozen=True)
class WarmBank:
    """A bank before the first month that is decided.

    Args:
        spec: How it was made.
        bank: What is the same for all customers and months.
        blocks: Customers and their state; copied for each policy.
        tables: Folder of the imported tables.
        mapping: How its files are imported.
        settings: Limits of the import.
        late: Records of the past that reach the bank later, by raw file.
    """

    spec: ForwardSpec
    bank: Bank
    blocks: tuple[Block, ...]
    tables: Path
    mapping: Path
    settings: Settings
    late: dict[str, pl.DataFrame]

    @property
    def history(self) -> History:
        """History that the bank knows before that month, from which a recommender may learn."""
        return History.open(self.tables, self.spec.threads)

    def copied_blocks(self) -> list[Block]:
        """Return the blocks with a state of their own."""
        return [replace(block, state=_copied(block.state)) for block in self.blocks]


def warm_start(spec: ForwardSpec, settings: Settings, work: Path) -> WarmBank:
    """Simulate the past of a bank and import it.

    Args:
        spec: The bank.
        settings: Of the project: limits of the import.
        work: Missing or empty folder for files and tables.

    Raises:
        UsageError: Fewer than two past months or no month to decide.
    """
    if spec.past_months < 2 or spec.months < 1:
        raise UsageError("two past months and a month to decide are needed", where="months", code="range")
    work.mkdir(parents=True, exist_ok=True)
    with threadpool_limits(1), ThreadPoolExecutor(spec.threads) as pool:
        bank = make_bank(spec.past_months + spec.months, spec.seed, spec.parameters)
        past = replace(
            bank, calendar=Calendar(str(bank.calendar.month(spec.past_months - 1)), spec.past_months)
        )
        made = make_blocks(bank, spec.customers, pool)
        delivery = Delivery(past, work / "past", CLEAN)
        report = deliver(past, made, delivery, pool, silent)
    import_(work / "tables", report.mapping, list(report.sources), settings)
    blocks = tuple(block for block, _ in made)
    late = _late(past, delivery, blocks)
    return WarmBank(spec, bank, blocks, work / "tables", report.mapping, settings, late)


def ever_recorded(intervals: pl.DataFrame, bank: Bank, month: int) -> pl.DataFrame:
    """Return each interval as the bank learns it at any time, with delays as before `month`."""
    calendar = bank.calendar
    far = Calendar(str(calendar.month(month + LATEST_RECORD_MONTHS)), month + LATEST_RECORD_MONTHS + 1)
    return raw_frames.holding_versions(
        intervals, replace(bank, calendar=far), bank.random(Purpose.LOADING, month, 0)
    )


def _late(past: Bank, delivery: Delivery, blocks: tuple[Block, ...]) -> dict[str, pl.DataFrame]:
    """Return what happened in the past and is recorded after it."""
    months = past.calendar.months
    last = past.calendar.snapshot_date(months - 1)
    intervals = [*delivery.ended, *(raw_frames.open_frame(past, block) for block in blocks)]
    versions = ever_recorded(pl.concat(intervals), past, months)
    return {
        "holdings": versions.filter(pl.col("LOAD_DT") > last),
        "contacts": pl.concat(delivery.contacts).filter(pl.col("LOAD_DT") > last),
    }


def _copied(state: State) -> State:
    return State(**{item.name: getattr(state, item.name).copy() for item in fields(state)})
