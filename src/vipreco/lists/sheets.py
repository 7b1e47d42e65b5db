"""The sheet of one customer: profile, suitability and consent, contacts, holdings, offers, and the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from vipreco.arbitration import LeftOut, left_out
from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.explanations import all_not_offered
from vipreco.lists.call_columns import BLOCKED, KIND, Blocked
from vipreco.lists.call_lines import (
    MIN_AMOUNT,
    Row,
    attrition_reasons,
    caution,
    gate_notices,
    offer_lines,
    product_name,
    reasons_to_call,
    signs_text,
)
from vipreco.lists.call_offers import Withheld
from vipreco.lists.day import Day
from vipreco.lists.presentation import (
    ContactLine,
    CustomerSheet,
    HoldingLine,
    NotOffered,
    Profile,
    Suitability,
)
from vipreco.lists.talk_track import talk_track
from vipreco.lists.texts import Wording
from vipreco.policy import ALLOWED

MAX_CONTACTS = 8
CONTACTS = """
SELECT CAST(contacted_at AS DATE) AS date, channel, product_id, outcome, next_date
FROM contacts ORDER BY contacted_at DESC, contact_id LIMIT $most"""
HOLDINGS = """
SELECT product_id, opened_date AS since, CAST(balance_amount AS DOUBLE) AS balance
FROM holdings WHERE closed_date IS NULL ORDER BY opened_date, product_id"""
ASSETS = """
SELECT snapshot_date, CAST(aum_amount AS DOUBLE) AS amount
FROM customers ORDER BY snapshot_date"""


def customer_sheet(day: Day, model: str, say: Wording) -> CustomerSheet:
    """Return the sheet of the one customer of a day.

    Args:
        day: Of `customer_day`.
        model: Version of the model.
        say: The words.
    """
    (row,) = day.calls.iter_rows(named=True)
    offers = offer_lines(day, day.calls[CUSTOMER_ID], say, with_reasons=True).get(row[CUSTOMER_ID], ())
    signs = attrition_reasons(day, day.calls, say).get(row[CUSTOMER_ID], ())
    return CustomerSheet(
        customer_id=row[CUSTOMER_ID],
        date=day.date,
        model=model,
        channel=day.channel,
        kind=row[KIND] or "",
        profile=profile(day, row),
        suitability=suitability(day, row, say),
        caution=caution(day, row, offers, say),
        reasons=tuple(reasons_to_call(day, row, say, signs_text(signs, say))),
        contacts=_contacts(day),
        holdings=_holdings(day),
        offers=offers,
        not_offered=tuple(sorted(_not_offered(day, say), key=lambda item: not item.unlock)),
        months=tuple(pl.DataFrame(day.view.query(ASSETS, where="sheet")).rows()),
        products=_products(day),
        notices=gate_notices(day, say),
        talk=talk_track(day, row, offers, signs, say),
    )


def profile(day: Day, row: Row) -> Profile:
    """Return the customer's facts."""
    return Profile(
        tier=row["tier"] or "",
        assets=row["aum_amount"],
        next_tier_amount=to_next_tier(day, row),
        attrition=row["attrition_probability"],
        tier_upgrade=row["tier_upgrade_probability"],
        age=row["age"],
        joined=row["joined_date"],
        manager_id=row["manager_id"] or "",
        branch_id=row["branch_id"] or "",
        attrition_kinds=_attrition_kinds(day),
    )


def _attrition_kinds(day: Day) -> tuple[float, float, float] | None:
    """Return the chances of closure, outflow and dip of the one customer of a day, where they are known."""
    (decisions,) = day.decisions
    kinds = decisions.factors.economics.kinds
    if kinds is None or np.isnan(kinds.probabilities[0]).any():
        return None
    closure, outflow, dip = kinds.probabilities[0].tolist()
    return closure, outflow, dip


