"""One month of one block of customers: contacts, acquisitions, leaving, maturities, events, behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.simulator import contacts as contacting
from vipreco.simulator.acquisitions import (
    Ended,
    MonthSetting,
    book_acquisitions,
    draw_acquisitions,
    ends_of_month,
    with_contacts,
)
from vipreco.simulator.activity import draw_activity, is_recorded
from vipreco.simulator.assets import move_assets, tier_of
from vipreco.simulator.attrition import attrition_exponent, attrition_probability, contact_change
from vipreco.simulator.calendar import Calendar
from vipreco.simulator.calibration import Levels
from vipreco.simulator.contacts import ContactChances, Contacts
from vipreco.simulator.events import draw_events
from vipreco.simulator.hazards import Hazards, probability_of
from vipreco.simulator.outcomes import draw_outcomes, withdraw_consent
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.population import Population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.randomness import Purpose, stream
from vipreco.simulator.state import NOT_LEFT, State

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class Bank:
    """What is the same for all customers and months."""

    catalogue: Catalogue
    calendar: Calendar
    parameters: Parameters
    levels: Levels
    seed: int

    @property
    def hazards(self) -> Hazards:
        """The bank's acquisition hazards."""
        return Hazards(self.catalogue, self.calendar, self.parameters.acquisitions, self.levels.hazard)

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
    skill: Singles


@dataclass(frozen=True)
class Truth:
    """What was true in a month; arrays of the block's customers.

    Args:
        present: Customers at risk: in the bank on the eve of the month.
        uncontacted: Chance of each acquisition without any contact.
        logged: The same averaged over the logging policy's contacts.
        leaving: Chance to leave without any contact.
        contact: Chance of being contacted.
        effect: Effect of an answered contact on the log-hazard, a column a channel.
    """

    present: Flags
    uncontacted: Singles
    logged: Singles
    leaving: Singles
    contact: Singles
    effect: Singles


@dataclass(frozen=True)
class MonthResult:
    """What a month brought for a block."""

    acquired: Flags
    contacts: Contacts
    contact_gain: Singles
    contact_probability: Singles
    outcome: NDArray[np.int8]
    ended: Ended
    leaving: Flags
    present: Flags
    activity: dict[str, Floats]
    activity_recorded: Flags
    truth: Truth | None


def run_month(bank: Bank, block: Block, month: int, with_truth: bool) -> MonthResult:
    """Move a block by one month in place and return what happened.

    Args:
        bank: The bank.
        block: Customers and their state on the eve of the month.
        month: Position of the month.
        with_truth: Whether to return the true chances.
    """
    population, state, parameters = block.population, block.state, bank.parameters
    present = (population.joined_month < month) & (state.left_month == NOT_LEFT)
    hazard = bank.hazards.of_month(population, state, month)
    hazard[~present] = 0
    maximum = parameters.acquisitions.maximum_probability
    probability = probability_of(hazard, bank.catalogue, maximum)
    chances = _chances(bank, block, present, hazard)
    effect = contacting.contact_effect(population, state, block.skill, parameters.contacts)
    exponent = attrition_exponent(population, state, month, parameters.attrition)
    truth = None
    if with_truth:
        logged = contacting.mean_probability(hazard, probability, chances, effect, parameters.contacts)
        leaving_chance = attrition_probability(exponent, bank.levels.attrition) * stays_until_seen(
            present, month
        )
        truth = Truth(
            present,
            probability,
            logged,
            leaving_chance.astype(np.float32),
            chances.contacted.astype(np.float32),
            effect,
        )
    contacts = _contacts(bank, block, chances, effect, month)
    moved = with_contacts(hazard, probability, contacts)
    gain = moved[contacts.customer, contacts.product] - probability[contacts.customer, contacts.product]
    random = bank.random(Purpose.ACQUISITIONS, month, block.number)
    acquired = draw_acquisitions(moved, bank.catalogue, random)
    book_acquisitions(state, acquired, contacts, bank.setting(month), random)
    leaving = _leaving(bank, block, exponent, contacts, month) & stays_until_seen(present, month)
    ended = _turn_month(bank, block, acquired, leaving, present, month)
    _remember_contacts(state, contacts, month, parameters)
    random = bank.random(Purpose.OUTCOMES, month, block.number)
    outcome = draw_outcomes(contacts, acquired, random, parameters.contacts)
    withdraw_consent(state, contacts, outcome)
    random = bank.random(Purpose.ACTIVITY, month, block.number)
    return MonthResult(
        acquired=acquired,
        contacts=contacts,
        contact_gain=gain,
        contact_probability=moved[contacts.customer, contacts.product],
        outcome=outcome,
        ended=ended,
        leaving=leaving,
        present=present,
        activity=draw_activity(population, state, bank.catalogue, month, random),
        activity_recorded=is_recorded(len(present), random, parameters.records),
        truth=truth,
    )


