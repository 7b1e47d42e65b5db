"""Draws of a month: what is acquired, what is closed, what matures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.calendar import NEVER, Calendar, Days
from vipreco.simulator.contacts import Contacts
from vipreco.simulator.events import Event
from vipreco.simulator.hazards import ASSESSMENT_DAYS
from vipreco.simulator.initial_holdings import amounts
from vipreco.simulator.parameters import DropParameters
from vipreco.simulator.population import Population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.state import NO_MONTH, State

Singles = NDArray[np.float32]
Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Ended:
    """Holdings that ended in a month; arrays of equal length."""

    customer: NDArray[np.int64]
    product: NDArray[np.int64]
    opened_day: NDArray[np.int32]
    closed_day: NDArray[np.int32]
    amount: NDArray[np.float32]


@dataclass(frozen=True)
class MonthSetting:
    """Settings of a month's bookings besides the customers.

    `drop` is the mean monthly hazard of a holding to be closed, a value a product (0 with a term);
    `payout` is the chance that a maturing holding is paid out and not renewed.
    """

    catalogue: Catalogue
    calendar: Calendar
    parameters: DropParameters
    drop: Floats
    payout: Floats
    month: int


def with_contacts(hazard: Singles, probability: Singles, contacts: Contacts) -> Singles:
    """Return the chances with the contacted products' hazards moved by the contacts' effects."""
    moved = probability.copy()
    place = contacts.customer, contacts.product
    moved[place] = -np.expm1(-hazard[place] * np.exp(contacts.effect))
    return moved


def draw_acquisitions(probability: Singles, catalogue: Catalogue, random: np.random.Generator) -> Flags:
    """Draw which products are acquired; a group shares one draw, so that at most one of it is."""
    point = random.random(probability.shape)
    acquired = point < probability
    for group in catalogue.groups:
        columns = list(group)
        upper = np.cumsum(probability[:, columns], axis=1, dtype=np.float64)
        lower = upper - probability[:, columns]
        shared = point[:, columns[:1]]
        acquired[:, columns] = (lower <= shared) & (shared < upper)
    return acquired


def book_acquisitions(
    state: State,
    acquired: Flags,
    contacts: Contacts,
    setting: MonthSetting,
    random: np.random.Generator,
) -> None:
    """Open what was acquired: on a day of the month, not before the contact that led to it."""
    catalogue, calendar, month = setting.catalogue, setting.calendar, setting.month
    length, first = calendar.length(month), calendar.first_day(month)
    earliest = np.zeros(acquired.shape, np.int32)
    earliest[contacts.customer, contacts.product] = contacts.day
    customer, product = np.nonzero(acquired)
    # Numbers of their own for every customer: what one acquires moves nobody else's day or amount.
    spread, noise = random.random(len(acquired))[customer], random.standard_normal(len(acquired))[customer]
    from_day = earliest[customer, product]
    day = first + from_day + (spread * (length - from_day)).astype(np.int32)
    state.opened_day[customer, product] = day
    state.opened_month[customer, product] = month
    state.amount[customer, product] = amounts(state, catalogue, customer, product, noise)
    _renew_assessments(state, customer, product, day, catalogue)


def _renew_assessments(
    state: State,
    customer: NDArray[np.int64],
    product: NDArray[np.int64],
    day: NDArray[np.int32],
    catalogue: Catalogue,
) -> None:
    """Reassess, on that day, customers who buy a product with a risk class on an expired assessment."""
    risky = catalogue.numbers("risk")[product] > 0
    expired = state.assessed_day[customer] + ASSESSMENT_DAYS < day
    again = risky & expired
    state.assessed_day[customer[again]] = day[again]


def ends_of_month(
    population: Population,
    state: State,
    acquired: Flags,
    closed: Flags,
    present: Flags,
    setting: MonthSetting,
    *,
    random: np.random.Generator,
) -> Ended:
    """End holdings that mature, are dropped, are replaced, or whose holder leaves; note it in `state`."""
    month, calendar = setting.month, setting.calendar
    held = state.held & (state.opened_month < month) & present[:, None]
    mature = held & _mature(state, setting)
    _note_maturities(state, mature)
    point = random.random(held.shape)
    dropped = held & (point < _drop_probability(population, state, setting))
    for column, needed in setting.catalogue.links("prerequisites"):
        dropped[:, needed] &= ~state.held[:, column]
    for column, other in setting.catalogue.links("replaces"):
        dropped[:, other] |= acquired[:, column] & held[:, other]
    # Only products with a term mature, only those without one are dropped: one draw serves both, and does
    # not depend on what other customers hold.
    matured = mature & (point < setting.payout)
    ended = matured | dropped | (state.held & closed[:, None])
    customer, product = np.nonzero(ended)
    spread = random.random(len(held))[customer]
    opened = state.opened_day[customer, product]
    day: Days = (spread * calendar.length(month)).astype(np.int32)
    day += calendar.first_day(month)
    on_term = matured[customer, product]
    day[on_term] = _maturity_day(opened[on_term], month, calendar)
    day = np.maximum(day, opened + 1)
    result = Ended(customer, product, opened, day, state.amount[customer, product])
    state.opened_day[customer, product] = NEVER
    state.opened_month[customer, product] = NO_MONTH
    state.closed_month[customer, product] = month
    return result


def _mature(state: State, setting: MonthSetting) -> Flags:
    terms = setting.catalogue.terms
    lasted = setting.month - state.opened_month.astype(np.int32)
    mature: Flags = (terms > 0) & (lasted > 0) & (lasted % np.maximum(terms, 1) == 0)
    return mature


def _maturity_day(opened: NDArray[np.int32], month: int, calendar: Calendar) -> NDArray[np.int32]:
    """The opening's day of the month, in the month of maturity."""
    dates = opened.astype("datetime64[D]")
    of_month = (dates - dates.astype("datetime64[M]")).astype(np.int32)
    day: Days = calendar.first_day(month) + np.minimum(of_month, calendar.length(month) - 1)
    return day


def _note_maturities(state: State, matured: Flags) -> None:
    amount = (state.amount * matured).sum(axis=1)
    share = np.minimum(amount / np.maximum(state.assets, 1.0), 1.0)
    state.pulses[:, Event.MATURITY] = np.maximum(state.pulses[:, Event.MATURITY], np.sqrt(share))


def _drop_probability(population: Population, state: State, setting: MonthSetting) -> Singles:
    """Chance of each held product without a term to be closed."""
    catalogue, parameters = setting.catalogue, setting.parameters
    exponent = parameters.need_slope * (population.needs @ catalogue.needs.astype(np.float32))
    exponent += parameters.engagement_slope * state.engagement[:, None]
    with np.errstate(divide="ignore"):
        exponent += np.log(setting.drop).astype(np.float32)
    chance: Singles = -np.expm1(-np.exp(exponent))
    return chance
