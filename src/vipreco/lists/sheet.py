"""The sheet of one customer: who, may I sell, what happened, holdings, offers and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

import numpy as np
import polars as pl

from vipreco.arbitration import LeftOut, left_out
from vipreco.columns import CUSTOMER_ID, PRIORITY, PRODUCT_ID, PROPENSITY, RANK
from vipreco.documents import Column, Document, Holds, Part, shown
from vipreco.explanations import why_not
from vipreco.lists.call_plan import BLOCKED, Blocked
from vipreco.lists.day import Day, Telling, Told, told
from vipreco.lists.lines import LEAST_TOLD, Row, amount, caution, why_now
from vipreco.lists.texts import Wording
from vipreco.policy import ALLOWED

MOST_CONTACTS = 8
CONTACTS = """
SELECT CAST(contacted_at AS DATE) AS date, channel, product_id, outcome, next_date
FROM contacts ORDER BY contacted_at DESC, contact_id LIMIT $most"""
HOLDINGS = """
SELECT product_id, opened_date AS since, CAST(balance_amount AS DOUBLE) AS balance
FROM holdings WHERE closed_date IS NULL ORDER BY opened_date, product_id"""


def sheet_document(day: Day, model: str, say: Wording) -> Document:
    """Return the sheet of the one customer of a day.

    Args:
        day: Of `customer_day`.
        model: Version of the model.
        say: The words.
    """
    (call,) = day.calls.iter_rows(named=True)
    telling = told(day, day.calls[CUSTOMER_ID], say.language)
    return Document(
        title=say("sheet.title", customer=call["customer_id"], date=day.date),
        about=(say("sheet.basis", day=day.date, model=model, channel=say.of("channel", day.channel)),),
        parts=(
            _facts("who", who(day, call, say), say),
            _facts("selling", may_i_sell(day, call, telling, say), say),
            _contacts(day, say),
            _holdings(day, say),
            _offers(day, telling, say),
            _others(day, say),
        ),
        language=say.language,
        page=say.template("list.page"),
    )


def who(day: Day, call: Row, say: Wording) -> list[tuple[str, str]]:
    """Return the customer's facts as (name, value)."""
    missing, unknown = to_next_tier(day, call), say("fact.unknown")
    values = {
        "tier": call["tier"],
        "assets": shown(call["aum_amount"], Holds.AMOUNT),
        "next_tier": say("fact.highest")
        if missing is None
        else say("fact.next_tier_value", amount=amount(missing)),
        "attrition_probability": shown(call["attrition_probability"], Holds.RATE),
        "tier_upgrade_probability": shown(call["tier_upgrade_probability"], Holds.RATE),
        "age": shown(call["age"], Holds.COUNT),
        "joined": shown(call["joined_date"], Holds.DATE),
        "manager": call["manager_id"],
        "branch": call["branch_id"],
        "why": "\n".join(why_now(day, call, say)),
    }
    return [(say(f"fact.{name}"), value or unknown) for name, value in values.items()]


def to_next_tier(day: Day, call: Row) -> float | None:
    """Return the assets that the one customer of a day lacks to the next tier; None where there is none."""
    (decisions,) = day.decisions
    line = float(decisions.worth.standing.next_line[0])
    return None if line != line else max(line - (call["aum_amount"] or 0.0), 0.0)  # noqa: PLR0124  NaN


def may_i_sell(day: Day, call: Row, telling: Telling, say: Wording) -> list[tuple[str, str]]:
    """Return what is allowed today as (question, answer)."""
    return [
        (say("fact.call"), may_i_call(day, call, say)),
        (
            say("fact.profiling"),
            say("fact.profiling_no" if call["profiling_opt_out"] else "fact.profiling_yes"),
        ),
        (say("fact.assessment"), assessment(day, call, say)),
        (say("fact.caution"), caution(day, call, _told_offers(day, telling), say)),
    ]


def may_i_call(day: Day, call: Row, say: Wording) -> str:
    """Return whether the customer may be called today, and if not, why."""
    reason = call[BLOCKED]
    if reason is None:
        return say("fact.call_yes")
    if reason != Blocked.POLICY:
        return say("fact.call_no", reason=say(f"blocked.{reason}"))
    (decisions,) = (day.blocking or day).decisions
    verdict = int((day.blocking or day).calls["stopped_whole"][0])
    told, _ = decisions.policy.texts(verdict, decisions.facts, (0, 0), say.language)
    return say("fact.call_no", reason=told)


def assessment(day: Day, call: Row, say: Wording) -> str:
    """Return class and validity of the risk assessment, and what renewing it would unlock."""
    level, assessed = call["risk_level"], call["risk_assessed_date"]
    if level is None or assessed is None:
        return say("fact.assessment_none")
    until = assessed + timedelta(days=day.settings.assessment_days)
    if until > day.date:
        return say("fact.assessment_valid", level=level, date=until)
    unlocked = call["unlocked_amount"] or 0.0
    if unlocked < LEAST_TOLD:
        return say("fact.assessment_due", level=level, date=until)
    return say("fact.assessment_expired", level=level, date=until, amount=amount(unlocked))


