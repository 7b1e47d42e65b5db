"""Draw of the rows that are learnt from: acquirers as far as the memory goes, and a sample of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from vipreco.folds import LOTTERY
from vipreco.propensity import PropensitySettings
from vipreco.recommender.label_arrays import Mask
from vipreco.recommender.panels import Arrays

Codes = NDArray[np.int8]
LEFT_OUT, WHOLE = range(2)
"""Codes of customers who are not taken, and who stand for themselves; those of drawn sides follow."""

VIP_DENSITY: Final = 5.0
"""VIP customers are drawn so many times as often. They are few and acquire more: where one of them stands for
forty, trees find places with acquirers and hardly anybody else, and their chances come out too high."""
SAMPLING_PARTS: Final = LOTTERY


@dataclass(frozen=True)
class DateCounts:
    """Observed customers of one as-of date.

    Args:
        acquirers: Who acquired a product of the fit.
        others: Who did not.
        products: Acquirers of each product, shape (P,).
    """

    acquirers: int
    others: int
    products: NDArray[np.int64]

    @classmethod
    def merged(cls, parts: Sequence[Arrays], place: int) -> Self:
        """Return the counts of the date at a place over all parts."""
        acquirers, others = np.sum([part[f"{place}.counts"] for part in parts], axis=0).tolist()
        return cls(acquirers, others, np.sum([part[f"{place}.products"] for part in parts], axis=0))


@dataclass(frozen=True)
class Draw:
    """Shares of the customers who are drawn at one as-of date, by a lottery that is the same on any machine.

    Args:
        others: Of those without an acquisition, below VIP.
        acquirers: Of those with one, unless it is of a rare product.
        rare: Places of the products whose acquirers are all taken.
    """

    others: float
    acquirers: float
    rare: tuple[int, ...] = ()

    @classmethod
    def of(cls, counts: DateCounts, settings: PropensitySettings, dates: int) -> Self:
        """Return the draw of one of several dates.

        Acquirers of products that have less than an even share of the room are all taken; so many of the
        others that, in expectation, no more rows come together than there is room for.
        """
        most = max(settings.max_acquirer_rows // dates, 1)
        few = np.flatnonzero(counts.products <= most // max(len(counts.products), 1))
        whole = min(int(counts.products[few].sum()), most, counts.acquirers)
        acquirers = min(1.0, (most - whole) / max(counts.acquirers - whole, 1))
        limit = settings.max_rate_rows // dates
        # Beyond half of the room, acquirers do not drive the others out: a rate needs both.
        room = max(limit - counts.acquirers, limit // 2, 1)
        rare = () if acquirers == 1.0 else tuple(few.tolist())
        return cls(min(1.0, room / max(counts.others, 1)), acquirers, rare)

    @property
    def rates(self) -> tuple[float, float, float]:
        """Shares of acquirers, and of VIP customers and others without an acquisition."""
        return self.acquirers, min(1.0, VIP_DENSITY * self.others), self.others

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Return the draw of a `record`."""
        return cls(record["others"], record["acquirers"], tuple(record["rare"]))


def drawn_codes(
    whole: Mask, sides: Sequence[Mask], rates: Sequence[float], lottery: NDArray[np.int64]
) -> Codes:
    """Return how each customer is taken, shape (n,): left out, whole, or drawn from one of the sides.

    Args:
        whole: Who is taken for certain, shape (n,).
        sides: Of whom a share is drawn, shape (n,) each; nobody is on two.
        rates: Share of each side.
        lottery: Number of each customer below `SAMPLING_PARTS`, shape (n,).
    """
    codes = np.where(whole, WHOLE, LEFT_OUT).astype(np.int8)
    for code, (side, rate) in enumerate(zip(sides, rates, strict=True), start=WHOLE + 1):
        codes[side & (lottery < rate * SAMPLING_PARTS)] = code
    return codes


def drawn_counts(codes: Codes, sides: int) -> NDArray[np.int64]:
    """Return how many were drawn from each of the sides, shape (sides,)."""
    return np.bincount(codes, minlength=WHOLE + 1 + sides)[WHOLE + 1 :].astype(np.int64)


def drawn_weights(codes: Codes, total: NDArray[np.int64], drawn: NDArray[np.int64]) -> NDArray[np.float32]:
    """Return how many customers each taken one stands for, shape (n,).

    Args:
        codes: How each was taken; nobody is left out.
        total: Customers of each side, shape (sides,).
        drawn: Of these who were drawn, shape (sides,).
    """
    each = np.concatenate([[0.0, 1.0], total / np.maximum(drawn, 1)])
    return np.asarray(each[codes], np.float32)
