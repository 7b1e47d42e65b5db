"""From a planned day to what the templates show: the words are those of the printed list and sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from serving.page.chart import draw
from serving.page.views import (
    CallView,
    ContactView,
    CountView,
    CoverView,
    DayView,
    FactView,
    HoldingView,
    OfferView,
    OtherView,
    SheetView,
)
from vipreco.columns import CUSTOMER_ID, PRIORITY, PRODUCT_ID, PROPENSITY, RANK
from vipreco.documents import Document
from vipreco.lists import (
    BLOCKED,
    KIND,
    MINUTES,
    MOST_LATER,
    PLACE,
    WORTH,
    Day,
    Row,
    Telling,
    Told,
    Wording,
    avoid_text,
    blocked_part,
    caution,
    idle_part,
    last_contact,
    sheet_document,
    to_next_tier,
    told,
    why_now,
)
from vipreco.store import Cover, Member

Rows = list[dict[str, Any]]
ASSETS = """
SELECT snapshot_date, CAST(aum_amount AS DOUBLE) AS amount
FROM customers ORDER BY snapshot_date"""


@dataclass(frozen=True)
class Reader:
    """Who reads: whose book it is, whom they see, and in which words.

    Args:
        manager_id: The reader's own book.
        members: Everybody whom the reader sees, by id.
        covers: Leaves for which the reader stands in.
        made: Outcome recorded today by customer, in the order in which they were recorded.
        say: The words.
        model: Version of the model, for the line of what the list stands on.
        stale: Whether the data behind it are older than usual.
    """

    manager_id: str
    members: Mapping[str, Member]
    covers: tuple[Cover, ...]
    made: Mapping[str, str]
    say: Wording
    model: str
    stale: bool = False

    def other(self, customer_id: str) -> str:
        """Return whose customer it is, where it is not the reader's own."""
        owner = self.members[customer_id].manager_id or ""
        return "" if owner == self.manager_id else owner


def day_view(day: Day, reader: Reader, reasons: bool = True) -> DayView:
    """Return the call list: calls that were made today stay on it, at its end.

    Args:
        day: As it is planned now.
        reader: Who reads it.
        reasons: Whether the offers come with theirs; they take longer than everything else.
    """
    made = day.calls.filter(pl.col(CUSTOMER_ID).is_in(list(reader.made)))
    today, moved = _open(day, made, reader)
    later = pl.concat([moved, day.later.filter(~pl.col(CUSTOMER_ID).is_in(list(reader.made)))])
    telling = told(day, today[CUSTOMER_ID], reader.say.language) if reasons else {}
    return DayView(
        date=day.date,
        manager_id=reader.manager_id,
        minutes=day.settings.minutes,
        calls=[*_calls(day, today, telling, reader), *_calls(day, made, {}, reader)],
        later=_calls(day, later.head(MOST_LATER), {}, reader),
        later_total=later.height,
        blocked=_counts(blocked_part(day, reader.say).rows),
        idle=_counts(idle_part(day, reader.say).rows),
        customers=day.calls.height,
        basis=reader.say("list.basis", day=day.date, model=reader.model),
        covers=[CoverView(cover.manager_id, cover.until_date) for cover in reader.covers],
        stale=reader.stale,
    )


