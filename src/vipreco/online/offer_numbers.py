"""Chances, values and priorities of a release: of one customer, or of everybody whose profile is not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

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
        arrays = (self.propensity, self.value, self.without, self.with_contact)
        return line_of(named, [values.item(one) for values in arrays], self.bases[one], codes)


def line_of(
    named: tuple[str, str], numbers: Sequence[float], basis: str, codes: tuple[str, ...]
) -> SlateLine:
    """Return an offer.

    Args:
        named: Id and name of the product.
        numbers: Propensity, value, and chance without and with a contact.
        basis: What the effect of a contact rests on; empty where it is not known.
        codes: Of the reasons.
    """
    (product_id, product), (propensity, value, without, with_contact) = named, numbers
    if not basis:
        return SlateLine(product_id, product, propensity, value, codes)
    return SlateLine(product_id, product, propensity, value, codes, without, with_contact, basis)


class Arrays(Protocol):
    """Maps an array of a release by name."""

    def __call__(self, name: str) -> NDArray[Any]:
        """Return the array."""


def bases_of(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return by channel what the effect on each product rests on; empty texts where effects are not known."""
    learnt, products = manifest.get(EFFECTS_LEARNT, {}), len(manifest["products"])
    return {
        one: tuple(BASES[flag] for flag in learnt[one]) if learnt else ("",) * products
        for one in manifest["channels"]
    }


def plain_numbers(array: Arrays, manifest: Mapping[str, Any]) -> dict[str, OfferNumbers]:
    """Return by channel the numbers where no profile may be used."""
    former, bases = not manifest.get(EFFECTS_LEARNT, {}), bases_of(manifest)
    found = {}
    for one in manifest["channels"]:
        parts = list(np.array(array("plain" if former else PLAIN.format(one))))
        found[one] = numbers_of([*parts, parts[0], parts[0]] if former else parts, bases[one], manifest)
    return found


def numbers_of(parts: list[Floats], bases: tuple[str, ...], manifest: Mapping[str, Any]) -> OfferNumbers:
    """Return numbers with the priority: propensity, value, weight, chance without and with a contact."""
    propensity, value, weight, without, with_contact = parts
    by_gain = manifest["arbitration"].get("order", "gain") == "gain"
    gain = with_contact - without if by_gain else propensity
    former = not manifest.get(EFFECTS_LEARNT, {})  # it kept the priority itself
    return OfferNumbers(propensity, value, weight if former else weight * gain, without, with_contact, bases)
