"""Names of the columns of a plan of calls, and the reasons not to call a customer."""

from __future__ import annotations

from enum import StrEnum

KIND, MINUTES, EXPECTED, BLOCKED, PLACE = "kind", "minutes", "expected_amount", "blocked", "place"
FIRST_DATE, DUTY, DEADLINE, OVERDUE = "first_date", "duty", "deadline", "overdue"


class Blocked(StrEnum):
    """Reasons not to call a customer today."""

    NO_CONSENT = "no_consent"
    OPTED_OUT_OF_CALLS = "opted_out_of_calls"
    POLICY = "policy"
    COOLING_OFF = "cooling_off"
    RESTING = "resting"
