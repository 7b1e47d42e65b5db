"""Acquisitions that contacted pairs would show without their contact, from pairs that nobody contacted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.contact_effect.response import PastContacts
from vipreco.propensity import Calibration

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]
Mask = NDArray[np.bool_]
Indices = NDArray[np.intp]

DEVIATIONS = (0.5, 0.25)
TENTHS = 10
BORROWED = 5.0  # acquisitions that a stratum borrows from those of its tier and tenth, and these from all
SMALLEST_HAZARD = 1e-9


@dataclass(frozen=True)
class Contacted:
    """Pairs of customer and product that were contacted while they could still be acquired; m of them.

    Args:
        row: Row of the customer, shape (m,).
        product: Place of the product, shape (m,).
        channel: Of the contact, shape (m,).
        followed: Share of the horizon, from the day of the contact on, that is known, shape (m,).
        acquired: Whether the product was acquired in that time, shape (m,).
    """

    row: Indices
    product: Indices
    channel: NDArray[np.str_]
    followed: Floats
    acquired: Mask

    def __len__(self) -> int:
        return len(self.row)

    def take(self, chosen: Mask | Indices) -> Contacted:
        """Return some of the pairs."""
        return Contacted(
            self.row[chosen],
            self.product[chosen],
            self.channel[chosen],
            self.followed[chosen],
            self.acquired[chosen],
        )


@dataclass(frozen=True)
class ObservedPairs:
    """Customers at as-of dates with what they acquired, and who was contacted; n rows and P products.

    Args:
        chance: P(acquire) by boosters that have not seen the customer, shape (n, P).
        acquired: Acquired within the horizon, shape (n, P).
        possible: Could be acquired, shape (n, P).
        near_contact: Contacted in the window or in the one before: no comparison, shape (n, P).
        weights: Customers that a row stands for, shape (n,).
        tiers: Of the customers, empty where unknown, shape (n,).
        families: Of the products, shape (P,).
        contacted: The contacts.
        shifted: The same contacts as if each had happened a horizon later.
        past: Contacts before the as-of date of each row; None where they are unknown, which counts as none.
        reach: Share of the contacts of a channel that reach the customer; 1 where it is not here.
    """

    chance: Singles
    acquired: Mask
    possible: Mask
    near_contact: Mask
    weights: Floats
    tiers: NDArray[np.str_]
    families: tuple[str, ...]
    contacted: Contacted
    shifted: Contacted
    past: PastContacts | None = None
    reach: Mapping[str, float] = field(default_factory=dict)

    @property
    def compared(self) -> Mask:
        """Pairs that contacted ones are compared with, shape (n, P)."""
        return self.possible & ~self.near_contact


@dataclass(frozen=True)
class Expectation:
    """Hazards without a contact, of any pair of the rows.

    Args:
        hazard: Of each pair within the horizon, by the boosters alone, shape (n, P).
        stratum: Place of each pair's stratum of family, tier and tenth in the arrays below, shape (n, P).
        ratio: Observed over expected acquisitions of the pairs without a contact, by stratum.
        variance: Of the ratio, by stratum.
    """

    hazard: Singles
    stratum: NDArray[np.int32]
    ratio: Floats
    variance: Floats

    @classmethod
    def of(cls, pairs: ObservedPairs) -> Expectation:
        """Learn what is acquired without a contact.

        The chances are calibrated on pairs without a contact; what is left over by family, tier and tenth of
        the expected acquisitions corrects them: a comparison within strata, right where either the boosters
        or the strata catch how customers were chosen.
        """
        compared, weights = pairs.compared, pairs.weights
        raw = pairs.chance.astype(np.float64)
        fitted = Calibration.fit(raw, pairs.acquired, compared, weights, DEVIATIONS)
        hazard = np.maximum(-np.log1p(-fitted.apply(raw)), SMALLEST_HAZARD).astype(np.float32)
        tenth = tenths(hazard, np.where(compared, hazard * weights[:, None], 0.0))
        _, family = np.unique(np.array(pairs.families, np.str_), return_inverse=True)
        _, tier = np.unique(pairs.tiers, return_inverse=True)
        tiers = int(tier.max(initial=0)) + 1
        wide = (tier[:, None] * TENTHS + tenth).astype(np.int32)
        stratum = (family[None, :] * (tiers * TENTHS) + wide).astype(np.int32)
        strata = (int(family.max(initial=0)) + 1) * tiers * TENTHS
        seen, expected = (
            _sums(stratum, compared, values, strata)
            # chances, not hazards: a likely pair is acquired once
            for values in (pairs.acquired * weights[:, None], -np.expm1(-hazard) * weights[:, None])
        )
        ratio, variance = shrunk_ratios(seen, expected, np.arange(strata) % (tiers * TENTHS))
        return cls(hazard, stratum, ratio, variance)

    def without(self, contacted: Contacted) -> Floats:
        """Return the hazard of each contacted pair in its follow-up without the contact, shape (m,)."""
        place = contacted.row, contacted.product
        return self.hazard[place].astype(np.float64) * self.ratio[self.stratum[place]] * contacted.followed

    def withstood(self, contacted: Contacted, past: PastContacts) -> Floats:
        """Return the hazard that the customer of each contact declined before, shape (m,)."""
        rows = contacted.row
        hazard = self.hazard[rows].astype(np.float64) * self.ratio[self.stratum[rows]]
        return PastContacts(past.recent[rows], past.declined[rows]).withstood(hazard)[:, 0]

    def mass(self, pairs: ObservedPairs) -> dict[tuple[str, str], float]:
        """Return the sum of the hazards of all pairs that could be acquired, by family and tier."""
        hazard = self.hazard * self.ratio[self.stratum] * pairs.weights[:, None] * pairs.possible
        found: dict[tuple[str, str], float] = {}
        for tier in np.unique(pairs.tiers).tolist():
            sums = hazard[pairs.tiers == tier].sum(axis=0, dtype=np.float64).tolist()
            for family, amount in zip(pairs.families, sums, strict=True):
                found[family, tier] = found.get((family, tier), 0.0) + amount
        return found

    def error(self, contacted: Contacted, weights: Floats) -> float:
        """Return the variance of the sum of these hazards that the pairs without a contact leave."""
        place = contacted.row, contacted.product
        own = self.hazard[place] * contacted.followed * weights
        by_stratum = np.bincount(self.stratum[place], own, len(self.ratio))
        return float(by_stratum**2 @ self.variance)


def tenths(hazard: Singles, mass: Any) -> NDArray[np.int32]:
    """Return the tenth of the expected acquisitions that each pair falls into, shape (n, P)."""
    bins = np.round(np.log(hazard) * 50).astype(np.int32)
    low = int(bins.min(initial=0))
    filled = np.bincount((bins - low).ravel(), np.asarray(mass, np.float64).ravel())
    share = (np.cumsum(filled) - filled / 2) / max(float(filled.sum()), SMALLEST_HAZARD)
    tenth = np.minimum((share * TENTHS).astype(np.int32), TENTHS - 1)
    return np.asarray(tenth[bins - low], np.int32)


def shrunk_ratios(seen: Floats, expected: Floats, wide: Indices) -> tuple[Floats, Floats]:
    """Return observed over expected of each stratum and its variance.

    A stratum with few acquisitions borrows from the wide one that it lies in, and that from all.

    Args:
        seen: Acquisitions, by stratum.
        expected: Expected acquisitions, by stratum.
        wide: Wide stratum of each stratum.
    """
    level = (seen.sum() + BORROWED) / (expected.sum() + BORROWED)
    seen_wide, expected_wide = np.bincount(wide, seen), np.bincount(wide, expected)
    prior = (seen_wide + BORROWED * level) / (expected_wide + BORROWED)
    own = prior[wide]
    ratio = (seen + BORROWED * own) / (expected + BORROWED)
    return ratio, ratio / (expected + BORROWED)


def _sums(stratum: NDArray[np.int32], where: Mask, values: Any, strata: int) -> Floats:
    return np.asarray(np.bincount(stratum[where], np.asarray(values, np.float64)[where], strata), np.float64)
