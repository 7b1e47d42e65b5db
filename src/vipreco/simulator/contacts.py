"""Past contacts: a stated logging policy with known propensities, and the effect of a contact."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from vipreco.simulator.parameters import CHANNELS, FIRST_VIP_TIER, ContactParameters
from vipreco.simulator.population import Population
from vipreco.simulator.products import Catalogue
from vipreco.simulator.state import State

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

CALL = CHANNELS.index("call")


@dataclass(frozen=True)
class ContactChances:
    """The logging policy of a month.

    Args:
        contacted: Chance of being contacted at all, a value a customer.
        channel: Chance of each channel given a contact, shape (customers, channels).
        product: Chance of each product given a contact, shape (customers, products).
    """

    contacted: Floats
    channel: Floats
    product: Floats

    def rows(self, chosen: NDArray[np.int64]) -> ContactChances:
        """Return the chances of some customers."""
        return ContactChances(self.contacted[chosen], self.channel[chosen], self.product[chosen])


@dataclass(frozen=True)
class Contacts:
    """Contacts of a month, in the order of customers; arrays of equal length.

    Args:
        customer: Row of the customer.
        product: Column of the product talked about.
        channel: Code of the channel.
        day: Day of the month, from 0.
        answered: Whether the customer was reached.
        effect: What the contact adds to the product's log-hazard (0 where not reached).
        propensity: Chance of this very contact under the logging policy.
        random: Chance that the product would have been named by the policy's random part alone.
        campaign: Key of the campaign that asked for it; empty for the bank's own contacts of the month.
    """

    customer: NDArray[np.int64]
    product: NDArray[np.int64]
    channel: NDArray[np.int64]
    day: NDArray[np.int32]
    answered: NDArray[np.bool_]
    effect: Singles
    propensity: Floats
    random: Floats
    campaign: NDArray[np.object_]

    def rows(self, chosen: NDArray[np.int64] | NDArray[np.bool_]) -> Contacts:
        """Return some of the contacts."""
        return Contacts(*(getattr(self, each.name)[chosen] for each in fields(self)))

    def beside(self, others: Contacts) -> Contacts:
        """Return these contacts and others, in the order of customers; nobody may be in both."""
        both = [np.concatenate([getattr(one, each.name) for one in (self, others)]) for each in fields(self)]
        return Contacts(*both).rows(np.argsort(both[0], kind="stable"))


def no_campaign(count: int) -> NDArray[np.object_]:
    """Return the keys of contacts that no campaign asked for."""
    return np.full(count, "", object)


def contact_probability(
    population: Population, state: State, present: NDArray[np.bool_], parameters: ContactParameters
) -> tuple[Floats, Floats]:
    """Return the chance of a contact (customers,), and of each channel given one (customers, channels).

    Only channels with recorded consent are used; customers of the control part are never contacted.
    """
    vip = state.tier >= FIRST_VIP_TIER
    usual = np.where(vip[:, None], np.array(parameters.vip_channels), np.array(parameters.other_channels))
    channel = usual * (state.consent == 1)
    total = channel.sum(axis=1)
    chance = np.where(vip, parameters.vip_probability, parameters.other_probability)
    chance = chance * (total > 0) * present * ~population.control
    return chance, channel / np.maximum(total, 1e-12)[:, None]


def product_probability(hazard: Singles, catalogue: Catalogue, parameters: ContactParameters) -> Floats:
    """Return the chance of each product being named: part uniform over what is possible, part by rule.

    The rule knows the product's value and popularity, not the customer's needs.
    """
    possible = hazard > 0
    score = catalogue.numbers("value") ** parameters.value_weight
    score = score * catalogue.share**parameters.popularity_weight
    number = np.maximum(possible.sum(axis=1, keepdims=True), 1)
    ruled = possible * score
    ruled = ruled / np.maximum(ruled.sum(axis=1, keepdims=True), 1e-12)
    mixed: Floats = parameters.random_share * possible / number + (1 - parameters.random_share) * ruled
    return mixed


def contact_effect(
    population: Population, state: State, skill: Singles, parameters: ContactParameters
) -> Singles:
    """Return what an answered contact adds to the log-hazard, shape (customers, channels)."""
    effect = population.contact_sensitivity - parameters.fatigue * state.fatigue[:, None]
    effect[:, CALL] += skill
    return effect.astype(np.float32)


def draw_contacts(
    chances: ContactChances,
    effect: Singles,
    days: int,
    random: np.random.Generator,
    parameters: ContactParameters,
    reached: NDArray[np.int64],
) -> Contacts:
    """Draw channel, product, day and answer of the contacted customers.

    Args:
        chances: The policy's chances of the contacted customers alone.
        effect: Effect by channel of the contacted customers alone.
        days: Number of days of the month.
        random: Stream of random numbers.
        parameters: The bank.
        reached: Rows of the contacted customers in their block.
    """
    rows = np.arange(len(reached))
    channel = _choose(chances.channel, random)
    product = _choose(chances.product, random)
    silent = np.array(parameters.no_answer_probability)[channel]
    answered = random.random(len(reached)) >= silent
    possible = (chances.product > 0).sum(axis=1)
    return Contacts(
        customer=reached,
        product=product,
        channel=channel,
        day=(random.random(len(reached)) * ((days - 1) * parameters.contact_days)).astype(np.int32),
        answered=answered,
        effect=np.where(answered, effect[rows, channel], 0).astype(np.float32),
        propensity=chances.contacted * chances.channel[rows, channel] * chances.product[rows, product],
        random=parameters.random_share / np.maximum(possible, 1),
        campaign=no_campaign(len(reached)),
    )


def _choose(chances: Floats, random: np.random.Generator) -> NDArray[np.int64]:
    """Draw one column a row with the given chances."""
    limits = np.cumsum(chances, axis=1)
    point = random.random(len(chances)) * limits[:, -1]
    chosen: NDArray[np.int64] = np.minimum((limits <= point[:, None]).sum(axis=1), chances.shape[1] - 1)
    return chosen


def mean_probability(
    hazard: Singles,
    probability: Singles,
    chances: ContactChances,
    effect: Singles,
    parameters: ContactParameters,
) -> Singles:
    """Return the chance of each acquisition averaged over the logging policy's contacts of the month."""
    mean = probability.astype(np.float64)
    for channel in range(len(CHANNELS)):
        reach = 1 - parameters.no_answer_probability[channel]
        raised = -np.expm1(-hazard * np.exp(effect[:, channel, None]))
        weight = (chances.contacted * chances.channel[:, channel] * reach)[:, None] * chances.product
        mean += weight * (raised - probability)
    return mean.astype(np.float32)
