"""Lines of a call list in words: reasons to call, offers, the product to avoid, and one caution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, TypeAlias

import numpy as np
import polars as pl

from vipreco.arbitration import NoAction
from vipreco.columns import (
    CHANCE_WITH_CONTACT,
    CHANCE_WITHOUT_CONTACT,
    CUSTOMER_ID,
    EFFECT_BASIS,
    EXPECTED_GAIN,
    PRODUCT_ID,
    PROPENSITY,
    RANK,
    THIN_EVIDENCE,
)
from vipreco.documents import Holds, shown
from vipreco.explanations import Reason
from vipreco.lists.call_columns import EXPECTED, KIND, MINUTES, PLACE
from vipreco.lists.day import Day
from vipreco.lists.maturities import maturity_texts
from vipreco.lists.presentation import CallLine, NotOffered, OfferLine
from vipreco.lists.texts import Wording
from vipreco.policy import ALLOWED, Stage
from vipreco.propensity import ATTRITION
from vipreco.settings import CallKind

Row: TypeAlias = Mapping[str, Any]
Offers: TypeAlias = Mapping[str, tuple[OfferLine, ...]]
SENIOR_AGE = 65
DECLINED_DAYS = 180
MAX_SIGNS = 2
MIN_CHANGE = 0.1  # of the assets since a talk was agreed on
MIN_AMOUNT = 0.05  # in currency; less would be shown as nothing
TO_AVOID = (Stage.SUITABILITY, Stage.CONTACT_POLICY)


def call_lines(
    day: Day, calls: pl.DataFrame, say: Wording, *, with_reasons: bool, outcomes: Mapping[str, str]
) -> tuple[CallLine, ...]:
    """Return the lines of some calls of a day, in the order of `calls`.

    Args:
        day: The day.
        calls: Rows of `day.calls` that are shown; a list is read by a person, so these are few.
        say: The words.
        with_reasons: Offers come with reasons and cautions, which takes longer than everything else.
        outcomes: Code of the outcome recorded today, by customer.
    """
    offers = offer_lines(day, calls[CUSTOMER_ID], say, with_reasons=with_reasons)
    signs = attrition_signs(day, calls, say) if with_reasons else {}
    return tuple(
        replace(
            call_line(day, row, offers.get(row[CUSTOMER_ID], ()), say, signs.get(row[CUSTOMER_ID], "")),
            outcome=outcomes.get(row[CUSTOMER_ID], ""),
        )
        for row in calls.iter_rows(named=True)
    )


def call_line(day: Day, row: Row, offers: Sequence[OfferLine], say: Wording, signs: str = "") -> CallLine:
    """Return the line of one customer, with the signs of attrition in words."""
    return CallLine(
        customer_id=row[CUSTOMER_ID],
        kind=row[KIND] or "",
        place=row[PLACE],
        tier=row["tier"] or "",
        assets=row["aum_amount"],
        reasons=tuple(reasons_to_call(day, row, say, signs, acted=bool(offers))),
        offers=tuple(offers),
        no_offer="" if offers else no_offer_text(day, row, say),
        avoid=to_avoid(day, row, say),
        caution=caution(day, row, offers, say),
        minutes=row[MINUTES],
        expected_value=row[EXPECTED],
        last_contact=last_contact(row, say),
    )


def attrition_signs(day: Day, calls: pl.DataFrame, say: Wording) -> Mapping[str, str]:
    """Return the signs of attrition of customers to be kept in words, by customer."""
    found = attrition_reasons(day, calls, say)
    return {customer: signs_text(reasons, say) for customer, reasons in found.items()}


def signs_text(signs: Sequence[Reason], say: Wording) -> str:
    """Return the strongest signs of attrition in one line; empty without any."""
    return say.listed(reason.text for reason in signs[:MAX_SIGNS])


def attrition_reasons(day: Day, calls: pl.DataFrame, say: Wording) -> Mapping[str, Sequence[Reason]]:
    """Return the signs of attrition of customers to be kept, by customer: drivers to talk about."""
    told = (pl.col(KIND) == CallKind.KEEP.value) | (pl.col("keep_amount") >= pl.col(EXPECTED) / 4)
    kept = calls.filter(told & (pl.col("keep_amount") > 0) & ~pl.col("profiling_opt_out").fill_null(True))
    ids = kept[CUSTOMER_ID].to_list()
    if not ids or day.inputs is None:
        return {}
    known = replace(day.inputs.known, view=day.view)
    found = day.explainer.change_reasons(known, ATTRITION, ids, say.language)
    return {customer: reasons for customer, reasons in zip(ids, found, strict=True) if reasons}


def offer_lines(day: Day, customers: pl.Series, say: Wording, *, with_reasons: bool) -> Offers:
    """Return the offers to some customers, by customer; those who are shown, not a whole bank."""
    offers = day.offers.filter(pl.col(CUSTOMER_ID).is_in(customers.implode())).rows(named=True)
    pairs = [(offer[CUSTOMER_ID], offer[PRODUCT_ID]) for offer in offers]
    reasons: Sequence[Sequence[Reason]] = [()] * len(pairs)
    cautions: Sequence[Reason | None] = [None] * len(pairs)
    if with_reasons:
        found = day.explainer.offer_reasons(day.view, pairs, day.channel, say.language, day.decided)
        reasons, cautions = found.reasons, found.cautions
    agreed = agreements(day.calls)
    lines: dict[str, list[OfferLine]] = {}
    for offer, because, warning in zip(offers, reasons, cautions, strict=True):
        agreed_on = agreed.get((offer[CUSTOMER_ID], offer[PRODUCT_ID]))
        line = replace(_offer_line(day, offer, because, warning), agreed_on=agreed_on)
        lines.setdefault(offer[CUSTOMER_ID], []).append(line)
    return {customer: tuple(found) for customer, found in lines.items()}


def agreements(calls: pl.DataFrame) -> dict[tuple[str, str], date]:
    """Return the day on which a talk was agreed on, by customer and product."""
    rows = calls.select(CUSTOMER_ID, "follow_up_product_id", "follow_up_from_date").drop_nulls()
    return {(customer, product): day for customer, product, day in rows.iter_rows()}


def _offer_line(day: Day, offer: Row, reasons: Sequence[Reason], warning: Reason | None) -> OfferLine:
    found = day.recommender.evidence.get(offer[PRODUCT_ID])
    return OfferLine(
        place=offer[RANK],
        product_id=offer[PRODUCT_ID],
        product=product_name(day, offer[PRODUCT_ID]),
        chance=offer[CHANCE_WITHOUT_CONTACT],
        expected_value=offer[EXPECTED_GAIN],
        reasons=tuple(reason.text for reason in reasons),
        caution=warning.text if warning else "",
        chance_with_contact=offer[CHANCE_WITH_CONTACT],
        effect_basis=offer[EFFECT_BASIS],
        reason_ids=tuple(reason.id for reason in reasons),
        times_usual=found.times_usual(offer[PROPENSITY], offer["personalised"]) if found else None,
        acquisitions=found.acquisitions if found else None,
        thin_evidence=offer[THIN_EVIDENCE],
        opening=next((reason.opening for reason in reasons if reason.opening), ""),
    )


def product_name(day: Day, product_id: str | None) -> str:
    """Return the name of a product, or its id where the catalogue has none."""
    return day.names.get(product_id or "") or product_id or ""


def reasons_to_call(
    day: Day, row: Row, say: Wording, signs: str = "", *, acted: bool = True
) -> Iterator[str]:
    """Give the reasons to call: duties, the greatest parts of the expected value, signs of attrition.

    Args:
        day: The day.
        row: Of the customer.
        say: The words.
        signs: Of attrition, in words.
        acted: Say what to do against attrition; without an offer, that is the topic of the call already.
    """
    if row[CallKind.FOLLOW_UP]:
        yield from agreement_texts(day, row, say)
    if row[CallKind.COVERAGE]:
        reached = row["reached_date"]
        yield say("reason.coverage", date=reached) if reached else say("reason.coverage_never")
    if row[CallKind.MATURITY]:
        yield from maturity_texts(day, row, say)
    if row[CallKind.ASSESSMENT]:
        yield assessment_text(day, row, say)
    yield from _value_texts(day, row, say)
    if acted and row[KIND] == CallKind.KEEP:
        yield say(f"action.{keep_name(row)}")
    if signs:
        yield say("reason.signs", signs=signs)


def agreement_texts(day: Day, row: Row, say: Wording) -> Iterator[str]:
    """Give what was agreed with the customer; where a rule stops the product since, also the alternative."""
    dates = {"start": row["follow_up_from_date"], "date": row["follow_up_date"]}
    product = row["follow_up_product_id"]
    if not product:
        yield say("reason.follow_up_open", **dates)
        yield from changes_since(day, row, say)
        return
    name = product_name(day, product)
    yield say("reason.follow_up", product=name, **dates)
    stopped = stopped_since(day, row[CUSTOMER_ID], product, say)
    if stopped:
        first = day.offers.filter(pl.col(CUSTOMER_ID) == row[CUSTOMER_ID])[PRODUCT_ID].head(1).to_list()
        instead = product_name(day, first[0]) if first else say("reason.no_alternative")
        yield say("reason.follow_up_stopped", product=name, reason=stopped, instead=instead)
    yield from changes_since(day, row, say)


def changes_since(day: Day, row: Row, say: Wording) -> Iterator[str]:
    """Give what changed for the customer since a talk was agreed on, in one sentence, if anything did."""
    parts = [
        say(f"since.{kind}", product=product_name(day, product))
        for kind in ("opened", "closed")
        for product in row[f"{kind}_products"] or []
    ]
    before, now = row["agreed_aum_amount"], row["aum_amount"]
    if before and now is not None and abs(now / before - 1) >= MIN_CHANGE:
        change = "rose" if now > before else "fell"
        parts.append(
            say(f"since.assets_{change}", rate=f"{abs(now / before - 1):.0%}", amount=say.amount(now))
        )
    if parts:
        yield say("reason.since", changes=say.joined(parts))


def stopped_since(day: Day, customer_id: str, product_id: str, say: Wording) -> str:
    """Return the rule that stops an agreed product, empty where none does."""
    decisions, place = day.decisions_about(customer_id)
    if product_id not in decisions.product_ids:
        return say("reason.not_in_catalogue")
    column = decisions.product_ids.index(product_id)
    verdict = int(decisions.verdict[place, column])
    if verdict == ALLOWED:
        return ""
    told, _ = decisions.policy.texts(verdict, decisions.facts, (place, column), say.language)
    return told


def assessment_text(day: Day, row: Row, say: Wording) -> str:
    """Return the state of an assessment that has ended, or ends soon."""
    until = row["risk_assessed_date"] + timedelta(days=day.settings.assessment_days)
    if until > day.date:
        return say("reason.assessment_expiring", date=until)
    unlocked, assessed = row["unlocked_amount"] or 0.0, row["risk_assessed_date"]
    if unlocked < MIN_AMOUNT:
        return say("reason.assessment_due", date=assessed)
    return say("reason.assessment_expired", date=assessed, amount=say.amount(unlocked))


def _value_texts(day: Day, row: Row, say: Wording) -> Iterator[str]:
    """Give the parts of the expected value that matter: at least a quarter of it, or the purpose itself.

    A chance that is the usual rate for everybody is no reason to call this customer: it is told where the
    call has no other purpose, and said to be the usual rate.
    """
    chances = {
        CallKind.KEEP: row["kind_probability"],
        CallKind.DEVELOP: row["tier_upgrade_probability"],
        CallKind.GROW: None,
    }
    stakes = {"assets": row["at_risk_amount"], "margin": row["margin_at_risk_amount"]}
    for kind, chance in chances.items():
        part = row[f"{kind.value}_amount"] or 0.0
        is_usual = kind is CallKind.KEEP and row["attrition_kind"] in day.usual_kinds
        matters = row[KIND] == kind or (part >= row[EXPECTED] / 4 and not is_usual)
        if part > 0 and matters:
            amounts = {name: say.amount(value) for name, value in {"amount": part, **stakes}.items()}
            name = keep_name(row) if kind is CallKind.KEEP else kind.value
            text = f"reason.{name}_usual" if is_usual else f"reason.{name}"
            yield say(text, rate=shown(chance, Holds.RATE), **amounts)


def keep_name(row: Row) -> str:
    """Return the name of the texts of a keep call: those of the kind of attrition, where it is known."""
    return f"keep_{row['attrition_kind']}" if row["attrition_kind"] else CallKind.KEEP.value


def no_offer_text(day: Day, row: Row, say: Wording) -> str:
    """Return why a customer has no offer."""
    if row["cause"] != NoAction.ALL_STOPPED or not row["stopped_by"]:
        topic = keep_name(row) if row[KIND] == CallKind.KEEP else row[KIND] or CallKind.COVERAGE.value
        return say("offer.none_valuable", topic=say.of("topic", topic))
    decisions, place = day.decisions_about(row[CUSTOMER_ID])
    verdict = int(row["stopped_by"])
    column = int(np.argmax(decisions.verdict[place] == verdict))
    told, _ = decisions.policy.texts(verdict, decisions.facts, (place, column), say.language)
    return say("offer.none_stopped", reason=told)


def to_avoid(day: Day, row: Row, say: Wording) -> NotOffered | None:
    """Return the product that the customer would most likely take, but that is unsuitable or rests."""
    decisions, place = day.decisions_about(row[CUSTOMER_ID])
    stages = np.array([False, *(rule.stage in TO_AVOID for rule in decisions.policy.rules)])
    verdict = decisions.verdict[place]
    stopped = stages[verdict] & (verdict != ALLOWED)
    if not stopped.any():
        return None
    column = int(np.argmax(np.where(stopped, decisions.propensity[place], -np.inf)))
    told, unlock = decisions.policy.texts(
        int(verdict[column]), decisions.facts, (place, column), say.language
    )
    return NotOffered(product_name(day, decisions.product_ids[column]), told, unlock)


def gate_notices(day: Day, say: Wording) -> tuple[str, ...]:
    """Return what a reader must know of a model: gates that it does not pass, later months that it knows."""
    gates = tuple(say("notice.gate", sentence=sentence) for sentence in day.recommender.warnings)
    learnt_until = day.recommender.learnt_until
    later = (say("notice.hindsight", date=learnt_until),) if learnt_until > day.view.date else ()
    return (*later, *gates)


def caution(day: Day, row: Row, offers: Sequence[OfferLine], say: Wording) -> str:
    """Return the one caution of this call: about the customer, else about the first offer that has one."""
    if row["profiling_opt_out"]:
        return say("caution.opted_out")
    if row["age"] is not None and row["age"] >= SENIOR_AGE:
        return say("caution.senior", age=row["age"])
    if row["last_outcome"] == "declined" and _recent(row["last_contact_date"], day):
        product = product_name(day, row["last_product_id"])
        return say("caution.declined", product=product, date=row["last_contact_date"])
    about_offers = (
        say("caution.offer", product=offer.product, caution=offer.caution)
        for offer in offers
        if offer.caution
    )
    return next(about_offers, _unassessed(row, day, say))


def last_contact(row: Row, say: Wording) -> str:
    """Return date, channel and outcome of the last contact."""
    if row["last_contact_date"] is None:
        return say("contact.never")
    words = {
        "channel": say.of("channel", row["last_channel"]),
        "outcome": say.of("outcome", row["last_outcome"]),
    }
    return say("contact.last", date=row["last_contact_date"], **words)


def _recent(moment: date | None, day: Day) -> bool:
    return moment is not None and moment >= day.date - timedelta(days=DECLINED_DAYS)


def _unassessed(row: Row, day: Day, say: Wording) -> str:
    assessed = row["risk_assessed_date"]
    known = row["risk_level"] is not None and assessed is not None
    valid = known and assessed + timedelta(days=day.settings.assessment_days) > day.date
    return "" if valid else say("caution.assessment")
