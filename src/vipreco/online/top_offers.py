"""The first offers of each customer in a release: what a large bank keeps ready instead of every product.

Of each channel the first few offers stand here, with the numbers of their products, once for all channels;
further which products the rules allow, and the rule that stops most of them where they allow none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vipreco.online.offer_numbers import (
    PARTS,
    Arrays,
    Floats,
    OfferNumbers,
    bases_of,
    line_of,
    plain_numbers,
)
from vipreco.online.slates import NOTHING, SlateLine
from vipreco.policy import ALLOWED, Policy

TOP: Final = "top"
"""Name in the manifest of how many offers of a customer and channel a release keeps."""
STARTS, PRODUCTS, NUMBERS, WITH = "top-starts", "top-products", "top-numbers", "top-chance_with"
ORDER, COUNTS, OFFERED, STOPPED = "top-order", "top-counts", "top-allowed", "top-stopped"
STORED: Final = tuple(name for name in PARTS if name != "weight")  # the order is stored, not what makes it
Orders = Mapping[str, NDArray[np.int16]]


class TopWriter:
    """Writes the first offers of customers.

    Args:
        folder: Of the release, or of one of its parts.
        top: How many of each channel.
        channels: Names of the channels.
        policy: The rules.
    """

    def __init__(self, folder: Path, top: int, channels: Sequence[str], policy: Policy) -> None:
        self.folder, self.top, self.channels, self.policy = folder, top, tuple(channels), policy
        self._chunks: dict[str, list[NDArray[Any]]] = {}

    def verdicts(self, verdicts: Orders) -> None:
        """Write what the rules say in each channel, shape (n, P)."""
        allowed = np.stack([verdicts[channel] == ALLOWED for channel in self.channels], axis=1)
        self._save(OFFERED, np.packbits(allowed, axis=2))
        stopped = [main_verdicts(self.policy, verdicts[channel]) for channel in self.channels]
        self._save(STOPPED, np.stack(stopped, axis=1))

    def write(self, parts: Mapping[str, Floats], with_contact: Mapping[str, Floats], orders: Orders) -> None:
        """Add the offers of some customers.

        Args:
            parts: `PARTS` by name, shape (n, P).
            with_contact: Chance with a contact by channel, shape (n, P).
            orders: Indices of products in the order of the slate by channel, shape (n, P).
        """
        first = np.stack([orders[channel][:, : self.top] for channel in self.channels], axis=1)
        customers, channels, places = np.nonzero(first != NOTHING)
        chosen = first[customers, channels, places]
        kept = np.zeros(parts[PARTS[0]].shape, bool)
        kept[customers, chosen] = True
        rows, products = np.nonzero(kept)
        slots = np.cumsum(kept, axis=1) - 1
        order = np.full(first.shape, NOTHING, np.int16)
        order[customers, channels, places] = slots[customers, chosen]
        self._add(STARTS, kept.sum(axis=1))
        self._add(PRODUCTS, products.astype(np.int16))
        self._add(NUMBERS, np.stack([parts[name][rows, products] for name in STORED], axis=1))
        self._add(WITH, np.stack([with_contact[one][rows, products] for one in self.channels], axis=1))
        self._add(ORDER, order)
        self._add(COUNTS, np.stack([(orders[one] != NOTHING).sum(axis=1) for one in self.channels], axis=1))

    def close(self) -> None:
        """Write what was added."""
        found = {name: np.concatenate(chunks) for name, chunks in self._chunks.items()}
        self._save(STARTS, np.concatenate([[0], np.cumsum(found.pop(STARTS))]).astype(np.uint32))
        self._save(COUNTS, found.pop(COUNTS).astype(np.int16))
        for name, values in found.items():
            self._save(name, values)

    def _add(self, name: str, values: NDArray[Any]) -> None:
        self._chunks.setdefault(name, []).append(values)

    def _save(self, name: str, values: NDArray[Any]) -> None:
        np.save(self.folder / f"{name}.npy", values, allow_pickle=False)


class TopOffers:
    """Reads the first offers of customers.

    Args:
        array: Maps an array of the release by name.
        manifest: Of the release.
    """

    def __init__(self, array: Arrays, manifest: dict[str, Any]) -> None:
        channels: list[str] = manifest["channels"]
        self._channels = {channel: place for place, channel in enumerate(channels)}
        self._count = len(manifest["products"])
        self._top: int = manifest[TOP]
        self._starts, self._products = array(STARTS), array(PRODUCTS)
        self._numbers, self._with = array(NUMBERS), array(WITH)
        self._order, self._slates = array(ORDER), array(COUNTS)
        self._allowed, self._stopped = array(OFFERED), array(STOPPED)
        self._plain, self._bases = plain_numbers(array, manifest), bases_of(manifest)

    def ranked(self, row: int, channel: str, limit: int | None) -> list[int] | None:
        """Return the indices of the first offers, in order; None where more are asked for than are kept."""
        place = self._channels[channel]
        if (limit is None or limit > self._top) and self._slates.item(row, place) > self._top:
            return None
        slots: list[int] = self._order[row, place, :limit].tolist()
        start = self._starts.item(row)
        return [self._products.item(start + slot) for slot in slots if slot != NOTHING]

    def numbers(self, row: int, channel: str) -> None:
        """Return None: the numbers of all products are not kept."""

    def plain(self, channel: str) -> OfferNumbers:
        """Return the numbers where no profile may be used."""
        return self._plain[channel]

    def verdicts(self, row: int, channel: str) -> NDArray[np.int16]:
        """Return what the rules say of each product, all that are stopped by the rule that stops most."""
        place = self._channels[channel]
        allowed = np.unpackbits(self._allowed[row, place], count=self._count).astype(bool)
        return np.where(allowed, ALLOWED, self._stopped.item(row, place)).astype(np.int16)

    def line(
        self, row: int, channel: str, one: int, named: tuple[str, str], codes: tuple[str, ...]
    ) -> SlateLine:
        """Return the offer of a product that is kept."""
        start, end = self._starts.item(row), self._starts.item(row + 1)
        slot = start + self._products[start:end].tolist().index(one)
        propensity, value, without = self._numbers[slot].tolist()
        with_contact = self._with.item(slot, self._channels[channel])
        numbers = (propensity, value, without, with_contact)
        return line_of(named, numbers, self._bases[channel][one], codes)


def main_verdicts(policy: Policy, verdicts: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return of each customer a verdict with the reason that stops most products, shape (n,).

    It is looked for where nothing is allowed, which alone asks for it; else it is 1, any rule.
    """
    found = np.ones(len(verdicts), np.int16)
    nothing = np.flatnonzero((verdicts != ALLOWED).all(axis=1))
    kinds, kind = np.unique(verdicts[nothing], axis=0, return_inverse=True)
    found[nothing] = np.array([_main(policy, one) for one in kinds], np.int16)[kind.ravel()]
    return found


def _main(policy: Policy, verdicts: NDArray[np.int16]) -> int:
    cause = policy.main_cause(verdicts)
    return next(int(one) for one in verdicts if policy.main_cause(verdicts[verdicts == one]) == cause)
