"""Months of the simulation as positions, and dates as days since 1970-01-01."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

Days = NDArray[np.int32]

NEVER = -1_000_000
"""The day of what has not happened."""

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()


@dataclass(frozen=True)
class Calendar:
    """The months of a simulation; month 0 is the first one written out.

    Args:
        last_month: Last month, such as `2025-12`.
        months: Number of months.
    """

    last_month: str
    months: int

    def month(self, position: int) -> np.datetime64:
        """Return the month at a position (negative: before the first)."""
        first = np.datetime64(self.last_month, "M") - (self.months - 1)
        return first + position

    def first_day(self, position: int) -> int:
        """Return the first day of the month, in days since 1970-01-01."""
        return int(self.month(position).astype("datetime64[D]").astype(np.int64))

    def last_day(self, position: int) -> int:
        """Return the last day of the month, in days since 1970-01-01: the snapshot date."""
        return self.first_day(position + 1) - 1

    def length(self, position: int) -> int:
        """Return the number of days of the month."""
        return self.first_day(position + 1) - self.first_day(position)

    def of_year(self, position: int) -> int:
        """Return the month of the year, 0 for January."""
        return int(self.month(position).astype(np.int64) % 12)

    def year(self, position: int) -> int:
        """Return the calendar year of the month."""
        return 1970 + int(self.month(position).astype(np.int64)) // 12

    def snapshot_date(self, position: int) -> date:
        """Return the last day of the month as a date."""
        return date.fromordinal(self.last_day(position) + EPOCH_ORDINAL)

    def label(self, position: int) -> str:
        """Return the month as six digits, `202512`: a bank's file names end in it."""
        return str(self.month(position)).replace("-", "")

    def positions_of(self, days: Days) -> NDArray[np.int16]:
        """Return the position of the month that each day falls into."""
        months = days.astype("datetime64[D]").astype("datetime64[M]")
        return (months - self.month(0)).astype(np.int64).astype(np.int16)


def as_dates(days: Days) -> NDArray[np.datetime64]:
    """Return days since 1970-01-01 as dates; `NEVER` becomes a missing date."""
    dates = days.astype("datetime64[D]")
    dates[days == NEVER] = np.datetime64("NaT")
    return dates