def _open(day: Day, made: pl.DataFrame, reader: Reader) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the calls still to be made within the minutes that are left, and those that fit no more.

    Minutes go to who was called today, on the list or beside it: a day ends.
    """
    planned = day.today.filter(~pl.col(CUSTOMER_ID).is_in(list(reader.made)))
    left = day.settings.minutes - int(made[MINUTES].sum())
    fits = []
    for minutes in planned[MINUTES]:
        fits.append(minutes <= left)
        left -= minutes if fits[-1] else 0
    mask = pl.Series(fits, dtype=pl.Boolean)
    return planned.filter(mask), planned.filter(~mask)


def matching(day: Day, reader: Reader, text: str, most: int) -> tuple[list[CallView], int]:
    """Return the customers of the book whose id or tier holds a text, and how many there are in all."""
    found = day.calls.filter(
        pl.col(CUSTOMER_ID).str.contains(text, literal=True)
        | pl.col("tier").str.to_lowercase().str.contains(text.lower(), literal=True)
    )
    return _calls(day, found.head(most), {}, reader), found.height


def _calls(day: Day, calls: pl.DataFrame, telling: Telling, reader: Reader) -> list[CallView]:
    offers: dict[str, Rows] = {customer: [] for customer in calls[CUSTOMER_ID].to_list()}
    for offer in day.offers.filter(pl.col(CUSTOMER_ID).is_in(list(offers))).iter_rows(named=True):
        offers[offer[CUSTOMER_ID]].append(offer)
    return [_call(day, row, offers[row[CUSTOMER_ID]], telling, reader) for row in calls.iter_rows(named=True)]


def _call(day: Day, row: Row, offers: Rows, telling: Telling, reader: Reader) -> CallView:
    customer, say = row[CUSTOMER_ID], reader.say
    found = [(offer, telling.get((customer, offer[PRODUCT_ID]), Told())) for offer in offers]
    return CallView(
        handle=reader.members[customer].handle,
        customer_id=customer,
        kind=row[KIND] or "",
        place=row[PLACE],
        tier=row["tier"] or "",
        assets=row["aum_amount"],
        why=list(why_now(day, row, say)),
        offers=[_offer(day, offer, told) for offer, told in found],
        avoid=avoid_text(day, row, say),
        caution=caution(day, row, found, say),
        minutes=row[MINUTES],
        worth=row[WORTH],
        last_contact=last_contact(row, say),
        manager_id=reader.other(customer),
        outcome=reader.made.get(customer, ""),
    )


def _offer(day: Day, offer: Row, told: Told) -> OfferView:
    product = offer[PRODUCT_ID]
    return OfferView(
        place=offer[RANK],
        product_id=product,
        product=day.names.get(product) or product,
        chance=offer[PROPENSITY],
        worth=offer[PRIORITY],
        reasons=told.reasons,
        caution=told.caution,
    )


def _counts(rows: pl.DataFrame) -> list[CountView]:
    return [CountView(*row) for row in rows.select("reason", "customers").iter_rows()]


def sheet_view(day: Day, reader: Reader) -> SheetView:
    """Return the sheet of the one customer of a day.

    Args:
        day: Of `call_list.customer_day`.
        reader: Who reads it.
    """
    (row,) = day.calls.iter_rows(named=True)
    document = sheet_document(day, reader.model, reader.say)
    parts = {part.key: part.rows.to_dicts() for part in document.parts}
    missing = to_next_tier(day, row)
    customer = row[CUSTOMER_ID]
    return SheetView(
        handle=reader.members[customer].handle,
        customer_id=customer,
        kind=row[KIND] or "",
        tier=row["tier"] or "",
        assets=row["aum_amount"],
        allowed=row[BLOCKED] is None,
        may_call=parts["selling"][0]["value"],
        who=_facts(parts["who"][6:-1]),
        selling=_facts(parts["selling"][1:-1]),
        why=list(why_now(day, row, reader.say)),
        contacts=_contacts(parts["contacts"]),
        holdings=_holdings(parts["holdings"]),
        offers=_offers(parts["offers"]),
        others=_others(parts["others"]),
        attrition_probability=row["attrition_probability"],
        tier_upgrade_probability=row["tier_upgrade_probability"],
        missing=missing,
        chart=draw(_months(day), None if missing is None else (row["aum_amount"] or 0.0) + missing),
        basis=document.about[0],
        caution=_caution(document),
        products=_products(day),
        manager_id=reader.other(customer),
    )


def _months(day: Day) -> list[tuple[date, float | None]]:
    """Return the assets of the one customer of a day by snapshot date, oldest first."""
    return pl.DataFrame(day.view.query(ASSETS, where="page")).rows()


def _caution(document: Document) -> str:
    (selling,) = (part for part in document.parts if part.key == "selling")
    return str(selling.rows["value"][-1] or "")


def _products(day: Day) -> list[tuple[str, str]]:
    """Return what a talk may have been about: the offers first, then every other product."""
    offered = day.offers[PRODUCT_ID].to_list()
    others = sorted(set(day.names) - set(offered), key=lambda product: day.names[product] or product)
    return [(product, day.names.get(product) or product) for product in (*offered, *others)]


def _facts(rows: Rows) -> list[FactView]:
    return [FactView(row["fact"], row["value"]) for row in rows]


def _contacts(rows: Rows) -> list[ContactView]:
    names = ("date", "channel", "product", "outcome", "next_date")
    return [ContactView(*(row[name] for name in names)) for row in rows]


def _holdings(rows: Rows) -> list[HoldingView]:
    return [HoldingView(row["product"], row["since"], row["balance"]) for row in rows]


def _offers(rows: Rows) -> list[OfferView]:
    return [
        OfferView(
            place=row[RANK],
            product_id=row[PRODUCT_ID],
            product=row["product"] or row[PRODUCT_ID],
            chance=row[PROPENSITY],
            worth=row[PRIORITY],
            reasons=[line for line in row["because"].split("\n") if line],
            caution=row["caution"],
        )
        for row in rows
    ]


def _others(rows: Rows) -> list[OtherView]:
    return [OtherView(row["product"] or "", row["reason"], row["unlock"]) for row in rows]
