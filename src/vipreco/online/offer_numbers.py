"""Chances, values and priorities of a release: of one customer, or of everybody whose profile is not used."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vipreco.contact_effect import Basis
from vipreco.online.slates import SlateLine
from vipreco.recommender import Decisions

Floats = NDArray[np.float64]
PARTS: Final = ("propensity", "value", "weight", "chance_without")
WITH_CONTACT: Final = "chance_with-{}"
PLAIN: Final = "plain-{}"
EFFECTS_LEARNT: Final = "effects_learnt"
BASES: Final = (Basis.ASSUMED.value, Basis.LEARNT.value)


class OfferNumbers(NamedTuple):
    """Numbers of one customer's offers in one channel, by product.

    Args:
        propensity: P(acquire within the horizon), shape (P,).
        value: In currency, shape (P,).
        priority: What offers are ordered by, shape (P,).
        without: The chance without a contact, shape (P,).
        with_contact: The chance with one, shape (P,).
        bases: What each effect rests on; empty texts in releases of before effects were known.
    """

    propensity: Floats
    value: Floats
    priority: Floats
    without: Floats
    with_contact: Floats
    bases: tuple[str, ...]

    @classmethod
    def of(cls, decisions: Decisions) -> OfferNumbers:
        """Return the numbers of the one customer of a decision."""
        weighed = decisions.factors
        return cls(
            decisions.propensity[0],
            weighed.value()[0],
            decisions.priority[0],
            weighed.chances.without[0],
            weighed.chances.with_contact[0],
            tuple(weighed.effects.bases),
        )

    def line(self, one: int, named: tuple[str, str], codes: tuple[str, ...]) -> SlateLine:
        """Return the offer of a product, by its id and name."""
        product_id, product = named
        propensity, value, basis = self.propensity.item(one), self.value.item(one), self.bases[one]
        if not basis:
            return SlateLine(product_id, product, propensity, value, codes)
        without, with_contact = self.without.item(one), self.with_contact.item(one)
        return SlateLine(product_id, product, propensity, value, codes, without, with_contact, basis)


class StoredNumbers:
    """Arrays of a release; releases of before effects were known have the propensity alone.

    Args:
        array: Maps an array of the release by name.
        manifest: Of the release.
    """

    def __init__(self, array: Callable[[str], NDArray[Any]], manifest: dict[str, Any]) -> None:
        learnt = manifest.get(EFFECTS_LEARNT, {})
        channels, products = manifest["channels"], len(manifest["products"])
        self._former = not learnt
        self._by_gain = manifest["arbitration"].get("order", "gain") == "gain"
        self._propensity, self._value = array("propensity"), array("value")
        self._weight = array("priority" if self._former else "weight")
        self._without = array("propensity" if self._former else "chance_without")
        self._with = {one: array(WITH_CONTACT.format(one)) for one in channels if learnt}
        self._plain = {one: np.array(array(PLAIN.format(one) if learnt else "plain")) for one in channels}
        self._bases = {
            one: tuple(BASES[flag] for flag in learnt[one]) if learnt else ("",) * products
            for one in channels
        }

    def of(self, row: int, channel: str) -> OfferNumbers:
        """Return the numbers of a customer."""
        parts = [part[row] for part in (self._propensity, self._value, self._weight, self._without)]
        with_contact = parts[0] if self._former else self._with[channel][row]
        return self._numbers([*parts, with_contact], channel)

    def plain(self, channel: str) -> OfferNumbers:
        """Return the numbers where no profile may be used."""
        parts = list(self._plain[channel])
        return self._numbers([*parts, parts[0], parts[0]] if self._former else parts, channel)

    def line(
        self, row: int, channel: str, one: int, named: tuple[str, str], codes: tuple[str, ...]
    ) -> SlateLine:
        """Return the offer of a product to a customer without reading those of the others."""
        product_id, product = named
        propensity, value = self._propensity.item(row, one), self._value.item(row, one)
        basis = self._bases[channel][one]
        if not basis:
            return SlateLine(product_id, product, propensity, value, codes)
        without, with_contact = self._without.item(row, one), self._with[channel].item(row, one)
        return SlateLine(product_id, product, propensity, value, codes, without, with_contact, basis)

    def _numbers(self, parts: list[Floats], channel: str) -> OfferNumbers:
        propensity, value, weight, without, with_contact = parts
        gain = with_contact - without if self._by_gain else propensity
        priority = weight if self._former else weight * gain
        return OfferNumbers(propensity, value, priority, without, with_contact, self._bases[channel])
