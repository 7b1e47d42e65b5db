"""Section `[tiers]` of `vipreco.toml`: the tiers in order, with the assets from which each begins."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from vipreco.settings.section import Section

Amounts = NDArray[np.float64]
UNKNOWN = -1


class TierLine(Section):
    """Lowest assets of a tier, from a date on.

    Args:
        tier: Value of `customers.tier`.
        from_amount: Lowest assets under management of the tier, in the bank's currency.
        valid_from: First date of the line; a later line of the same tier replaces it.
        valid_until: Last date, where the tier was closed afterwards; None while it goes on.
    """

    tier: Annotated[str, Field(min_length=1)]
    from_amount: Annotated[float, Field(ge=0.0)]
    valid_from: date = date.min
    valid_until: date | None = None


class TierLadder(Section):
    """The section `[tiers]` of `vipreco.toml`: the tiers from the lowest to the highest.

    The order is that in which `ladder` first names each tier; without a ladder nothing is known of the
    order, and nothing that needs it is recommender.

    Args:
        vip: Tiers that mean a VIP customer.
        ladder: The lines, of the lowest tier first.
    """

    vip: tuple[str, ...] = ()
    ladder: tuple[TierLine, ...] = ()

    @model_validator(mode="after")
    def _climbs(self) -> TierLadder:
        for day in sorted({line.valid_from for line in self.ladder}):
            amounts = list(self.thresholds(day).items())
            for (lower, first), (upper, second) in pairwise(amounts):
                if second <= first:
                    raise ValueError(f"at {day} the tier {upper} begins no higher than {lower}")
        if self.ladder and not set(self.vip) & set(self.tiers):
            raise ValueError("no tier of the ladder is among vip")
        return self

    @property
    def tiers(self) -> tuple[str, ...]:
        """The tiers, the lowest first; empty without a ladder."""
        return tuple(dict.fromkeys(line.tier for line in self.ladder))

    def rank(self, tier: str | None) -> int:
        """Return the place of a tier from 0, the lowest; -1 for a tier that the ladder does not know."""
        return self.tiers.index(tier) if tier in self.tiers else UNKNOWN

    def ranks(self, tiers: NDArray[Any]) -> NDArray[np.int64]:
        """Return `rank` of each tier, shape (n,)."""
        found, codes = np.unique(np.asarray(tiers, np.str_), return_inverse=True)
        known = np.array([self.rank(str(tier)) for tier in found], np.int64)
        return known[codes] if len(known) else np.zeros(0, np.int64)

    def thresholds(self, day: date) -> dict[str, float]:
        """Return the assets from which each tier begins at a date, the lowest tier first.

        >>> lines = (TierLine(tier="BASIC", from_amount=0.0), TierLine(tier="GOLD", from_amount=200_000.0))
        >>> TierLadder(vip=("GOLD",), ladder=lines).thresholds(date(2025, 12, 31))
        {'BASIC': 0.0, 'GOLD': 200000.0}
        """
        valid = {tier: self._line(tier, day) for tier in self.tiers}
        return {tier: line.from_amount for tier, line in valid.items() if line is not None}

    def next_line(self, aum: Amounts, day: date) -> Amounts:
        """Return the lowest line above assets (n,); NaN above the highest, or where assets are unknown."""
        lines = np.array([*sorted(self.thresholds(day).values()), np.nan])
        above = lines[np.searchsorted(lines[:-1], aum, side="right")]
        return np.where(np.isnan(aum), np.nan, above)

    def _line(self, tier: str, day: date) -> TierLine | None:
        begun = [line for line in self.ladder if line.tier == tier and line.valid_from <= day]
        newest = max(begun, key=lambda line: line.valid_from, default=None)
        over = newest is None or (newest.valid_until is not None and newest.valid_until < day)
        return None if over else newest