def _facts(key: str, facts: Iterable[tuple[str, str]], say: Wording) -> Part:
    columns = (Column("fact", say("column.fact"), 30), Column("value", say("column.value"), 90))
    rows = pl.DataFrame(list(facts), schema={"fact": pl.String, "value": pl.String}, orient="row")
    return Part(key, say(f"sheet.{key}"), columns, rows)


def _contacts(day: Day, say: Wording) -> Part:
    rows = pl.DataFrame(day.view.query(CONTACTS, {"most": MOST_CONTACTS}, where="sheet"))
    worded = rows.with_columns(
        _named(rows["product_id"], day).alias("product"),
        pl.Series("channel", [say.of("channel", code) for code in rows["channel"]], dtype=pl.String),
        pl.Series("outcome", [say.of("outcome", code) for code in rows["outcome"]], dtype=pl.String),
    )
    columns = (
        Column("date", say("column.date"), 11, Holds.DATE),
        Column("channel", say("column.channel"), 12),
        Column("product", say("column.product"), 40),
        Column("outcome", say("column.outcome"), 24),
        Column("next_date", say("column.next_date"), 11, Holds.DATE),
    )
    return Part("contacts", say("sheet.contacts"), columns, worded)


def _holdings(day: Day, say: Wording) -> Part:
    rows = pl.DataFrame(day.view.query(HOLDINGS, where="sheet"))
    columns = (
        Column("product", say("column.product"), 40),
        Column("since", say("column.since"), 11, Holds.DATE),
        Column("balance", say("column.balance"), 14, Holds.AMOUNT),
    )
    named = rows.with_columns(_named(rows["product_id"], day).alias("product"))
    return Part("holdings", say("sheet.holdings"), columns, named)


def _told_offers(day: Day, telling: Telling) -> list[tuple[Row, Told]]:
    offers = day.offers.rows(named=True)
    return [(offer, telling.get((offer[CUSTOMER_ID], offer[PRODUCT_ID]), Told())) for offer in offers]


def _offers(day: Day, telling: Telling, say: Wording) -> Part:
    columns = (
        Column(RANK, say("column.place"), 5, Holds.COUNT),
        Column("product", say("column.product"), 30),
        Column(PROPENSITY, say("column.chance"), 9, Holds.RATE),
        Column(PRIORITY, say("column.worth"), 10, Holds.AMOUNT),
        Column("because", say("column.because"), 60),
        Column("caution", say("column.caution"), 30),
    )
    found = [told for _, told in _told_offers(day, telling)]
    rows = day.offers.with_columns(
        _named(day.offers[PRODUCT_ID], day).alias("product"),
        pl.Series("because", ["\n".join(told.reasons) for told in found], dtype=pl.String),
        pl.Series("caution", [told.caution for told in found], dtype=pl.String),
    )
    return Part("offers", say("sheet.offers"), columns, rows)


def _others(day: Day, say: Wording) -> Part:
    schema = dict.fromkeys(("product", "reason", "unlock"), pl.String)
    columns = (
        Column("product", say("column.product"), 34),
        Column("reason", say("column.reason"), 60),
        Column("unlock", say("column.unlock"), 44),
    )
    rows = pl.DataFrame(sorted(_not_offered(day, say), key=_finality), schema=schema, orient="row")
    return Part("others", say("sheet.others"), columns, rows)


def _finality(row: tuple[str | None, str, str]) -> int:
    """Return 0 for what something would unlock, 1 for the rest: the reader looks for what can be done."""
    return 0 if row[2] else 1


def _not_offered(day: Day, say: Wording) -> Iterator[tuple[str | None, str, str]]:
    """Give product, reason and unlock of every product that is not among the offers."""
    (decisions,) = day.decisions
    offered = set(day.offers[PRODUCT_ID])
    places = np.where(np.isin(np.array(decisions.product_ids), list(offered)), 1, 0)[None]
    allowed = decisions.verdict == ALLOWED
    beside = left_out(decisions.priority, allowed, decisions.slate_rules, places.astype(np.int16))[0]
    for column, product in enumerate(decisions.product_ids):
        verdict = int(decisions.verdict[0, column])
        stopped = why_not(decisions.policy, decisions.facts, (0, column), verdict, say.language)
        if stopped:
            yield day.names.get(product), stopped.text, stopped.unlock
        elif beside[column]:
            yield day.names.get(product), say(f"left_out.{LeftOut(beside[column]).name.lower()}"), ""


def _named(product_ids: pl.Series, day: Day) -> pl.Series:
    return product_ids.replace_strict(dict(day.names), default=None, return_dtype=pl.String)
