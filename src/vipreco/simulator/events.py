"""Life events: what may happen to a customer, and which needs it raises."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.parameters import EventParameters
from vipreco.simulator.products import N_NEEDS, Need


class Event(IntEnum):
    """A life event; a value is its column among the pulses."""

    SALARY_RISE = 0
    HOUSE = 1
    CHILD = 2
    RETIREMENT = 3
    INHERITANCE = 4
    MATURITY = 5
    COMPETITOR = 6
    COMPLAINT = 7


N_EVENTS = len(Event)

EFFECTS: dict[Event, dict[Need, float]] = {
    Event.SALARY_RISE: {Need.PAY: 0.4, Need.SAVE: 0.5, Need.GROW: 0.4},
    Event.HOUSE: {Need.BORROW: 2.2, Need.PROTECT: 0.9, Need.GROW: -0.6},
    Event.CHILD: {Need.PROTECT: 1.4, Need.SAVE: 0.5},
    Event.RETIREMENT: {Need.RETIRE: 1.5, Need.SAVE: 0.6, Need.PAY: 0.3},
    Event.INHERITANCE: {Need.GROW: 1.4, Need.SAVE: 1.0},
    Event.MATURITY: {Need.SAVE: 1.1, Need.GROW: 0.9},
    Event.COMPETITOR: {Need.GROW: -0.4, Need.SAVE: -0.5},
    Event.COMPLAINT: {Need.PAY: -0.3, Need.SAVE: -0.3, Need.GROW: -0.5},
}


def effects_on_needs() -> NDArray[np.float32]:
    """Return what a fresh event adds to each need, shape (events, needs)."""
    effects = np.zeros((N_EVENTS, N_NEEDS), np.float32)
    for event, needs in EFFECTS.items():
        for need, change in needs.items():
            effects[event, need] = change
    return effects


def draw_events(
    random: np.random.Generator, age: NDArray[np.float64], parameters: EventParameters
) -> NDArray[np.bool_]:
    """Draw the events of a month, shape (customers, events); maturities come from holdings, not from here."""
    probability = np.zeros((len(age), N_EVENTS))
    probability[:, Event.SALARY_RISE] = parameters.salary_rise * (age < 58)
    probability[:, Event.HOUSE] = parameters.house * ((age > 24) & (age < 50))
    probability[:, Event.CHILD] = parameters.child * ((age > 23) & (age < 42))
    probability[:, Event.RETIREMENT] = parameters.retirement * ((age >= 54) & (age < 64))
    probability[:, Event.INHERITANCE] = parameters.inheritance * (age > 35)
    probability[:, Event.COMPETITOR] = parameters.competitor
    probability[:, Event.COMPLAINT] = parameters.complaint
    return random.random(probability.shape) < probability
