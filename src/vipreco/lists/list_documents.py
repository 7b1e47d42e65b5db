"""Call lists and sheets as documents, for workbook, PDF, JSON, CSV and terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any

import polars as pl

from vipreco.documents import Column, Document, Holds, Part
from vipreco.lists.book import BookLine
from vipreco.lists.chances import chance_text, evidence_text
from vipreco.lists.presentation import (
    CallLine,
    CallList,
    CustomerSheet,
    NotOffered,
    OfferLine,
    Person,
    ReasonCount,
)
from vipreco.lists.sheet_texts import profile_texts, sheet_basis_text, suitability_texts, talk_texts
from vipreco.lists.texts import Wording

People = Mapping[str, Person]
"""Names and phones of customers by id."""
NOBODY: People = MappingProxyType({})
CHINESE = re.compile("[\u4e00-\u9fff]")
NUMBERS = {Holds.COUNT: pl.Int64, Holds.AMOUNT: pl.Float64, Holds.RATE: pl.Float64, Holds.DATE: pl.Date}
Width = tuple[int, Holds]
CALL_WIDTHS: dict[str, Width] = {
    "place": (5, Holds.COUNT),
    "kind": (11, Holds.TEXT),
    "customer_id": (13, Holds.TEXT),
    "person": (18, Holds.TEXT),
    "tier": (13, Holds.TEXT),
    "assets": (11, Holds.AMOUNT),
    "reason_to_call": (34, Holds.TEXT),
    "offers": (44, Holds.TEXT),
    "avoid": (30, Holds.TEXT),
    "caution": (24, Holds.TEXT),
    "minutes": (6, Holds.COUNT),
    "expected_value": (9, Holds.AMOUNT),
    "last_contact": (19, Holds.TEXT),
}
BOOK_WIDTHS: dict[str, Width] = {
    "customer_id": (13, Holds.TEXT),
    "person": (18, Holds.TEXT),
    "tier": (13, Holds.TEXT),
    "assets": (12, Holds.AMOUNT),
    "attrition": (10, Holds.RATE),
    "tier_upgrade": (10, Holds.RATE),
    "duty": (14, Holds.TEXT),
    "deadline": (11, Holds.DATE),
    "promise": (11, Holds.DATE),
    "maturing": (12, Holds.AMOUNT),
    "expected_value": (9, Holds.AMOUNT),
    "reached": (11, Holds.DATE),
    "blocked": (32, Holds.TEXT),
}
ONLY_TODAY = {"place", "offers", "avoid", "caution"}
COUNT_WIDTHS: dict[str, Width] = {"reason": (90, Holds.TEXT), "customers": (12, Holds.COUNT)}
FACT_WIDTHS: dict[str, Width] = {"fact": (30, Holds.TEXT), "value": (90, Holds.TEXT)}
CONTACT_WIDTHS: dict[str, Width] = {
    "date": (11, Holds.DATE),
    "channel": (12, Holds.TEXT),
    "product": (40, Holds.TEXT),
    "outcome": (24, Holds.TEXT),
    "next_date": (11, Holds.DATE),
}
HOLDING_WIDTHS: dict[str, Width] = {
    "product": (40, Holds.TEXT),
    "since": (11, Holds.DATE),
    "balance": (14, Holds.AMOUNT),
}
OFFER_WIDTHS: dict[str, Width] = {
    "place": (5, Holds.COUNT),
    "product": (26, Holds.TEXT),
    "chance": (34, Holds.TEXT),
    "expected_value": (10, Holds.AMOUNT),
    "reasons": (48, Holds.TEXT),
    "caution": (24, Holds.TEXT),
}
NOT_OFFERED_WIDTHS: dict[str, Width] = {
    "product": (34, Holds.TEXT),
    "reason": (60, Holds.TEXT),
    "unlock": (44, Holds.TEXT),
}
TALK_WIDTHS: dict[str, Width] = {"part": (16, Holds.TEXT), "words": (104, Holds.TEXT)}
BRIEF: dict[str, tuple[str, ...]] = {
    "today": ("place", "kind", "customer_id", "reason_to_call", "offers"),
    "plan": ("date", "kind", "customer_id", "reason_to_call", "minutes"),
    "later": ("kind", "customer_id", "reason_to_call", "minutes", "expected_value"),
    "book": ("customer_id", "assets", "duty", "deadline", "blocked"),
    "offers": ("place", "product", "chance", "reasons", "caution"),
}
"""Columns of a part that matter where not all have room."""
TITLES = {"customer_id": "customer"}  # texts of columns that have another name


def call_list_document(listed: CallList, say: Wording, people: People = NOBODY) -> Document:
    """Return a call list as a document.

    Args:
        listed: The list.
        say: The words.
        people: Names and phones of customers by id; without any there is no column for them.
    """
    used, total = listed.used, listed.expected_value
    about = say(
        "list.about",
        calls=say.counted("list.call", len(listed.calls)),
        used=used,
        minutes=listed.minutes,
        amount=say.amount(total),
    )
    today = CALL_WIDTHS if people else _without(CALL_WIDTHS, {"person"})
    brief = _without(today, ONLY_TODAY)
    note = say("list.later_note", shown=len(listed.later), total=listed.later_total)
    return Document(
        title=say("list.title", manager=listed.manager_id, date=listed.date),
        about=(
            *listed.notices,
            about,
            *no_offer_count(listed, say),
            basis_text(listed, say),
            *listed.rules,
            *no_currency_text(say),
        ),
        parts=(
            _part("today", say("list.today"), today, _call_rows(listed.calls, say, people), say),
            *_plan_parts(listed, brief, say, people),
            _part("later", say("list.later"), brief, _call_rows(listed.later, say, people), say, note),
            _part("blocked", say("list.blocked"), COUNT_WIDTHS, _count_rows(listed.blocked), say),
            _part("idle", say("list.idle"), COUNT_WIDTHS, _count_rows(listed.idle), say),
        ),
        language=say.language,
        page=say.template("list.page"),
        currency=say.currency,
    )


def book_document(
    lines: Sequence[BookLine], manager_id: str, day: date, say: Wording, people: People = NOBODY
) -> Document:
    """Return all customers of a book as a document.

    Args:
        lines: The customers.
        manager_id: Whose book.
        day: Date of the knowledge.
        say: The words.
        people: Names and phones of customers by id; without any there is no column for them.
    """
    widths = BOOK_WIDTHS if people else _without(BOOK_WIDTHS, {"person"})
    cells = (_book_row(line, say, people) for line in lines)
    rows = [{name: row[name] for name in widths} for row in cells]
    return Document(
        title=say("list.book_title", manager=manager_id, date=day),
        about=(say.counted("list.customer", len(lines)), *no_currency_text(say)),
        parts=(_part("book", say("list.book"), widths, rows, say),),
        language=say.language,
        page=say.template("list.page"),
        currency=say.currency,
    )


def _book_row(line: BookLine, say: Wording, people: People) -> dict[str, Any]:
    person = people.get(line.customer_id)
    return {
        "customer_id": line.customer_id,
        "person": full_name(person) if person else "",
        "tier": line.tier,
        "assets": line.assets,
        "attrition": line.attrition,
        "tier_upgrade": line.tier_upgrade,
        "duty": say.of("kind", line.duty) if line.duty else "",
        "deadline": line.deadline,
        "promise": line.promise_date,
        "maturing": line.maturing_amount,
        "expected_value": None if line.blocked else line.expected_value,
        "reached": line.reached_date,
        "blocked": line.blocked,
    }


def no_offer_count(listed: CallList, say: Wording) -> tuple[str, ...]:
    """Return the line that counts the calls of the list without an offer, where there are any."""
    return (say.counted("list.no_offer", listed.without_offer),) if listed.without_offer else ()


def _plan_parts(listed: CallList, brief: dict[str, Width], say: Wording, people: People) -> tuple[Part, ...]:
    """Return the coming days of the plan in one table, where they were asked for."""
    if not listed.days:
        return ()
    widths = {"date": (11, Holds.DATE), **brief}
    rows = [{"date": day.date, **row} for day in listed.days for row in _call_rows(day.calls, say, people)]
    return (_part("plan", say("list.plan"), widths, rows, say, say("list.plan_note")),)


def _without(widths: dict[str, Width], names: set[str]) -> dict[str, Width]:
    return {name: width for name, width in widths.items() if name not in names}


def full_name(person: Person) -> str:
    """Return name and salutation in the order of the name's own language."""
    if CHINESE.search(person.name):
        return f"{person.name}{person.salutation}"
    return f"{person.salutation} {person.name}".strip()


