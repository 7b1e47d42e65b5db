"""Facts that may be stated as a reason: compared with what is usual, never a zero, recent enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from vipreco.explanations.facts import Fact, FactBook
from vipreco.explanations.reason_catalog import ReasonEntry
from vipreco.explanations.reason_plan import Statement
from vipreco.history import add_months

Flags = NDArray[np.bool_]
BY_LINE = frozenset({"falling_to_line", "next_line"})
ASSETS = "assets"
MIN_FALL = 0.98  # of the assets before: less of a fall is none


@dataclass(frozen=True)
class Background:
    """Products and tiers, as far as reasons look at them.

    Args:
        families: Family of each product.
        names: Name of each product.
        lines: From which assets on a customer belongs to each tier, the lowest first.
    """

    families: Mapping[str, str]
    names: Mapping[str, str]
    lines: Mapping[str, float]

    def next_tier(self, tier: str) -> str | None:
        """Return the tier above, if there is one."""
        tiers = list(self.lines)
        place = tiers.index(tier) + 1 if tier in self.lines else len(tiers)
        return tiers[place] if place < len(tiers) else None

    def line(self, entry: ReasonEntry, tier: str) -> float | None:
        """Return the line that a reason measures the assets by; None where there is none."""
        name = self.next_tier(tier) if entry.compare == "next_line" else tier
        return self.lines.get(name) if name else None


def qualified(statement: Statement, book: FactBook, background: Background, day: date) -> Flags:
    """Return of which customers a reason may be stated, whatever the offer, shape (n,).

    Args:
        statement: The reason.
        book: Facts of the customers.
        background: Families of the products that the facts are about, and the lines of the tiers.
        day: As-of date, for the age of a fact.
    """
    entry, subject = statement.entry, statement.subject
    if entry.about_families and subject and background.families.get(subject) not in entry.about_families:
        return np.zeros(len(book.customer_ids), bool)
    found = book.there(entry.facts, subject)
    if not found.any():
        return found
    compares = _by_line if entry.compare in BY_LINE else _compares
    found &= compares(entry, book, subject, background)
    if entry.min_asset_share:
        share = book.numbers(entry.facts[-1], subject) / book.numbers(ASSETS, subject)
        found &= np.asarray(share >= entry.min_asset_share, bool)
    first = book.cells[book.key(entry.facts[0], subject)]
    if entry.value:
        found &= np.asarray(first.values == entry.value, bool)
    if entry.within_months:
        oldest = add_months(day, -entry.within_months)
        newest = add_months(day, -entry.after_months)
        found &= np.array([one is not None and oldest <= one <= newest for one in first.dates], bool)
    return found


def _by_line(entry: ReasonEntry, book: FactBook, subject: str, background: Background) -> Flags:
    tiers, amount = (
        book.cells[book.key(entry.facts[0], subject)].values,
        book.numbers(entry.facts[-1], subject),
    )
    lines = np.array([background.line(entry, tier) or np.nan for tier in tiers], float)
    with np.errstate(invalid="ignore"):
        if entry.compare == "falling_to_line":
            fell = amount <= MIN_FALL * book.numbers(entry.facts[1], subject)
            return np.asarray(fell & (amount > lines) & (amount <= entry.ratio * lines), bool)
        return np.asarray((amount < lines) & (amount >= entry.ratio * lines), bool)


def _compares(entry: ReasonEntry, book: FactBook, subject: str, _: Background) -> Flags:
    first, last = (book.numbers(kind, subject) for kind in (entry.facts[0], entry.facts[-1]))
    with np.errstate(invalid="ignore"):
        if entry.compare == "above":
            grown = (last >= entry.ratio * first) & (last <= entry.max_ratio * first)
            found = (first > 0) & grown & (last >= entry.floor)
        elif entry.compare == "below":
            found = (last > 0) & (last <= entry.ratio * first) & (first >= entry.floor)
        elif entry.compare == "share":
            large = (first >= entry.floor) & (first >= entry.ratio * last)
            found = (first > 0) & large & (first <= last)
        else:
            found = (first != 0) & (last != 0) & (np.isnan(last) | (last >= entry.floor))
    return np.asarray(found, bool)


def compared(entry: ReasonEntry, facts: tuple[Fact, ...], background: Background) -> dict[str, str]:
    """Return the words of a comparison: how many times, how many percent, how far from a line."""
    if entry.compare == "exists":
        return {}
    if entry.compare in BY_LINE:
        tier = facts[0].value
        gap = abs(float(facts[-1].value) - (background.line(entry, tier) or np.nan))
        return {"gap": f"{gap:.0f}", "next_tier": background.next_tier(tier) or ""}
    first, last = float(facts[0].value), float(facts[-1].value)
    share = {"above": last / first - 1, "below": 1 - last / first, "share": first / last}[entry.compare]
    times = last / first
    return {"times": f"{times:.1f}" if times < 10 else f"{times:.0f}", "percent": f"{share:.0%}"[:-1]}


def holds_true(entry: ReasonEntry, facts: tuple[Fact, ...]) -> bool:
    """Return whether cited facts say what the words of a reason say: the second opinion of the check."""
    numbers = [_number(fact.value) for fact in facts]
    if any(number == 0 for number in numbers):
        return False
    first, last = numbers[0], numbers[-1]
    if entry.compare == "falling_to_line":
        before = numbers[1]
        return before is not None and last is not None and last < before
    if entry.compare == "exists" or entry.compare in BY_LINE:
        return True
    if first is None or last is None:
        return False
    rises = {"above": last > first, "below": last < first, "share": first <= last}
    return rises[entry.compare]


def _number(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None
