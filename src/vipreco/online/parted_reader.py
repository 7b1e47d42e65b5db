"""Reads a release in parts of customers: the part of the customer who is asked for is opened then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from vipreco.features import StoredParts, StoredRows
from vipreco.history import BankCalendar, RecordParts, Records
from vipreco.online.all_offers import AllOffers
from vipreco.online.nightly_reasons import NightlyReasons, OfferExplanation, Pair
from vipreco.online.release import PARTS, open_release
from vipreco.online.release_reader import NO_CODES, Codes, OfferRow, ReleaseReader
from vipreco.online.slates import Slate
from vipreco.online.top_offers import TopOffers
from vipreco.parts import part_name, part_of
from vipreco.policy import Language
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.verified_files import VerifiedFiles

MAX_OPEN: Final = 64
"""Parts that stay open in a process; the one that was opened first goes."""


def open_reader(folder: Path, signatures: Signatures = NO_SIGNATURES) -> ReleaseReader:
    """Open a release, of one part or of several; every file is checked.

    Args:
        folder: Of the release.
        signatures: Checks who made it.

    Raises:
        IntegrityError: A file is not what was prepared, or the release is not signed as it has to be.
    """
    manifest, files = open_release(folder, signatures)
    return (PartedReader if PARTS in manifest else ReleaseReader)(folder, manifest, files)


class PartedReader(ReleaseReader):
    """Reads a release of several parts.

    Args:
        folder: Of the release.
        manifest: Of the release.
        files: Its files, for later checks.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], files: VerifiedFiles) -> None:
        self.folder, self.manifest, self._files = folder, manifest, files
        self.as_of = date.fromisoformat(manifest["as_of"])
        self.snapshot_date = date.fromisoformat(manifest["snapshot_date"])
        self.products, self.names = tuple(manifest["products"]), tuple(manifest["names"])
        parts = self._parts = _OpenParts(folder, manifest, files)
        calendar = [date.fromisoformat(day) for day in manifest["calendar"]]
        months = BankCalendar.from_record(manifest).months
        self.records = RecordParts(parts.place, parts.records, calendar, months, parts.first)
        # Numbers of nobody are asked of it alone, which are the same in each part.
        self.offers: AllOffers | TopOffers = parts.part(parts.first).offers

    def knows(self, customer_id: str) -> bool:
        """Return True for a customer of the snapshot."""
        return self._parts.knows(customer_id)

    def example(self) -> str | None:
        """Return a customer, if there is any."""
        return self._parts.part(self._parts.first).example()

    def reasons(self) -> NightlyReasons:
        """Return the reasons of the build."""
        return _ReasonParts(self._parts)

    def features(self) -> StoredRows | None:
        """Return the stored features."""
        return StoredParts(self.records, self.as_of, self._parts.place, self._parts.features)

    def holds(self, customer_id: str, channel: str, day: date) -> bool:
        """Return True where the rules say the same of a customer on a day as at the build."""
        return self._parts.of(customer_id).holds(customer_id, channel, day)

    def holds_everywhere(self, customer_id: str, day: date) -> bool:
        """Return True where the same is so in every channel."""
        return self._parts.of(customer_id).holds_everywhere(customer_id, day)

    def ranked(self, customer_id: str, channel: str, limit: int | None = None) -> list[int] | None:
        """Return the indices of a customer's first `limit` offers; None where not so many are kept."""
        return self._parts.of(customer_id).ranked(customer_id, channel, limit)

    def row(self, customer_id: str, channel: str) -> OfferRow | None:
        """Return the decisions about a customer; None where those about all products are not kept."""
        return self._parts.of(customer_id).row(customer_id, channel)

    def plain_row(self, customer_id: str, channel: str) -> OfferRow:
        """Return the decisions about a customer without a profile."""
        return self._parts.of(customer_id).plain_row(customer_id, channel)

    def verdicts(self, customer_id: str, channel: str) -> NDArray[np.int16]:
        """Return what the rules say of each product to a customer, shape (P,)."""
        return self._parts.of(customer_id).verdicts(customer_id, channel)

    def slate(self, customer_id: str, channel: str, indices: list[int]) -> Slate:
        """Return offers of a customer, by the indices of the products."""
        return self._parts.of(customer_id).slate(customer_id, channel, indices)

    def every_code(self, customer_id: str) -> Mapping[str, Codes]:
        """Return the same with every product: no reason for those of which the build told none."""
        return self._parts.of(customer_id).every_code(customer_id)

    def codes(self, customer_id: str) -> Mapping[str, Codes]:
        """Return the codes of the reasons of the build, by product; VIP customers alone have any."""
        return self._parts.of(customer_id).codes(customer_id) if self.knows(customer_id) else NO_CODES


class _OpenParts:
    """The parts of a release that were asked for. It does not know its reader: no circle keeps them."""

    def __init__(self, folder: Path, manifest: dict[str, Any], files: VerifiedFiles) -> None:
        self.folder, self.manifest, self.files = folder, manifest, files
        self._number: int = manifest[PARTS]
        self._open: dict[int, ReleaseReader] = {}
        self.first = next(part for part in range(self._number) if self._has(part))

    def place(self, customer_id: str) -> int | None:
        """Return the number of the part of a customer; None where it has nobody at all."""
        part = part_of(customer_id, self._number)
        return part if part in self._open or self._has(part) else None

    def knows(self, customer_id: str) -> bool:
        """Return True for a customer of the snapshot."""
        part = self.place(customer_id)
        return part is not None and self.part(part).knows(customer_id)

    def of(self, customer_id: str) -> ReleaseReader:
        """Return the part of a customer of the snapshot."""
        return self.part(part_of(customer_id, self._number))

    def part(self, part: int) -> ReleaseReader:
        """Open a part."""
        found = self._open.get(part)
        if found is None:
            if len(self._open) >= MAX_OPEN:
                self._open.pop(next(iter(self._open)), None)
            found = ReleaseReader(self.folder / part_name(part), self.manifest, self.files)
            self._open[part] = found
        return found

    def records(self, part: int) -> Records:
        """Return the rows of a part."""
        return self.part(part).records

    def features(self, part: int) -> StoredRows:
        """Return the stored features of a part."""
        found = self.part(part).features()
        assert found is not None  # noqa: S101 - releases in parts have always had them
        return found

    def _has(self, part: int) -> bool:
        return f"{part_name(part)}/customers.npy" in self.files.hashes


class _ReasonParts(NightlyReasons):
    """The reasons of all parts."""

    def __init__(self, parts: _OpenParts) -> None:
        self._parts = parts
        self._known: dict[int, NightlyReasons] = {}

    def explanation(self, pair: Pair, language: Language) -> OfferExplanation | None:
        """Return reasons and caution of an offer; None where the build wrote none."""
        part = self._parts.place(pair[0])
        if part is None:
            return None
        if part not in self._known:
            self._known[part] = self._parts.part(part).reasons()
        return self._known[part].explanation(pair, language)
