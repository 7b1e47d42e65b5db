"""The bank as a whole, and its customers in blocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.simulator.acquisitions import MonthSetting
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.calibration import Levels
from vipreco.simulator.drift import Drift
from vipreco.simulator.hazards import Hazards
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.population import Population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.randomness import Purpose, stream
from vipreco.simulator.state import NOT_LEFT, State


@dataclass(frozen=True)
class CampaignContacts:
    """A campaign that approaches customers about one product.

    Args:
        key: Key of the campaign.
        product_id: Product that the contacts are about.
        channel: Channel of the contacts.
        month: Position of the month in which they are made.
        treated: Flags of customers, by their ids, who are outside the control group.
    """

    key: str
    product_id: str
    channel: str
    month: int
    treated: Callable[[pl.Series], NDArray[np.bool_]]


@dataclass(frozen=True)
class Bank:
    """Settings that are the same for all customers and months."""

    catalogue: Catalogue
    calendar: Calendar
    parameters: Parameters
    levels: Levels
    drift: Drift | None
    seed: int
    campaign: CampaignContacts | None = None

    @property
    def hazards(self) -> Hazards:
        """The bank's acquisition hazards."""
        parameters, base = self.parameters.acquisitions, self.levels.hazard
        return Hazards(self.catalogue, self.calendar, parameters, base, self.drift)

    def setting(self, month: int) -> MonthSetting:
        """Return what the bookings of a month depend on."""
        duration, terms = self.levels.targets.duration, self.catalogue.terms
        drop = np.where(terms > 0, 0, 1 / duration)
        return MonthSetting(
            self.catalogue, self.calendar, self.parameters.drops, drop, terms / duration, month
        )

    def random(self, purpose: Purpose, month: int, block: int) -> np.random.Generator:
        """Return the stream of random numbers of a purpose."""
        return stream(self.seed, purpose, month, block)


@dataclass(frozen=True)
class Block:
    """A stretch of customers: who they are, their state, where they are looked after.

    Args:
        number: Position of the block.
        ids: The bank's customer numbers.
        population: What is fixed for the customers.
        state: What the months change.
        branch: Position of each customer's branch.
        manager: Position of each customer's manager.
        skill: Skill of that manager.
    """

    number: int
    ids: pl.Series
    population: Population
    state: State
    branch: NDArray[np.int32]
    manager: NDArray[np.int32]
    skill: NDArray[np.float32]

    def in_snapshot(self, month: int) -> NDArray[np.bool_]:
        """Return who is in the bank at the end of a month."""
        stays = self.state.left_month == NOT_LEFT
        flags: NDArray[np.bool_] = (self.population.joined_month <= month) & stays
        return flags