def _chances(bank: Bank, block: Block, present: Flags, hazard: Singles) -> ContactChances:
    parameters = bank.parameters.contacts
    contacted, channel = contacting.contact_probability(block.population, block.state, present, parameters)
    product = contacting.product_probability(hazard, bank.catalogue, parameters)
    contacted = contacted * (product.sum(axis=1) > 0)
    return ContactChances(contacted, channel, product)


def _contacts(bank: Bank, block: Block, chances: ContactChances, effect: Singles, month: int) -> Contacts:
    random = bank.random(Purpose.CONTACTS, month, block.number)
    reached = np.flatnonzero(random.random(len(chances.contacted)) < chances.contacted)
    days = bank.calendar.length(month)
    chosen = chances.rows(reached)
    return contacting.draw_contacts(chosen, effect[reached], days, random, bank.parameters.contacts, reached)


def _leaving(bank: Bank, block: Block, exponent: Floats, contacts: Contacts, month: int) -> Flags:
    """Draw who leaves: a call that was answered changes the chance."""
    change = contact_change(block.population, bank.parameters.attrition)
    called = contacts.customer[contacts.answered & (contacts.channel == contacting.CALL)]
    moved = exponent.copy()
    moved[called] += change[called]
    chance = attrition_probability(moved, bank.levels.attrition)
    random = bank.random(Purpose.ATTRITION, month, block.number)
    flags: Flags = random.random(len(chance)) < chance
    return flags


def _turn_month(
    bank: Bank, block: Block, acquired: Flags, leaving: Flags, present: Flags, month: int
) -> Ended:
    """End holdings, let life happen, move assets, tiers, assessments and engagement."""
    population, state, parameters = block.population, block.state, bank.parameters
    random = bank.random(Purpose.EVENTS, month, block.number)
    happened = draw_events(random, bank.hazards.age(population, month), parameters.events)
    state.pulses[:] = np.maximum(state.pulses * np.float32(parameters.events.persistence), happened)
    drops = bank.random(Purpose.DROPS, month, block.number)
    ended = ends_of_month(population, state, acquired, leaving, present, bank.setting(month), random=drops)
    move_assets(state, happened, bank.random(Purpose.ASSETS, month, block.number), parameters.assets)
    state.tier[:] = tier_of(state.average, bank.calendar.snapshot_date(month), parameters.assets)
    _renew_assessments(bank, block, month)
    _move_engagement(bank, block, month)
    state.left_month[leaving] = month
    return ended


def _renew_assessments(bank: Bank, block: Block, month: int) -> None:
    """A part of the customers is assessed each month, more of them when the last one has expired."""
    state, calendar = block.state, bank.calendar
    random = bank.random(Purpose.RECORDS, month, block.number)
    last = calendar.last_day(month)
    old = state.assessed_day + 330 < last
    again = random.random(len(old)) < bank.parameters.records.assessment_renewed * old
    day = last - (random.random(len(old)) * calendar.length(month)).astype(np.int32)
    again &= block.population.joined_day <= day
    state.assessed_day[again] = day[again]


def _move_engagement(bank: Bank, block: Block, month: int) -> None:
    parameters = bank.parameters.acquisitions
    keep = parameters.engagement_persistence
    random = bank.random(Purpose.ENGAGEMENT, month, block.number)
    spread = parameters.engagement_sigma * np.sqrt(1 - keep**2)
    moved = keep * block.state.engagement + spread * random.standard_normal(len(block.skill))
    block.state.engagement[:] = moved


def _remember_contacts(state: State, contacts: Contacts, month: int, parameters: Parameters) -> None:
    state.fatigue[:] *= parameters.contacts.fatigue_persistence
    state.fatigue[contacts.customer] += 1
    state.contacted_month[contacts.customer] = month


def stays_until_seen(present: Flags, month: int) -> Flags:
    """Return who may leave in a month: nobody in the first, so that each customer is in a snapshot."""
    return present & (month > 0)


def in_snapshot(population: Population, state: State, month: int) -> Flags:
    """Return who is in the bank at the end of a month."""
    flags: Flags = (population.joined_month <= month) & (state.left_month == NOT_LEFT)
    return flags