def person_texts(person: Person | None) -> dict[str, str]:
    """Return name, phone and preferred hours in words, by name; empty without an entry in the directory."""
    if person is None:
        return {}
    texts = {"person": full_name(person), "phone": person.phone, "preferred_hours": person.preferred_hours}
    return {key: text for key, text in texts.items() if text}


def basis_text(listed: CallList, say: Wording) -> str:
    """Return the line that names data and model behind a list."""
    return say("list.basis", day=listed.known_on, model=listed.model)


def no_currency_text(say: Wording) -> tuple[str, ...]:
    """Return the line that says what amounts are counted in, where the project names no currency."""
    return () if say.currency else (say("list.no_currency"),)


def sheet_document(sheet: CustomerSheet, say: Wording, person: Person | None = None) -> Document:
    """Return the sheet of a customer as a document, with the name and phone of the directory."""
    known = {**person_texts(person), **profile_texts(sheet, say)}
    facts = [(say(f"fact.{name}"), value) for name, value in known.items()]
    answers = [(say(f"fact.{name}"), value) for name, value in suitability_texts(sheet, say).items()]
    return Document(
        title=say("sheet.title", customer=sheet.customer_id, date=sheet.date),
        about=(*sheet.notices, sheet_basis_text(sheet, say), *no_currency_text(say)),
        parts=(
            _part("profile", say("sheet.profile"), FACT_WIDTHS, facts, say),
            _part("suitability", say("sheet.suitability"), FACT_WIDTHS, answers, say),
            _part("contacts", say("sheet.contacts"), CONTACT_WIDTHS, _contact_rows(sheet, say), say),
            _part("holdings", say("sheet.holdings"), HOLDING_WIDTHS, _holding_rows(sheet), say),
            _part("offers", say("sheet.offers"), OFFER_WIDTHS, _offer_rows(sheet.offers, say), say),
            *_talk_parts(sheet, say),
            _part("not_offered", say("sheet.not_offered"), NOT_OFFERED_WIDTHS, _other_rows(sheet), say),
        ),
        language=say.language,
        page=say.template("list.page"),
        currency=say.currency,
    )


