"""Reads a release: one customer's offers with nothing but a look into arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.features import StoredRows, open_stored_features
from vipreco.history import BankCalendar, Records
from vipreco.mapped_arrays import mapped_array
from vipreco.online.all_offers import AllOffers
from vipreco.online.nightly_build import MONTHS, POLICY, POPULAR
from vipreco.online.nightly_part import CUSTOMERS, FEATURES, REASONS, RECORDS
from vipreco.online.nightly_reasons import NightlyReasons
from vipreco.online.offer_numbers import OfferNumbers
from vipreco.online.release import changed_release
from vipreco.online.slates import BELOW_FLOOR, COLD_START, SNAPSHOT, SWITCHED_OFF, Slate, SlateLine
from vipreco.online.top_offers import TOP, TopOffers
from vipreco.policy import ALLOWED
from vipreco.verified_files import VerifiedFiles

Codes: TypeAlias = tuple[str, ...]
Arrays: TypeAlias = dict[str, NDArray[Any]]
EVERYBODY: Final = ""
NO_CODES: Final[Mapping[str, Codes]] = {}
POPULAR_CODES: Final[Codes] = ("popular",)


@dataclass(frozen=True)
class OfferRow:
    """Decisions about one customer in one channel; arrays of shape (P,).

    Args:
        numbers: Chances, values and priorities.
        allowed: Products that no rule stops.
        personalised: False for who opted out of profiling.
        codes: Of the reasons of the first offers, by product.
        verdicts: Of the rules on each product.
    """

    numbers: OfferNumbers
    allowed: NDArray[np.bool_]
    personalised: bool
    codes: Mapping[str, Codes]
    verdicts: NDArray[np.int16]


class ReleaseReader:
    """Reads a release; the arrays are mapped, not loaded.

    Args:
        folder: Of the release, or of one of its parts.
        manifest: Of the release.
        files: Its files, for later checks.
    """

    def __init__(self, folder: Path, manifest: dict[str, Any], files: VerifiedFiles) -> None:
        self.folder, self.manifest, self._files = folder, manifest, files
        self.as_of = date.fromisoformat(self.manifest["as_of"])
        self.snapshot_date = date.fromisoformat(self.manifest["snapshot_date"])
        self.products: tuple[str, ...] = tuple(self.manifest["products"])
        self.names: tuple[str, ...] = tuple(self.manifest["names"])
        ids = self.customer_ids = self._names()
        self.rows = {customer: row for row, customer in enumerate(ids.tolist())}
        calendar = [date.fromisoformat(day) for day in self.manifest["calendar"]]
        months = BankCalendar.from_record(self.manifest).months if MONTHS in self.manifest else None
        self.records = Records(folder / RECORDS, ids, calendar, months)
        self.offers = (TopOffers if TOP in manifest else AllOffers)(self._array, manifest)
        self._personalised = self._array("personalised")
        self._days = self._by_channel("days")
        self._min_days = np.minimum.reduce(list(self._days.values()))
        self._codes = _codes_of(folder / REASONS)

    def check_files(self) -> None:
        """Check that no file has changed since it was opened: it would show in the answers at once.

        Raises:
            IntegrityError: A file is missing or changed; it is named.
        """
        wrong = self._files.wrong()
        if wrong:
            raise changed_release(self.folder, wrong)

    def knows(self, customer_id: str) -> bool:
        """Return True for a customer of the snapshot."""
        return customer_id in self.rows

    def example(self) -> str | None:
        """Return a customer, if there is any."""
        return next(iter(self.rows), None)

    def reasons(self) -> NightlyReasons:
        """Return the reasons of the build."""
        return NightlyReasons(self.folder / REASONS)

    def features(self) -> StoredRows | None:
        """Return the stored features; None in releases of older versions."""
        folder = self.folder / FEATURES
        if not folder.is_dir():
            return None
        return open_stored_features(folder, self.records, self.as_of, self.customer_ids)

    @cached_property
    def _popular(self) -> dict[str, dict[str, list[tuple[str, float]]]]:
        return self._json(POPULAR)

    def policy_definition(self) -> dict[str, bytes]:
        """Return the files of the rules in force."""
        return {name: text.encode() for name, text in self._json(POLICY).items()}

    def holds(self, customer_id: str, channel: str, day: date) -> bool:
        """Return True where the rules say the same of a customer on a day as at the build."""
        ahead = day.toordinal() - self.as_of.toordinal()
        return ahead < int(self._days[channel].item(self.rows[customer_id]))

    def holds_everywhere(self, customer_id: str, day: date) -> bool:
        """Return True where the same is so in every channel."""
        ahead = day.toordinal() - self.as_of.toordinal()
        return ahead < int(self._min_days.item(self.rows[customer_id]))

    def ranked(self, customer_id: str, channel: str, limit: int | None = None) -> list[int] | None:
        """Return the indices of a customer's first `limit` offers; None where not so many are kept."""
        return self.offers.ranked(self.rows[customer_id], channel, limit)

    def row(self, customer_id: str, channel: str) -> OfferRow | None:
        """Return the decisions about a customer; None where those about all products are not kept."""
        row = self.rows[customer_id]
        numbers = self.offers.numbers(row, channel)
        if numbers is None:
            return None
        verdicts, personalised = self.offers.verdicts(row, channel), bool(self._personalised[row])
        return OfferRow(numbers, verdicts == ALLOWED, personalised, self.every_code(customer_id), verdicts)

    def plain_row(self, customer_id: str, channel: str) -> OfferRow:
        """Return the decisions about a customer without a profile."""
        verdicts = self.verdicts(customer_id, channel)
        return OfferRow(self.offers.plain(channel), verdicts == ALLOWED, False, {}, verdicts)

    def verdicts(self, customer_id: str, channel: str) -> NDArray[np.int16]:
        """Return what the rules say of each product to a customer, shape (P,)."""
        return self.offers.verdicts(self.rows[customer_id], channel)

    def slate(self, customer_id: str, channel: str, indices: list[int]) -> Slate:
        """Return offers of a customer.

        Args:
            customer_id: Of the snapshot.
            channel: Of the offers.
            indices: Of the products, in order.
        """
        row, names, products = self.rows[customer_id], self.names, self.products
        line, codes = self.offers.line, self.codes(customer_id)
        lines = [
            line(row, channel, one, (products[one], names[one]), codes.get(products[one], ()))
            for one in indices
        ]
        return Slate(tuple(lines), self._personalised.item(row), SNAPSHOT)

    def codes(self, customer_id: str) -> Mapping[str, Codes]:
        """Return the codes of the reasons of the build, by product; VIP customers alone have any."""
        return self._codes.get(customer_id, NO_CODES)

    def every_code(self, customer_id: str) -> Mapping[str, Codes]:
        """Return the same with every product: no reason for those of which the build told none."""
        return {**dict.fromkeys(self.products, ()), **self.codes(customer_id)}

    def popular(self, segment: str, channel: str, limit: int, off: frozenset[str]) -> Slate:
        """Return the products of those a stranger may have that most customers of a segment hold."""
        lists = self._popular.get(channel, {})
        found = [product for product, _ in lists.get(segment) or lists.get(EVERYBODY, [])]
        chosen = [product for product in found if product not in off][:limit]
        names = dict(zip(self.products, self.names, strict=True))
        lines = tuple(SlateLine(product, names[product], None, None, POPULAR_CODES) for product in chosen)
        causes = self.manifest.get("stranger_causes", {})  # releases of older versions have none
        cause = None if lines else SWITCHED_OFF if found else causes.get(channel) or BELOW_FLOOR
        return Slate(lines, False, COLD_START, cause)

    def _names(self) -> NDArray[np.str_]:
        """Return the ids of the customers, ascending; compressed releases keep them as UTF-8."""
        found = self._array(CUSTOMERS)
        return found if found.dtype.kind == "U" else np.char.decode(found, "utf-8")

    def _by_channel(self, name: str) -> Arrays:
        return {channel: self._array(f"{name}-{channel}") for channel in self.manifest["channels"]}

    def _array(self, name: str) -> NDArray[Any]:
        return mapped_array(self.folder / f"{name}.npy")

    def _json(self, name: str) -> dict[str, Any]:
        return dict(json.loads((self.folder / name).read_bytes()))


def _codes_of(path: Path) -> dict[str, dict[str, Codes]]:
    """Return the reason codes by customer and product; equal ones are one object."""
    frame = pl.read_ipc(path, columns=[CUSTOMER_ID, PRODUCT_ID, "codes"])
    shared: dict[Codes, Codes] = {}
    found: dict[str, dict[str, Codes]] = {}
    for customer, product, codes in frame.iter_rows():
        one = tuple(codes)
        found.setdefault(customer, {})[product] = shared.setdefault(one, one)
    return found
