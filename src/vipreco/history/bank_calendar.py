"""The dates of a whole bank, by which views of all and of some of its customers go alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Self


@dataclass(frozen=True)
class BankCalendar:
    """Snapshots and activity months of a bank, each with the date on which the bank first knew of it.

    A view of a few customers has these too: what is newest, and how far back a lag lies, is a matter of the
    bank and not of whoever is asked for.

    Args:
        snapshots: When each snapshot was known first.
        months: When each activity month was known first.
    """

    snapshots: Mapping[date, date] = field(default_factory=dict)
    months: Mapping[date, date] = field(default_factory=dict)

    @classmethod
    def of_snapshots(cls, dates: Sequence[date]) -> Self:
        """Return a calendar of snapshots that were known at once."""
        return cls({day: day for day in dates})

    @classmethod
    def from_record(cls, record: Mapping[str, Mapping[str, str]]) -> Self:
        """Return the calendar of a `record`."""
        return cls(*(_dates(record.get(name, {})) for name in ("snapshots", "months")))

    def record(self) -> dict[str, dict[str, str]]:
        """Return it as JSON values."""
        return {"snapshots": _texts(self.snapshots), "months": _texts(self.months)}

    def known_snapshots(self, day: date) -> tuple[date, ...]:
        """Return the snapshots that were known at the end of a day, newest first."""
        return tuple(sorted(_known(self.snapshots, day), reverse=True))

    def newest_month(self, day: date) -> date | None:
        """Return the newest activity month that was known at the end of a day, if any was."""
        return max(_known(self.months, day), default=None)

    def merged(self, other: BankCalendar) -> BankCalendar:
        """Return the calendar of both; a date that both know was known when the first of them knew it."""
        return BankCalendar(_earliest(self.snapshots, other.snapshots), _earliest(self.months, other.months))


def _known(dates: Mapping[date, date], day: date) -> list[date]:
    return [happened for happened, recorded in dates.items() if happened <= day and recorded <= day]


def _earliest(first: Mapping[date, date], second: Mapping[date, date]) -> dict[date, date]:
    days = sorted({*first, *second})
    return {day: min(one[day] for one in (first, second) if day in one) for day in days}


def _dates(texts: Mapping[str, Any]) -> dict[date, date]:
    return {date.fromisoformat(day): date.fromisoformat(known) for day, known in texts.items()}


def _texts(dates: Mapping[date, date]) -> dict[str, str]:
    return {day.isoformat(): dates[day].isoformat() for day in sorted(dates)}


NO_CALENDAR = BankCalendar()
