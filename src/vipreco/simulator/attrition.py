"""Attrition: driven by neglect, complaints, maturities and competitors; held back by contact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.events import Event
from vipreco.simulator.parameters import FIRST_VIP_TIER, AttritionParameters
from vipreco.simulator.population import Population
from vipreco.simulator.state import State

Floats = NDArray[np.float64]


def attrition_exponent(
    population: Population, state: State, month: int, parameters: AttritionParameters
) -> Floats:
    """Return the log-hazard of attrition in a month without any contact, up to the calibrated level."""
    silent = month - state.contacted_month > parameters.neglect_months
    exponent = parameters.neglect * (silent & (state.tier >= FIRST_VIP_TIER)).astype(np.float64)
    exponent += parameters.complaint * state.pulses[:, Event.COMPLAINT]
    exponent += parameters.maturity * state.pulses[:, Event.MATURITY]
    exponent += parameters.competitor * state.pulses[:, Event.COMPETITOR]
    exponent += parameters.holding * state.held.sum(axis=1)
    exponent += parameters.engagement * state.engagement
    return exponent


def contact_change(population: Population, parameters: AttritionParameters) -> Floats:
    """Return the effect of a personal contact on the log-hazard of attrition."""
    return np.where(population.put_off, parameters.contact_put_off, parameters.contact)


def attrition_probability(exponent: Floats, level: float) -> Floats:
    """Return the chance to leave within the month."""
    chance: Floats = -np.expm1(-np.exp(exponent + level))
    return chance
