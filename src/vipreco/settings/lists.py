"""Section `[call_list]` of `vipreco.toml`: the plan of a relationship manager's day."""

from __future__ import annotations

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


class CallListSettings(Section):
    """Selection and length of calls.

    Args:
        minutes: Minutes for calls in a day, unless the command or page says otherwise.
        each: Minutes of a call of each kind.
        offers: Maximum of offers in a call.
        coverage_days: A VIP customer who was not reached for longer is called.
        coverage_rate: Share of the minutes after follow-ups that this duty may take before other calls.
        follow_up_days: A postponed follow-up without a date is due after these days.
        lapse_days: A follow-up that is overdue for longer lapses.
        cooling_off_days: No call within these days after the customer declined in a call.
        rest_days: No call within these days after a call that reached the customer, except follow-ups.
        assessment_days: Days for which a risk assessment is valid.
        assessment_notice_days: An assessment that ends within these days is renewed in the call.
        maturing_column: Numeric column of `activity` with the amount that matures soon; empty if the bank
            has none.
    """

    minutes: Minutes = 60
    each: CallMinutes = CallMinutes()
    offers: Annotated[int, Field(ge=1, le=10)] = 3
    coverage_days: Days = 150
    coverage_rate: Annotated[float, Field(ge=0.0, le=1.0)] = 1.0
    follow_up_days: Days = 30
    lapse_days: Days = 90
    cooling_off_days: Days = 14
    rest_days: Days = 7
    assessment_days: Days = 365
    assessment_notice_days: Days = 30
    maturing_column: str = "maturing_amount"
