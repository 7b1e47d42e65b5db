"""What the templates show: plain values, already in the language of the reader."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, field

from serving.page.chart import Chart


@dataclass(frozen=True)
class OfferView:
    """One offer: its place, product, chance (rate), worth (currency), reasons and what to mind."""

    place: int
    product_id: str
    product: str
    chance: float | None
    worth: float | None
    reasons: Sequence[str] = ()
    caution: str = ""


@dataclass(frozen=True)
class CallView:
    """One line of the call list.

    Args:
        handle: Opaque name of the customer in addresses.
        customer_id: Id that the bank knows.
        kind: Code of what heads the call, for the colour of its badge.
        place: In today's list from 1; None where the call did not fit.
        tier: Tier of the customer.
        assets: Assets in currency.
        why: What speaks for the call, the strongest first.
        offers: Offers for the call.
        avoid: What not to offer, with the reason.
        caution: What to mind.
        minutes: Minutes that the call takes.
        worth: Expected worth in currency.
        last_contact: Date, channel and outcome of the last contact.
        manager_id: Whose customer, where it is not the reader's own: they stand in during a leave.
        outcome: Code of the outcome recorded today, empty while the call is to be made.
    """

    handle: str
    customer_id: str
    kind: str
    place: int | None
    tier: str
    assets: float | None
    why: Sequence[str]
    offers: Sequence[OfferView]
    avoid: str
    caution: str
    minutes: int
    worth: float | None
    last_contact: str
    manager_id: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class CountView:
    """A reason with the number of customers that it concerns."""

    reason: str
    customers: int


@dataclass(frozen=True)
class CoverView:
    """A leave for which the reader stands in."""

    manager_id: str
    until: datetime.date


@dataclass(frozen=True)
class DayView:
    """The call list of one day."""

    date: datetime.date
    manager_id: str
    minutes: int
    calls: Sequence[CallView]
    later: Sequence[CallView]
    later_total: int
    blocked: Sequence[CountView]
    idle: Sequence[CountView]
    customers: int
    basis: str
    covers: Sequence[CoverView] = ()
    stale: bool = False

    @property
    def used(self) -> int:
        """Minutes of all calls on the list."""
        return sum(call.minutes for call in self.calls)

    @property
    def done(self) -> int:
        """Calls of the list whose outcome is recorded."""
        return sum(bool(call.outcome) for call in self.calls)

    @property
    def spent(self) -> int:
        """Minutes of the calls whose outcome is recorded."""
        return sum(call.minutes for call in self.calls if call.outcome)

    @property
    def due(self) -> int:
        """Follow-ups on the list that are still to be made."""
        return sum(call.kind == "follow_up" and not call.outcome for call in self.calls)

    @property
    def worth(self) -> float:
        """Expected worth of the calls on the list, in currency."""
        return sum(call.worth or 0.0 for call in self.calls)

    @property
    def kinds(self) -> dict[str, int]:
        """Number of calls to be made of each kind, in the order of the list."""
        found: dict[str, int] = {}
        for call in self.calls:
            if call.outcome:
                continue
            found[call.kind] = found.get(call.kind, 0) + 1
        return found

    def after(self, handle: str) -> CallView | None:
        """Return the next call to make after a customer's, round the list; None when all are made."""
        places = [place for place, call in enumerate(self.calls) if call.handle == handle]
        start = places[0] + 1 if places else 0
        order = [*self.calls[start:], *self.calls[:start]]
        return next((call for call in order if not call.outcome and call.handle != handle), None)


@dataclass(frozen=True)
class FactView:
    """A name with its value."""

    name: str
    value: str


@dataclass(frozen=True)
class ContactView:
    """One contact in words."""

    date: datetime.date | None
    channel: str
    product: str
    outcome: str
    next_date: datetime.date | None


@dataclass(frozen=True)
class HoldingView:
    """One product held."""

    product: str
    since: datetime.date | None
    balance: float | None


@dataclass(frozen=True)
class OtherView:
    """A product that is not offered, the rule that stops it, and what would unlock it."""

    product: str
    reason: str
    unlock: str


@dataclass(frozen=True)
class SheetView:
    """The sheet of one customer."""

    handle: str
    customer_id: str
    kind: str
    tier: str
    assets: float | None
    allowed: bool
    may_call: str
    who: Sequence[FactView]
    selling: Sequence[FactView]
    why: Sequence[str]
    contacts: Sequence[ContactView]
    holdings: Sequence[HoldingView]
    offers: Sequence[OfferView]
    others: Sequence[OtherView]
    attrition_probability: float | None
    tier_upgrade_probability: float | None
    missing: float | None
    chart: Chart | None
    basis: str
    caution: str = ""
    products: Sequence[tuple[str, str]] = field(default=())
    manager_id: str = ""
