"""Cautions beside offers: one at most, the first of the catalog that holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from vipreco.documents import spoken_date
from vipreco.explanations.facts import FactBook, Key, key_of
from vipreco.explanations.reason_catalog import ReasonCatalog
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.history import add_months

VALID_MONTHS = 12  # of a risk assessment
SOON_DAYS = 60
NOT_ANSWERED = "unreachable"
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class CautionInput:
    """Inputs of cautions about m offers, besides the facts of their customers.

    Args:
        as_of: Date of the decision.
        rows: Place of each offer's customer among those of the facts, shape (m,).
        product_ids: Product of each offer, shape (m,).
        assessed: A rule asks for the customer's risk assessment, shape (m,).
        at_limit: It does, and the product's risk class is the highest that the customer's allows, shape (m,).
    """

    as_of: date
    rows: NDArray[np.intp]
    product_ids: tuple[str, ...]
    assessed: Flags
    at_limit: Flags


def caution_keys(catalogue: ReasonCatalog, product_ids: tuple[str, ...]) -> list[Key]:
    """Return the facts that cautions about some products may cite."""
    kinds = {kind for entry in catalogue.caution for kind in entry.facts}
    return sorted({key_of(catalogue.fact[kind], kind, product) for kind in kinds for product in product_ids})


def cautions(book: FactBook, caution_input: CautionInput, speaker: Speaker) -> list[Reason | None]:
    """Return the caution of each offer, None where there is nothing to mind, shape (m,)."""
    holding = _holding(book, caution_input)
    first = np.column_stack([holding[entry.id] for entry in book.catalogue.caution])
    place = np.where(first.any(axis=1), first.argmax(axis=1), -1)
    return [
        _told(book, caution_input, speaker, offer, number) if number >= 0 else None
        for offer, number in enumerate(place.tolist())
    ]


def _told(book: FactBook, caution_input: CautionInput, speaker: Speaker, offer: int, number: int) -> Reason:
    entry, product = book.catalogue.caution[number], caution_input.product_ids[offer]
    facts = tuple(book.fact(kind, product, int(caution_input.rows[offer])) for kind in entry.facts)
    more = _end(facts[0].value, speaker) if entry.id == "assessment-expires" else {}
    return Reason(entry.id, speaker.sentence(entry.words, facts, product, more=more), facts, subject=product)


def _end(assessed: str, speaker: Speaker) -> dict[str, str]:
    """Return the last day of a risk assessment in words."""
    end = add_months(date.fromisoformat(assessed), VALID_MONTHS)
    return {"end": spoken_date(end, speaker.language)}


def _holding(book: FactBook, caution_input: CautionInput) -> Mapping[str, Flags]:
    """Return where each caution holds, shape (m,) each."""
    assessed = book.cells[book.key("risk_assessed", "")]
    left = np.array([_days_left(caution_input.as_of, value) for value in assessed.values])
    ends_soon = ((left >= 0) & (left <= SOON_DAYS))[caution_input.rows]
    contact = book.cells[book.key("last_contact", "")]
    return {
        "declined-before": _declined(book, caution_input),
        "assessment-expires": ends_soon & caution_input.assessed,
        "risk-at-limit": caution_input.at_limit & book.there(["risk_level"], "")[caution_input.rows],
        "not-answered": (contact.values == NOT_ANSWERED)[caution_input.rows],
    }


def _declined(book: FactBook, caution_input: CautionInput) -> Flags:
    products = np.array(caution_input.product_ids, object)
    found = np.zeros(len(products), bool)
    for product in sorted(set(caution_input.product_ids)):
        own = products == product
        found[own] = book.there(["declined"], product)[caution_input.rows[own]]
    return found


def _days_left(as_of: date, assessed: str | None) -> int:
    """Return the days until an assessment ends; -1 where it has ended or is unknown."""
    if assessed is None:
        return -1
    return max((add_months(date.fromisoformat(assessed), VALID_MONTHS) - as_of).days, -1)
