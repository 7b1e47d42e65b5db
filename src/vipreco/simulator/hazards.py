"""The true hazard of acquiring each product: needs, holdings, life stage, season and rules."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.calendar import NEVER, Calendar
from vipreco.simulator.drift import Drift
from vipreco.simulator.events import effects_on_needs
from vipreco.simulator.parameters import AcquisitionParameters
from vipreco.simulator.population import DAYS_A_YEAR, Population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.state import NO_MONTH, State

Singles = NDArray[np.float32]
Flags = NDArray[np.bool_]

ASSESSMENT_DAYS = 365
ELDERLY = 65.0
HIGH_RISK = 4
BLOCKED = np.float32(-np.inf)


@dataclass(frozen=True)
class Hazards:
    """Computes hazards for a catalogue; `base` is the calibrated level of each product's log-hazard.

    Without `drift` every month is like the first.
    """

    catalogue: Catalogue
    calendar: Calendar
    parameters: AcquisitionParameters
    base: NDArray[np.float64]
    drift: Drift | None = None

    def age(self, population: Population, month: int) -> NDArray[np.float64]:
        """Return ages in years before a month."""
        return (self.calendar.first_day(month) - population.birth_day) / DAYS_A_YEAR

    def of_month(self, population: Population, state: State, month: int) -> Singles:
        """Return the hazard of each acquisition in a month, from the state before it.

        The chance to acquire is `1 - exp(-hazard)`. Shape (customers, products), 0 where not possible.
        """
        log_hazard = self.of_person(population, state, month)
        log_hazard += self.base.astype(np.float32)
        log_hazard += state.held.astype(np.float32) @ self.catalogue.interaction.astype(np.float32)
        log_hazard += np.log(self.catalogue.season[self.calendar.of_year(month)]).astype(np.float32)
        log_hazard += state.engagement[:, None]
        log_hazard += self._held_before(state, month)
        if self.drift is not None:
            needs = self._needs(population, state)
            log_hazard += needs @ self.drift.needs[month].astype(np.float32)
            log_hazard += self.drift.levels[month].astype(np.float32)
        log_hazard[self.blocked_by_holdings(state.held)] = BLOCKED
        return np.exp(log_hazard, out=log_hazard)

    def of_person(self, population: Population, state: State, month: int) -> Singles:
        """Return the part of the log-hazard that does not depend on holdings; minus infinity if barred."""
        catalogue = self.catalogue
        part = self._needs(population, state) @ catalogue.needs.astype(np.float32)
        wealth = np.clip(np.log10(state.assets / 20_000), -2, 4).astype(np.float32)
        part += wealth[:, None] * catalogue.numbers("wealth").astype(np.float32)
        self._add_risk_rules(part, population, state, month)
        age = self.age(population, month)[:, None]
        barred = (age < catalogue.ages[0]) | (age > catalogue.ages[1])
        means = np.where(catalogue.is_loan, 0.0, catalogue.numbers("minimum"))
        barred |= state.assets[:, None] * 0.9 < means
        part[barred] = BLOCKED
        return part

    def blocked_by_holdings(self, held: Flags) -> Flags:
        """Return which products a customer cannot acquire because of what is held or lacking."""
        blocked = held.copy()
        for product, needed in self.catalogue.links("prerequisites"):
            blocked[:, product] |= ~held[:, needed]
        for product, other in self.catalogue.links("exclusions"):
            blocked[:, product] |= held[:, other]
        return blocked

    @staticmethod
    def _needs(population: Population, state: State) -> Singles:
        """Return the needs of the month: those of the customer, and those that life events bring."""
        needs: Singles = population.needs + state.pulses @ effects_on_needs()
        return needs

    def _add_risk_rules(self, part: Singles, population: Population, state: State, month: int) -> None:
        """Bar products above the customer's risk level; an expired assessment is a hurdle."""
        risk = self.catalogue.numbers("risk")
        risky = np.flatnonzero(risk)
        never = state.assessed_day == NEVER
        expired = ~never & (state.assessed_day + ASSESSMENT_DAYS < self.calendar.first_day(month))
        part[:, risky] += (self.parameters.expired_assessment * expired).astype(np.float32)[:, None]
        elderly = self.age(population, month) >= ELDERLY
        high = np.flatnonzero(risk >= HIGH_RISK)
        part[:, high] += (self.parameters.elderly_high_risk * elderly).astype(np.float32)[:, None]
        level = np.where(never, 0, population.appetite)
        barred = level[:, None] < risk[risky]
        part[:, risky] = np.where(barred, BLOCKED, part[:, risky])

    def _held_before(self, state: State, month: int) -> Singles:
        """A product that was held before is easier to acquire again, the more so the shorter ago."""
        ago = (month - state.closed_month).astype(np.float32)
        boost = self.parameters.reacquisition_factor * np.exp(-ago / self.parameters.reacquisition_months)
        return np.where(state.closed_month == NO_MONTH, 0.0, boost).astype(np.float32)


def probability_of(hazard: Singles, catalogue: Catalogue, maximum: float) -> Singles:
    """Return the chance to acquire each product in a month; a group's chances sum to `maximum` at most."""
    probability = np.minimum(-np.expm1(-hazard), np.float32(maximum))
    for group in catalogue.groups:
        columns = list(group)
        total = probability[:, columns].sum(axis=1, keepdims=True)
        probability[:, columns] *= np.minimum(1.0, maximum / np.maximum(total, 1e-12))
    return probability
