"""Contacts that a policy chose, checked and placed in the simulated month."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CHANNEL, CUSTOMER_ID, PRODUCT_ID
from vipreco.errors import UsageError
from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.contacts import Contacts, no_campaign
from vipreco.simulator.month_hazards import MonthHazards
from vipreco.simulator.parameters import CHANNELS, FIRST_VIP_TIER
from vipreco.simulator.randomness import Purpose

CONTACTS_SCHEMA = {CUSTOMER_ID: pl.String(), PRODUCT_ID: pl.String(), CHANNEL: pl.String()}


@dataclass(frozen=True)
class Choices:
    """Contacts that a policy wants, as places: block, row in it, product, channel; arrays of equal length."""

    block: NDArray[np.int64]
    row: NDArray[np.int64]
    product: NDArray[np.int64]
    channel: NDArray[np.int64]


def check_choices(chosen: pl.DataFrame, bank: Bank, blocks: list[Block], capacity: int) -> Choices:
    """Return the contacts of a month, ordered by customer.

    Args:
        chosen: Rows customer_id, product_id, channel.
        bank: The bank.
        blocks: Its customers before the month.
        capacity: Contacts that the bank can make in the month.

    Raises:
        UsageError: More contacts than the capacity, two with one customer, an unknown name, a customer who
            is no VIP, or a channel without consent.
    """
    names = chosen.select(pl.col(name).cast(kind) for name, kind in CONTACTS_SCHEMA.items())
    places = names.join(_places(blocks), on=CUSTOMER_ID, how="left", maintain_order="left").with_columns(
        product=_codes(PRODUCT_ID, bank.catalogue.ids), channel_code=_codes(CHANNEL, CHANNELS)
    )
    _refuse(names.height > capacity, f"{names.height} contacts are more than the {capacity} that can be made")
    _refuse(names[CUSTOMER_ID].n_unique() < names.height, "a customer is contacted twice in a month")
    _refuse(places.null_count().sum_horizontal().item() > 0, "a customer, product or channel is unknown")
    _refuse(not places["vip"].all(), "a customer is in nobody's VIP book")
    found = places.sort("block", "row")
    choices = Choices(
        *(found[name].to_numpy().astype(np.int64) for name in ("block", "row", "product", "channel_code"))
    )
    consents = _consents(blocks, choices)
    _refuse(not consents.all(), "a customer did not consent to the channel")
    return choices


def contacts_of(bank: Bank, block: Block, hazards: MonthHazards, choices: Choices, month: int) -> Contacts:
    """Return a block's part of the choices as contacts.

    Whether a customer answers, and on which day, is drawn for every customer, contacted or not: each policy
    meets the same luck.
    """
    mine = choices.block == block.number
    rows, product, channel = choices.row[mine], choices.product[mine], choices.channel[mine]
    random = bank.random(Purpose.DECIDED_CONTACTS, month, block.number)
    luck, moment = random.random((2, len(block.skill)))
    silent = np.array(bank.parameters.contacts.no_answer_probability)[channel]
    answered = luck[rows] >= silent
    return Contacts(
        customer=rows,
        product=product,
        channel=channel,
        day=(moment[rows] * (bank.calendar.length(month) - 1)).astype(np.int32),
        answered=answered,
        effect=np.where(answered, hazards.effect[rows, channel], 0).astype(np.float32),
        propensity=np.ones(len(rows)),
        random=np.zeros(len(rows)),
        campaign=no_campaign(len(rows)),
    )


def _places(blocks: list[Block]) -> pl.DataFrame:
    """Return block and row of each customer who is in the bank, and whether they are in a VIP book."""
    return pl.concat(
        [
            pl.DataFrame(
                {
                    CUSTOMER_ID: block.ids,
                    "block": pl.repeat(block.number, len(block.skill), eager=True, dtype=pl.Int64),
                    "row": np.arange(len(block.skill)),
                    "vip": block.state.tier >= FIRST_VIP_TIER,
                }
            )
            for block in blocks
        ]
    )


def _codes(column: str, names: tuple[str, ...]) -> pl.Expr:
    codes = {name: code for code, name in enumerate(names)}
    return pl.col(column).replace_strict(codes, default=None, return_dtype=pl.Int64)


def _consents(blocks: list[Block], choices: Choices) -> NDArray[np.bool_]:
    consent = np.concatenate([block.state.consent for block in blocks])
    starts = np.cumsum([0, *(len(block.skill) for block in blocks)])
    given: NDArray[np.bool_] = consent[starts[choices.block] + choices.row, choices.channel] == 1
    return given


def _refuse(wrong: bool, what: str) -> None:
    if wrong:
        raise UsageError(what, where="contacts of a policy", remedy="correct the policy", code="contacts")
