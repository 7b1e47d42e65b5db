"""Contacts of a campaign in a month of a simulated bank, so that its control group has something to show."""

from __future__ import annotations

import numpy as np

from vipreco.simulator.bank import Bank, Block
from vipreco.simulator.contacts import Contacts
from vipreco.simulator.month_hazards import MonthHazards
from vipreco.simulator.parameters import CHANNELS
from vipreco.simulator.randomness import Purpose
from vipreco.simulator.record_flags import record_flags


def with_campaign(
    bank: Bank, block: Block, hazards: MonthHazards, contacts: Contacts, month: int
) -> Contacts:
    """Return the contacts of a month with those of the bank's campaign.

    A customer whom the campaign approaches has no other contact in that month. It approaches whoever may
    acquire the product, consented to the channel, and has neither an open complaint nor a block on record.
    """
    campaign = bank.campaign
    if campaign is None or campaign.month != month:
        return contacts
    product, channel = bank.catalogue.ids.index(campaign.product_id), CHANNELS.index(campaign.channel)
    rows = np.flatnonzero(
        hazards.present & (hazards.hazard[:, product] > 0) & (block.state.consent[:, channel] == 1)
    )
    record = record_flags(bank, block, month - 1, rows)
    rows = rows[(record.blocked != 1) & (record.complaint_open != 1)]
    rows = rows[campaign.treated(block.ids[rows])]
    random = bank.random(Purpose.DECIDED_CONTACTS, month, block.number)
    luck, moment = random.random((2, len(block.skill)))
    answered = luck[rows] >= bank.parameters.contacts.no_answer_probability[channel]
    made = Contacts(
        customer=rows,
        product=np.full(len(rows), product),
        channel=np.full(len(rows), channel),
        day=(moment[rows] * (bank.calendar.length(month) - 1)).astype(np.int32),
        answered=answered,
        effect=np.where(answered, hazards.effect[rows, channel], 0).astype(np.float32),
        propensity=np.ones(len(rows)),
        random=np.zeros(len(rows)),
        campaign=np.full(len(rows), campaign.key, object),
    )
    return contacts.rows(~np.isin(contacts.customer, rows)).beside(made)
