"""Typed contents of a call list and of a customer's sheet, for page, workbook, PDF, JSON and terminal.

Sentences are already in the language of the reader; codes (kind of call, outcome, channel) are not, so that a
page can colour them and a document can name them.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Protocol

from vipreco.settings import CallKind


class Person(Protocol):
    """Name, salutation, phone and preferred hours of a customer, from the directory of the store.

    A list never holds it: it is laid beside the ids when a list is shown.
    """

    @property
    def name(self) -> str:
        """Name."""

    @property
    def salutation(self) -> str:
        """Salutation, or empty."""

    @property
    def phone(self) -> str:
        """Phone, or empty."""

    @property
    def preferred_hours(self) -> str:
        """Hours in which the customer likes to be called, or empty."""


@dataclass(frozen=True)
class OfferLine:
    """One offer to one customer.

    Args:
        place: From 1, the offer to open with.
        product_id: Id in the catalogue.
        product: Name in the catalogue.
        chance: P(acquire within the horizon) if nobody approaches the customer about it.
        expected_value: What the contact is expected to add, in the bank's currency.
        reasons: Up to three, the strongest first.
        caution: The one thing to keep in mind, or empty.
        chance_with_contact: The same chance if it is offered in this contact.
        effect_basis: `assumed` or `learnt`: what the difference of both chances rests on.
        reason_ids: Template of each reason.
        times_usual: Chance as a multiple of that of all customers.
        acquisitions: Acquisitions of the product that the chance rests on.
        thin_evidence: These are few.
        agreed_on: Day on which the customer agreed to talk about it; None for other offers.
        opening: Its strongest reason as the first sentence of a talk; empty without one.
    """

    place: int
    product_id: str
    product: str
    chance: float | None
    expected_value: float | None
    reasons: tuple[str, ...] = ()
    caution: str = ""
    chance_with_contact: float | None = None
    effect_basis: str = ""
    reason_ids: tuple[str, ...] = ()
    times_usual: float | None = None
    acquisitions: int | None = None
    thin_evidence: bool = False
    agreed_on: datetime.date | None = None
    opening: str = ""


@dataclass(frozen=True)
class NotOffered:
    """A product that is not offered, the rule that stops it, and the step that would unlock it.

    `rule` is the id of the first rule that stops it, or the code of why no rule is needed.
    """

    product: str
    reason: str
    unlock: str = ""
    rule: str = ""


@dataclass(frozen=True)
class NotOfferedGroup:
    """Products that the same rule stops, with the reason of the first."""

    reason: str
    products: tuple[NotOffered, ...]


@dataclass(frozen=True)
class CallLine:
    """One customer of a call list.

    Args:
        customer_id: Id that the bank knows.
        kind: Code of the purpose of the call; empty where there is no reason to call.
        place: On today's list from 1; None where the call is not on it.
        tier: Tier of the customer.
        assets: Assets in the bank's currency.
        reasons: Reasons to call, the first duty or the greatest value first.
        offers: Offers for the call.
        no_offer: The answer in place of offers, where there are none.
        avoid: The likeliest product that must not be offered.
        caution: The one thing to keep in mind, or empty.
        minutes: Minutes that the call takes.
        expected_value: Of the call, in the bank's currency.
        last_contact: Date, channel and outcome of the last contact.
        outcome: Code of the outcome recorded today; empty while the call is to be made.
    """

    customer_id: str
    kind: str
    place: int | None
    tier: str
    assets: float | None
    reasons: tuple[str, ...]
    offers: tuple[OfferLine, ...]
    no_offer: str
    avoid: NotOffered | None
    caution: str
    minutes: int
    expected_value: float | None
    last_contact: str
    outcome: str = ""


@dataclass(frozen=True)
class ReasonCount:
    """A reason with the number of customers that it concerns."""

    reason: str
    customers: int


@dataclass(frozen=True)
class PlannedDay:
    """The calls that are planned for a coming day."""

    date: datetime.date
    calls: tuple[CallLine, ...]

    @property
    def used(self) -> int:
        """Minutes of the calls."""
        return sum(call.minutes for call in self.calls)

    @property
    def expected_value(self) -> float:
        """Expected value of the calls, in the bank's currency."""
        return sum(call.expected_value or 0.0 for call in self.calls)


