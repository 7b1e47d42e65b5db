"""The form about the outcome of a call: checked strictly, and never shown again unescaped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from vipreco.lists import CHANNEL
from vipreco.store import REFUSALS, Contact, masked

OUTCOMES: Final = (
    "unknown", "unreachable", "postponed", "declined", "accepted", "do_not_contact", "complaint"
)  # fmt: skip
"""Outcomes in the order of their buttons."""
MAX_ID_LENGTH = 64


@dataclass(frozen=True)
class OutcomeForm:
    """Outcome of a call; `wrong` names what is missing or wrong, as a text of the catalogue."""

    outcome: str = ""
    product_id: str | None = None
    next_date: date | None = None
    note: str = ""
    contact_id: str = ""
    wrong: str = ""

    def contact(self, customer_id: str, moment: datetime) -> Contact:
        """Return the call that the form tells of; ids and phones in the note are masked."""
        return Contact(
            customer_id=customer_id,
            channel=CHANNEL,
            contacted_at=moment,
            outcome=self.outcome,
            product_id=self.product_id,
            next_date=self.next_date,
            note=masked(self.note),
            contact_id=self.contact_id,
        )


def outcome_form(
    found: Mapping[str, str], today: date, products: frozenset[str], suggested: date | None = None
) -> OutcomeForm:
    """Return the outcome that a form tells of, with what is wrong in it.

    Args:
        found: The fields.
        today: Business date; a next date is not before it.
        products: Ids of products that a talk may be about.
        suggested: Next date of an offer that was put off by its button, where none was given.
    """
    outcome, product = found.get("outcome", ""), found.get("product_id", "")
    if found.get("answer"):  # the button of one offer: it says both
        outcome, _, product = found["answer"].partition(":")
    next_date, readable = _date(found.get("next_date", ""))
    if found.get("answer") and outcome == "postponed":
        next_date = next_date or suggested
    late = next_date is not None and next_date < today
    wrong = "" if outcome in OUTCOMES and product in {"", *products} else "record.choose"
    wrong = wrong or ("record.wrong_date" if late or not readable else "")
    return OutcomeForm(
        outcome=outcome if outcome in OUTCOMES else "",
        product_id=product if product in products else None,
        next_date=None if late else next_date,
        note=found.get("note", ""),
        contact_id=found.get("contact_id", "")[:MAX_ID_LENGTH],
        wrong="" if outcome in REFUSALS else wrong,  # a refusal is recorded whatever else is wrong
    )


def _date(text: str) -> tuple[date | None, bool]:
    if not text:
        return None, True
    try:
        return date.fromisoformat(text), True
    except ValueError:
        return None, False
