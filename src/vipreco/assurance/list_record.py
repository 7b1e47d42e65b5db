"""Record of a list: what was asked, what it was decided on, and the rows that were shown."""

from __future__ import annotations

import hashlib
import json
import math
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from json.encoder import encode_basestring as json_text
from typing import Any, Final

import numpy as np
import polars as pl
from pydantic import Field

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID, RANK
from vipreco.durable import canonical_json
from vipreco.features import ComputedFeatures
from vipreco.lists import CallList, CustomerSheet, Day, OfferLine
from vipreco.settings import Section
from vipreco.store import OF_A_LIST, Decision

TOLERANCE: Final = 1e-6
MAX_ROWS: Final = 2_000
"""Rows that a record holds; of a longer list it holds their hash, its rows are in the file of the list."""
DIGITS: Final = 6
MAX_STATED: Final = 10
Row = tuple[str, str, int | None, tuple[float | None, ...]]
"""Customer, product (empty: the customer), place, and the numbers that were shown."""


class OverlayRecord(Section):
    """State of the store that a decision of the service saw.

    Attributes:
        as_of: Day that the release was built for.
        after: Number of the last change that the tables held.
        until: Number of the last change that was known of the customers; 0: none that the tables lack.
        products_off, models_off: What was switched off.
    """

    as_of: str
    after: int = 0
    until: int = 0
    products_off: tuple[str, ...] = ()
    models_off: tuple[str, ...] = ()


class ListRecord(Section):
    """A list as it was decided.

    Attributes:
        kind: Kind of list.
        question: What was asked.
        artifact_hash, snapshot_id, policy_version, basis: Model, tables, rules; rules and weights.
        day: Date whose knowledge was used.
        overlay: State of the store, where the list saw it.
        features: Hash of the features of the listed customers, as they were used.
        total: Number of rows.
        hash: Of the rows.
        rows: The rows, where they are not too many.
    """

    kind: str
    question: dict[str, Any]
    artifact_hash: str
    snapshot_id: str
    policy_version: str
    basis: str
    day: str
    overlay: OverlayRecord | None = None
    features: str = ""
    total: int
    hash: str
    rows: tuple[Row, ...] = Field(default=())
    erased: int = 0

    @property
    def customers(self) -> frozenset[str]:
        """Customers of the rows."""
        return frozenset(row[0] for row in self.rows)

    def decision(self, made_at: datetime, actor: str, decision_id: str = "") -> Decision:
        """Return the record as an entry of the decision log, under an id of its own where none is given."""
        text = json.dumps(self.model_dump(mode="json"), ensure_ascii=False, separators=(",", ":"))
        return Decision(decision_id or secrets.token_hex(16), OF_A_LIST, made_at, actor, text)


@dataclass(frozen=True)
class MadeList:
    """Rows of a list, and the features behind them.

    Args:
        rows: As they were shown.
        features: Their hash.
        hashed: Number and hash of rows that are too many to be kept; `rows` is empty then.
    """

    rows: tuple[Row, ...]
    features: str = ""
    hashed: tuple[int, str] | None = None

    @classmethod
    def of_frames(cls, frames: Iterable[pl.DataFrame]) -> MadeList:
        """Return the list of rows that come some at a time; of more than a record holds, their hash."""
        kept: list[Row] = []
        digest, total = hashlib.sha256(), 0
        for frame in frames:
            rows = rows_of_frame(frame)
            if rows:
                digest.update(((",\n" if total else "[\n") + _joined(rows)).encode())
            total += len(rows)
            kept = [*kept, *rows] if total <= MAX_ROWS else []
        if total <= MAX_ROWS:
            return cls(tuple(kept))
        digest.update(b"\n]\n")
        return cls((), hashed=(total, digest.hexdigest()))

    @property
    def total(self) -> int:
        """Number of rows."""
        return len(self.rows) if self.hashed is None else self.hashed[0]

    @property
    def hash(self) -> str:
        """Hash of the rows, numbers rounded to six digits."""
        return hashlib.sha256(_rows_json(self.rows)).hexdigest() if self.hashed is None else self.hashed[1]

    def record(self, **about: Any) -> ListRecord:
        """Return the record of the list."""
        kept = self.rows if self.total <= MAX_ROWS else ()
        return ListRecord(features=self.features, total=self.total, hash=self.hash, rows=kept, **about)


def rows_of_calls(listed: CallList) -> tuple[Row, ...]:
    """Return the rows of a call list: each call of the day, then its offers."""
    return tuple(row for call in listed.calls for row in _rows_of_call(call))


def _rows_of_call(call: Any) -> Iterator[Row]:
    yield call.customer_id, "", call.place, (call.expected_value, float(call.minutes))
    yield from _rows_of_offers(call.customer_id, call.offers)


