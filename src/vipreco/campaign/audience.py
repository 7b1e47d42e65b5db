"""Audience of a campaign: conditions in a closed grammar, with the number of customers that each excludes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vipreco.campaign.definition import Campaign
from vipreco.campaign.waterfall import Fell
from vipreco.errors import UsageError
from vipreco.policy import (
    TRUE,
    UNKNOWN,
    Atom,
    Grain,
    Policy,
    PolicyColumn,
    PolicyFacts,
    parse_condition,
    truths,
    window_of,
)

Mask = NDArray[np.bool_]
OF_CHANNELS = frozenset({"customer_consent_in_channel", "customer_do_not_contact_in_channel"})
"""Facts that differ by channel: the rules ask for them, an audience cannot."""


@dataclass(frozen=True)
class Condition:
    """One condition of an audience, and its parts that must all be true."""

    text: str
    atoms: tuple[Atom, ...]


def audience_columns(policy: Policy) -> dict[str, PolicyColumn]:
    """Return the columns that an audience may speak of: facts about customers, whatever the channel."""
    return {
        name: column
        for name, column in policy.known.items()
        if column.grain is Grain.CUSTOMER
        and name not in OF_CHANNELS
        and (window_of(name) is None or (name in policy.columns and "channel" not in name))
    }


def conditions_of(campaign: Campaign, policy: Policy, where: str) -> tuple[Condition, ...]:
    """Return the conditions of a campaign's audience.

    Args:
        campaign: The campaign.
        policy: Its rules say which facts there are.
        where: The campaign file, for errors.

    Raises:
        UsageError: Not the closed grammar, an unknown column, or kinds that do not fit.
    """
    known = audience_columns(policy)
    return tuple(
        Condition(text, _atoms(text, known, f"{where}: audience, condition {number}"))
        for number, text in enumerate(campaign.audience, start=1)
    )


def _atoms(text: str, known: dict[str, PolicyColumn], where: str) -> tuple[Atom, ...]:
    try:
        return parse_condition(text, known, where)
    except RecursionError:
        raise UsageError("is nested too deeply", where=where, code="policy-condition") from None


def chosen(
    conditions: tuple[Condition, ...], facts: PolicyFacts, policy: Policy
) -> tuple[Mask, tuple[Fell, ...]]:
    """Return who meets all conditions, shape (n,), and how many fell at which.

    Customers who are unknown to a condition fall there.
    """
    left, fell = np.ones(facts.customers.height, bool), []
    found = truths((atom for one in conditions for atom in one.atoms), facts, audience_columns(policy))
    for one in conditions:
        parts = [found[atom.key].ravel() for atom in one.atoms]
        met = np.all([part == TRUE for part in parts], axis=0) if parts else np.ones(len(left), bool)
        gone = left & ~np.broadcast_to(met, left.shape)
        unknown = gone & np.any([part == UNKNOWN for part in parts], axis=0) if parts else gone
        fell.append(Fell(int(gone.sum()), int(unknown.sum())))
        left = left & ~gone
    return left, tuple(fell)
