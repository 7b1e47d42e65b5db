"""Recorded outcomes of contacts, and the consent that a refusal withdraws."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.contacts import Contacts
from vipreco.simulator.parameters import ContactParameters
from vipreco.simulator.state import State


class Outcome(IntEnum):
    """Outcomes of a contact; a value is the position of its code."""

    ACCEPTED = 0
    DECLINED = 1
    POSTPONED = 2
    UNREACHABLE = 3
    DO_NOT_CONTACT = 4
    UNKNOWN = 5


def draw_outcomes(
    contacts: Contacts,
    acquired: NDArray[np.bool_],
    random: np.random.Generator,
    parameters: ContactParameters,
) -> NDArray[np.int8]:
    """Draw the recorded outcome of each contact.

    An answered contact whose product is acquired in the month counts as accepted. Who is put off may ask
    not to be contacted again; a part of the outcomes is never recorded.
    """
    count = len(contacts.customer)
    postponed = random.random(count) < parameters.interest_probability
    refused = (random.random(count) < parameters.refusal_probability) & (contacts.effect < 0)
    unknown = random.random(count) < parameters.outcome_unknown_probability
    outcome = np.where(postponed, Outcome.POSTPONED, Outcome.DECLINED)
    outcome = np.where(refused, Outcome.DO_NOT_CONTACT, outcome)
    outcome = np.where(acquired[contacts.customer, contacts.product], Outcome.ACCEPTED, outcome)
    outcome = np.where(unknown, Outcome.UNKNOWN, outcome)
    return np.where(contacts.answered, outcome, Outcome.UNREACHABLE).astype(np.int8)


def withdraw_consent(state: State, contacts: Contacts, outcome: NDArray[np.int8]) -> None:
    """Take back the consent for the channel on which a customer asked not to be contacted."""
    refused = outcome == Outcome.DO_NOT_CONTACT
    state.consent[contacts.customer[refused], contacts.channel[refused]] = 0
