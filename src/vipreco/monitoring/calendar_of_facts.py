"""The snapshots that a snapshot is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

from vipreco.history import add_months
from vipreco.monitoring.snapshot_facts import SnapshotFacts

NEAR: Final = timedelta(days=16)  # last working days differ from last days of months


@dataclass(frozen=True)
class Compared:
    """A snapshot with those that it is compared with; None where there is no such snapshot.

    Args:
        now: The newest.
        before: One month earlier.
        base: Two months earlier: the last month before what stands for two months began.
        year: The same month a year ago.
        year_before: The month before that.
    """

    now: SnapshotFacts
    before: SnapshotFacts | None
    base: SnapshotFacts | None
    year: SnapshotFacts | None
    year_before: SnapshotFacts | None

    @classmethod
    def of(cls, facts: Sequence[SnapshotFacts]) -> Self:
        """Choose among facts, oldest first, of which the last is judged."""
        now = facts[-1]
        earlier = [_near(facts, add_months(now.day, -months)) for months in (1, 2, 12, 13)]
        return cls(now, *earlier)


def compared_days(day: date, snapshot_dates: Sequence[date]) -> list[date]:
    """Return the snapshot dates that a judgement of `day` needs, ascending, `day` among them."""
    wanted = [add_months(day, -months) for months in (0, 1, 2, 12, 13)]
    known = [each for each in snapshot_dates if each <= day]
    return sorted({each for each in known for one in wanted if abs(each - one) <= NEAR})


def _near(facts: Sequence[SnapshotFacts], wanted: date) -> SnapshotFacts | None:
    close = [each for each in facts[:-1] if abs(each.day - wanted) <= NEAR]
    return min(close, key=lambda each: abs(each.day - wanted), default=None)
