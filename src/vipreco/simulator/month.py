"""One month of one block of customers: contacts, acquisitions, attrition, maturities, events, behaviour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator import contacts as contacting
from vipreco.simulator.acquisitions import (
    Ended,
    book_acquisitions,
    draw_acquisitions,
    ends_of_month,
    with_contacts,
)
from vipreco.simulator.activity import draw_activity, is_recorded
from vipreco.simulator.assets import move_assets, tier_of
from vipreco.simulator.attrition import attrition_probability, contact_change
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.campaign_contacts import with_campaign
from vipreco.simulator.contacts import Contacts
from vipreco.simulator.events import draw_events
from vipreco.simulator.month_hazards import (
    MonthHazards,
    TrueChances,
    draw_logged_contacts,
    hazards_of_month,
    logging_policy,
    stays_until_seen,
    true_chances,
)
from vipreco.simulator.outcomes import draw_outcomes, withdraw_consent
from vipreco.simulator.parameters import Parameters
from vipreco.simulator.randomness import Purpose
from vipreco.simulator.state import State

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class MonthResult:
    """Everything that happened to a block in a month.

    Args:
        acquired: Acquired products, shape (customers, products).
        contacts: The contacts.
        contact_gain: Increase of the product's chance by each contact.
        contact_probability: Chance of each contact's product, with the contact.
        outcome: Recorded outcome of each contact.
        ended: Holdings that ended.
        closed: Customers who left.
        present: Customers in the bank before the month.
        activity: Behaviour by column.
        activity_recorded: Customers whose behaviour reached the records.
        truth: True chances, where asked for.
    """

    acquired: Flags
    contacts: Contacts
    contact_gain: Singles
    contact_probability: Singles
    outcome: NDArray[np.int8]
    ended: Ended
    closed: Flags
    present: Flags
    activity: dict[str, Floats]
    activity_recorded: Flags
    truth: TrueChances | None


def run_month(bank: Bank, block: Block, month: int, with_truth: bool) -> MonthResult:
    """Move a block by one month under the bank's own contacts and campaign, in place; return what happened.

    Args:
        bank: The bank.
        block: Customers and their state before the month.
        month: Position of the month.
        with_truth: Whether to return the true chances.
    """
    hazards = hazards_of_month(bank, block, month)
    chances = logging_policy(bank, block, hazards)
    truth = true_chances(bank, hazards, chances, month) if with_truth else None
    logged = draw_logged_contacts(bank, block, hazards, chances, month)
    contacts = with_campaign(bank, block, hazards, logged, month)
    return live(bank, block, hazards, contacts, month, truth)


def live(
    bank: Bank,
    block: Block,
    hazards: MonthHazards,
    contacts: Contacts,
    month: int,
    truth: TrueChances | None = None,
) -> MonthResult:
    """Let a month happen with given contacts: move the block in place and return what happened.

    Args:
        bank: The bank.
        block: Customers and their state before the month.
        hazards: Chances settled before the month.
        contacts: The contacts of the month, whoever decided on them.
        month: Position of the month.
        truth: True chances to hand on.
    """
    moved = with_contacts(hazards.hazard, hazards.probability, contacts)
    acquired = _acquire(bank, block, moved, contacts, month)
    closed = _draw_attrition(bank, block, hazards, contacts, month)
    ended = _turn_month(bank, block, acquired, closed, hazards.present, month)
    outcome = _conclude(bank, block, contacts, acquired, month)
    random = bank.random(Purpose.ACTIVITY, month, block.number)
    named = contacts.customer, contacts.product
    return MonthResult(
        acquired=acquired,
        contacts=contacts,
        contact_gain=moved[named] - hazards.probability[named],
        contact_probability=moved[named],
        outcome=outcome,
        ended=ended,
        closed=closed,
        present=hazards.present,
        activity=draw_activity(block.population, block.state, bank.catalogue, month, random),
        activity_recorded=is_recorded(len(acquired), random, bank.parameters.records),
        truth=truth,
    )


def _acquire(bank: Bank, block: Block, probability: Singles, contacts: Contacts, month: int) -> Flags:
    """Draw and book the acquisitions of the month."""
    random = bank.random(Purpose.ACQUISITIONS, month, block.number)
    acquired = draw_acquisitions(probability, bank.catalogue, random)
    book_acquisitions(block.state, acquired, contacts, bank.setting(month), random)
    return acquired


def _conclude(bank: Bank, block: Block, contacts: Contacts, acquired: Flags, month: int) -> NDArray[np.int8]:
    """Draw what is recorded of the contacts, and let them leave their traces in the state."""
    _remember_contacts(block.state, contacts, month, bank.parameters)
    random = bank.random(Purpose.OUTCOMES, month, block.number)
    outcome = draw_outcomes(contacts, acquired, random, bank.parameters.contacts)
    withdraw_consent(block.state, contacts, outcome)
    return outcome


def attrition_chance(
    bank: Bank, block: Block, hazards: MonthHazards, contacts: Contacts, month: int
) -> Floats:
    """Return the chance to leave in the month, shape (n,): an answered call changes it."""
    change = contact_change(block.population, bank.parameters.attrition)
    called = contacts.customer[contacts.answered & (contacts.channel == contacting.CALL)]
    moved = hazards.attrition.copy()
    moved[called] += change[called]
    chance: Floats = attrition_probability(moved, bank.levels.attrition) * stays_until_seen(
        hazards.present, month
    )
    return chance


def _draw_attrition(bank: Bank, block: Block, hazards: MonthHazards, contacts: Contacts, month: int) -> Flags:
    """Draw the customers who leave."""
    chance = attrition_chance(bank, block, hazards, contacts, month)
    random = bank.random(Purpose.ATTRITION, month, block.number)
    flags: Flags = random.random(len(chance)) < chance
    return flags


def _turn_month(
    bank: Bank, block: Block, acquired: Flags, closed: Flags, present: Flags, month: int
) -> Ended:
    """End holdings, let life happen, move assets, tiers, assessments and engagement."""
    population, state, parameters = block.population, block.state, bank.parameters
    random = bank.random(Purpose.EVENTS, month, block.number)
    happened = draw_events(random, bank.hazards.age(population, month), parameters.events)
    state.pulses[:] = np.maximum(state.pulses * np.float32(parameters.events.persistence), happened)
    drops = bank.random(Purpose.DROPS, month, block.number)
    ended = ends_of_month(population, state, acquired, closed, present, bank.setting(month), random=drops)
    move_assets(state, happened, bank.random(Purpose.ASSETS, month, block.number), parameters.assets)
    state.tier[:] = tier_of(state.average, bank.calendar.snapshot_date(month), parameters.assets)
    _renew_assessments(bank, block, month)
    _move_engagement(bank, block, month)
    state.left_month[closed] = month
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
