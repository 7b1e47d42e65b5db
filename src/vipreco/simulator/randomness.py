"""Random numbers that depend on what they are for, never on threads or on the order of work."""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """Purposes of random streams. Values are part of the format: append, never reorder."""

    POPULATION = 1
    OPENING_STOCK = 2
    EVENTS = 3
    ASSETS = 4
    CONTACTS = 5
    ACQUISITIONS = 6
    DROPS = 7
    ATTRITION = 8
    ACTIVITY = 9
    RECORDS = 10
    BRANCHES = 11
    FAULTS_CUSTOMERS = 12
    OUTCOMES = 13
    ENGAGEMENT = 14
    LOADING = 15
    FAULTS_ACTIVITY = 16
    FAULTS_HOLDINGS = 17
    FAULTS_CONTACTS = 18
    RECORD_FLAGS = 19
    DECIDED_CONTACTS = 20
    DRIFT = 21


def stream(seed: int, purpose: Purpose, month: int = 0, block: int = 0) -> np.random.Generator:
    """Return the counter-based generator of one purpose in one month for one block of customers.

    Args:
        seed: The bank's seed.
        purpose: What the numbers are for.
        month: Position of the month, 0 for the first; may be negative before it.
        block: Position of the block of customers.
    """
    key = np.random.SeedSequence([seed, int(purpose), month + 10_000, block])
    return np.random.Generator(np.random.Philox(key))
