"""Hazards of a month: customers at risk, and the true chances of all that may happen in it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator import contacts as contacting
from vipreco.simulator.attrition import attrition_exponent, attrition_probability
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.contacts import ContactChances, Contacts
from vipreco.simulator.hazards import probability_of
from vipreco.simulator.randomness import Purpose
from vipreco.simulator.state import NOT_LEFT

Flags = NDArray[np.bool_]
Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True)
class MonthHazards:
    """Customers at risk and their chances before a month; arrays of the block's customers.

    Args:
        present: Customers at risk: in the bank before the month.
        hazard: Hazard of each acquisition without a contact.
        probability: Chance of each acquisition without a contact.
        effect: Effect of an answered contact on the log-hazard, a column a channel.
        attrition: Log-hazard of attrition without a contact, up to the bank's level.
    """

    present: Flags
    hazard: Singles
    probability: Singles
    effect: Singles
    attrition: Floats


@dataclass(frozen=True)
class TrueChances:
    """True chances of a month; arrays of the block's customers.

    Args:
        present: Customers at risk: in the bank before the month.
        uncontacted: Chance of each acquisition without any contact.
        logged: The same averaged over the logging policy's contacts.
        attrition: Chance to leave without any contact.
        contact: Chance of being contacted.
        effect: Effect of an answered contact on the log-hazard, a column a channel.
    """

    present: Flags
    uncontacted: Singles
    logged: Singles
    attrition: Singles
    contact: Singles
    effect: Singles


def hazards_of_month(bank: Bank, block: Block, month: int) -> MonthHazards:
    """Return the hazards before a month; the state is not changed."""
    population, state, parameters = block.population, block.state, bank.parameters
    present = (population.joined_month < month) & (state.left_month == NOT_LEFT)
    hazard = bank.hazards.of_month(population, state, month)
    hazard[~present] = 0
    return MonthHazards(
        present=present,
        hazard=hazard,
        probability=probability_of(hazard, bank.catalogue, parameters.acquisitions.maximum_probability),
        effect=contacting.contact_effect(population, state, block.skill, parameters.contacts),
        attrition=attrition_exponent(population, state, month, parameters.attrition),
    )


def logging_policy(bank: Bank, block: Block, hazards: MonthHazards) -> ContactChances:
    """Return the chances with which the bank contacts its customers in the month."""
    parameters = bank.parameters.contacts
    contacted, channel = contacting.contact_probability(
        block.population, block.state, hazards.present, parameters
    )
    product = contacting.product_probability(hazards.hazard, bank.catalogue, parameters)
    return ContactChances(contacted * (product.sum(axis=1) > 0), channel, product)


def draw_logged_contacts(
    bank: Bank, block: Block, hazards: MonthHazards, chances: ContactChances, month: int
) -> Contacts:
    """Draw the contacts of the logging policy."""
    random = bank.random(Purpose.CONTACTS, month, block.number)
    reached = np.flatnonzero(random.random(len(chances.contacted)) < chances.contacted)
    days, parameters = bank.calendar.length(month), bank.parameters.contacts
    chosen = chances.rows(reached)
    return contacting.draw_contacts(chosen, hazards.effect[reached], days, random, parameters, reached)


def true_chances(bank: Bank, hazards: MonthHazards, chances: ContactChances, month: int) -> TrueChances:
    """Return the true chances of the month under the logging policy."""
    parameters = bank.parameters.contacts
    attrition = attrition_probability(hazards.attrition, bank.levels.attrition) * stays_until_seen(
        hazards.present, month
    )
    return TrueChances(
        present=hazards.present,
        uncontacted=hazards.probability,
        logged=contacting.mean_probability(
            hazards.hazard, hazards.probability, chances, hazards.effect, parameters
        ),
        attrition=attrition.astype(np.float32),
        contact=chances.contacted.astype(np.float32),
        effect=hazards.effect,
    )


def stays_until_seen(present: Flags, month: int) -> Flags:
    """Return flags of customers who may leave: nobody in the first month, so that each is in a snapshot."""
    return present & (month > 0)
