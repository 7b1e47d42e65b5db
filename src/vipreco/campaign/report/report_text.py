"""Texts of a report, shown by all its forms: terminal, HTML, spreadsheet."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from vipreco.campaign.report.measures import Check, Measures
from vipreco.campaign.report.outcomes import CampaignOutcomes
from vipreco.campaign.report.privacy import OTHERS, SMALLEST
from vipreco.documents import Language, safe
from vipreco.lists import Wording, read_texts
from vipreco.stats import MIN_ACQUISITIONS, MIN_CUSTOMERS, Estimate

PRIMARY = "extra"
SIDES = ("sides", "side_challenger", "side_champion")
RATES = frozenset({"lift", "relative", "adjusted", "campaign", "anything", "explored", *SIDES})
AMOUNTS = frozenset({"value"})
SMALL = frozenset({"order", "snips", "doubly_robust"})


@dataclass(frozen=True)
class Figure:
    """One number with its interval.

    Args:
        key: What it is.
        label: The same in words.
        estimate: The number.
        text: Number and interval, or why there is none.
    """

    key: str
    label: str
    estimate: Estimate
    text: str


@dataclass(frozen=True)
class Group:
    """One subgroup; rates and differences are None where they are not known."""

    dimension: str
    name: str
    treated: int
    control: int
    treated_rate: float | None
    control_rate: float | None
    lift: float | None
    low: float | None
    high: float | None
    remark: str


@dataclass(frozen=True)
class ReportText:
    """A report in one language.

    Args:
        say: Its texts.
        title: First line.
        about: Second line.
        headline: Effect of the campaign, in a sentence.
        because: The sentence below it.
        tone: "good", "bad" or "open": how the headline is coloured.
        main: Numbers of the comparison, the primary one first.
        money: Value and cost.
        costs: Cost of the contacts, as text.
        groups: Subgroups.
        funnel: (step, customers, share of the step before).
        forecast: Figures of forecast and observed acquisitions: label and text.
        checks: (check, verdict, nothing speaks against it).
        order: Effect by forecast probability; None without enough data.
        other: Numbers of another policy: label and text.
        notes: How to read the numbers.
    """

    say: Wording
    title: str
    about: str
    headline: str
    because: str
    tone: str
    main: tuple[Figure, ...]
    money: tuple[Figure, ...]
    costs: str
    groups: tuple[Group, ...]
    funnel: tuple[tuple[str, int, str], ...]
    forecast: tuple[tuple[str, str], ...]
    checks: tuple[tuple[str, str, bool], ...]
    order: Figure | None
    other: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def wording(language: Language) -> Wording:
    """Return the texts of a report."""
    content = files("vipreco.campaign.report") / "texts.toml"
    return Wording(language, read_texts(content.read_text(encoding="utf-8")))


def report_text(
    outcomes: CampaignOutcomes, measures: Measures, language: Language, names: Mapping[str, str]
) -> ReportText:
    """Return a report in words.

    Args:
        outcomes: Outcomes of the campaign.
        measures: Its numbers.
        language: Of the texts.
        names: Name of each product.
    """
    say, period = wording(language), outcomes.period
    headline, tone = _headline(measures.primary.extra, say)
    return ReportText(
        say=say,
        title=say("report.title", campaign=safe(outcomes.name)),
        about=say(
            "report.about",
            key=outcomes.key,
            start=period.start,
            end=period.end,
            until=period.until,
            as_of=period.as_of,
        ),
        headline=headline,
        because=_because(measures, say),
        tone=tone,
        main=tuple(_figure(key, estimate, say) for key, estimate in _main(measures)),
        money=tuple(
            _figure(key, estimate, say)
            for key, estimate in (("value", measures.money.value), ("a_unit", measures.money.a_unit))
        ),
        costs=f"{measures.money.cost:,.2f}",
        groups=tuple(_groups(measures, say, names)),
        funnel=tuple(
            (say(f"step.{step.name}"), step.customers, rate(step.share)) for step in measures.funnel
        ),
        forecast=_forecast(measures, say),
        checks=tuple((say(f"check.{one.name}"), _verdict(one, say), one.fine) for one in measures.checks),
        order=None if measures.order is None else _figure("order", measures.order, say),
        other=_other(measures, say),
        notes=tuple(_notes(outcomes, measures, say)),
    )


def rate(value: float | None, digits: int = 1) -> str:
    """Return a rate as a person reads it; a dash where it is not known."""
    return "–" if value is None or math.isnan(value) else f"{value:.{digits}%}"


def count(value: int | None) -> str:
    """Return a count as a person reads it; small ones hidden."""
    if value is None:
        return "–"
    return f"< {SMALLEST}" if 0 < value < SMALLEST else f"{value:,}"


def points(value: float | None) -> str:
    """Return a difference of rates with its sign."""
    return "–" if value is None else f"{value:+.2%}"


def shown(key: str, value: float) -> str:
    """Return one number of a figure as a person reads it."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "∞"
    if key in RATES:
        return f"{value:+.2%}"
    if key == PRIMARY or key in AMOUNTS:
        return f"{value:+,.0f}"
    return f"{value:.4f}" if key in SMALL else f"{value:,.2f}"


def _figure(key: str, estimate: Estimate, say: Wording) -> Figure:
    return Figure(key, say(f"figure.{key}"), estimate, _interval_text(key, estimate, say))


def _interval_text(key: str, estimate: Estimate, say: Wording) -> str:
    if not estimate.known:
        return say("remark.enough", lacks=say(f"lacks.{estimate.lacks}"))
    return f"{shown(key, estimate.value)} [{shown(key, estimate.low)}, {shown(key, estimate.high)}]"


