"""Working days of a manager: the bank's calendar without the days of absence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from typing import Any

from vipreco.settings import Absence, WorkingDays

MAX_AHEAD = 400  # days that are searched for working days; a calendar may have none


@dataclass(frozen=True)
class Availability:
    """Days on which a manager makes calls, and days until which they see customers of another manager.

    Args:
        absences: First and last day of each absence of the manager.
        cover_ends: Last day of the leave cover by customer, for customers of another manager.
    """

    absences: tuple[tuple[date, date], ...] = ()
    cover_ends: Mapping[str, date] = field(default_factory=dict)

    @classmethod
    def of(cls, manager_id: str, absences: Iterable[Absence]) -> Availability:
        """Return the availability of a manager by the absences of all managers."""
        own = (each for each in absences if each.manager == manager_id)
        return cls(tuple((each.from_date, each.until_date) for each in own))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Availability:
        """Return an availability as `record` wrote it; records of before name no covers."""
        absences = [tuple(map(date.fromisoformat, ends)) for ends in record["absences"]]
        ends = {one: date.fromisoformat(day) for one, day in record.get("cover_ends", ())}
        return cls(tuple((first, last) for first, last in absences), ends)

    def record(self) -> dict[str, Any]:
        """Return the availability as JSON values."""
        return {
            "absences": [[first.isoformat(), last.isoformat()] for first, last in self.absences],
            "cover_ends": [[one, day.isoformat()] for one, day in sorted(self.cover_ends.items())],
        }

    def is_there(self, day: date) -> bool:
        """Return whether the manager works on a working day."""
        return not any(first <= day <= last for first, last in self.absences)


ALWAYS = Availability()


def is_working_day(day: date, calendar: WorkingDays) -> bool:
    """Return whether a day is a working day of the bank."""
    return day in calendar.extra or (day.isoweekday() in calendar.weekdays and day not in calendar.holidays)


def plan_days(start: date, count: int, calendar: WorkingDays, availability: Availability) -> tuple[date, ...]:
    """Return the next working days of a manager from a day on; the day itself where there is none."""
    return tuple(islice(_days(start, calendar, availability), count)) or (start,)


def working_days(start: date, count: int, calendar: WorkingDays) -> tuple[date, ...]:
    """Return the next working days of the bank from a day on, at most `count` and as far as is searched."""
    return plan_days(start, count, calendar, ALWAYS)


def first_not_overdue(today: date, calendar: WorkingDays) -> date:
    """Return the first date that no working day before today has met: what falls on it is due today."""
    before = (today - timedelta(days=number) for number in range(1, MAX_AHEAD))
    return next((day for day in before if is_working_day(day, calendar)), today) + timedelta(days=1)


def _days(start: date, calendar: WorkingDays, availability: Availability) -> Iterator[date]:
    ahead = (start + timedelta(days=number) for number in range(MAX_AHEAD))
    return (day for day in ahead if is_working_day(day, calendar) and availability.is_there(day))
