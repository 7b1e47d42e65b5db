"""Folds: dates, or customers, that are learnt from and those that are judged."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from vipreco.errors import UsageError
from vipreco.folds import customer_folds
from vipreco.history import label_windows, window

__all__ = ["RollingFold", "customer_folds", "rolling_folds"]


@dataclass(frozen=True)
class RollingFold:
    """One replay of history: what is learnt from, and the date that is judged.

    Attributes:
        train: As-of dates whose labels are learnt, oldest first; every label window ends by `test`.
        test: The as-of date whose lists are judged, by `window(test)`.
        horizon_months: Length of the label window.
        gap_months: Months between the as-of date and its label window.
        snapshot_dates: The bank's snapshots, which say how long each window is.
    """

    train: tuple[date, ...]
    test: date
    horizon_months: int
    gap_months: int
    snapshot_dates: tuple[date, ...] = ()

    def window(self, as_of: date) -> tuple[date, date]:
        """`(after, until)` of the labels of an as-of date, for `History.acquisitions`."""
        windows = label_windows(self.snapshot_dates, self.horizon_months, self.gap_months)
        return windows.get(as_of) or window(as_of, self.horizon_months, self.gap_months)


def rolling_folds(
    snapshot_dates: Sequence[date],
    horizon_months: int,
    gap_months: int = 0,
    train_months: int | None = None,
    folds: int = 3,
    unusable: Collection[date] = (),
) -> list[RollingFold]:
    """The newest folds whose test window lies within the history, oldest test date first.

    A date is learnt from only when its label window has ended by the test date, so nothing is learnt
    that was not known when the lists would have been made.

    Args:
        snapshot_dates: `History.snapshot_dates`.
        horizon_months: Length of the label window.
        gap_months: Months between the as-of date and its label window.
        train_months: How many of the newest usable dates are learnt from; None for all.
        folds: At most this many.
        unusable: Dates at which nobody was observed: they are neither learnt from nor judged.

    Raises:
        UsageError: The history is too short for a single fold.
    """
    dates = sorted(set(snapshot_dates))
    windows = label_windows(dates, horizon_months, gap_months)
    ends = {day: until for day, (_, until) in windows.items() if day not in unusable}
    usable = [(test, _learnable(ends, test, train_months)) for test in ends]
    found = [
        RollingFold(train, test, horizon_months, gap_months, tuple(dates)) for test, train in usable if train
    ]
    if not found:
        raise _too_short(dates, horizon_months + gap_months)
    return found[-folds:]


def _learnable(ends: dict[date, date], test: date, newest: int | None) -> tuple[date, ...]:
    ended = [day for day, end in ends.items() if end <= test]
    return tuple(ended if newest is None else ended[-newest:])


def _too_short(dates: list[date], months: int) -> UsageError:
    span = f"{dates[0]} to {dates[-1]}" if dates else "no snapshot at all"
    return UsageError(
        f"the history is too short to learn at one date and be judged at a later one ({span})",
        remedy=f"it takes snapshots over {2 * months} months; with fewer, use customer folds on one date",
        code="short-history",
    )
