"""State of customers, which changes from month to month."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.calendar import NEVER
from vipreco.simulator.events import N_EVENTS
from vipreco.simulator.parameters import CHANNELS

NOT_LEFT = 10_000
"""The month of attrition of a customer who stays."""

NO_MONTH = -10_000
"""The month of what has not happened."""


@dataclass(frozen=True)
class State:
    """Arrays that the months change in place; one row a customer, one column a product where two-dimensional.

    `assets` and `average` are yuan, `level` is the logarithm that assets return to, `tier` a code,
    `engagement` the customer's present readiness for anything, `pulses` the fading effects of life
    events, `opened_*` and `amount` the open holdings, `closed_month` when a product was last closed,
    `consent` 1, 0 or -1 (not on record) by channel.
    """

    assets: NDArray[np.float64]
    level: NDArray[np.float64]
    average: NDArray[np.float64]
    tier: NDArray[np.int8]
    engagement: NDArray[np.float32]
    pulses: NDArray[np.float32]
    opened_day: NDArray[np.int32]
    opened_month: NDArray[np.int16]
    closed_month: NDArray[np.int16]
    amount: NDArray[np.float32]
    assessed_day: NDArray[np.int32]
    left_month: NDArray[np.int16]
    contacted_month: NDArray[np.int16]
    fatigue: NDArray[np.float32]
    consent: NDArray[np.int8]

    def rows(self, part: slice) -> State:
        """Return the customers of a slice; its arrays are views on this state's."""
        return State(**{item.name: getattr(self, item.name)[part] for item in fields(self)})

    @property
    def held(self) -> NDArray[np.bool_]:
        """Which products are held, shape (customers, products)."""
        held: NDArray[np.bool_] = self.opened_day != NEVER
        return held


def empty_state(customers: int, products: int) -> State:
    """Return the state of customers who hold nothing and have nothing."""
    return State(
        assets=np.zeros(customers),
        level=np.zeros(customers),
        average=np.zeros(customers),
        tier=np.zeros(customers, np.int8),
        engagement=np.zeros(customers, np.float32),
        pulses=np.zeros((customers, N_EVENTS), np.float32),
        opened_day=np.full((customers, products), NEVER, np.int32),
        opened_month=np.full((customers, products), NO_MONTH, np.int16),
        closed_month=np.full((customers, products), NO_MONTH, np.int16),
        amount=np.zeros((customers, products), np.float32),
        assessed_day=np.full(customers, NEVER, np.int32),
        left_month=np.full(customers, NOT_LEFT, np.int16),
        contacted_month=np.full(customers, NO_MONTH, np.int16),
        fatigue=np.zeros(customers, np.float32),
        consent=np.zeros((customers, len(CHANNELS)), np.int8),
    )
