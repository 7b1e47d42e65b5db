"""Columns of the bank that know the label: leaks that no cut of time can stop, because the delivery has them.

A column that was put together later may hold, at the as-of date, what the customer did after it. Five signs
give it away, each judged by an interval, so that a small bank raises no alarm by chance; docs/leaks.md has a
section for each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase
from typing import Annotated, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vipreco.assurance.label_months import OF_PRODUCT, LabelMonth, label_months
from vipreco.assurance.own_columns import changed, codes_of, own_attributes
from vipreco.columns import ATTRIBUTE_PREFIX
from vipreco.history import History
from vipreco.recommender import RecommenderSettings
from vipreco.settings import Section, TierLadder
from vipreco.stats import ArmCounts, CaseCounts, Estimate, difference_of_rates

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
        accept: Columns, or patterns of them (`*`), that are used all the same; the model card names them.
    """

    max_auc: Share = 0.9
    max_rate: Share = 0.75
    falling_auc: Share = 0.8
    max_rewritten: Share = 0.1
    max_change: Share = 0.15
    min_cases: Annotated[int, Field(ge=10)] = 30
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
        seed: Seed of the two halves of the customers.
    """
    months = label_months(history, days, windows, ladder, seed)
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
    judged = _merged(_of_rows(month, each, month.observed, month.happened) for month, each in pairs)
    if own:  # of the contract's columns some must rank attrition and tier upgrades: assets, the tier
        parts = [(month, each, *month.changes[kind], kind) for month, each in pairs for kind in month.changes]
        judged |= _merged(
            _of_rows(month, each, known, {kind: cases}) for month, each, known, cases, kind in parts
        )
    for target, counts in judged.items():
        if counts.total[1] < settings.min_cases:
            continue
        whole, (rate, cases) = counts.auc(), counts.mostly_cases()
        if not target.startswith(OF_PRODUCT) and whole.low >= settings.max_auc:
            yield RANKS_ALONE, f"alone it ranks {target} with {_auc(whole)}"
        if rate.low >= settings.max_rate > 2 * counts.base_rate and cases >= FEW_GROUP_CASES:
            share = f"{rate.value:.0%} are cases of {target}, of all customers {counts.base_rate:.2%}"
            yield KNOWS_CASES, f"where it has certain values, {share}"
    yield from _falls(pairs, settings)


def _falls(pairs: Sequence[tuple[LabelMonth, Codes]], settings: LeakSettings) -> Iterator[tuple[str, str]]:
    """Compare the power for the window itself with that for the next: what is true of a customer stays."""
    known = [(month, own, month.next_happened) for month, own in pairs if month.next_happened is not None]
    both = [month.observed & month.next_observed for month, *_ in known]
    now = _merged(
        _of_rows(month, own, rows, month.happened) for (month, own, _), rows in zip(known, both, strict=True)
    )
    for target, counts in now.items():
        if counts.total[1] < settings.min_cases or counts.auc().low < settings.falling_auc:
            continue
        # who has just acquired a product cannot acquire it again: the power among the others is compared
        later = _merged(
            _of_rows(month, own, rows & ~month.happened[target], {target: following[target]})
            for (month, own, following), rows in zip(known, both, strict=True)
        )[target]
        first, second = counts.auc(), later.auc()
        if later.total[1] >= settings.min_cases and second.high - 0.5 < (first.low - 0.5) / 2:
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
        after.append(_of_rows(month, codes, both, month.happened))
        before.append(_of_rows(month, first[places], both, month.happened))
    delivered = _merged(before)
    for target, counts in _merged(after).items():
        if counts.total[1] < settings.min_cases:
            continue
        now, then = counts.auc(), delivered[target].auc()
        if now.low - then.value >= settings.max_rewritten and now.low > then.high:
            figures = f"{_auc(now)}, as first delivered with {_auc(then)}"
            yield REWRITTEN, f"as corrected later it ranks {target} with {figures}"


def _of_rows(
    month: LabelMonth, codes: Codes, chosen: NDArray[np.bool_], happened: Mapping[str, NDArray[np.bool_]]
) -> dict[str, CaseCounts]:
    rows = np.flatnonzero(chosen)
    cases = {target: np.flatnonzero(flags[rows]) for target, flags in happened.items()}
    return CaseCounts.of_targets(codes[rows], month.second[rows], cases)


def _merged(parts: Iterable[Mapping[str, CaseCounts]]) -> dict[str, CaseCounts]:
    """Return the counts of each outcome over all months."""
    total: dict[str, CaseCounts] = {}
    for part in parts:
        for target, counts in part.items():
            total[target] = total[target].merge(counts) if target in total else counts
    return total


def _changes_after(
    months: Sequence[LabelMonth], name: str, settings: LeakSettings
) -> Iterator[tuple[str, str]]:
    """Compare how often a column changes until the next snapshot, with and without an acquisition."""
    counts: dict[str, NDArray[np.float64]] = {}
    for month in months:
        if month.after is None or name not in month.after.values:
            continue
        places = month.after.rows_of(month.reading.customer_ids)
        rows = np.flatnonzero(month.observed & (places >= 0))
        differs = changed(month.reading.values[name].take(rows), month.after.values[name].take(places[rows]))
        for target, happened in month.happened.items():
            case = happened[rows]
            cells = [case.sum(), (differs & case).sum(), (~case).sum(), (differs & ~case).sum()]
            counts[target] = counts.get(target, np.zeros(4)) + np.asarray(cells, np.float64)
    for target, (cases, moved, others, others_moved) in counts.items():
        if cases < settings.min_cases or not others:
            continue
        gap = difference_of_rates(ArmCounts.of(cases, moved, others, others_moved), WIDE_LEVEL)
        if float(gap.low[0]) >= settings.max_change and moved / cases >= 2 * others_moved / others:
            figures = (
                f"{moved / cases:.0%} of the cases of {target}, {others_moved / others:.1%} of the others"
            )
            yield CHANGES_AFTER, f"by the next snapshot it has changed for {figures}"


def _auc(found: Estimate) -> str:
    return f"AUC {found.value:.3f} [{found.low:.3f}, {found.high:.3f}]"
