"""Chances of an acquisition without a contact and with one, from effects on the log-hazard."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.contact_effect.learnt_effects import LearntEffects
from vipreco.contact_effect.response import PLAIN, PastContacts, Response
from vipreco.settings import ContactEffectSettings

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]
SMALLEST = 1e-3
NOBODY: Floats = np.zeros((1, 1))  # was contacted before


class Basis(StrEnum):
    """Ground of an effect: a prior from the settings, or the bank's own contacts."""

    ASSUMED = "assumed"
    LEARNT = "learnt"


@dataclass(frozen=True)
class PairChances:
    """Chances of an acquisition within the horizon, for n customers and P products.

    Args:
        without: Without a contact, shape (n, P).
        with_contact: With a contact about the product, shape (n, P).
    """

    without: Floats
    with_contact: Floats

    @property
    def gain(self) -> Floats:
        """Chance that the contact adds, negative where it puts off, shape (n, P)."""
        return self.with_contact - self.without

    def take(self, rows: slice) -> PairChances:
        """Return the chances of some customers."""
        return PairChances(self.without[rows], self.with_contact[rows])


@dataclass(frozen=True)
class ContactEffects:
    """Effects that are in force: what a model learnt, else the prior of the settings.

    Figures that `vipreco effects --write` wrote into the settings come before both.

    Args:
        settings: Of the bank.
        model: Effects that the model learnt from contacts; None where it learnt none.
    """

    settings: ContactEffectSettings
    model: LearntEffects | None = None

    def level(self, channel: str) -> float:
        """Return the effect of a channel, before what a family or a tier adds."""
        return float(self._source(channel).channels.get(channel, self.settings.other_channels))

    def log_hazard(self, channel: str, families: Sequence[str], tier: str | None) -> Floats:
        """Return what a contact adds to the log-hazard of a product of each family, shape (P,).

        Args:
            channel: Of the contact.
            families: Family of each product, shape (P,).
            tier: Of the customer; None where it is unknown or may not be used.
        """
        source = self._source(channel)
        own, level = source.families.get(channel, {}), self.level(channel)
        level += source.tiers.get(tier, 0.0) if tier is not None else 0.0
        return np.array([level + own.get(family, 0.0) for family in families], np.float64)

    def response(self, channel: str) -> Response:
        """Return how customers respond to contacts in a channel beside the effect on the log-hazard."""
        source = self._source(channel)
        if source is not self.model and not self._written(channel):
            return PLAIN  # the figures of the settings are assumed as a whole
        return Response(source.reach.get(channel, 1.0), source.spread, source.fatigue)

    @property
    def reads_past(self) -> bool:
        """True if earlier contacts count in any channel."""
        sources = (self.model, self.settings)
        return any(one is not None and (one.spread > 0 or one.fatigue > 0) for one in sources)

    def uncontacted(self, families: Sequence[str], tier: str | None) -> Floats | None:
        """Return the hazard without contacts, as share of that with today's contacts, shape (P,).

        None where the model knows of no contacts: both are taken to be the same.

        Args:
            families: Family of each product, shape (P,).
            tier: Of the customer; None where it is unknown or may not be used.
        """
        if self.model is None or not self.model.contacted:
            return None
        factor = np.ones(len(families))
        for channel, shares in self.model.contacted.items():
            share = [shares.get(family, {}).get(tier or "", 0.0) for family in families]
            factor += np.array(share) * np.expm1(self.log_hazard(channel, families, tier))
        return 1.0 / np.maximum(factor, SMALLEST)

    def _source(self, channel: str) -> LearntEffects | ContactEffectSettings:
        known = self.model is not None and channel in self.model.channels
        return self.model if self.model and known and not self._written(channel) else self.settings

    def _written(self, channel: str) -> bool:
        return channel in self.settings.learnt_channels

    def learnt(self, channel: str, families: Sequence[str]) -> Mask:
        """Return which of these effects were learnt from contacts, shape (P,)."""
        return np.full(len(families), self._written(channel) or self._source(channel) is self.model)


