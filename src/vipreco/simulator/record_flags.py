"""Record flags of customers: facts that only the rules of the policy ask for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.calendar import NEVER
from vipreco.simulator.events import Event
from vipreco.simulator.population import DAYS_A_YEAR
from vipreco.simulator.randomness import Purpose

NOT_RECORDED = -1
FULL, LIMITED, NONE = 0, 1, 2
CAREFUL_AGE, HIGH_RISK = 65, 4
FRESH_COMPLAINT = 0.5
"""Pulse of a complaint from which on it is not settled: that of the month in which it was made."""


@dataclass(frozen=True)
class RecordFlags:
    """Records of the customers in `rows`; codes of `simulator.codes`, -1 = not on record.

    `procedure_day` is the day of the special procedure for older customers, `NEVER` without one.
    """

    qualified: NDArray[np.int8]
    capacity: NDArray[np.int8]
    free_liquidity: NDArray[np.float64]
    procedure_day: NDArray[np.int32]
    complaint_open: NDArray[np.int8]
    blocked: NDArray[np.int8]


def record_flags(bank: Bank, block: Block, month: int, rows: NDArray[np.int64]) -> RecordFlags:
    """Return the records at the end of a month; they change nothing of what customers do."""
    who, state, records = block.population, block.state, bank.parameters.record_flags
    age = (bank.calendar.last_day(month) - who.birth_day) / DAYS_A_YEAR
    wealthy = (state.average >= records.qualified_assets) | (who.income >= records.qualified_income)
    draws = bank.random(Purpose.RECORD_FLAGS, 0, block.number).random((5, len(age)))
    careful = (age >= CAREFUL_AGE) & (who.appetite >= HIGH_RISK) & (draws[2] < records.procedure_share)
    limited = draws[1] < records.limited_capacity * np.where(age >= records.frail_age, 20, 1)
    return RecordFlags(
        qualified=_recorded(wealthy, draws[0] < records.missing)[rows],
        capacity=_recorded(np.where(limited, LIMITED, FULL), draws[4] < records.missing)[rows],
        free_liquidity=np.round(records.free_share * state.average, 2)[rows],
        procedure_day=np.where(careful, state.assessed_day, NEVER)[rows].astype(np.int32),
        complaint_open=(state.pulses[:, Event.COMPLAINT] >= FRESH_COMPLAINT)[rows].astype(np.int8),
        blocked=(draws[3] < records.blocked)[rows].astype(np.int8),
    )


def _recorded(codes: NDArray[np.generic], missing: NDArray[np.bool_]) -> NDArray[np.int8]:
    return np.where(missing, NOT_RECORDED, codes).astype(np.int8)
