"""The oracle policy: knowing the true chances, it makes the contacts that gain most in the coming month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CHANNEL, CUSTOMER_ID, PRODUCT_ID
from vipreco.simulator.attrition import attrition_probability, contact_change
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.contacts import CALL, Contacts
from vipreco.simulator.month_hazards import MonthHazards, stays_until_seen
from vipreco.simulator.parameters import CHANNELS, FIRST_VIP_TIER

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Gains:
    """The best contact of each customer of a block: product, channel, expected gain in yuan; shape (n,)."""

    product: NDArray[np.int64]
    channel: NDArray[np.int64]
    amount: Floats


def best_contacts(
    bank: Bank,
    blocks: list[Block],
    before: list[MonthHazards],
    month: int,
    capacity: int,
    asset_margin: float,
) -> pl.DataFrame:
    """Return the contacts with the highest expected gain of the coming month, by the true chances.

    Gain = added chance x value of the product + lowered chance to leave x assets x `asset_margin`. It looks
    one month ahead: that a contact tires, or ends a neglect, is left out; so it is no upper bound for a
    policy that plans further.

    Args:
        bank: The bank.
        blocks: VIP customers who consented to the channel can be contacted.
        before: Hazards of each block before the month.
        month: Position of the month.
        capacity: Contacts that can be made.
        asset_margin: What the bank earns on assets that stay, as share of the assets.
    """
    frames = []
    for block, hazards in zip(blocks, before, strict=True):
        gains = gains_of(bank, block, hazards, month, asset_margin)
        rows = np.flatnonzero(gains.amount > 0)
        frames.append(
            pl.DataFrame(
                {
                    CUSTOMER_ID: block.ids[rows],
                    PRODUCT_ID: pl.Series(bank.catalogue.ids, dtype=pl.String).gather(gains.product[rows]),
                    CHANNEL: pl.Series(CHANNELS, dtype=pl.String).gather(gains.channel[rows]),
                    "gain": gains.amount[rows],
                }
            )
        )
    best = pl.concat(frames).sort("gain", CUSTOMER_ID, descending=[True, False]).head(capacity)
    return best.drop("gain")


def gains_of(bank: Bank, block: Block, hazards: MonthHazards, month: int, asset_margin: float) -> Gains:
    """Return the best contact of each customer; the gain is minus infinity where none can be made."""
    by_channel = [
        _gain(bank, block, hazards, month, channel, asset_margin) for channel in range(len(CHANNELS))
    ]
    gain = np.stack(by_channel, axis=1)
    flat = gain.reshape(len(gain), -1)
    place = flat.argmax(axis=1)
    channel, product = np.divmod(place, gain.shape[2])
    return Gains(product, channel, flat[np.arange(len(flat)), place])


def _gain(
    bank: Bank, block: Block, hazards: MonthHazards, month: int, channel: int, asset_margin: float
) -> Floats:
    """Return the expected gain of a contact on a channel about each product, shape (n, P)."""
    reach = reach_of(bank)[channel]
    moved = -np.expm1(-hazards.hazard * np.exp(hazards.effect[:, channel, None]))
    gain = reach * (moved - hazards.probability) * bank.catalogue.numbers("value")
    if channel == CALL:
        gain += (reach * kept_by_call(bank, block, hazards, month, asset_margin))[:, None]
    possible = hazards.present & (block.state.consent[:, channel] == 1) & (block.state.tier >= FIRST_VIP_TIER)
    return np.where(possible[:, None] & (hazards.hazard > 0), gain, -np.inf)


def gained_by_contacts(bank: Bank, hazards: MonthHazards, contacts: Contacts) -> Floats:
    """Return what contacts add in expectation before anybody knows who answers, in yuan, one each."""
    place = contacts.customer, contacts.product
    moved = -np.expm1(-hazards.hazard[place] * np.exp(hazards.effect[contacts.customer, contacts.channel]))
    values = bank.catalogue.numbers("value")[contacts.product]
    gained: Floats = reach_of(bank)[contacts.channel] * (moved - hazards.probability[place]) * values
    return gained


def reach_of(bank: Bank) -> Floats:
    """Return the share of the contacts of each channel that reach the customer."""
    return 1 - np.asarray(bank.parameters.contacts.no_answer_probability)


def kept_by_call(bank: Bank, block: Block, hazards: MonthHazards, month: int, asset_margin: float) -> Floats:
    """Return what an answered call keeps in expectation, in yuan, shape (n,)."""
    moved = hazards.attrition + contact_change(block.population, bank.parameters.attrition)
    level = bank.levels.attrition
    lowered = attrition_probability(hazards.attrition, level) - attrition_probability(moved, level)
    kept: Floats = lowered * stays_until_seen(hazards.present, month) * block.state.assets * asset_margin
    return kept
