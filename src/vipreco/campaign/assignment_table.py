"""Table of a campaign: arm, offer, forecast and probability of each eligible customer."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import NOBODY, Numbers
from vipreco.campaign.assignment import Assignment
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import EligibleCustomers
from vipreco.columns import (
    CHANCE_WITH_CONTACT,
    CHANCE_WITHOUT_CONTACT,
    EXPECTED_GAIN,
    PRIORITY,
    PROPENSITY,
    VALUE_AMOUNT,
)

AMOUNTS = (
    PROPENSITY,
    CHANCE_WITHOUT_CONTACT,
    CHANCE_WITH_CONTACT,
    VALUE_AMOUNT,
    "cost_amount",
    EXPECTED_GAIN,
    PRIORITY,
)


def assignment_table(eligible: EligibleCustomers, campaign: Campaign, assigned: Assignment) -> pl.DataFrame:
    """Return the rows of all eligible customers, ordered by id.

    Returns:
        Columns customer_id, tier, branch_id, manager_id, arm, product_id, channel, propensity,
        chance_without_contact, chance_with_contact, value_amount, cost_amount, expected_gain (value of the
        difference of both chances, less the cost), priority (the same with context and levers) (of the offer;
        in the control group of the one that would be; null without),
        would_offer (the prices alone give an offer, whatever the arm), would_product_id, would_channel,
        arm_probability, action_probability.
    """
    some, would = assigned.choice != NOBODY, assigned.favourite != NOBODY
    offer = pl.DataFrame(_amounts(eligible, campaign, assigned.choice)).select(
        pl.when(pl.Series(some)).then(pl.all())
    )
    return eligible.customers.select("customer_id", "tier", "branch_id", "manager_id").with_columns(
        pl.Series("arm", assigned.arm.tolist(), pl.String),
        *_texts(eligible, assigned.choice),
        *offer.get_columns(),
        pl.Series("would_offer", would),
        *_texts(eligible, assigned.favourite, "would_"),
        pl.Series("arm_probability", assigned.arm_probability),
        pl.Series("action_probability", assigned.action_probability).fill_nan(None),
    )


def _texts(eligible: EligibleCustomers, choice: Numbers, prefix: str = "") -> list[pl.Series]:
    """Return product and channel of each customer's option; null without one."""
    options = eligible.options
    places = pl.Series(choice).replace_strict(NOBODY, None, default=pl.Series(choice), return_dtype=pl.Int32)
    names = {
        "product_id": [options.products[place] for place in options.product],
        "channel": [options.channels[place] for place in options.channel],
    }
    return [
        pl.Series(values, dtype=pl.String).gather(places).alias(prefix + name)
        if len(options)
        else pl.Series(prefix + name, [None] * len(choice), pl.String)
        for name, values in names.items()
    ]


def _amounts(
    eligible: EligibleCustomers, campaign: Campaign, choice: Numbers
) -> dict[str, NDArray[np.float64]]:
    """Return chance, value, cost and expected net value of each customer's option."""
    options, rows, at = eligible.options, np.arange(len(eligible)), np.maximum(choice, 0)
    if not len(options):
        nothing = np.zeros(len(eligible))
        return dict.fromkeys(AMOUNTS, nothing)
    product, channel = options.product[at], options.channel[at]
    parts = [campaign.channel(name) for name in options.channels]
    reach = np.array([part.reach_rate for part in parts], np.float32)
    chance = (eligible.propensity[rows, product] * reach[channel]).astype(np.float64)
    without, gain = (
        part.astype(np.float64) for part in (eligible.without[rows, product], eligible.gain[rows, at])
    )
    value = eligible.value[rows, product].astype(np.float64)
    cost = np.array([part.unit_cost_amount for part in parts], np.float64)[channel]
    priority = eligible.net[rows, at].astype(np.float64)
    found = (chance, without, without + gain, value, cost, gain * value - cost, priority)
    return dict(zip(AMOUNTS, found, strict=True))
