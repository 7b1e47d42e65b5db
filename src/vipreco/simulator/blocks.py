"""Blocks of customers: how they are made, and their records of a month, ready to be written."""

from __future__ import annotations

import io
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
import polars as pl

from vipreco.simulator import raw_frames
from vipreco.simulator.assets import start_assets, tier_of
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.branches import draw_network
from vipreco.simulator.calibration import draw_engagement
from vipreco.simulator.fault_injection import Planted, damaged, plant
from vipreco.simulator.faults import ACTIVITY_FAULTS, CUSTOMER_FAULTS
from vipreco.simulator.identity import customer_numbers
from vipreco.simulator.initial_holdings import PastHolding, open_stock, past_holdings
from vipreco.simulator.month import MonthResult, run_month
from vipreco.simulator.population import draw_population
from vipreco.simulator.randomness import Purpose, stream
from vipreco.simulator.raw_files import csv_text
from vipreco.simulator.state import empty_state
from vipreco.simulator.truth import truth_frames

ENCODING = "gb18030"


@dataclass(frozen=True)
class BlockRecords:
    """A month of a block, ready to be written."""

    result: MonthResult
    customers: bytes
    customer_faults: Planted
    activity: Planted
    contacts: pl.DataFrame
    contact_truth: pl.DataFrame
    ended: pl.DataFrame
    truth: dict[str, pl.DataFrame]


def make_blocks(bank: Bank, customers: int, pool: Executor) -> list[tuple[Block, pl.DataFrame]]:
    """Draw all customers and put them before the first month.

    Returns:
        Each block with its customers' past holdings.
    """
    size = bank.parameters.rows_a_block
    network = draw_network(customers, bank.parameters, bank.seed)
    state = empty_state(customers, len(bank.catalogue.products))

    def block(number: int) -> tuple[Block, pl.DataFrame]:
        part = slice(number * size, min((number + 1) * size, customers))
        rows = part.stop - part.start
        made = Block(
            number=number,
            ids=customer_numbers(part.start, part.stop, bank.seed),
            population=draw_population(rows, bank.calendar, bank.parameters, bank.seed, number),
            state=state.rows(part),
            branch=network.branch[part],
            manager=network.manager[part],
            skill=network.skill[network.manager[part]],
        )
        return made, raw_frames.ended_frame(bank, made, start(bank, made))

    return list(pool.map(block, range(-(-customers // size))))


def start(bank: Bank, block: Block) -> PastHolding:
    """Put a block into the state before the first month; return the holdings of the past."""
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


def nobody(bank: Bank) -> Block:
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


def prepare(bank: Bank, block: Block, month: int, fault_rate: float) -> BlockRecords:
    """Run a month of a block and lay out its records.

    Args:
        bank: The bank.
        block: The customers; their state is moved.
        month: Position of the month.
        fault_rate: Share of rows that get a fault.
    """
    wanted = month >= bank.calendar.months - bank.parameters.truth_months
    result = run_month(bank, block, month, with_truth=wanted)
    customers = _customers(bank, block, month, fault_rate)
    return BlockRecords(
        result=result,
        customers=_encoded(customers),
        customer_faults=customers,
        activity=_activity(bank, block, month, result, fault_rate),
        contacts=raw_frames.contacts_frame(bank, block, month, result),
        contact_truth=raw_frames.truth_of_contacts(bank, block, month, result),
        ended=raw_frames.ended_frame(bank, block, result.ended),
        truth=truth_frames(bank, block, result),
    )


def _customers(bank: Bank, block: Block, month: int, fault_rate: float) -> Planted:
    """Lay out a snapshot; whoever has a fault in one month has none in the month before."""
    frame = raw_frames.customers_frame(bank, block, month)
    if not fault_rate:
        return clean(frame)
    rows = np.flatnonzero(block.in_snapshot(month))
    seen_before = block.population.joined_month[rows] < month
    eligible = seen_before & ((rows + month) % 2 == 0) & (month > 0)
    random = bank.random(Purpose.FAULTS_CUSTOMERS, month, block.number)
    return plant(as_texts(frame), CUSTOMER_FAULTS, fault_rate, random, eligible)


def _activity(bank: Bank, block: Block, month: int, result: MonthResult, fault_rate: float) -> Planted:
    frame = raw_frames.activity_frame(bank, block, month, result)
    if not fault_rate:
        return clean(frame)
    return plant(
        frame, ACTIVITY_FAULTS, fault_rate, bank.random(Purpose.FAULTS_ACTIVITY, month, block.number)
    )


def clean(frame: pl.DataFrame) -> Planted:
    """Return records without any fault."""
    return Planted(frame, np.zeros(0, np.int64), [])


def as_texts(frame: pl.DataFrame) -> pl.DataFrame:
    """Return records with every cell as the text that a CSV has for it."""
    return pl.read_csv(io.StringIO(csv_text(frame, header=True)), infer_schema=False)


def _encoded(records: Planted) -> bytes:
    encoded = csv_text(records.frame, header=False).encode(ENCODING)
    return damaged(encoded, ENCODING) if records.fault else encoded