def _headline(extra: Estimate, say: Wording) -> tuple[str, str]:
    """Return the headline and its tone."""
    if not extra.known:
        return say("headline.lacking", lacks=say(f"lacks.{extra.lacks}")), "open"
    low, high = round(extra.low), round(extra.high)
    if extra.low > 0:
        return say("headline.more", extra=f"{extra.value:,.0f}", low=f"{low:,}", high=f"{high:,}"), "good"
    if extra.high < 0:
        words = {"extra": f"{-extra.value:,.0f}", "low": f"{-high:,}", "high": f"{-low:,}"}
        return say("headline.fewer", **words), "bad"
    words = {"extra": f"{extra.value:+,.0f}", "low": f"{low:+,}", "high": f"{high:+,}"}
    return say("headline.unclear", **words), "open"


def _because(measures: Measures, say: Wording) -> str:
    """Return the sentence below the headline; small counts and rates that tell them are hidden."""
    one, pairs = measures.primary, _pairs(measures)
    sizes = {"treated": count(one.treated), "control": count(one.control)}
    if not one.lift.known:
        return say("headline.arms", **sizes)
    hidden = 0 < min(acquired for acquired, _ in pairs) < SMALLEST
    words = ["–" if hidden else rate(acquired / total) for acquired, total in pairs]
    return say("headline.because", treated_rate=words[0], control_rate=words[1], **sizes)


def _pairs(measures: Measures) -> tuple[tuple[int, int], tuple[int, int]]:
    one = measures.primary
    return (one.treated_acquired, one.treated), (one.control_acquired, one.control)


def _main(measures: Measures) -> Iterator[tuple[str, Estimate]]:
    primary = measures.primary
    yield PRIMARY, primary.extra
    yield "lift", primary.lift
    yield "relative", primary.relative
    yield "adjusted", primary.adjusted
    yield "campaign", measures.campaign.lift
    yield "anything", measures.anything.lift
    if measures.explored is not None:
        yield "explored", measures.explored.lift
    if measures.sides is not None:
        yield "sides", measures.sides.between.lift
        yield "sides_value", measures.sides.between.value
        yield "side_challenger", measures.sides.challenger.lift
        yield "side_champion", measures.sides.champion.lift


def _groups(measures: Measures, say: Wording, names: Mapping[str, str]) -> Iterator[Group]:
    for row in measures.groups.to_dicts():
        known = {name: _number(row[name]) for name in ("treated_rate", "control_rate", "lift", "low", "high")}
        yield Group(
            say(f"dimension.{row['dimension']}"),
            _name(row["dimension"], row["group"], say, names),
            row["treated"],
            row["control"],
            **known,
            remark=_remark(row, say),
        )


def _name(dimension: str, group: str, say: Wording, names: Mapping[str, str]) -> str:
    if group == OTHERS:
        return say("group.others")
    if dimension == "product_id":
        return safe(names.get(group, group)) or "–"
    return safe(say.of(dimension, group)) or "–"


def _remark(row: Mapping[str, Any], say: Wording) -> str:
    if row["lacks"]:
        return say("remark.enough", lacks=say(f"lacks.{row['lacks']}"))
    if row["low"] <= 0 <= row["high"]:
        return ""
    return say("remark.stands_out" if row["stands_out"] else "remark.chance")


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else value


def _forecast(measures: Measures, say: Wording) -> tuple[tuple[str, str], ...]:
    found = measures.forecast
    few = 0 < found.acquired < SMALLEST
    ratio = Estimate(math.nan, lacks="few") if few else found.ratio
    return (
        (say("figure.forecast"), f"{found.expected:,.1f}"),
        (say("figure.observed"), count(found.acquired)),
        (say("figure.ratio"), _interval_text("ratio", ratio, say)),
    )


def _verdict(check: Check, say: Wording) -> str:
    if not check.known:
        return say("verdict.unknown")
    name = "verdict.fine" if check.fine else "verdict.suspicious"
    values = {"first": rate(check.first, 2), "second": rate(check.second, 2), "p": rate(check.p)}
    return say(name, **values)


def _other(measures: Measures, say: Wording) -> tuple[tuple[str, str], ...]:
    found = measures.other
    if found is None:
        return ()
    return (
        (say("figure.logged"), f"{found.logged:.4f}"),
        (say("figure.doubly_robust"), _interval_text("doubly_robust", found.doubly_robust, say)),
        (say("figure.snips"), _interval_text("snips", found.snips, say)),
        (say("figure.effective", decisions=f"{found.decisions:,}"), f"{found.effective:,.0f}"),
    )


def _notes(outcomes: CampaignOutcomes, measures: Measures, say: Wording) -> Iterator[str]:
    if not outcomes.period.complete:
        yield say("report.provisional")
    if measures.needed is not None and not measures.primary.lift.excludes_zero:
        effect = rate(float(outcomes.manifest["campaign"]["effect_rate"]), 2)
        here = measures.primary.treated + measures.primary.control
        yield say("note.needed", effect=effect, needed=f"{measures.needed:,}", here=count(here))
    of_sides = ("sides",) if measures.sides is not None else ()
    for name in ("causal", "intention", "primary", "adjusted", "forecast", *of_sides):
        yield say(f"note.{name}")
    limits = {"customers": MIN_CUSTOMERS, "acquisitions": MIN_ACQUISITIONS, "smallest": SMALLEST}
    yield say("note.rule", **limits)
    customers, unseen = (int(measures.arms[name].sum()) for name in ("customers", "unseen"))
    if unseen:
        yield say("note.unseen", unseen=count(unseen), customers=f"{customers:,}")
    for name, number in (("extra_offers", measures.extra_offers), ("touched", measures.touched)):
        if number:
            yield say(f"note.{name}", number=count(number))
    if not outcomes.contacts_known:
        yield say("note.contacts")
    yield say("note.later", until=outcomes.period.until)
