"""The report in words: what all its forms (terminal, HTML, spreadsheet) show, once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from vipreco.campaign.report.gathering import Gathered
from vipreco.campaign.report.measuring import Check, Measured
from vipreco.campaign.report.privacy import OTHERS, SMALLEST
from vipreco.documents import Language, safe
from vipreco.lists import Wording, read_texts
from vipreco.stats import MIN_ACQUISITIONS, MIN_CUSTOMERS, Estimate

PRIMARY = "extra"
RATES = frozenset({"lift", "relative", "adjusted", "campaign", "anything", "explored"})
AMOUNTS = frozenset({"value"})
SMALL = frozenset({"order", "snips", "doubly_robust"})


@dataclass(frozen=True)
class Figure:
    """One number with its interval.

    Args:
        key: What it is.
        label: The same in words.
        estimate: The number.
        told: Number and interval as text, or why there is none.
    """

    key: str
    label: str
    estimate: Estimate
    told: str


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
class Told:
    """A report in one language.

    Args:
        say: Its texts.
        title: First line.
        about: Second line.
        headline: What the campaign changed, in a sentence.
        because: The sentence below it.
        tone: "good", "bad" or "open": how the headline is coloured.
        main: Numbers of the comparison, the primary one first.
        money: Value and cost.
        costs: Cost of the contacts, as text.
        groups: Subgroups.
        funnel: (step, customers, share of the step before).
        promised: Figures of promised and came: label and text.
        checks: (check, verdict, nothing speaks against it).
        order: Whether the promised chance finds those whom an offer moves; None without enough data.
        other: Numbers of another policy: label and text.
        notes: What the numbers are not.
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
    promised: tuple[tuple[str, str], ...]
    checks: tuple[tuple[str, str, bool], ...]
    order: Figure | None
    other: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def wording(language: Language) -> Wording:
    """Return the texts of a report."""
    content = files("vipreco.campaign.report") / "texts.toml"
    return Wording(language, read_texts(content.read_text(encoding="utf-8")))


