"""From a history to contacted pairs beside labelled rows, and the effects of contacts learnt from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.columns import CHANNEL, CONTACTS, CUSTOMER_ID, OPENED_DATE, OUTCOME, PRODUCT_ID, TIER
from vipreco.contact_effect import Contacted, EffectLearning, LearntEffects, ObservedPairs
from vipreco.folds import customer_folds
from vipreco.history import History, View
from vipreco.propensity import FitContext, LabelledRows, unseen_chances
from vipreco.recommender.label_arrays import kept_columns, place_of
from vipreco.recommender.panels import Arrays, Panel, Window
from vipreco.recommender.past_contacts import past_contacts
from vipreco.recommender.row_draw import SAMPLING_PARTS
from vipreco.recommender.row_order import RowOrder
from vipreco.recommender.settings import RecommenderSettings

MISSED, UNTOLD = "unreachable", "unknown"
MIN_ANSWERS = 30  # contacts with a recorded outcome, below which the reach of a channel is not told
NEVER = np.iinfo(np.int64).max
CONTACTED_DATE = "contacted_date"
AT_ONCE, SHIFTED = "at_once", "shifted"
ANSWERED_CHANNEL, REACHED = "answers.channel", "answers.reached"
OF_PAIRS = ("row", "product", "channel", "followed", "acquired")


@dataclass(frozen=True)
class ContactRows:
    """Contacts beside labelled rows.

    Args:
        contacted: In the label window of their row.
        shifted: Contacts of the window before, as if they had happened a horizon later.
        near: Pairs with a contact in either, shape (n, P).
        tiers: Of each row's customer, empty where unknown, shape (n,).
        reach: Share of the contacts that reach the customer, by channel; 1 where it is not here.
    """

    contacted: Contacted
    shifted: Contacted
    near: NDArray[np.bool_]
    tiers: NDArray[np.str_]
    reach: Mapping[str, float]


def learns_contacts(panel: Panel, settings: RecommenderSettings) -> bool:
    """Return whether a fit learns from contacts, and the bank has any."""
    return settings.contact_effect.folds > 0 and CONTACTS in panel.history.present_tables


def fit_contact_effects(
    rows: LabelledRows,
    found: ContactRows | None,
    product_ids: tuple[str, ...],
    families: tuple[str, ...],
    context: FitContext,
    settings: RecommenderSettings,
) -> LearntEffects | None:
    """Learn what the contacts in the label windows of rows did; None without any, or where none is asked.

    Args:
        rows: Labelled rows.
        found: Contacts beside them.
        product_ids: Products of the fit.
        families: Their families.
        context: Columns, seed and threads of the fit.
        settings: The recipe's.
    """
    from vipreco.contact_effect import learn_effects  # noqa: PLC0415 - brings scipy.stats; only a fit needs it

    learning = settings.contact_effect
    if found is None or not len(found.contacted):
        return None
    some, weights = _some(rows, found, learning, context.machine.seed)
    blind, columns = _without_contacts(context, learning)
    slim = replace(rows, values=rows.values[:, :0], weights=weights.astype(np.float32)).take(some)
    chosen = replace(slim, values=rows.values[np.ix_(some, columns)])  # the one copy of the values
    chance = unseen_chances(chosen, blind, learning.folds)
    pairs = ObservedPairs(
        chance=chance,
        acquired=chosen.acquired,
        possible=chosen.listable,
        near_contact=found.near[some],
        weights=chosen.weights.astype(np.float64),
        tiers=found.tiers[some],
        families=families,
        contacted=_renumbered(found.contacted, some, len(rows)),
        shifted=_renumbered(found.shifted, some, len(rows)),
        past=past_contacts(rows.values[some], context.names, product_ids),
        reach=found.reach,
    )
    return learn_effects(pairs, settings.arbitration.contact_effects, learning, context.machine.seed)


def contacts_beside(
    panel: Panel,
    window: Window,
    view: View,
    rows: tuple[NDArray[np.str_], NDArray[np.bool_]],
    product_ids: tuple[str, ...],
) -> dict[str, NDArray[Any]]:
    """Return what `stacked_contacts` puts together, of the rows of one date.

    Args:
        panel: Whose rows they are.
        window: Label window of the date.
        view: At the date.
        rows: Ids of the customers, ascending, shape (n,), and what they could acquire, shape (n, P).
        product_ids: Products of the fit.
    """
    ids, possible = rows
    inside = WindowContacts(panel, *window, ids, product_ids)
    found: dict[str, NDArray[Any]] = {"near": inside.near(), "tiers": _tiers(view, ids)}
    for kind, shift in ((AT_ONCE, 0), (SHIFTED, inside.span)):
        pairs = inside.contacted(shift, possible)
        found |= {f"{kind}.{name}": getattr(pairs, name) for name in OF_PAIRS}
    channels, reached = inside.answers()
    return found | {ANSWERED_CHANNEL: channels, REACHED: reached}


def stacked_contacts(parts: Sequence[Arrays], order: RowOrder, products: int) -> ContactRows:
    """Return the contacts beside the rows of all parts."""
    near, tiers = np.zeros((order.rows, products), bool), np.zeros(order.rows, "<U64")
    pairs: dict[str, list[Contacted]] = {AT_ONCE: [], SHIFTED: []}
    answers: Counter[tuple[str, bool]] = Counter()
    for day, indices in enumerate(order.indices):
        of_date: dict[str, list[Contacted]] = {AT_ONCE: [], SHIFTED: []}
        for part, own in zip(parts, indices, strict=True):
            near[own], tiers[own] = part[f"{day}.near"], part[f"{day}.tiers"]
            told = (part[f"{day}.{name}"].tolist() for name in (ANSWERED_CHANNEL, REACHED))
            answers.update(zip(*told, strict=True))
            for kind, found in of_date.items():
                columns = [np.asarray(part[f"{day}.{kind}.{name}"]) for name in OF_PAIRS]
                found.append(_at(Contacted(*columns), own))
        for kind, found in of_date.items():
            pairs[kind].append(_in_order(_stacked(found)))
    at_once, shifted = _stacked(pairs[AT_ONCE]), _stacked(pairs[SHIFTED])
    return ContactRows(at_once, shifted, near, tiers, reach_of(answers))


def reach_of(answers: Mapping[tuple[str, bool], int]) -> dict[str, float]:
    """Return the share of the contacts of each channel that reach the customer, where outcomes say so.

    Args:
        answers: Contacts by channel and whether they reached the customer.
    """
    found = {}
    for channel in sorted({channel for channel, _ in answers}):
        reached, missed = answers.get((channel, True), 0), answers.get((channel, False), 0)
        if reached and reached + missed >= MIN_ANSWERS:
            found[channel] = reached / (reached + missed)
    return found


def later_window(history: History, window: Window) -> Window | None:
    """Return the window after a label window, as far as it is known; None where nothing is."""
    after, until = window
    known = min(until + (until - after), max(history.snapshot_dates[-1], until))
    return (until, known) if known > until else None


def _tiers(view: View, customer_ids: NDArray[np.str_]) -> NDArray[np.str_]:
    """Return the tier of each customer of a view, empty where unknown, shape (n,)."""
    people = view.query(f"SELECT {CUSTOMER_ID}, {TIER} FROM customers_now ORDER BY {CUSTOMER_ID}")
    place = np.searchsorted(np.asarray(people[CUSTOMER_ID].to_pylist(), np.str_), customer_ids)
    return np.array([tier or "" for tier in people[TIER].to_pylist()], np.str_)[place]


@dataclass(frozen=True)
class WindowContacts:
    """Contacts and acquisitions about the rows of one as-of date.

    Args:
        panel: Where contacts and acquisitions come from.
        after: The label window opens after this date.
        until: Its last date.
        customer_ids: Of the rows, ascending.
        product_ids: Of the fit.
    """

    panel: Panel
    after: date
    until: date
    customer_ids: NDArray[np.str_]
    product_ids: tuple[str, ...]

    @property
    def span(self) -> int:
        """Days of the window."""
        return (self.until - self.after).days

    def contacted(self, shift: int, possible: NDArray[np.bool_]) -> Contacted:
        """Return the first contact of each pair in the window that could still be acquired then.

        A contact counts from its day on, for as many days as the window has, or as far as is known.

        Args:
            shift: Days by which each contact is taken to be later; such pairs must have none of their own.
            possible: Pairs that could be acquired at the beginning of the window, shape (n, P).
        """
        row, product, day, channel = self._contacts
        if not len(row):
            return Contacted(row, product, channel, np.zeros(0), np.zeros(0, bool))
        first, last = self.after.toordinal() + 1, self.until.toordinal()
        day = day + shift
        inside = (day >= first) & (day <= last) & possible[row, product] & (self._opened[row, product] >= day)
        if shift:
            own = np.zeros(possible.shape, bool)
            own[row[day - shift >= first], product[day - shift >= first]] = True
            inside &= ~own[row, product]
        _, once = np.unique(row[inside] * len(self.product_ids) + product[inside], return_index=True)
        row, product, day, channel = (part[inside][once] for part in (row, product, day, channel))
        end = np.minimum(day + self.span - 1, self._known_until.toordinal())
        acquired = self._opened[row, product] <= end
        return Contacted(row, product, channel, (end - day + 1) / self.span, acquired)

    def answers(self) -> tuple[NDArray[np.str_], NDArray[np.bool_]]:
        """Return the channel of each contact of the window with an outcome, and if it reached somebody."""
        table = self.panel.history.contacts(self.after, self.until)
        mine = place_of(self.customer_ids, table[CUSTOMER_ID]) >= 0
        outcomes = np.array([one or UNTOLD for one in table[OUTCOME].to_pylist()], np.str_)
        told = mine & (outcomes != UNTOLD)
        return np.array(table[CHANNEL].to_pylist(), np.str_)[told], outcomes[told] != MISSED

    def near(self) -> NDArray[np.bool_]:
        """Return the pairs with a contact in the window or in the one before, shape (n, P)."""
        row, product, _, _ = self._contacts
        found = np.zeros((len(self.customer_ids), len(self.product_ids)), bool)
        found[row, product] = True
        return found

    @cached_property
    def _contacts(self) -> tuple[NDArray[Any], ...]:
        """Row, product, day and channel of each contact of this window and the one before, in time order."""
        table = self.panel.history.contacts(self.after - timedelta(days=self.span), self.until)
        row, product = self._places(table)
        day = np.array([day.toordinal() for day in table[CONTACTED_DATE].to_pylist()], np.int64)
        channel = np.array(table[CHANNEL].to_pylist(), np.str_)
        known = np.flatnonzero((row >= 0) & (product >= 0))
        known = known[np.argsort(day[known], kind="stable")]
        return row[known], product[known], day[known], channel[known]

    @cached_property
    def _opened(self) -> NDArray[np.int64]:
        """Day on which each pair was acquired in the window, or in the one after; `NEVER`, shape (n, P)."""
        found = np.full((len(self.customer_ids), len(self.product_ids)), NEVER)
        own = (self.after, self.until)
        for window in (later_window(self.panel.history, own), own):
            if window is None:
                continue
            table = self.panel.acquisitions(window).acquired
            row, product = self._places(table)
            day = np.array([day.toordinal() for day in table[OPENED_DATE].to_pylist()], np.int64)
            known = (row >= 0) & (product >= 0)
            found[row[known], product[known]] = day[known]
        return found

    @property
    def _known_until(self) -> date:
        later = later_window(self.panel.history, (self.after, self.until))
        return later[1] if later else self.until

    def _places(self, table: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        order = np.argsort(np.array(self.product_ids))
        column = place_of(np.array(self.product_ids)[order], table[PRODUCT_ID])
        return place_of(self.customer_ids, table[CUSTOMER_ID]), np.where(column >= 0, order[column], -1)


def _some(
    rows: LabelledRows, found: ContactRows, learning: EffectLearning, seed: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the rows that are learnt from, and how many customers each row stands for, shape (n,)."""
    always = rows.acquirers | found.near.any(axis=1)
    rate = min(1.0, learning.max_rows / max(int((~always).sum()), 1))
    chosen = always | (customer_folds(rows.customer_ids, SAMPLING_PARTS, seed) < rate * SAMPLING_PARTS)
    share = max(float((chosen & ~always).sum()), 1.0) / max(float((~always).sum()), 1.0)
    return np.flatnonzero(chosen), np.where(always, rows.weights, rows.weights / share).astype(np.float64)


def _without_contacts(context: FitContext, learning: EffectLearning) -> tuple[FitContext, NDArray[np.int64]]:
    """Return a context whose boosters see no contacts, and the positions of what they see."""
    kept = kept_columns(context.names, learning.leave_out)
    names = tuple(context.names[place] for place in kept)
    boosters = {"product": learning.product, "any": learning.any, "bags": 1}
    settings = context.settings.model_copy(update=boosters)
    return FitContext(names, settings, context.machine), kept


def _at(part: Contacted, own: NDArray[np.intp]) -> Contacted:
    return replace(part, row=own[part.row])


def _renumbered(part: Contacted, some: NDArray[np.intp], rows: int) -> Contacted:
    place = np.full(rows, -1)
    place[some] = np.arange(len(some))
    return replace(part, row=place[part.row])


def _stacked(parts: Sequence[Contacted]) -> Contacted:
    return Contacted(*(np.concatenate([getattr(part, name) for part in parts]) for name in OF_PAIRS))


def _in_order(pairs: Contacted) -> Contacted:
    return pairs.take(np.lexsort((pairs.product, pairs.row)))