def rows_of_sheet(customer_id: str, sheet: CustomerSheet) -> tuple[Row, ...]:
    """Return the rows of a sheet: the chances of the customer, then the offers."""
    profile = sheet.profile
    own: Row = (customer_id, "", None, (profile.attrition, profile.tier_upgrade))
    return (own, *_rows_of_offers(customer_id, sheet.offers))


def _rows_of_offers(customer_id: str, offers: Iterable[OfferLine]) -> Iterator[Row]:
    for offer in offers:
        numbers = (offer.chance, offer.chance_with_contact, offer.expected_value)
        yield customer_id, offer.product_id, offer.place, numbers


def rows_of_frame(frame: pl.DataFrame) -> tuple[Row, ...]:
    """Return the rows of an offer list or a branch list: every number of each row, in order."""
    numbers = [
        name
        for name, kind in frame.schema.items()
        if kind.is_float() and name not in {CUSTOMER_ID, PRODUCT_ID}
    ]
    products = frame[PRODUCT_ID].to_list() if PRODUCT_ID in frame.columns else [""] * frame.height
    places = frame[RANK].to_list() if RANK in frame.columns else list(range(1, frame.height + 1))
    return tuple(
        (str(customer), str(product or ""), place, tuple(map(_finite, values)))
        for customer, product, place, values in zip(
            frame[CUSTOMER_ID].to_list(), products, places, frame.select(numbers).rows(), strict=True
        )
    )


def features_hash(computed: ComputedFeatures, customer_ids: Iterable[str]) -> str:
    """Return the hash of the features of some customers, in the columns of the fit."""
    wanted = np.asarray(sorted(set(customer_ids)), np.str_)
    chosen = computed.take(np.flatnonzero(np.isin(computed.customer_ids, wanted)))
    digest = hashlib.sha256("\0".join(chosen.customer_ids.tolist()).encode())
    pairs = chosen.pairs
    for array in (chosen.customer_values, pairs.rows, pairs.products, pairs.values):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def made_of_day(day: Day, rows: tuple[Row, ...]) -> MadeList:
    """Return a list of customers of a planned day, with the features that it was planned from."""
    computed = None if day.inputs is None else day.inputs.known.computed
    return MadeList(rows, "" if computed is None else features_hash(computed, [row[0] for row in rows]))


def differences(record: ListRecord, again: MadeList) -> list[str]:
    """Return in sentences where a list that was decided again differs; empty where it does not."""
    found: list[str] = []
    if record.features and record.features != again.features:
        found.append("the features are others than those that were used")
    if not record.rows and record.total:
        return found if record.hash == again.hash else [*found, "the rows have another hash"]
    then = [row for row in again.rows if not record.erased or row[0] in record.customers]
    return [*found, *differing_rows(record.rows, then)][:MAX_STATED]


def differing_rows(then: Sequence[Row], now: Sequence[Row]) -> list[str]:
    """Return in sentences which rows differ; who they are about is not told."""
    found = [f"{len(then)} rows then, {len(now)} now"] if len(then) != len(now) else []
    found += [
        f"row {place}: {_told(one)} then, {_told(other)} now"
        for place, (one, other) in enumerate(zip(then, now, strict=False), start=1)
        if not _is_same(one, other)
    ]
    return found[:MAX_STATED]


def _is_same(one: Row, other: Row) -> bool:
    return one[:3] == other[:3] and _are_close(one[3], other[3])


def _are_close(one: Sequence[float | None], other: Sequence[float | None]) -> bool:
    return len(one) == len(other) and all(
        mine == yours
        if mine is None or yours is None
        else math.isclose(mine, yours, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        for mine, yours in zip(one, other, strict=True)
    )


def _told(row: Row) -> str:
    _, product, place, numbers = row  # who it is stands in no message
    told = ", ".join("-" if one is None else f"{one:.6g}" for one in numbers)
    return f"{product or 'call'} at {place} with {told}"


def _finite(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _rows_json(rows: tuple[Row, ...]) -> bytes:
    """Return what `canonical_json` gives for the rows with rounded numbers, at a tenth of its CPU.

    Python's indenting encoder took .4 s for the 9,000 rows of a book of 3,000 customers.
    """
    if not rows:
        return canonical_json([])
    return f"[\n{_joined(rows)}\n]\n".encode()


def _joined(rows: tuple[Row, ...]) -> str:
    return ",\n".join(_row_json(*row) for row in rows)


def _row_json(customer_id: str, product_id: str, place: int | None, numbers: Sequence[float | None]) -> str:
    names = f"  {json_text(customer_id)},\n  {json_text(product_id)},\n  {_number(place)},\n"
    if not numbers:
        return f" [\n{names}  []\n ]"
    told = ",\n".join(f"   {_number(_rounded(one))}" for one in numbers)
    return f" [\n{names}  [\n{told}\n  ]\n ]"


def _number(value: float | None) -> str:
    if value is None:
        return "null"
    if not math.isfinite(value):
        raise ValueError(f"a list cannot show {value}")
    return repr(value)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
