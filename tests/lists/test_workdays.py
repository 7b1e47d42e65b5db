"""Working days of a manager: weekends, holidays, working days in their place, and absences."""

from __future__ import annotations

from datetime import date

from vipreco.lists import Availability
from vipreco.lists.workdays import ALWAYS, plan_days
from vipreco.settings import Absence, WorkingDays

WEDNESDAY = date(2025, 12, 31)
CALENDAR = WorkingDays(
    holidays=(date(2026, 1, 1), date(2026, 1, 2)),
    extra=(date(2026, 1, 4),),
    absences=(Absence(manager="M1", from_date=date(2026, 1, 5), until_date=date(2026, 1, 6)),),
)


def days(availability: Availability = ALWAYS, start: date = WEDNESDAY) -> list[int]:
    return [day.day for day in plan_days(start, 4, CALENDAR, availability)]


def test_weekends_and_holidays_are_no_working_days_but_those_in_their_place_are():
    assert days() == [31, 4, 5, 6]
    assert days(start=date(2026, 1, 3)) == [4, 5, 6, 7]


def test_a_manager_makes_no_calls_while_away():
    assert days(Availability.of("M1", CALENDAR.absences)) == [31, 4, 7, 8]
    assert days(Availability.of("M2", CALENDAR.absences)) == [31, 4, 5, 6]
    assert days(Availability(((WEDNESDAY, date(2026, 1, 4)),))) == [5, 6, 7, 8]


def test_without_any_working_day_the_plan_is_for_the_day_itself():
    assert plan_days(WEDNESDAY, 4, WorkingDays(weekdays=()), ALWAYS) == (WEDNESDAY,)
