"""The whole book of a manager: every customer with assets, chances, duty, promise and maturity."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from vipreco.columns import CUSTOMER_ID
from vipreco.lists.call_columns import BLOCKED, DEADLINE, DUTY, EXPECTED, KIND, OVERDUE, Blocked
from vipreco.lists.call_lines import Row, product_name
from vipreco.lists.day import Day
from vipreco.lists.texts import Wording


@dataclass(frozen=True)
class BookLine:
    """One customer of a book; what is unknown or does not apply is None.

    Args:
        customer_id: Id that the bank knows.
        tier: Tier of the customer.
        assets: Assets in the bank's currency.
        attrition: Probability of attrition.
        tier_upgrade: Probability of reaching the next tier.
        kind: Code of the purpose of a call; empty where there is no reason to call.
        duty: Code of the duty that comes first; empty without one.
        deadline: Its date.
        overdue: The date has passed.
        promise_date: Date of the agreed talk.
        promise_product: What it is about; empty where nothing was named.
        maturing_amount: Amount that matures, in the bank's currency.
        maturing_date: End of the month in which it does.
        expected_value: Of a call, in the bank's currency.
        reached_date: Day of the last talk.
        blocked: Why the customer must not be called today; empty where a call is allowed.
    """

    customer_id: str
    tier: str
    assets: float | None
    attrition: float | None
    tier_upgrade: float | None
    kind: str
    duty: str
    deadline: datetime.date | None
    overdue: bool
    promise_date: datetime.date | None
    promise_product: str
    maturing_amount: float | None
    maturing_date: datetime.date | None
    expected_value: float | None
    reached_date: datetime.date | None
    blocked: str


def book_overview(day: Day, say: Wording) -> tuple[BookLine, ...]:
    """Return all customers of a book, the largest assets first."""
    calls = day.calls if day.plan is None else day.calls.with_columns(day.plan.duties)
    lines = [_line(day, row, say) for row in calls.iter_rows(named=True)]
    return tuple(sorted(lines, key=lambda line: (-(line.assets or 0.0), line.customer_id)))


def promises(lines: Iterable[BookLine]) -> tuple[BookLine, ...]:
    """Return the customers to whom a talk was promised, the earliest first."""
    found = [line for line in lines if line.promise_date is not None]
    return tuple(sorted(found, key=lambda line: (line.promise_date or datetime.date.max, line.customer_id)))


def _line(day: Day, row: Row, say: Wording) -> BookLine:
    maturing = row["maturing_amount"] or None
    return BookLine(
        customer_id=row[CUSTOMER_ID],
        tier=row["tier"] or "",
        assets=row["aum_amount"],
        attrition=row["attrition_probability"],
        tier_upgrade=row["tier_upgrade_probability"],
        kind=row[KIND] or "",
        duty=row.get(DUTY) or "",
        deadline=row.get(DEADLINE),
        overdue=bool(row.get(OVERDUE)),
        promise_date=row["follow_up_date"],
        promise_product=product_name(day, row["follow_up_product_id"]),
        maturing_amount=maturing,
        maturing_date=row["maturing_month_date"] if maturing else None,
        expected_value=row[EXPECTED],
        reached_date=row["reached_date"],
        blocked=blocked_text(day, row, say),
    )


def blocked_text(day: Day, row: Row, say: Wording) -> str:
    """Return in few words why a customer must not be called today; empty where a call is allowed."""
    reason: Any = row[BLOCKED]
    if reason is None:
        return ""
    rules = day.decisions[0].policy.rules
    number = int(row["stopped_whole"] or 0) if reason == Blocked.POLICY else 0
    return say(f"blocked.{reason}", rule=rules[number - 1].named(say.language) if number else "")