def _talk_parts(sheet: CustomerSheet, say: Wording) -> Iterator[Part]:
    if sheet.talk is not None:
        rows = talk_texts(sheet.talk, say)
        yield _part("talk", say("sheet.talk"), TALK_WIDTHS, rows, say, say("talk.note"))


def offers_text(line: CallLine, say: Wording) -> str:
    """Return the offers of a call, each with its chance and strongest reason, or why there is none."""
    return "\n".join(_offer_text(offer, say) for offer in line.offers) or line.no_offer


def _offer_text(offer: OfferLine, say: Wording) -> str:
    text = say("offer.line", place=offer.place, product=offer.product, chance=chance_text(offer, say))
    return say("offer.with_reason", offer=text, reason=offer.reasons[0]) if offer.reasons else text


def _avoid_text(avoid: NotOffered | None, say: Wording) -> str:
    return "" if avoid is None else say("offer.avoid", product=avoid.product, reason=avoid.reason)


def _call_rows(lines: Sequence[CallLine], say: Wording, people: People) -> list[dict[str, Any]]:
    return [
        {
            "place": line.place,
            "kind": say.of("kind", line.kind),
            "customer_id": line.customer_id,
            "person": "\n".join(person_texts(people.get(line.customer_id)).values()),
            "tier": line.tier,
            "assets": line.assets,
            "reason_to_call": "\n".join(line.reasons),
            "offers": offers_text(line, say),
            "avoid": _avoid_text(line.avoid, say),
            "caution": line.caution,
            "minutes": line.minutes,
            "expected_value": line.expected_value,
            "last_contact": line.last_contact,
        }
        for line in lines
    ]


def _count_rows(counts: Sequence[ReasonCount]) -> list[tuple[str, int]]:
    return [(count.reason, count.customers) for count in counts]


def _contact_rows(sheet: CustomerSheet, say: Wording) -> list[tuple[Any, ...]]:
    return [
        (
            line.date,
            say.of("channel", line.channel),
            line.product,
            say.of("outcome", line.outcome),
            line.next_date,
        )
        for line in sheet.contacts
    ]


def _holding_rows(sheet: CustomerSheet) -> list[tuple[Any, ...]]:
    return [(line.product, line.since, line.balance) for line in sheet.holdings]


def _offer_rows(offers: Sequence[OfferLine], say: Wording) -> list[tuple[Any, ...]]:
    return [
        (
            offer.place,
            offer.product,
            "\n".join(filter(None, (chance_text(offer, say), evidence_text(offer, say)))),
            offer.expected_value,
            "\n".join(offer.reasons),
            offer.caution,
        )
        for offer in offers
    ]


def _other_rows(sheet: CustomerSheet) -> list[tuple[str, str, str]]:
    return [(item.product, item.reason, item.unlock) for item in sheet.not_offered]


def _part(
    key: str, title: str, widths: dict[str, Width], rows: Sequence[Any], say: Wording, note: str = ""
) -> Part:
    """Return a table; amounts stand in it with their currency, or "units", in the heading."""
    schema = {name: NUMBERS.get(holds, pl.String) for name, (_, holds) in widths.items()}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    columns = tuple(
        Column(name, _heading(name, holds, say), width, holds) for name, (width, holds) in widths.items()
    )
    return Part(key, title, columns, frame, note, BRIEF.get(key, ()))


def _heading(name: str, holds: Holds, say: Wording) -> str:
    title = say(f"column.{TITLES.get(name, name)}")
    if holds is not Holds.AMOUNT:
        return title
    return say("column.of_currency", title=title, currency=say.unit)