@dataclass(frozen=True)
class CallList:
    """The call list of one manager for one day.

    Args:
        date: Day of the calls.
        known_on: Date of the knowledge that it is made from.
        manager_id: Whose list.
        model: Version of the model.
        minutes: Minutes for calls.
        calls: Calls of the day, those already made at the end.
        later: The most valuable of those that are not on today's list.
        later_total: Number of all of them.
        blocked: Customers who must not be called, counted by reason.
        idle: Customers without a reason to call, counted by cause.
        customers: Customers of the book.
        notices: Calls of great value that duties keep from the list, and duties that miss their deadline.
        days: Coming working days of the plan, where they were asked for.
        rules: Probabilities that come from a simple rule, not from a model, in words.
    """

    date: datetime.date
    known_on: datetime.date
    manager_id: str
    model: str
    minutes: int
    calls: tuple[CallLine, ...]
    later: tuple[CallLine, ...]
    later_total: int
    blocked: tuple[ReasonCount, ...]
    idle: tuple[ReasonCount, ...]
    customers: int
    notices: tuple[str, ...] = ()
    days: tuple[PlannedDay, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def used(self) -> int:
        """Minutes of all calls on the list."""
        return sum(call.minutes for call in self.calls)

    @property
    def done(self) -> int:
        """Calls of the list with a recorded outcome."""
        return sum(bool(call.outcome) for call in self.calls)

    @property
    def spent(self) -> int:
        """Minutes of the calls with a recorded outcome."""
        return sum(call.minutes for call in self.calls if call.outcome)

    @property
    def without_offer(self) -> int:
        """Calls of the list that have no offer."""
        return sum(not call.offers for call in self.calls if not call.outcome)

    @property
    def due(self) -> int:
        """Follow-ups on the list that are still to be made."""
        return sum(call.kind == CallKind.FOLLOW_UP and not call.outcome for call in self.calls)

    @property
    def expected_value(self) -> float:
        """Expected value of the calls on the list, in the bank's currency."""
        return sum(call.expected_value or 0.0 for call in self.calls)

    @property
    def kinds(self) -> dict[str, int]:
        """Number of calls to be made by kind, in the order of the list."""
        found: dict[str, int] = {}
        for call in self.calls:
            if not call.outcome:
                found[call.kind] = found.get(call.kind, 0) + 1
        return found

    def next_after(self, customer_id: str) -> CallLine | None:
        """Return the next call to make after a customer's, round the list; None when all are made."""
        places = [place for place, call in enumerate(self.calls) if call.customer_id == customer_id]
        start = places[0] + 1 if places else 0
        order = [*self.calls[start:], *self.calls[:start]]
        return next((call for call in order if not call.outcome and call.customer_id != customer_id), None)


@dataclass(frozen=True)
class Profile:
    """Facts about a customer; None is unknown.

    Args:
        tier: Tier of the customer.
        assets: Assets in the bank's currency.
        next_tier_amount: Assets that the customer lacks to the next tier; None on the highest.
        attrition: Probability of attrition.
        attrition_kinds: Probability of closure, outflow and dip; None where attrition is told as one chance.
        tier_upgrade: Probability of reaching the next tier.
        age: Years.
        joined: Customer since.
        manager_id: Relationship manager.
        branch_id: Branch.
    """

    tier: str
    assets: float | None
    next_tier_amount: float | None
    attrition: float | None
    tier_upgrade: float | None
    age: int | None
    joined: datetime.date | None
    manager_id: str
    branch_id: str
    attrition_kinds: tuple[float, float, float] | None = None


@dataclass(frozen=True)
class Suitability:
    """Suitability and consent on the day.

    Args:
        may_call: The customer may be called today.
        call: The same in words, with the reason where not.
        blocked: The reason alone; empty where the customer may be called.
        personalised: The customer may get personal offers.
        assessment: Class and validity of the risk assessment.
    """

    may_call: bool
    call: str
    blocked: str
    personalised: bool
    assessment: str


@dataclass(frozen=True)
class ContactLine:
    """One entry of the contact history; channel and outcome are codes."""

    date: datetime.date
    channel: str
    product: str
    outcome: str
    next_date: datetime.date | None


@dataclass(frozen=True)
class HoldingLine:
    """One product held."""

    product: str
    since: datetime.date | None
    balance: float | None


@dataclass(frozen=True)
class Objection:
    """An objection that a customer may raise, and an honest answer."""

    said: str
    answer: str


@dataclass(frozen=True)
class TalkTrack:
    """Words for a talk, of texts that people reviewed and facts that the sheet cites.

    Args:
        opening: First sentence, tied to a fact about the customer where there is one.
        question: The one question.
        offer: The first offer with its sentence about risk, or what to talk about without one.
        objections: Two, with their answers.
        next_step: How the talk ends.
    """

    opening: str
    question: str
    offer: str
    objections: tuple[Objection, ...]
    next_step: str


@dataclass(frozen=True)
class CustomerSheet:
    """The sheet of one customer.

    Args:
        customer_id: Id that the bank knows.
        date: Day of the sheet.
        model: Version of the model.
        channel: Code of the channel of the offers: the branch, where no call may be made.
        kind: Code of the purpose of a call today; empty where there is no reason to call.
        profile: Facts about the customer.
        suitability: Suitability and consent.
        caution: The one thing to keep in mind, or empty.
        reasons: Reasons to call.
        contacts: Contact history, the newest first.
        holdings: Products held.
        offers: Offers with their reasons.
        not_offered: All other products; first those that a step would unlock.
        months: Assets by date of the snapshot, oldest first.
        products: Id and name of all products, the offers first.
        notices: Gates that the model does not pass.
        talk: What may be said in a talk.
    """

    customer_id: str
    date: datetime.date
    model: str
    channel: str
    kind: str
    profile: Profile
    suitability: Suitability
    caution: str
    reasons: tuple[str, ...]
    contacts: tuple[ContactLine, ...]
    holdings: tuple[HoldingLine, ...]
    offers: tuple[OfferLine, ...]
    not_offered: tuple[NotOffered, ...]
    months: tuple[tuple[datetime.date, float | None], ...]
    products: tuple[tuple[str, str], ...]
    notices: tuple[str, ...] = ()
    talk: TalkTrack | None = None

    @property
    def not_offered_by_rule(self) -> tuple[NotOfferedGroup, ...]:
        """Products that are not offered, by the rule that stops them, in their order."""
        found: dict[str, list[NotOffered]] = {}
        for one in self.not_offered:
            found.setdefault(one.rule or one.reason, []).append(one)
        return tuple(NotOfferedGroup(group[0].reason, tuple(group)) for group in found.values())

    def held_by(self, manager_id: str) -> CustomerSheet:
        """Return the sheet under the manager whose customer it is now: they may have been handed over."""
        return replace(self, profile=replace(self.profile, manager_id=manager_id))
