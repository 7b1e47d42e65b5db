"""Charts of a campaign: who falls at which condition, what a limit is worth, what the campaign did."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from serving.page.charts import Bar, BarChart, bar_chart
from vipreco.lists import Wording
from vipreco.policy import Policy

MAX_BARS, MAX_LABEL = 16, 25
STOPPED: Final = re.compile(r"no product allowed: [A-Z0-9_]+ \((.+)\)")
AGE: Final = re.compile(r"customer_age_years < (\d+)")
TIERS: Final = re.compile(r"customer_tier IN \(([^()]*)\)")
Charts = dict[str, BarChart | None]


def waterfall(summary: Mapping[str, Any] | None, policy: Policy, say: Wording) -> list[dict[str, Any]]:
    """Return the steps of the audience with each condition in words: no code of a rule is shown."""
    names = {rule.id: rule.named(say.language) for rule in policy.rules}
    rows = [] if summary is None else summary.get("waterfall", [])
    return [{**row, **_step_words(row["rule"], names, say)} for row in rows]


def _step_words(rule: str, names: Mapping[str, str], say: Wording) -> dict[str, str]:
    """Return a condition in words, and in the few that have room beside a bar."""
    found = STOPPED.fullmatch(rule)
    if found is None:
        condition, _, unknown = rule.removesuffix(")").partition(" (unknown of ")
        label = _condition_words(condition if unknown else rule, say)
        words = say("campaign_step.unknown", condition=label, count=unknown) if unknown else label
        return {"rule": words, "label": label}
    name = names.get(found[1], found[1])
    return {"rule": say("campaign_step.stopped", rule=name), "label": name}


def _condition_words(rule: str, say: Wording) -> str:
    """Return a condition that the form writes in words; what somebody wrote into the file stays as it is."""
    if age := AGE.fullmatch(rule):
        return f"{say('campaigns.max_age')} {age[1]}"
    if tiers := TIERS.fullmatch(rule):
        return f"{say('book.tier')}: {tiers[1].replace(chr(39), '')}"
    return say.of("campaign_step", rule)


def plan_charts(steps: list[dict[str, Any]], plan: Mapping[str, Any] | None, say: Wording) -> Charts:
    """Return the waterfall of the audience, and the value of a tenth more or fewer of each limit."""
    left = [Bar(short(row["label"]), float(row["left"]), text=f"{row['left']:,}") for row in steps]
    what_if = [] if plan is None else plan.get("what_if", [])
    worth = [
        Bar(f"{short(limit_words(row['limit'], say), 18)} {sign}", float(row[name] or 0.0))
        for row in what_if
        for sign, name in (("+10 %", "value_of_more"), ("−10 %", "value_of_fewer"))
    ]
    return {"waterfall": bar_chart(left[:MAX_BARS], str), "what_if": bar_chart(worth[:MAX_BARS], say.amount)}


def limit_words(limit: str, say: Wording) -> str:
    """Return the name of a limit: `channel call` as the page calls a call."""
    kind, _, name = limit.partition(" ")
    return say.of("channel", name) if kind == "channel" else say.of("campaign_what_if", limit)


def report_charts(report: Mapping[str, Any] | None, products: Mapping[str, str], say: Wording) -> Charts:
    """Return the funnel, and the effect by group with its intervals; products under their names."""
    if report is None:
        return {"funnel": None, "groups": None}
    steps = [
        Bar(say.of("campaign_funnel", step["step"]), float(step["customers"]), text=f"{step['customers']:,}")
        for step in report["funnel"]
        if step["customers"] is not None
    ]
    rows = [row for row in report["groups"] if row["lift"] is not None and row["low"] is not None]
    names = (products.get(row["group"]) or say.of("campaign_group", row["group"]) for row in rows)
    groups = [
        Bar(short(name), *(100 * row[end] for end in ("lift", "low", "high")))
        for name, row in zip(names, rows, strict=True)
    ]
    return {"funnel": bar_chart(steps, str), "groups": bar_chart(groups[:MAX_BARS], "{:+.1f}".format)}


def short(text: str, limit: int = MAX_LABEL) -> str:
    """Return a text that fits beside a bar.

    >>> short("customer_tier IN ('GOLD', 'PLATINUM')", 20)
    "customer_tier IN ('…"
    """
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
