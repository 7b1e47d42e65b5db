"""All products of each customer in a release: chances, values, verdicts and slates as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.online.offer_numbers import (
    EFFECTS_LEARNT,
    PARTS,
    WITH_CONTACT,
    Arrays,
    Floats,
    OfferNumbers,
    bases_of,
    line_of,
    numbers_of,
    plain_numbers,
)
from vipreco.online.slates import NOTHING, SlateLine


class AllWriter:
    """Writes all products of customers, chunk by chunk.

    Args:
        folder: Of the release, or of one of its parts.
        shape: Number of customers and of products.
        channels: Names of the channels.
    """

    def __init__(self, folder: Path, shape: tuple[int, int], channels: Sequence[str]) -> None:
        self.folder, self.shape, self._row = folder, shape, 0
        names = (*PARTS, *(WITH_CONTACT.format(channel) for channel in channels))
        self._files = {name: self._file(name, np.float64) for name in names}
        self._slates = {channel: self._file(f"slate-{channel}", np.int16) for channel in channels}

    def verdicts(self, verdicts: Mapping[str, NDArray[np.int16]]) -> None:
        """Write what the rules say in each channel, shape (n, P)."""
        for channel, verdict in verdicts.items():
            np.save(self.folder / f"verdict-{channel}.npy", verdict, allow_pickle=False)

    def write(
        self,
        parts: Mapping[str, Floats],
        with_contact: Mapping[str, Floats],
        orders: Mapping[str, NDArray[np.int16]],
    ) -> None:
        """Write the next customers.

        Args:
            parts: `PARTS` by name, shape (n, P).
            with_contact: Chance with a contact by channel, shape (n, P).
            orders: Indices of products in the order of the slate by channel, shape (n, P).
        """
        rows = slice(self._row, self._row + len(parts[PARTS[0]]))
        for name, values in parts.items():
            self._files[name][rows] = values
        for channel, values in with_contact.items():
            self._files[WITH_CONTACT.format(channel)][rows] = values
        for channel, order in orders.items():
            self._slates[channel][rows] = order
        self._row = rows.stop

    def close(self) -> None:
        """Write out what is still in memory."""
        for file in (*self._files.values(), *self._slates.values()):
            file.flush()

    def _file(self, name: str, kind: Any) -> np.memmap[Any, Any]:
        path = self.folder / f"{name}.npy"
        return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=self.shape)


class AllOffers:
    """Reads all products of customers; releases of before effects were known have the propensity alone.

    Args:
        array: Maps an array of the release by name.
        manifest: Of the release.
    """

    def __init__(self, array: Arrays, manifest: dict[str, Any]) -> None:
        learnt, channels = manifest.get(EFFECTS_LEARNT, {}), manifest["channels"]
        self._manifest, self._former = manifest, not learnt
        self._propensity, self._value = array("propensity"), array("value")
        self._weight = array("priority" if self._former else "weight")
        self._without = array("propensity" if self._former else "chance_without")
        self._with = {
            one: self._propensity if self._former else array(WITH_CONTACT.format(one)) for one in channels
        }
        self._plain, self._bases = plain_numbers(array, manifest), bases_of(manifest)
        self._verdicts, self._slates = (
            {channel: array(f"{name}-{channel}") for channel in channels} for name in ("verdict", "slate")
        )

    def ranked(self, row: int, channel: str, limit: int | None) -> list[int]:
        """Return the indices of the first offers, in order."""
        found: list[int] = self._slates[channel][row, :limit].tolist()
        return found[: found.index(NOTHING)] if NOTHING in found else found

    def numbers(self, row: int, channel: str) -> OfferNumbers:
        """Return the numbers of all products."""
        arrays = (self._propensity, self._value, self._weight, self._without, self._with[channel])
        return numbers_of([values[row] for values in arrays], self._bases[channel], self._manifest)

    def plain(self, channel: str) -> OfferNumbers:
        """Return the numbers where no profile may be used."""
        return self._plain[channel]

    def verdicts(self, row: int, channel: str) -> NDArray[np.int16]:
        """Return what the rules say of each product, shape (P,)."""
        found: NDArray[np.int16] = self._verdicts[channel][row]
        return found

    def line(
        self, row: int, channel: str, one: int, named: tuple[str, str], codes: tuple[str, ...]
    ) -> SlateLine:
        """Return the offer of a product without reading those of the others."""
        arrays = (self._propensity, self._value, self._without, self._with[channel])
        return line_of(named, [values.item(row, one) for values in arrays], self._bases[channel][one], codes)
