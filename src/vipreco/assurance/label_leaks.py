"""Columns of the bank that know the label: leaks that no cut of time can stop, because the delivery has them.

A column that was put together later may hold, at the as-of date, what the customer did after it. Five signs
give it away, each judged by an interval, so that a small bank raises no alarm by chance; docs/leaks.md has a
section for each. Customers are compared within a month alone, and holders of a product with holders: a column
that came to the bank in a busy month tells the month, and one that tells newcomers tells that a first product
is due.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from functools import reduce
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vipreco.assurance.label_months import OF_PRODUCT, Draw, LabelMonth, label_months
from vipreco.assurance.own_columns import changed, codes_of, own_attributes
from vipreco.columns import ATTRIBUTE_PREFIX
from vipreco.history import History
from vipreco.recommender import RecommenderSettings
from vipreco.settings import Section, TierLadder
from vipreco.stats import ArmCounts, CaseCounts, Estimate, auc_within, difference_of_rates

Share = Annotated[float, Field(gt=0.0, le=1.0)]
Codes = NDArray[np.int64]
PAGE: Final = "docs/leaks.md"
FEW_GROUP_CASES: Final = 15
WIDE_LEVEL: Final = 0.999
RANKS_ALONE, KNOWS_CASES, POWER_FALLS = "ranks-alone", "knows-cases", "power-falls"
REWRITTEN, CHANGES_AFTER = "rewritten", "changes-after"
CODES: Final = (RANKS_ALONE, KNOWS_CASES, POWER_FALLS, REWRITTEN, CHANGES_AFTER)


class LeakSettings(Section):
    """Limits beyond which a column is taken for one that knows the label.

    Args:
        max_auc: AUC of acquiring anything, of attrition or of a tier upgrade by one column alone.
        max_rate: Rate of cases among the customers with certain values of a column.
        falling_auc: From this AUC on, a column must keep half of its power for the month after.
        max_rewritten: How much better than its first delivery a corrected column may rank, in AUC.
        max_change: How much oftener a column may change for those who acquire, as a difference of shares.
        min_cases: With fewer cases an outcome is not judged.
        max_customers: Customers who are looked at; of more, a lottery of their ids draws so many.
        accept: Columns, or patterns of them (`*`), that are used all the same; the model card names them.
    """

    max_auc: Share = 0.9
    max_rate: Share = 0.75
    falling_auc: Share = 0.8
    max_rewritten: Share = 0.1
    max_change: Share = 0.15
    min_cases: Annotated[int, Field(ge=10)] = 30
    max_customers: Annotated[int, Field(ge=1_000)] = 300_000
    accept: tuple[str, ...] = ()

    def accepts(self, column: str) -> bool:
        """Return whether a column (`customers.attribute_x`) is named, with or without table and prefix."""
        name = column.partition(".")[2]
        forms = (column, name, name.removeprefix(ATTRIBUTE_PREFIX))
        return any(fnmatchcase(form, pattern) for form in forms for pattern in self.accept)


@dataclass(frozen=True)
class LabelLeak:
    """A column that knows an outcome before it happens.

    Args:
        code: Which sign gave it away.
        column: Table and column.
        what: The sign in one sentence, with its figures.
        accepted: The settings name the column: it is used knowingly.
    """

    code: str
    column: str
    what: str
    accepted: bool = False

    @property
    def page(self) -> str:
        """The section of the documentation about the sign."""
        return f"{PAGE}#{self.code}"

    def __str__(self) -> str:
        return f"{self.column}: {self.what} ({self.page})"


def find_label_leaks(
    history: History,
    days: Sequence[date],
    windows: RecommenderSettings,
    ladder: TierLadder,
    settings: LeakSettings,
    seed: int,
) -> list[LabelLeak]:
    """Return the columns that know the label at these as-of dates, by column; each with its first sign.

    Args:
        history: The bank's tables.
        days: As-of dates that are learnt from.
        windows: Horizons of the labels.
        ladder: The bank's tiers.
        settings: Limits.
        seed: Seed of the two halves of the customers, and of the lottery.
    """
    share = min(1.0, settings.max_customers / max(history.customers, 1))
    months = label_months(history, days, windows, ladder, Draw(seed, share))
    if not months:
        return []
    found: dict[str, LabelLeak] = {}
    for leak in _signs(months, settings):
        found.setdefault(leak.column, leak)
    return [found[column] for column in sorted(found)]


def _signs(months: Sequence[LabelMonth], settings: LeakSettings) -> Iterator[LabelLeak]:
    common = set.intersection(*(set(month.reading.values) for month in months))
    own = own_attributes(months[0].reading)
    for name in sorted(common):
        signs = [*_by_power(months, name, settings, own=name in own)]
        signs += _rewritten(months, name, settings)
        if name in own:
            signs += _changes_after(months, name, settings)
        for code, what in signs[:1]:
            yield LabelLeak(code, name, what, settings.accepts(name))


def _by_power(
    months: Sequence[LabelMonth], name: str, settings: LeakSettings, *, own: bool
) -> Iterator[tuple[str, str]]:
    """Judge how a column ranks: by itself, among its best values, and for the window after."""
    codes = codes_of([month.reading for month in months], name)
    pairs = list(zip(months, codes, strict=True))
    judged = _by_group(
        part for month, each in pairs for part in _groups(month, each, month.observed, month.happened)
    )
    if own:  # of the contract's columns some must rank attrition and tier upgrades: assets, the tier
        parts = [(month, each, *month.changes[kind], kind) for month, each in pairs for kind in month.changes]
        judged |= _by_group(
            part
            for month, each, known, cases, kind in parts
            for part in _groups(month, each, known, {kind: cases})
        )
    for target, by_group in judged.items():
        if _cases(by_group) < settings.min_cases:
            continue
        whole = auc_within(by_group)
        if not target.startswith(OF_PRODUCT) and whole.low >= settings.max_auc:
            yield RANKS_ALONE, f"alone it ranks {target} with {_auc(whole)}"
        yield from _knows_cases(target, by_group, settings)
    yield from _falls(pairs, settings)


def _knows_cases(
    target: str, by_group: Sequence[CaseCounts], settings: LeakSettings
) -> Iterator[tuple[str, str]]:
    """Look for values that name cases, in the groups in which cases are not the rule anyway."""
    usual = [counts for counts in by_group if settings.max_rate > 2 * counts.base_rate]
    if _cases(usual) < settings.min_cases:
        return
    counts = reduce(CaseCounts.merge, usual)
    rate, cases = counts.mostly_cases()
    if rate.low >= settings.max_rate and cases >= FEW_GROUP_CASES:
        share = f"{rate.value:.0%} are cases of {target}, of all customers {counts.base_rate:.2%}"
        yield KNOWS_CASES, f"where it has certain values, {share}"


def _falls(pairs: Sequence[tuple[LabelMonth, Codes]], settings: LeakSettings) -> Iterator[tuple[str, str]]:
    """Compare the power for the window itself with that for the next: what is true of a customer stays."""
    known = [(month, own, month.next_happened) for month, own in pairs if month.next_happened is not None]
    both = [month.observed & month.next_observed for month, *_ in known]
    now = _by_group(
        part
        for (month, own, _), rows in zip(known, both, strict=True)
        for part in _groups(month, own, rows, month.happened)
    )
    for target, by_group in now.items():
        first = auc_within(by_group)
        if _cases(by_group) < settings.min_cases or not first.low >= settings.falling_auc:
            continue
        # who has just acquired a product cannot acquire it again: the power among the others is compared
        later = _by_group(
            part
            for (month, own, following), rows in zip(known, both, strict=True)
            for part in _groups(month, own, rows & ~month.happened[target], {target: following[target]})
        )[target]
        second = auc_within(later)
        if _cases(later) >= settings.min_cases and second.high - 0.5 < (first.low - 0.5) / 2:
            fall = f"{_auc(first)} in the window itself and with {_auc(second)} in the one after"
            yield POWER_FALLS, f"it ranks {target} with {fall}"


def _rewritten(months: Sequence[LabelMonth], name: str, settings: LeakSettings) -> Iterator[tuple[str, str]]:
    """Compare a corrected column with its first delivery."""
    before: list[dict[str, CaseCounts]] = []
    after: list[dict[str, CaseCounts]] = []
    for month in months:
        if month.first is None or name not in month.first.values:
            continue
        codes, first = codes_of([month.reading, month.first], name)
        places = month.first.rows_of(month.reading.customer_ids)
        both = month.observed & (places >= 0)
        after += _groups(month, codes, both, month.happened)
        before += _groups(month, first[places], both, month.happened)
    delivered = _by_group(before)
    for target, by_group in _by_group(after).items():
        if _cases(by_group) < settings.min_cases:
            continue
        now, then = auc_within(by_group), auc_within(delivered[target])
        if now.low - then.value >= settings.max_rewritten and now.low > then.high:
            figures = f"{_auc(now)}, as first delivered with {_auc(then)}"
            yield REWRITTEN, f"as corrected later it ranks {target} with {figures}"


def _groups(
    month: LabelMonth, codes: Codes, chosen: NDArray[np.bool_], happened: Mapping[str, NDArray[np.bool_]]
) -> Iterator[dict[str, CaseCounts]]:
    """Count the customers of a month who hold a product, and those who hold none."""
    for group in (chosen & month.holding, chosen & ~month.holding):
        rows = np.flatnonzero(group)
        cases = {target: np.flatnonzero(flags[rows]) for target, flags in happened.items()}
        yield CaseCounts.of_targets(codes[rows], month.second[rows], cases)


def _by_group(parts: Iterable[Mapping[str, CaseCounts]]) -> dict[str, list[CaseCounts]]:
    """Return the counts of each outcome in the groups that have cases and others."""
    found: dict[str, list[CaseCounts]] = {}
    for part in parts:
        for target, counts in part.items():
            rows, cases = counts.total
            found.setdefault(target, []).extend([counts] if 0 < cases < rows else [])
    return found


def _cases(by_group: Iterable[CaseCounts]) -> float:
    return sum(counts.total[1] for counts in by_group)


def _changes_after(
    months: Sequence[LabelMonth], name: str, settings: LeakSettings
) -> Iterator[tuple[str, str]]:
    """Compare how often a column changes until the next snapshot, with and without an acquisition."""
    counts: dict[str, list[NDArray[np.float64]]] = {}
    for month in months:
        if month.after is None or name not in month.after.values:
            continue
        places = month.after.rows_of(month.reading.customer_ids)
        rows = np.flatnonzero(month.observed & (places >= 0))
        differs = changed(month.reading.values[name].take(rows), month.after.values[name].take(places[rows]))
        for target, happened in month.happened.items():
            case = happened[rows]
            cells = [case.sum(), (differs & case).sum(), (~case).sum(), (differs & ~case).sum()]
            if case.any() and not case.all():
                counts.setdefault(target, []).append(np.asarray(cells, np.float64))
    for target, by_group in counts.items():
        cases, moved, others, others_moved = _as_the_cases(np.stack(by_group))
        if cases < settings.min_cases:
            continue
        gap = difference_of_rates(ArmCounts.of(cases, moved, others, others_moved), WIDE_LEVEL)
        if float(gap.low[0]) >= settings.max_change and moved / cases >= 2 * others_moved / others:
            figures = (
                f"{moved / cases:.0%} of the cases of {target}, {others_moved / others:.1%} of the others"
            )
            yield CHANGES_AFTER, f"by the next snapshot it has changed for {figures}"


def _as_the_cases(by_group: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return counts (4,) of months (m, 4): the others weigh in each month as much as its cases do.

    The others become as many as would have the same variance without weights (Kish, 1965).
    """
    cases, moved, others, others_moved = by_group.T
    weights = cases / cases.sum()
    size = 1 / (weights**2 / others).sum()
    return np.array([cases.sum(), moved.sum(), size, size * (weights * others_moved / others).sum()])


def _auc(found: Estimate) -> str:
    return f"AUC {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