def tell(gathered: Gathered, measured: Measured, language: Language, names: Mapping[str, str]) -> Told:
    """Return a report in words.

    Args:
        gathered: What came of the campaign.
        measured: Its numbers.
        language: Of the texts.
        names: Name of each product.
    """
    say, period = wording(language), gathered.period
    headline, tone = _headline(measured.primary.extra, say)
    return Told(
        say=say,
        title=say("report.title", campaign=safe(gathered.name)),
        about=say(
            "report.about",
            key=gathered.key,
            start=period.start,
            end=period.end,
            until=period.until,
            as_of=period.as_of,
        ),
        headline=headline,
        because=_because(measured, say),
        tone=tone,
        main=tuple(_figure(key, estimate, say) for key, estimate in _main(measured)),
        money=tuple(
            _figure(key, estimate, say)
            for key, estimate in (("value", measured.money.value), ("a_unit", measured.money.a_unit))
        ),
        costs=f"{measured.money.cost:,.2f}",
        groups=tuple(_groups(measured, say, names)),
        funnel=tuple(
            (say(f"step.{step.name}"), step.customers, rate(step.share)) for step in measured.funnel
        ),
        promised=_promised(measured, say),
        checks=tuple((say(f"check.{one.name}"), _verdict(one, say), one.fine) for one in measured.checks),
        order=None if measured.order is None else _figure("order", measured.order, say),
        other=_other(measured, say),
        notes=tuple(_notes(gathered, measured, say)),
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
    return Figure(key, say(f"figure.{key}"), estimate, _told(key, estimate, say))


def _told(key: str, estimate: Estimate, say: Wording) -> str:
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
        told = {"extra": f"{-extra.value:,.0f}", "low": f"{-high:,}", "high": f"{-low:,}"}
        return say("headline.fewer", **told), "bad"
    told = {"extra": f"{extra.value:+,.0f}", "low": f"{low:+,}", "high": f"{high:+,}"}
    return say("headline.unclear", **told), "open"


def _because(measured: Measured, say: Wording) -> str:
    """Return the sentence below the headline; small counts and rates that tell them are hidden."""
    one, pairs = measured.primary, _pairs(measured)
    sizes = {"treated": count(one.treated), "control": count(one.control)}
    if not one.lift.known:
        return say("headline.arms", **sizes)
    hidden = 0 < min(acquired for acquired, _ in pairs) < SMALLEST
    told = ["–" if hidden else rate(acquired / total) for acquired, total in pairs]
    return say("headline.because", treated_rate=told[0], control_rate=told[1], **sizes)


def _pairs(measured: Measured) -> tuple[tuple[int, int], tuple[int, int]]:
    one = measured.primary
    return (one.treated_acquired, one.treated), (one.control_acquired, one.control)


def _main(measured: Measured) -> Iterator[tuple[str, Estimate]]:
    primary = measured.primary
    yield PRIMARY, primary.extra
    yield "lift", primary.lift
    yield "relative", primary.relative
    yield "adjusted", primary.adjusted
    yield "campaign", measured.campaign.lift
    yield "anything", measured.anything.lift
    if measured.explored is not None:
        yield "explored", measured.explored.lift


def _groups(measured: Measured, say: Wording, names: Mapping[str, str]) -> Iterator[Group]:
    for row in measured.groups.to_dicts():
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


def _promised(measured: Measured, say: Wording) -> tuple[tuple[str, str], ...]:
    found = measured.promised
    few = 0 < found.acquired < SMALLEST
    ratio = Estimate(math.nan, lacks="few") if few else found.ratio
    return (
        (say("figure.promised"), f"{found.expected:,.1f}"),
        (say("figure.came"), count(found.acquired)),
        (say("figure.ratio"), _told("ratio", ratio, say)),
    )


def _verdict(check: Check, say: Wording) -> str:
    if not check.known:
        return say("verdict.unknown")
    name = "verdict.fine" if check.fine else "verdict.suspicious"
    values = {"first": rate(check.first, 2), "second": rate(check.second, 2), "p": rate(check.p)}
    return say(name, **values)


def _other(measured: Measured, say: Wording) -> tuple[tuple[str, str], ...]:
    found = measured.other
    if found is None:
        return ()
    return (
        (say("figure.logged"), f"{found.logged:.4f}"),
        (say("figure.doubly_robust"), _told("doubly_robust", found.doubly_robust, say)),
        (say("figure.snips"), _told("snips", found.snips, say)),
        (say("figure.effective", decisions=f"{found.decisions:,}"), f"{found.effective:,.0f}"),
    )


def _notes(gathered: Gathered, measured: Measured, say: Wording) -> Iterator[str]:
    if not gathered.period.complete:
        yield say("report.provisional")
    if measured.needed is not None and not measured.primary.lift.beyond_zero:
        effect = rate(float(gathered.manifest["campaign"]["effect_rate"]), 2)
        here = measured.primary.treated + measured.primary.control
        yield say("note.needed", effect=effect, needed=f"{measured.needed:,}", here=count(here))
    for name in ("causal", "intention", "primary", "adjusted", "promised"):
        yield say(f"note.{name}")
    limits = {"customers": MIN_CUSTOMERS, "acquisitions": MIN_ACQUISITIONS, "smallest": SMALLEST}
    yield say("note.rule", **limits)
    customers, unseen = (int(measured.arms[name].sum()) for name in ("customers", "unseen"))
    if unseen:
        yield say("note.unseen", unseen=count(unseen), customers=f"{customers:,}")
    for name, number in (("extra_offers", measured.extra_offers), ("touched", measured.touched)):
        if number:
            yield say(f"note.{name}", number=count(number))
    if not gathered.contacts_known:
        yield say("note.contacts")
    yield say("note.later", until=gathered.period.until)
