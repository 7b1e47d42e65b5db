"""Initial holdings: those held and given up by the start of the simulation, or by the day of joining."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.calendar import NEVER, Calendar
from vipreco.simulator.hazards import Hazards
from vipreco.simulator.parameters import AcquisitionParameters
from vipreco.simulator.population import Population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.state import State

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
JOINERS_SHARE = 0.15
SETTLEMENT = 0
MONTH_DAYS = 30.4
LOAN_TO_VALUE = 200


@dataclass(frozen=True)
class Stock:
    """Targets that the opening stock and the drops share, one value a product.

    Args:
        owned: Share of customers holding the product in the steady state.
        duration: Mean months that it is held: `owned / acquisitions a month`, at least the term.
    """

    owned: Floats
    duration: Floats


def stock_targets(catalogue: Catalogue, parameters: AcquisitionParameters) -> Stock:
    """Return the steady state that acquisitions, terms and ownership imply."""
    acquired = catalogue.share * parameters.products_a_customer_month
    owned = catalogue.numbers("owned")
    return Stock(owned=owned, duration=np.maximum(owned / acquired, catalogue.terms))


@dataclass(frozen=True)
class PastHolding:
    """Holdings that ended before the simulation; arrays of equal length."""

    customer: NDArray[np.int64]
    product: NDArray[np.int64]
    opened_day: NDArray[np.int32]
    closed_day: NDArray[np.int32]
    amount: NDArray[np.float32]


def open_stock(
    population: Population,
    state: State,
    hazards: Hazards,
    level: Floats,
    random: np.random.Generator,
) -> Floats:
    """Draw what is held at the start into `state`; return the chances that it was drawn with.

    Products are drawn in the catalogue's order, each given those before it.

    Args:
        population: The customers.
        state: Their state; holdings are written into it.
        hazards: The bank's hazards.
        level: Calibrated level of each product's log-odds to be held.
        random: Stream of random numbers.
    """
    person = hazards.of_person(population, state, 0).astype(np.float64)
    joining = np.where(population.joined_month >= 0, JOINERS_SHARE, 1.0)
    held = np.zeros(person.shape, bool)
    chances = np.zeros(person.shape)
    for column in range(person.shape[1]):
        exponent = exponent_to_hold(column, person, held, hazards)
        chances[:, column] = chance_to_hold(exponent, level[column]) * joining
        if column == SETTLEMENT:
            chances[:, column] = np.where(joining < 1, 0.95, chances[:, column])
        held[:, column] = random.random(len(held)) < chances[:, column]
    duration = stock_targets(catalogue=hazards.catalogue, parameters=hazards.parameters).duration
    _date_stock(population, state, held, hazards, duration, random)
    return chances


def exponent_to_hold(column: int, person: Floats, held: Flags, hazards: Hazards) -> Floats:
    """Return the log-hazard to hold a product at the start, up to its level, given the products before it."""
    catalogue = hazards.catalogue
    blocked = hazards.blocked_by_holdings(held)[:, column]
    for group in catalogue.groups:
        if column in group:
            blocked |= held[:, list(group)].any(axis=1)
    exponent: Floats = person[:, column] + held @ catalogue.interaction[:, column]
    exponent[blocked] = -np.inf
    return exponent


def chance_to_hold(exponent: Floats, level: float) -> Floats:
    """Return the chance that a product is held at the start."""
    return -np.expm1(-np.exp(np.minimum(exponent + level, 3.0)))


def _date_stock(
    population: Population,
    state: State,
    held: Flags,
    hazards: Hazards,
    duration: Floats,
    random: np.random.Generator,
) -> None:
    """Give each holding an opening day: some time before the start, not before joining."""
    calendar = hazards.calendar
    start = calendar.first_day(0)
    ago = random.exponential(duration * MONTH_DAYS, held.shape)
    day = np.maximum(start - 1 - ago, population.joined_day[:, None]).astype(np.int32)
    late_joiner = population.joined_day >= start
    day[late_joiner] = population.joined_day[late_joiner, None]
    day[:, SETTLEMENT] = population.joined_day
    state.opened_day[:] = np.where(held, day, NEVER)
    state.opened_month[:] = np.where(
        held, calendar.positions_of(day.ravel()).reshape(day.shape), state.opened_month
    )
    customer, product = np.nonzero(held)
    noise = random.standard_normal(len(customer))
    state.amount[customer, product] = amounts(state, hazards.catalogue, customer, product, noise)


def amounts(
    state: State,
    catalogue: Catalogue,
    customer: NDArray[np.int64],
    product: NDArray[np.int64],
    noise: Floats,
) -> NDArray[np.float32]:
    """Return the amount that each holding is opened with: a part of the assets, or a loan.

    `noise` is a standard normal number a holding.
    """
    share = np.exp(-1.8 + 0.8 * noise).clip(0.002, 0.8)
    of_assets = np.maximum(share * state.assets[customer], catalogue.numbers("minimum")[product])
    loan = catalogue.numbers("value")[product] * share * LOAN_TO_VALUE
    return np.round(np.where(catalogue.is_loan[product], loan, of_assets), 2).astype(np.float32)


def past_holdings(
    population: Population,
    state: State,
    chances: Floats,
    stock: Stock,
    calendar: Calendar,
    *,
    random: np.random.Generator,
    months: int,
) -> PastHolding:
    """Draw holdings that ended in the months before the start, and note the month in `state`."""
    recent = np.minimum(0.7, months / (stock.duration + months) * 1.5)
    eligible = ~state.held & (population.joined_month < -1)[:, None]
    ended = eligible & (random.random(chances.shape) < chances * recent)
    customer, product = np.nonzero(ended)
    start = calendar.first_day(0)
    closed = start - 1 - (random.random(len(customer)) * months * MONTH_DAYS).astype(np.int32)
    lasted = np.maximum(random.exponential(stock.duration[product] * MONTH_DAYS), 20)
    opened = np.maximum(closed - lasted.astype(np.int32), population.joined_day[customer])
    closed = np.minimum(np.maximum(closed, opened + 20), start - 1)
    valid = opened < closed
    state.closed_month[customer[valid], product[valid]] = calendar.positions_of(closed[valid])
    share = np.exp(-2.0 + 0.7 * random.standard_normal(len(customer)))
    amount = np.round(np.minimum(share, 0.8) * state.assets[customer], 2).astype(np.float32)
    return PastHolding(
        customer[valid],
        product[valid],
        opened[valid].astype(np.int32),
        closed[valid].astype(np.int32),
        amount[valid],
    )