@dataclass(frozen=True)
class PairEffects:
    """Effects of a contact in one channel, for n customers and P products.

    Args:
        effects: In force.
        channel: Of the contact.
        families: Family of each product, shape (P,).
        tiers: Tiers of the customers, each once; None for customers whose tier is unknown or not used.
        group: Place in `tiers` of each customer's, shape (n,).
        past: Earlier contacts of the customers; None where they are unknown, which counts as none.
    """

    effects: ContactEffects
    channel: str
    families: tuple[str, ...]
    tiers: tuple[str | None, ...]
    group: Indices
    past: PastContacts | None = None

    @classmethod
    def of(
        cls,
        effects: ContactEffects,
        channel: str,
        families: tuple[str, ...],
        tiers: NDArray[Any],
        past: PastContacts | None = None,
    ) -> PairEffects:
        """Return the effects for customers of these tiers, None where unknown or not used, shape (n,)."""
        place = {tier: number for number, tier in enumerate(dict.fromkeys(tiers.tolist()))}
        group = np.array([place[tier] for tier in tiers.tolist()], np.intp)
        return cls(effects, channel, families, tuple(place), group, past)

    def through(self, channel: str) -> PairEffects:
        """Return the effects of contacts in another channel."""
        return replace(self, channel=channel)

    def take(self, rows: slice) -> PairEffects:
        """Return the effects for some of the customers."""
        return replace(self, group=self.group[rows], past=self.past and self.past.take(rows))

    @cached_property
    def ratio(self) -> Floats:
        """Factor by which a contact multiplies the hazard, by place of the tier, shape (tiers, P)."""
        rows = [self.effects.log_hazard(self.channel, self.families, tier) for tier in self.tiers]
        return np.exp(np.array(rows).reshape(len(self.tiers), len(self.families)))

    @cached_property
    def natural(self) -> Floats | None:
        """Factor from the hazard with today's contacts to that without any, shape (tiers, P)."""
        rows = [self.effects.uncontacted(self.families, tier) for tier in self.tiers]
        known = [row for row in rows if row is not None]
        return np.array(known).reshape(len(self.tiers), len(self.families)) if known else None

    @cached_property
    def response(self) -> Response:
        """Response of customers to contacts in the channel."""
        return self.effects.response(self.channel)

    @cached_property
    def learnt(self) -> Mask:
        """Products whose effect was learnt from contacts, shape (P,)."""
        return self.effects.learnt(self.channel, self.families)

    @property
    def bases(self) -> list[str]:
        """Basis of the effect on each product, as text, shape (P,)."""
        return [Basis.LEARNT.value if learnt else Basis.ASSUMED.value for learnt in self.learnt.tolist()]

    def chances(self, propensity: Floats) -> PairChances:
        """Return the chances of each pair.

        With a hazard ratio r the chance p becomes 1 - (1 - p)^r where all customers respond alike, else that
        of the `Response`. The chance without a contact is that of the propensity less what today's contacts
        bring, where the model knows them.

        Args:
            propensity: P(acquire within the horizon), shape (n, P).
        """
        with np.errstate(divide="ignore"):  # a sure acquisition has an infinite hazard and stays sure
            hazard = np.log1p(-propensity)
        without = propensity
        if self.natural is not None:
            hazard *= self.natural[self.group]
            without = -np.expm1(hazard)
        if self.response.is_plain:
            hazard *= self.ratio[self.group]
            np.expm1(hazard, out=hazard)
            return PairChances(without, np.negative(hazard, out=hazard))
        hazard = np.negative(hazard, out=hazard)
        recent, withstood = NOBODY, NOBODY
        if self.past is not None:
            recent, withstood = self.past.recent[:, None], self.past.withstood(hazard)
        return PairChances(without, self.response.chance(hazard, self.ratio[self.group], recent, withstood))
