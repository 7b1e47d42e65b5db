"""Section `[call_list]` of `vipreco.toml`: the plan of a relationship manager's day."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from vipreco.settings.section import Section

Days = Annotated[int, Field(ge=0, le=3650)]
Minutes = Annotated[int, Field(ge=1, le=600)]


class CallKind(StrEnum):
    """Occasion of a call, duties first."""

    FOLLOW_UP = "follow_up"
    COVERAGE = "coverage"
    MATURITY = "maturity"
    ASSESSMENT = "assessment"
    KEEP = "keep"
    GROW = "grow"
    DEVELOP = "develop"


class CallMinutes(Section):
    """Minutes of a call of each kind, including its documentation."""

    follow_up: Minutes = 5
    coverage: Minutes = 10
    maturity: Minutes = 10
    assessment: Minutes = 15
    keep: Minutes = 15
    grow: Minutes = 10
    develop: Minutes = 10

    def of(self, kind: CallKind) -> int:
        """Return the minutes of a kind."""
        return int(getattr(self, kind.value))


class Absence(Section):
    """Days on which a manager makes no calls, the first and the last included.

    Args:
        manager: Id of the manager.
        from_date: First day.
        until_date: Last day.
    """

    manager: Annotated[str, Field(min_length=1)]
    from_date: date
    until_date: date


class WorkingDays(Section):
    """Days on which calls are made.

    Args:
        weekdays: Working weekdays, 1 is Monday.
        holidays: Days without work.
        extra: Working days in place of others, such as a Sunday before a holiday.
        absences: Of managers; leave covers of the store count beside them.
    """

    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)
    holidays: tuple[date, ...] = ()
    extra: tuple[date, ...] = ()
    absences: tuple[Absence, ...] = ()


class CallListSettings(Section):
    """Selection and length of calls.

    Args:
        minutes: Minutes for calls in a day, unless the command or page says otherwise.
        each: Minutes of a call of each kind.
        offers: Maximum of offers in a call.
        counted_offers: Offers whose expected value counts for the call, the first ones; None = all. The
            effect of a contact is that of a contact about one product, and other products show none.
        coverage_days: A VIP customer who was not reached for longer is called.
        coverage_grace_days: The call follows within these days; later it is overdue.
        coverage_rate: Share of the minutes of each day that overdue calls of this duty may claim at most
            before calls that are worth more; 0 = none ever.
        min_value_share: Share of the most valuable lists of the same minutes that the lists keep over the
            days while overdue duties are made up for; what is due today by a promise is not asked.
        maturity_days: The talk about a maturing amount takes place within these days of the month's end.
        plan_days: Working days of the plan whose first day is today's list.
        minute_amount: Cost of a minute of the manager, in the bank's currency; an offer of less expected
            value is not made.
        min_chance_ratio: An offer is made only where its chance is above so many times the usual chance.
        follow_up_days: A postponed follow-up without a date is due after these days.
        lapse_days: A follow-up that is overdue for longer lapses.
        cooling_off_days: No call within these days after the customer declined in a call.
        rest_days: No call within these days after a call that reached the customer, except follow-ups.
        assessment_days: Days for which a risk assessment is valid.
        assessment_notice_days: An assessment that ends within these days is renewed in the call.
        maturing_families: Families of products that a maturing amount may go to.
        maturing_column: Numeric column of `activity` with the amount that matures soon; empty if the bank
            has none.
    """

    minutes: Minutes = 60
    each: CallMinutes = CallMinutes()
    offers: Annotated[int, Field(ge=1, le=10)] = 3
    counted_offers: Annotated[int, Field(ge=1, le=10)] | None = None
    coverage_days: Days = 150
    coverage_grace_days: Days = 30
    coverage_rate: Annotated[float, Field(ge=0.0, le=1.0)] = 0.25
    min_value_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.95
    maturity_days: Days = 30
    plan_days: Annotated[int, Field(ge=1, le=60)] = 10
    minute_amount: Annotated[float, Field(ge=0.0)] = 3.0
    min_chance_ratio: Annotated[float, Field(ge=0.0)] = 1.0
    working_days: WorkingDays = WorkingDays()
    follow_up_days: Days = 30
    lapse_days: Days = 90
    cooling_off_days: Days = 14
    rest_days: Days = 7
    assessment_days: Days = 365
    assessment_notice_days: Days = 30
    maturing_families: tuple[str, ...] = ("deposit", "wealth")
    maturing_column: str = "maturing_amount"
