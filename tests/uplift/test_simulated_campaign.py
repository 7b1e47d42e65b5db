"""A randomised campaign in the simulated bank, where the true gain of every call is known.

In this bank calls tire people, and everybody is contacted often: whom the last calls tired is moved no more,
however likely the purchase. The rival order is the true chance without a call, better than any propensity.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from vipreco.propensity import Machine
from vipreco.simulator import Bank, Block, MonthHazards, hazards_of_month
from vipreco.simulator.blocks import make_blocks
from vipreco.simulator.contacts import CALL, Contacts
from vipreco.simulator.month import live, run_month
from vipreco.simulator.parameters import ContactParameters, Parameters
from vipreco.simulator.simulation import make_bank
from vipreco.stats import HeldOut, judge_orders
from vipreco.uplift import LearnerContext, RandomisedRows, UpliftSettings
from vipreco.uplift_trial.selection import fit_chosen

PAST, CUSTOMERS, SEED = 3, 16_000, 3
TIRING = ContactParameters(
    fatigue=1.8, vip_probability=0.25, other_probability=0.25, other_channels=(0.6, 0.15, 0.25)
)
PARAMETERS = Parameters(calibration_rows=4_096, contacts=TIRING)


@dataclass(frozen=True)
class SimulatedCampaign:
    """A half of the customers was called about the product that they are likeliest to buy.

    Args:
        rows: What the bank knows before the month, who was called, who bought.
        chance: True chance of the purchase without a call.
        gain: What a call truly adds to it, on average over being reached.
    """

    rows: RandomisedRows
    chance: NDArray[np.float64]
    gain: NDArray[np.float64]

    def gained(self, score: NDArray[np.float64], share: float) -> float:
        """Return the true purchases added by calling this share, highest score first."""
        first = np.argsort(-score, kind="stable")[: int(len(score) * share)]
        return float(self.gain[first].sum())


@pytest.fixture(scope="module")
def campaign() -> SimulatedCampaign:
    with ThreadPoolExecutor(1) as pool:
        bank = make_bank(PAST + 1, SEED, PARAMETERS)
        ((block, _),) = make_blocks(bank, CUSTOMERS, pool)
    called = np.zeros((CUSTOMERS, PAST), np.float32)
    for month in range(PAST):
        called[run_month(bank, block, month, with_truth=False).contacts.customer, month] = 1
    return run_campaign(bank, block, hazards_of_month(bank, block, PAST), called)


def run_campaign(
    bank: Bank, block: Block, hazards: MonthHazards, called: NDArray[np.float32]
) -> SimulatedCampaign:
    random = np.random.default_rng(SEED)
    product = hazards.probability.argmax(axis=1)
    who = np.flatnonzero(
        hazards.present & (hazards.probability.max(axis=1) > 0) & (block.state.consent[:, CALL] == 1)
    )
    pair = who, product[who]
    treated = random.random(len(who)) < 0.5
    silent = PARAMETERS.contacts.no_answer_probability[CALL]
    moved = -np.expm1(-hazards.hazard[pair] * np.exp(hazards.effect[who, CALL]))
    contacts = contacts_about(who[treated], product, hazards, random.random(int(treated.sum())) >= silent)
    bought = live(bank, block, hazards, contacts, PAST).acquired[pair]
    chance = hazards.probability[pair].astype(np.float64)
    values = np.column_stack([np.log(chance), called[who], product[who], block.manager[who]])
    ids = block.ids.to_numpy().astype(str)[who]
    rows = RandomisedRows(ids, values.astype(np.float32), treated, bought, np.full(len(who), 0.5))
    return SimulatedCampaign(rows, chance, (1 - silent) * (moved - chance))


def contacts_about(
    who: NDArray[np.int64], product: NDArray[np.int64], hazards: MonthHazards, answered: NDArray[np.bool_]
) -> Contacts:
    return Contacts(
        customer=who,
        product=product[who],
        channel=np.full(len(who), CALL),
        day=np.zeros(len(who), np.int32),
        answered=answered,
        effect=np.where(answered, hazards.effect[who, CALL], 0).astype(np.float32),
        propensity=np.full(len(who), 0.5),
        random=np.zeros(len(who)),
        campaign=np.full(len(who), "", object),
    )


def test_the_order_by_added_chance_gains_more_than_the_order_by_the_true_chance(
    campaign: SimulatedCampaign,
) -> None:
    half = np.arange(len(campaign.rows)) % 2 == 0
    names = ("log_chance", *(f"called_{month}" for month in range(PAST)), "product", "manager")
    context = LearnerContext(names, UpliftSettings(), Machine(SEED, threads=1))
    unseen = SimulatedCampaign(campaign.rows.take(~half), campaign.chance[~half], campaign.gain[~half])
    score = fit_chosen(2, ("s", "x"))(campaign.rows.take(half), context)(unseen.rows.values)
    for share in (0.1, 0.2, 0.3):
        assert unseen.gained(score, share) > 1.05 * unseen.gained(unseen.chance, share)
    assert np.corrcoef(score, unseen.gain)[0, 1] > np.corrcoef(unseen.chance, unseen.gain)[0, 1]
    scores = {"added": score, "chance": unseen.chance}
    found = judge_orders(scores, HeldOut.of(unseen.rows), "chance", seed=SEED, resamples=60)
    assert found["added"].beats_random
    assert found["added"].beats_reference
