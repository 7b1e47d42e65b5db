"""One row for each eligible customer: which arm, which offer, what it promises, and by which chance."""

from __future__ import annotations

import numpy as np
import polars as pl

from vipreco.arbitration.allocation import NOBODY
from vipreco.campaign.dealing import Dealt
from vipreco.campaign.definition import Campaign
from vipreco.campaign.pool import Pool


def assignments(pool: Pool, campaign: Campaign, dealt: Dealt) -> pl.DataFrame:
    """Return the rows of all eligible customers, ordered by id.

    Returns:
        Columns customer_id, tier, branch_id, manager_id, arm, product_id, channel, propensity, value_amount,
        cost_amount, priority (of the offer; in the control group of the one that would be; null without),
        would_offer (the prices alone give an offer, whatever the arm), arm_probability, action_probability.
    """
    options = pool.options
    some = dealt.choice != NOBODY
    rows = np.arange(len(pool))
    if len(options):
        at = np.maximum(dealt.choice, 0)
        product, channel = options.product[at], options.channel[at]
        reach = np.array([campaign.channel(name).reach_rate for name in options.channels], np.float32)
        cost = np.array([campaign.channel(name).unit_cost_amount for name in options.channels])
        amounts = {
            "propensity": (pool.propensity[rows, product] * reach[channel]).astype(np.float64),
            "value_amount": pool.value[rows, product].astype(np.float64),
            "cost_amount": cost[channel],
            "priority": pool.net[rows, at].astype(np.float64),
        }
        texts = {
            "product_id": pl.Series(options.products, dtype=pl.String).gather(product),
            "channel": pl.Series(options.channels, dtype=pl.String).gather(channel),
        }
    else:
        amounts = dict.fromkeys(
            ("propensity", "value_amount", "cost_amount", "priority"), np.zeros(len(pool))
        )
        texts = dict.fromkeys(("product_id", "channel"), pl.Series([None] * len(pool), dtype=pl.String))
    there = pl.Series(some)
    offer = pl.DataFrame({**texts, **amounts}).select(pl.when(there).then(pl.all()))
    return pool.customers.select("customer_id", "tier", "branch_id", "manager_id").with_columns(
        pl.Series("arm", dealt.arm.tolist(), pl.String),
        *offer.get_columns(),
        pl.Series("would_offer", dealt.favourite != NOBODY),
        pl.Series("arm_probability", dealt.arm_probability),
        pl.Series("action_probability", dealt.action_probability).fill_nan(None),
    )
