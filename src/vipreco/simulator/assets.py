"""Monthly movement of assets, and tiers by their monthly average."""

from __future__ import annotations

from datetime import date

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.events import Event
from vipreco.simulator.parameters import AssetParameters
from vipreco.simulator.state import State

Floats = NDArray[np.float64]

LEVEL_CHANGE = {Event.SALARY_RISE: 0.06, Event.HOUSE: -0.15, Event.RETIREMENT: -0.05, Event.COMPETITOR: -0.06}
"""Lasting change of the level of log-assets."""

SUDDEN_CHANGE = {Event.HOUSE: -0.8, Event.COMPETITOR: -0.15, Event.INHERITANCE: 0.0}
"""Immediate change of log-assets."""

INHERITANCE_LOG_MEAN = 12.2
INHERITANCE_LOG_SIGMA = 1.0


def start_assets(
    state: State, wealth: Floats, random: np.random.Generator, parameters: AssetParameters
) -> None:
    """Put assets at their level with the spread that the monthly process settles at."""
    settled = parameters.volatility / np.sqrt(1 - (1 - parameters.reversion) ** 2)
    state.level[:] = wealth
    state.assets[:] = np.exp(wealth + settled * random.standard_normal(len(wealth)))
    state.average[:] = state.assets


def move_assets(
    state: State, happened: NDArray[np.bool_], random: np.random.Generator, parameters: AssetParameters
) -> None:
    """Move assets by one month: back to the level, noise, and what life events do."""
    log_assets = np.log(state.assets)
    move = parameters.reversion * (state.level - log_assets)
    move += parameters.volatility * random.standard_normal(len(move))
    for event, change in SUDDEN_CHANGE.items():
        move += change * happened[:, event]
    bequest = np.exp(INHERITANCE_LOG_MEAN + INHERITANCE_LOG_SIGMA * random.standard_normal(len(move)))
    after = np.exp(log_assets + move) + bequest * happened[:, Event.INHERITANCE]
    _move_levels(state, happened, after, parameters)
    noise = np.exp(parameters.average_noise * random.standard_normal(len(move)))
    state.average[:] = np.round(np.minimum((state.assets + after) / 2 * noise, parameters.maximum), 2)
    state.assets[:] = np.minimum(after, parameters.maximum)


def _move_levels(
    state: State, happened: NDArray[np.bool_], after: Floats, parameters: AssetParameters
) -> None:
    state.level[:] += parameters.drift
    for event, change in LEVEL_CHANGE.items():
        state.level[:] += change * happened[:, event]
    inherited = happened[:, Event.INHERITANCE]
    state.level[inherited] = np.log(after[inherited])


def tier_of(average: Floats, at: date, parameters: AssetParameters) -> NDArray[np.int8]:
    """Return the tier code of monthly-average assets under the ladder valid at a date."""
    ladder = max(
        (item for item in parameters.ladders if item.valid_from <= at), key=lambda item: item.valid_from
    )
    reached = average[:, None] >= np.array(ladder.thresholds)
    return np.where(reached.any(axis=1), 5 - np.argmax(reached[:, ::-1], axis=1), 0).astype(np.int8)