def to_next_tier(day: Day, row: Row) -> float | None:
    """Return the assets that the one customer of a day lacks to the next tier; None where there is none."""
    (decisions,) = day.decisions
    line = float(decisions.factors.economics.next_line[0])
    return None if np.isnan(line) else max(line - (row["aum_amount"] or 0.0), 0.0)


def suitability(day: Day, row: Row, say: Wording) -> Suitability:
    """Return suitability and consent on the day."""
    reason = _blocked_text(day, row, say)
    return Suitability(
        may_call=row[BLOCKED] is None,
        call=say("fact.call_no", reason=reason) if reason else say("fact.call_yes"),
        blocked=reason,
        personalised=not row["profiling_opt_out"],
        assessment=assessment(day, row, say),
    )


def _blocked_text(day: Day, row: Row, say: Wording) -> str:
    """Return why the customer may not be called today; nothing where they may."""
    reason = row[BLOCKED]
    if reason is None:
        return ""
    if reason != Blocked.POLICY:
        return say(f"blocked.{reason}")
    (decisions,) = (day.blocking or day).decisions
    verdict = int((day.blocking or day).calls["stopped_whole"][0])
    return decisions.policy.texts(verdict, decisions.facts, (0, 0), say.language)[0]


def assessment(day: Day, row: Row, say: Wording) -> str:
    """Return class and validity of the risk assessment, and the value of renewing it."""
    level, assessed = row["risk_level"], row["risk_assessed_date"]
    if level is None or assessed is None:
        return say("fact.assessment_none")
    until = assessed + timedelta(days=day.settings.assessment_days)
    if until > day.date:
        return say("fact.assessment_valid", level=level, date=until)
    unlocked = row["unlocked_amount"] or 0.0
    if unlocked < MIN_AMOUNT:
        return say("fact.assessment_due", level=level, date=until)
    return say("fact.assessment_expired", level=level, date=until, amount=say.amount(unlocked))


def _contacts(day: Day) -> tuple[ContactLine, ...]:
    rows = pl.DataFrame(day.view.query(CONTACTS, {"most": MAX_CONTACTS}, where="sheet"))
    return tuple(
        ContactLine(
            date=row["date"],
            channel=row["channel"],
            product=product_name(day, row["product_id"]),
            outcome=row["outcome"],
            next_date=row["next_date"],
        )
        for row in rows.iter_rows(named=True)
    )


def _holdings(day: Day) -> tuple[HoldingLine, ...]:
    rows = pl.DataFrame(day.view.query(HOLDINGS, where="sheet"))
    return tuple(
        HoldingLine(product_name(day, row["product_id"]), row["since"], row["balance"])
        for row in rows.iter_rows(named=True)
    )


def _products(day: Day) -> tuple[tuple[str, str], ...]:
    """Return id and name of all products: the offers first, the others by name."""
    offered = day.offers[PRODUCT_ID].to_list()
    others = sorted(set(day.names) - set(offered), key=lambda product: product_name(day, product))
    return tuple((product, product_name(day, product)) for product in (*offered, *others))


def _not_offered(day: Day, say: Wording) -> Iterator[NotOffered]:
    """Give every product that is not among the offers, in the order of the catalogue."""
    (decisions,), (chosen,) = day.decisions, day.call_offers
    found = all_not_offered(decisions.policy, decisions.facts, 0, day.names, say.language)
    ways = {item.product_id: item for item in found}
    allowed = decisions.verdict == ALLOWED
    beside = left_out(decisions.priority, allowed, decisions.slate_rules, chosen.ranks)[0]
    for column, product in enumerate(decisions.product_ids):
        stopped = ways.get(product)
        if stopped:
            yield NotOffered(product_name(day, product), stopped.text, stopped.unlock, stopped.rule_id)
        elif not chosen.ranks[0, column]:
            withheld = Withheld(chosen.withheld[0, column])
            cause = withheld or LeftOut(beside[column])
            code = cause.name.lower()
            yield NotOffered(product_name(day, product), say(f"left_out.{code}"), rule=code)
