"""The section `[call_list]` of `vipreco.toml`: how the day of a relationship manager is planned."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from vipreco.settings.section import Section

Days = Annotated[int, Field(ge=0, le=3650)]
Minutes = Annotated[int, Field(ge=1, le=600)]


class CallKind(StrEnum):
    """What a call is for, duties first."""

    FOLLOW_UP = "follow_up"
    COVERAGE = "coverage"
    MATURITY = "maturity"
    ASSESSMENT = "assessment"
    KEEP = "keep"
    GROW = "grow"
    DEVELOP = "develop"


class CallMinutes(Section):
    """Minutes that a call of each kind takes, with what is noted afterwards."""

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
    """Who is called, and what a call takes.

    Args:
        minutes: Minutes for calls in a day, where none are asked for.
        each: Minutes of a call of each kind.
        offers: Most offers in a call.
        coverage_days: A VIP customer whom nobody reached for longer is called.
        coverage_rate: Share of the minutes after follow-ups that this duty may take before other calls.
        follow_up_days: A postponed talk without a date is taken up again after these days.
        lapse_days: A follow-up that is overdue for longer is not one any more.
        cooling_off_days: Nobody is called within these days after declining in a call.
        rest_days: Nobody is called within these days after any call that reached them; follow-ups are.
        assessment_days: Days for which a risk assessment is valid.
        assessment_notice_days: An assessment that ends within these days is renewed in the call.
        maturing_column: Numeric column of `activity` with the amount that matures soon; empty where the bank
            brings none.
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
