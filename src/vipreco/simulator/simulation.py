"""The run of a simulated bank: months in order, blocks of customers side by side, files as they are ready."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from vipreco.durable import write_bytes, write_json
from vipreco.errors import UsageError
from vipreco.simulator import raw_frames
from vipreco.simulator.assets import start_assets, tier_of
from vipreco.simulator.branches import draw_network
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.calibration import calibrate, draw_engagement
from vipreco.simulator.identity import customer_numbers
from vipreco.simulator.mapping_file import mapping_text
from vipreco.simulator.month import Bank, Block, MonthResult, in_snapshot, run_month
from vipreco.simulator.opening import PastHolding, open_stock, past_holdings
from vipreco.simulator.parameters import VIP_TIERS, Parameters
from vipreco.simulator.population import draw_population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.randomness import Purpose, stream
from vipreco.simulator.raw_files import MODE, Folder, csv_bytes
from vipreco.simulator.state import empty_state
from vipreco.simulator.truth import truth_frames

Progress = Callable[[str, int, int], None]
ENCODING = "gb18030"
MAXIMUM_CUSTOMERS = 99_999_999
MAXIMUM_MONTHS = 240


@dataclass(frozen=True)
class SimulationReport:
    """What was written.

    Args:
        folder: The output folder.
        sources: The raw files to import, in order.
        mapping: The mapping file that they are imported with.
        customers: Customers in the last snapshot.
        first_snapshot: First snapshot date, ISO.
        last_snapshot: Last snapshot date, ISO.
        vip_tiers: Values of `tier` that mean a VIP customer.
        acquisitions: Number of acquisitions by customers who were in the bank on the month's eve.
        acquiring_rate: Share of customers who acquire something in a month, on average.
        contacts: Number of contacts.
        left: Number of customers who left.
        planted: Number of planted faults.
    """

    folder: Path
    sources: tuple[Path, ...]
    mapping: Path
    customers: int
    first_snapshot: str
    last_snapshot: str
    vip_tiers: tuple[str, ...]
    acquisitions: int
    acquiring_rate: float
    contacts: int
    left: int
    planted: int = 0


@dataclass
class Tally:
    """Running counts of a simulation."""

    customer_months: int = 0
    acquirers: int = 0
    acquisitions: int = 0
    contacts: int = 0
    left: int = 0

    def add(self, result: MonthResult) -> None:
        """Count a month of a block."""
        self.customer_months += int(result.present.sum())
        self.acquirers += int(result.acquired.any(axis=1).sum())
        self.acquisitions += int(result.acquired.sum())
        self.contacts += len(result.contacts.customer)
        self.left += int(result.leaving.sum())


@dataclass(frozen=True)
class Prepared:
    """A month of a block, ready to be written."""

    result: MonthResult
    customers: bytes
    customer_rows: int
    activity: pl.DataFrame
    contacts: pl.DataFrame
    contact_truth: pl.DataFrame
    ended: pl.DataFrame
    truth: dict[str, pl.DataFrame]


def simulate(  # noqa: PLR0913, PLR0917 - the options of the command
    customers: int,
    months: int,
    seed: int,
    out: Path,
    dirt: float = 0.0,
    progress: Progress | None = None,
    parameters: Parameters | None = None,
    threads: int = 2,
) -> SimulationReport:
    """Write a bank with known truth: raw files, their mapping and manifests, and the truth apart.

    The same arguments give the same bytes, whatever the number of threads.

    Args:
        customers: Customers that the bank ever has; a part joins while the simulation runs.
        months: Number of monthly snapshots.
        seed: Seed of everything random.
        out: Folder to write to: `raw/`, `mapping.toml`, `simulation.json`, `truth/`.
        dirt: Share of raw rows that get a planted fault.
        progress: Called with what is being done, how many months are done, and how many there are.
        parameters: The bank; by default the reference bank.
        threads: Blocks that are worked on side by side.

    Raises:
        UsageError: A size is out of range, or `out` holds something already.
        ResourcesError: The disk is full.
    """
    _check(customers, months, dirt, out)
    with threadpool_limits(1):
        return Simulation(customers, months, seed, out, parameters or Parameters(), threads).run(progress)


def _check(customers: int, months: int, dirt: float, out: Path) -> None:
    if not 1 <= customers <= MAXIMUM_CUSTOMERS:
        raise UsageError(f"customers must be 1 to {MAXIMUM_CUSTOMERS:,}", where="--customers", code="range")
    if not 1 <= months <= MAXIMUM_MONTHS:
        raise UsageError(f"months must be 1 to {MAXIMUM_MONTHS}", where="--months", code="range")
    if not 0 <= dirt <= 0.2:
        raise UsageError("dirt is a share between 0 and 0.2", where="--dirt", code="range")
    if out.exists() and any(out.iterdir()):
        raise UsageError(
            "the folder is not empty", where=str(out), remedy="give a new folder", code="output-exists"
        )


class Simulation:
    """One run; `run` goes through the months."""

    def __init__(
        self, customers: int, months: int, seed: int, out: Path, parameters: Parameters, threads: int
    ) -> None:
        self.customers = customers
        self.seed = seed
        self.out = out
        self.parameters = parameters
        self.threads = threads
        self.calendar = Calendar(parameters.last_month, months)
        self.tally = Tally()
        self.raw = Folder(out / "raw")
        self.truth = Folder(out / "truth")
        self.ended: list[pl.DataFrame] = []
        self.contacts: list[pl.DataFrame] = []
        self.contact_truth: list[pl.DataFrame] = []

    def run(self, progress: Progress | None) -> SimulationReport:
        """Simulate and write all months."""
        months = self.calendar.months
        tell = progress or (lambda _what, _done, _all: None)
        tell("drawing customers", 0, months)
        bank = self._bank()
        with ThreadPoolExecutor(self.threads) as pool:
            blocks = self._blocks(bank, pool)
            for month in range(months):
                tell(f"month {bank.calendar.month(month)}", month, months)
                self._write_month(bank, month, list(pool.map(lambda b, m=month: prepare(bank, b, m), blocks)))
        tell("writing holdings", months, months)
        self._write_rest(bank, blocks)
        return self._report(bank, blocks)

    def _bank(self) -> Bank:
        catalogue = Catalogue()
        levels = calibrate(catalogue, self.calendar, self.parameters, self.seed)
        return Bank(catalogue, self.calendar, self.parameters, levels, self.seed)

    def _blocks(self, bank: Bank, pool: ThreadPoolExecutor) -> list[Block]:
        size = self.parameters.rows_a_block
        network = draw_network(self.customers, self.parameters, self.seed)
        state = empty_state(self.customers, len(bank.catalogue.products))

        def block(number: int) -> tuple[Block, PastHolding]:
            part = slice(number * size, min((number + 1) * size, self.customers))
            rows = part.stop - part.start
            made = Block(
                number=number,
                ids=customer_numbers(part.start, part.stop, self.seed),
                population=draw_population(rows, self.calendar, self.parameters, self.seed, number),
                state=state.rows(part),
                branch=network.branch[part],
                manager=network.manager[part],
                skill=network.skill[network.manager[part]],
            )
            return made, start_block(bank, made)

        made = list(pool.map(block, range(-(-self.customers // size))))
        self.ended = [raw_frames.ended_frame(bank, one, past) for one, past in made]
        return [one for one, _past in made]

    def _write_month(self, bank: Bank, month: int, parts: list[Prepared]) -> None:
        label = bank.calendar.label(month)
        for part in parts:
            self.tally.add(part.result)
        header = csv_bytes(raw_frames.customers_frame(bank, _nobody(bank), month), ENCODING, header=True)
        rows = sum(part.customer_rows for part in parts)
        self.raw.write_csv(f"customers_{label}.csv", [header, *(part.customers for part in parts)], rows)
        self.raw.write_parquet(f"activity_{label}.parquet", [part.activity for part in parts])
        self.ended += [part.ended for part in parts]
        self.contacts += [part.contacts for part in parts]
        self.contact_truth += [part.contact_truth for part in parts]
        for name in parts[0].truth:
            self.truth.write_parquet(f"{name}_{label}.parquet", [part.truth[name] for part in parts])

    def _write_rest(self, bank: Bank, blocks: list[Block]) -> None:
        self.raw.write_parquet("holdings.parquet", [self._holdings(bank, blocks)])
        contacts = pl.concat(self.contacts)
        last = bank.calendar.snapshot_date(bank.calendar.months - 1)
        contacts = contacts.filter(pl.col("LOAD_DT") <= last)
        self.raw.write_csv("contacts.csv", [csv_bytes(contacts, "utf-8", header=True)], contacts.height)
        products = raw_frames.products_frame(bank.catalogue, bank.calendar)
        self.raw.write_csv("products.csv", [csv_bytes(products, ENCODING, header=True)], products.height)
        self.raw.write_manifests()
        self.truth.write_parquet("contacts.parquet", self.contact_truth)
        write_bytes(self.out / "mapping.toml", mapping_text(bank.catalogue).encode(), MODE)

    def _holdings(self, bank: Bank, blocks: list[Block]) -> pl.DataFrame:
        """Return all intervals with the day that each was recorded."""
        last = bank.calendar.months - 1
        frames = [*self.ended, *(raw_frames.open_frame(bank, block) for block in blocks)]
        holdings = pl.concat(frames)
        random = stream(self.seed, Purpose.LOADING, last + 1)
        records = self.parameters.records
        delayed = random.random(holdings.height) < records.holding_late
        late = (delayed * random.integers(1, records.late_days, holdings.height)).astype(np.int32)
        return raw_frames.with_load_dates(holdings, bank, late)

    def _report(self, bank: Bank, blocks: list[Block]) -> SimulationReport:
        last = bank.calendar.months - 1
        members = sum(int(in_snapshot(b.population, b.state, last).sum()) for b in blocks)
        order = sorted(self.raw.rows, key=lambda name: (not name.startswith("products"), name))
        report = SimulationReport(
            folder=self.out,
            sources=tuple(self.raw.path / name for name in order),
            mapping=self.out / "mapping.toml",
            customers=members,
            first_snapshot=bank.calendar.snapshot_date(0).isoformat(),
            last_snapshot=bank.calendar.snapshot_date(last).isoformat(),
            vip_tiers=VIP_TIERS,
            acquisitions=self.tally.acquisitions,
            acquiring_rate=self.tally.acquirers / max(self.tally.customer_months, 1),
            contacts=self.tally.contacts,
            left=self.tally.left,
        )
        self._write_manifest(report)
        return report

    def _write_manifest(self, report: SimulationReport) -> None:
        counts = dataclasses.asdict(report)
        for name in ("folder", "sources", "mapping"):
            del counts[name]
        files = {
            name: {"rows": rows, "sha256": self.raw.sha256[name]} for name, rows in self.raw.rows.items()
        }
        content = {"seed": self.seed, "customers_ever": self.customers, "report": counts, "files": files}
        write_json(self.out / "simulation.json", content, MODE)


def start_block(bank: Bank, block: Block) -> PastHolding:
    """Put a block into the state on the eve of the first month; return the holdings of the past."""
    population, state, parameters = block.population, block.state, bank.parameters
    random = stream(bank.seed, Purpose.OPENING_STOCK, 0, block.number)
    start_assets(state, population.wealth, random, parameters.assets)
    state.assessed_day[:] = population.assessed_day
    state.consent[:] = population.consent
    state.tier[:] = tier_of(state.average, bank.calendar.snapshot_date(-1), parameters.assets)
    draw_engagement(state, random, parameters)
    chances = open_stock(population, state, bank.hazards, bank.levels.stock, random)
    months = parameters.acquisitions.held_before_months
    targets, calendar = bank.levels.targets, bank.calendar
    return past_holdings(population, state, chances, targets, calendar, random=random, months=months)


def prepare(bank: Bank, block: Block, month: int) -> Prepared:
    """Run a month of a block and lay out its records."""
    wanted = month >= bank.calendar.months - bank.parameters.truth_months
    result = run_month(bank, block, month, with_truth=wanted)
    customers = raw_frames.customers_frame(bank, block, month)
    return Prepared(
        result=result,
        customers=csv_bytes(customers, ENCODING, header=False),
        customer_rows=customers.height,
        activity=raw_frames.activity_frame(bank, block, month, result),
        contacts=raw_frames.contacts_frame(bank, block, month, result),
        contact_truth=raw_frames.truth_of_contacts(bank, block, month, result),
        ended=raw_frames.ended_frame(bank, block, result.ended),
        truth=truth_frames(bank, block, result),
    )


def _nobody(bank: Bank) -> Block:
    """Return a block without customers: its frames have the columns alone."""
    empty = np.zeros(0, np.int32)
    return Block(
        number=0,
        ids=pl.Series([], dtype=pl.String),
        population=draw_population(1, bank.calendar, bank.parameters, 0, 0).rows(slice(0, 0)),
        state=empty_state(0, len(bank.catalogue.products)),
        branch=empty,
        manager=empty,
        skill=empty.astype(np.float32),
    )
