"""One line of a call list in words: why now, what to offer, what not to, and one caution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID, PROPENSITY, RANK
from vipreco.documents import Holds, shown
from vipreco.lists.call_plan import KIND, MINUTES, PLACE, WORTH
from vipreco.lists.day import Day, Telling, Told
from vipreco.lists.texts import Wording
from vipreco.policy import ALLOWED, Stage
from vipreco.settings import CallKind

Row: TypeAlias = Mapping[str, Any]
Offers: TypeAlias = Sequence[tuple[Row, Told]]
SENIOR_AGE = 65
DECLINED_DAYS = 180
LEAST_TOLD = 0.05  # of currency; less would be shown as nothing
BESIDE = (Stage.SUITABILITY, Stage.CONTACT_POLICY)

LINE = {
    "place": pl.Int64(),
    "kind": pl.String(),
    "customer_id": pl.String(),
    "tier": pl.String(),
    "assets": pl.Float64(),
    "why": pl.String(),
    "offers": pl.String(),
    "avoid": pl.String(),
    "caution": pl.String(),
    "minutes": pl.Int64(),
    "worth": pl.Float64(),
    "last_contact": pl.String(),
}


def lines(day: Day, calls: pl.DataFrame, telling: Telling, say: Wording) -> pl.DataFrame:
    """Return the lines of some calls of a day in words, in the order of `calls`.

    Args:
        day: The day.
        calls: Rows of `day.calls` that are shown; a list is read by a person, so these are few.
        telling: Reasons and cautions of their offers.
        say: The words.
    """
    shown_offers = day.offers.filter(pl.col(CUSTOMER_ID).is_in(calls[CUSTOMER_ID].implode()))
    grouped = shown_offers.group_by(CUSTOMER_ID, maintain_order=True)
    of_customer = {str(key[0]): rows.rows(named=True) for key, rows in grouped}
    rows = []
    for call in calls.iter_rows(named=True):
        customer = call[CUSTOMER_ID]
        offers = of_customer.get(customer, [])
        told = [telling.get((customer, offer[PRODUCT_ID]), Told()) for offer in offers]
        rows.append(line(day, call, list(zip(offers, told, strict=True)), say))
    return pl.DataFrame(rows, schema=LINE)


def line(day: Day, call: Row, offers: Offers, say: Wording) -> dict[str, Any]:
    """Return one line."""
    return {
        "place": call[PLACE],
        "kind": say.of("kind", call[KIND]),
        "customer_id": call[CUSTOMER_ID],
        "tier": call["tier"],
        "assets": call["aum_amount"],
        "why": "\n".join(why_now(day, call, say)),
        "offers": offers_text(day, call, offers, say),
        "avoid": avoid_text(day, call, say),
        "caution": caution(day, call, offers, say),
        "minutes": call[MINUTES],
        "worth": call[WORTH],
        "last_contact": last_contact(call, say),
    }


def why_now(day: Day, call: Row, say: Wording) -> Iterator[str]:
    """Give what speaks for the call today: its occasions, then what is worth most."""
    if call[CallKind.FOLLOW_UP]:
        product = day.names.get(call["follow_up_product_id"], "")
        dates = {"start": call["follow_up_from_date"], "date": call["follow_up_date"]}
        yield say("why.follow_up", product=product, **dates)
    if call[CallKind.COVERAGE]:
        reached = call["reached_date"]
        yield say("why.coverage", date=reached) if reached else say("why.coverage_never")
    if call[CallKind.MATURITY]:
        yield say("why.maturity", amount=amount(call["maturing_amount"]), date=call["maturing_month_date"])
    if call[CallKind.ASSESSMENT]:
        yield assessment_text(day, call, say)
    yield from _worth_texts(call, say)


def assessment_text(day: Day, call: Row, say: Wording) -> str:
    """Return what is said of an assessment that has ended, or ends soon."""
    until = call["risk_assessed_date"] + timedelta(days=day.settings.assessment_days)
    if until > day.date:
        return say("why.assessment_expiring", date=until)
    unlocked, assessed = call["unlocked_amount"] or 0.0, call["risk_assessed_date"]
    if unlocked < LEAST_TOLD:
        return say("why.assessment_due", date=assessed)
    return say("why.assessment_expired", date=assessed, amount=amount(unlocked))


def _worth_texts(call: Row, say: Wording) -> Iterator[str]:
    """Give the parts of the worth that matter: at least a quarter of it, or what heads the call."""
    chances = {
        CallKind.KEEP: call["attrition_probability"],
        CallKind.DEVELOP: call["tier_upgrade_probability"],
        CallKind.GROW: None,
    }
    for kind, chance in chances.items():
        worth = call[f"{kind.value}_amount"] or 0.0
        if worth > 0 and (call[KIND] == kind or worth >= call[WORTH] / 4):
            yield say(f"why.{kind.value}", amount=amount(worth), rate=shown(chance, Holds.RATE))


def offers_text(day: Day, call: Row, offers: Offers, say: Wording) -> str:
    """Return the offers with chance and the strongest reason, or why there is none."""
    if not offers:
        return no_offer_text(day, call, say)
    return "\n".join(_offer_text(day, offer, told, say) for offer, told in offers)


def _offer_text(day: Day, offer: Row, told: Told, say: Wording) -> str:
    product, chance = (
        day.names.get(offer[PRODUCT_ID]) or offer[PRODUCT_ID],
        shown(offer[PROPENSITY], Holds.RATE),
    )
    text = say("offer.line", place=offer[RANK], product=product, rate=chance)
    return say("offer.with_reason", offer=text, reason=told.reasons[0]) if told.reasons else text


def no_offer_text(day: Day, call: Row, say: Wording) -> str:
    """Return why a customer has no offer."""
    if not call["stopped_by"]:
        return say("offer.none_worth")
    decisions, row = day.place_of(call[CUSTOMER_ID])
    verdict = int(call["stopped_by"])
    column = int(np.argmax(decisions.verdict[row] == verdict))
    told, _ = decisions.policy.texts(verdict, decisions.facts, (row, column), say.language)
    return say("offer.none_stopped", reason=told)


def avoid_text(day: Day, call: Row, say: Wording) -> str:
    """Return what the customer would most likely take, but is unsuitable or rests, with the reason."""
    decisions, row = day.place_of(call[CUSTOMER_ID])
    stages = np.array([False, *(rule.stage in BESIDE for rule in decisions.policy.rules)])
    verdict = decisions.verdict[row]
    stopped = stages[verdict] & (verdict != ALLOWED)
    if not stopped.any():
        return ""
    column = int(np.argmax(np.where(stopped, decisions.propensity[row], -np.inf)))
    told, _ = decisions.policy.texts(int(verdict[column]), decisions.facts, (row, column), say.language)
    product = decisions.product_ids[column]
    return say("offer.not_this", product=day.names.get(product) or product, reason=told)


def caution(day: Day, call: Row, offers: Offers, say: Wording) -> str:
    """Return the one thing to mind in this call: about the customer, else about the first offer."""
    if call["profiling_opt_out"]:
        return say("caution.opted_out")
    if call["age"] is not None and call["age"] >= SENIOR_AGE:
        return say("caution.senior", age=call["age"])
    if call["last_outcome"] == "declined" and _recent(call["last_contact_date"], day):
        product = day.names.get(call["last_product_id"], "")
        return say("caution.declined", product=product, date=call["last_contact_date"])
    about_offers = (
        say("caution.offer", product=day.names.get(offer[PRODUCT_ID]), caution=told.caution)
        for offer, told in offers
        if told.caution
    )
    return next(about_offers, _unassessed(call, day, say))


def last_contact(call: Row, say: Wording) -> str:
    """Return date, channel and outcome of the last contact."""
    if call["last_contact_date"] is None:
        return say("contact.never")
    words = {
        "channel": say.of("channel", call["last_channel"]),
        "outcome": say.of("outcome", call["last_outcome"]),
    }
    return say("contact.last", date=call["last_contact_date"], **words)


def amount(value: float | None) -> str:
    """Return an amount in whole currency, a small one with a decimal."""
    return f"{value:.1f}" if value is not None and 0 < value < 10 else shown(value, Holds.AMOUNT)


def _recent(moment: date | None, day: Day) -> bool:
    return moment is not None and moment >= day.date - timedelta(days=DECLINED_DAYS)


def _unassessed(call: Row, day: Day, say: Wording) -> str:
    assessed = call["risk_assessed_date"]
    known = call["risk_level"] is not None and assessed is not None
    valid = known and assessed + timedelta(days=day.settings.assessment_days) > day.date
    return "" if valid else say("caution.assessment")
