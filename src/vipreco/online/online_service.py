"""Answers of a running service: from the nightly build, and from what the store has learnt since."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration import SlateRules, slate
from vipreco.catalog import Catalog
from vipreco.columns import PRODUCT_ID, PRODUCTS
from vipreco.errors import DependencyDownError, InputRejectedError
from vipreco.kpi import FigureRows, read_rows
from vipreco.lists import (
    ALWAYS,
    NO_HAND_OVERS,
    Availability,
    Day,
    Moved,
    Wording,
    customer_day,
    plan_day,
)
from vipreco.online.explanation_cache import CachingExplainer, ExplanationCache
from vipreco.online.nightly_build import ARTIFACT
from vipreco.online.nightly_part import EXPLAINED_OFFERS
from vipreco.online.offer_numbers import OfferNumbers
from vipreco.online.parted_reader import open_reader
from vipreco.online.release_model import model_of_release
from vipreco.online.release_reader import OfferRow
from vipreco.online.request_overrides import NOBODY, RequestOverrides, overridden_rows
from vipreco.online.shown_sheet import ShownSheet, shown_sheet
from vipreco.online.slates import BELOW_FLOOR, FACTS, SNAPSHOT, SWITCHED_OFF, Slate
from vipreco.online.store_overlay import Rows, StoreOverlay
from vipreco.online.views import Views
from vipreco.online.warm_up import example_changes
from vipreco.policy import ALLOWED, OWN_PREFIX, Language
from vipreco.recommender import (
    Decisions,
    ProductEvidence,
    in_order,
    open_model,
)
from vipreco.settings import CallListSettings
from vipreco.signatures import NO_SIGNATURES, Signatures
from vipreco.store import Store

NEUTRAL = ("neutral",)
MAX_DECIDED = 20_000  # decisions of changed customers that are kept
VERSION_LENGTH = 16


@dataclass(frozen=True)
class DaySettings:
    """Settings of the call lists of a project.

    Args:
        vip: VIP tiers.
        settings: Of the call list.
        currency: Code of the currency of all amounts; without one amounts are "units".
    """

    vip: tuple[str, ...]
    settings: CallListSettings
    currency: str = ""


class OnlineService:
    """Answers about one customer or one book at a moment.

    A customer about whom the store knows nothing new is answered from the arrays of the release. The others
    are decided anew by the code of the nightly build, over their rows of the tables and those of the store on
    top. The chances are those of the date of the release; the rules are those of the day itself.

    Args:
        folder: Of a release.
        store: Operational records.
        day_settings: Of the call lists.
        signatures: Checks who made the release.

    Raises:
        IntegrityError: The folder, or the model that it names, is not what it was, or not signed as it has to
            be.
        VipRecoError: The store does not answer.
    """

    def __init__(
        self,
        folder: Path,
        store: Store,
        day_settings: DaySettings,
        signatures: Signatures = NO_SIGNATURES,
    ) -> None:
        self.release, self._folder = open_reader(folder, signatures), folder
        manifest: dict[str, Any] = self.release.manifest
        self.day_settings = day_settings
        self.model_hash: str = manifest["artifact_hash"]
        self.model_version: str = self.model_hash[:VERSION_LENGTH]
        self.snapshot_id: str = manifest["snapshot_id"]
        self.snapshot_date, self.policy_version = self.release.snapshot_date, manifest["policy_version"]
        as_of, records = self.release.as_of, self.release.records
        self.overlay = StoreOverlay(store, manifest["store_sequence"], records, as_of)
        # Two sets of databases: an offer does not wait for the call list of a large book.
        self._views, self._pages = (Views(records, as_of, self.overlay) for _ in range(2))
        self.model = open_model(folder / ARTIFACT, self.model_hash)  # the next release may take it over
        self.recommender = model_of_release(self.release, self.model, day_settings.currency)
        self.warnings: tuple[str, ...] = self.recommender.warnings
        self.basis = ""  # name of the rules and weights, where they are kept for replays
        cache = ExplanationCache(self.release.reasons(), self._pages)
        self.explainer = CachingExplainer(self.recommender, cache, manifest.get("reason_weights", {}))
        self._decided: dict[tuple[str, str, date], tuple[int, OfferRow]] = {}
        self._rules = SlateRules.of((), np.zeros((0, 0), bool))
        self._warm_up()
        self.refresh()

    def knows(self, customer_id: str) -> bool:
        """Return True for a customer of the snapshot."""
        return self.release.knows(customer_id)

    @cached_property
    def product_ids(self) -> frozenset[str]:
        """Ids of all products of the tables."""
        return frozenset(self.product_names)

    @cached_property
    def product_names(self) -> Mapping[str, str]:
        """Name of each product of the tables, by id."""
        products = self.release.records.of([])[PRODUCTS]
        return dict(zip(products[PRODUCT_ID].to_pylist(), products["name"].to_pylist(), strict=True))

    @property
    def evidence(self) -> Mapping[str, ProductEvidence]:
        """Evidence behind the chances of each product of the model."""
        return self.recommender.evidence

    def is_cached(self, customer_id: str, day: date) -> bool:
        """Return True where the release answers for a known customer on a day, in every channel."""
        changed = customer_id in self.overlay.changed
        return not changed and self.release.holds_everywhere(customer_id, day)

    def refresh(self) -> None:
        """Take over the changes of the store."""
        self.overlay.refresh()

    def check_files(self) -> None:
        """Check that the files of the release have not changed since they were opened.

        Raises:
            IntegrityError: A file is missing or changed; it is named.
        """
        self.release.check_files()

    def offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate:
        """Return the offers of a known customer, by the rules and facts of the moment."""
        found = self.cached_offers(customer_id, channel, limit, moment)
        return found or self._listed(
            self._row(customer_id, channel, self.day_of(moment)), channel, limit, SNAPSHOT
        )

    def cached_offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate | None:
        """Return the cached offers, or None where they have to be decided anew."""
        day = self.day_of(moment)
        if customer_id in self.overlay.changed or not self.release.holds(customer_id, channel, day):
            row = self._known_row(customer_id, channel, day)
        elif (ranked := self._ranked(customer_id, channel, limit)) is not None:
            slate = self.release.slate(customer_id, channel, ranked)
            if slate.lines:
                return slate
            verdicts = self.release.verdicts(customer_id, channel)
            return slate._replace(cause=self._cause(verdicts == ALLOWED, verdicts))
        else:
            stored = self.release.plain_row if self._is_off() else self.release.row
            row = stored(customer_id, channel) or self._known_row(customer_id, channel, day)
        return None if row is None else self._listed(row, channel, limit, SNAPSHOT)

    def with_facts(
        self, customer_id: str | None, facts: Mapping[str, Any], channel: str, limit: int, moment: datetime
    ) -> Slate:
        """Return the offers under the facts of a request, computed by the features of the model.

        Args:
            customer_id: Of the snapshot, or None.
            facts: `attributes`, `holdings`, and whether `reasons` are wanted, which doubles the work.
            channel: Of the offers.
            limit: Maximum number of offers.
            moment: Now.

        Raises:
            InputRejectedError: A fact is none that the tables could hold.
        """
        customer, day = customer_id or NOBODY, self.day_of(moment)
        more = self.overlay.rows([customer])
        unrecorded = self._flags_of_strangers() if customer_id is None else {}
        overrides = RequestOverrides(facts.get("attributes") or {}, facts.get("holdings"), unrecorded)
        rows = overridden_rows(self.release, customer, overrides, day, more)
        explained = EXPLAINED_OFFERS if facts.get("reasons") else 0
        row = self._decided_now(customer, channel, day, rows, explained)
        return self._listed(row, channel, limit, FACTS)

    def _flags_of_strangers(self) -> dict[str, bool]:
        """Return flags that nobody without a record can have; a consent that is not given stays unknown."""
        absent = self.recommender.policy.absent_for_strangers
        return {f"{OWN_PREFIX}{name.removeprefix('customer_')}": False for name in absent}

    def popular(self, segment: str, channel: str, limit: int) -> Slate:
        """Return the popular products of a segment; of the bank where the segment is unknown."""
        return self.release.popular(segment, channel, limit, self.overlay.off.products)

    def sheet(
        self, customer_id: str, language: str, moment: datetime, manager_id: str | None = None
    ) -> ShownSheet:
        """Return the sheet of a known customer, as `vipreco sheet` writes it, under a manager."""
        say = Wording(_spoken(language), currency=self.day_settings.currency)
        with self._pages.current([customer_id], self._open_day(moment)).lent() as view:
            day = customer_day(
                self.explainer, view, customer_id, self.day_settings.vip, self.day_settings.settings
            )
            return shown_sheet(day, self.model_version, say, manager_id)

    def book(
        self,
        customer_ids: Sequence[str],
        minutes: int | None,
        moment: datetime,
        availability: Availability = ALWAYS,
    ) -> Day:
        """Return the day of the manager of a book, within some minutes; default: those of the project."""
        settings = self.day_settings.settings
        settings = settings if minutes is None else settings.model_copy(update={"minutes": minutes})
        known = tuple(customer for customer in customer_ids if self.knows(customer))
        if not known:
            raise InputRejectedError("the book has no customers", where="book", code="nobody")
        with self._pages.current(known, self._open_day(moment)).lent() as view:
            return plan_day(self.explainer, view, self.day_settings.vip, settings, availability=availability)

    def decided_on(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        """Return the basis and the state of the store that decisions about some customers rest on now."""
        overlay = {"as_of": self.release.as_of.isoformat(), **self.overlay.record(customer_ids)}
        return {"basis": self.basis, "overlay": overlay}

    def stamp(self, customer_ids: Iterable[str], moment: datetime) -> Hashable:
        """Return a value that changes when anything that is known or allowed about these customers does."""
        return self.overlay.last_change(customer_ids), self.overlay.off, self.day_of(moment)

    def customer(self, customer_id: str, moment: datetime) -> Day:
        """Return the day of one known customer."""
        with self._pages.current([customer_id], self._open_day(moment)).lent() as view:
            return customer_day(
                self.explainer, view, customer_id, self.day_settings.vip, self.day_settings.settings
            )

    def figures(
        self, branch: str | None = None, manager: str | None = None, moved: Moved = NO_HAND_OVERS
    ) -> FigureRows | None:
        """Return the figures of a branch, or of a book since hand-overs; None where the build made none."""
        return read_rows(self._folder, branch, manager, moved)

    def day_of(self, moment: datetime) -> date:
        """Return the day of a moment; never before the date of the release."""
        return max(moment.date(), self.release.as_of)

    def _open_day(self, moment: datetime) -> date:
        """Return the day of a moment.

        Raises:
            DependencyDownError: The model is switched off: no call list may rest on it.
        """
        if self._is_off():
            raise DependencyDownError(
                "the model is switched off",
                where=self.model_version,
                remedy="switch it on, or prepare with another model",
                code="model-off",
            )
        return self.day_of(moment)

    def _is_off(self) -> bool:
        models = self.overlay.off.models
        return bool(models) and not models.isdisjoint((self.model_version, self.model_hash))

    def _ranked(self, customer_id: str, channel: str, limit: int) -> list[int] | None:
        """Return the indices of the first offers; None where a switch changes them, or not so many are kept.

        A product that is switched off behind the last of them, or in no slate, does not: each place of a
        slate goes to the best product that those before it leave.
        """
        if self._is_off():
            return None
        found, off = self.release.ranked(customer_id, channel, limit), self.overlay.off.products
        if found and off and any(self.release.products[one] in off for one in found):
            return None
        return found

    def _row(self, customer_id: str, channel: str, day: date) -> OfferRow:
        """Return a fresh decision about a customer, kept until the next change."""
        known = self._known_row(customer_id, channel, day)
        if known is not None:
            return known
        stamp, more = self.overlay.last_change([customer_id]), self.overlay.rows([customer_id])
        if stamp == 0 and self.release.holds(customer_id, channel, day):  # the night's reasons hold as well
            row = self._decided_now(customer_id, channel, day, more, explained=0)
            row = replace(row, codes=self.release.every_code(customer_id))
        else:
            row = self._decided_now(customer_id, channel, day, more)
        if len(self._decided) >= MAX_DECIDED:
            self._decided.clear()
        self._decided[customer_id, channel, day] = stamp, row
        return row

    def _known_row(self, customer_id: str, channel: str, day: date) -> OfferRow | None:
        """Return the kept decision about a customer, or None where there is none since the last change."""
        stamp, row = self._decided.get((customer_id, channel, day), (None, None))
        return row if stamp == self.overlay.last_change([customer_id]) else None

    def _decided_now(
        self, customer_id: str, channel: str, day: date, more: Rows, explained: int = EXPLAINED_OFFERS
    ) -> OfferRow:
        """Decide about a customer, with the reasons of the first offers as at night."""
        recommender, as_of = self.recommender, self.release.as_of
        accepted = self.overlay.accepted(customer_id)
        view = self._views.of([customer_id], as_of, more)
        ruled = None if day == as_of else self._views.of([customer_id], day, more)
        with view.lent(), nullcontext() if ruled is None else ruled.lent():
            known = recommender.context(view, channel, ruled)
            decisions = next(recommender.decisions(known))
            row = _row_of(decisions, accepted)
            first = self._order(row, explained)
            customers = np.zeros(len(first), np.intp)
            reasons = self.explainer.reasons_in(known, decisions, customers, first).reasons
        codes = [tuple(reason.id for reason in one) for one in reasons]
        products = [decisions.product_ids[column] for column in first.tolist()]
        return replace(row, codes=dict(zip(products, codes, strict=True)))

    def _order(self, row: OfferRow, limit: int) -> NDArray[np.intp]:
        """Return the indices of the products on offer, the best first, without those switched off."""
        off = self.overlay.off.products
        on = np.array([product not in off for product in self.release.products], bool)
        ranks = slate(row.numbers.priority[None, :], (row.allowed & on)[None, :], self._rules, limit)
        return in_order(ranks, limit)[1]

    def _listed(self, row: OfferRow, channel: str, limit: int, source: str) -> Slate:
        """Return the offers of a row without those switched off."""
        products, names = self.release.products, self.release.names
        if self._is_off():
            plain = self.release.offers.plain(channel)
            row = OfferRow(plain, row.allowed, False, {}, row.verdicts)
        otherwise = () if row.personalised else NEUTRAL
        lines = [
            row.numbers.line(one, (products[one], names[one]), row.codes.get(products[one], otherwise))
            for one in self._order(row, limit).tolist()
        ]
        cause = None if lines else self._cause(row.allowed, row.verdicts)
        return Slate(tuple(lines), row.personalised, source, cause)

    def _cause(self, allowed: NDArray[np.bool_], verdicts: NDArray[np.integer]) -> str:
        """Return the code of what leaves a customer without any offer."""
        flags = allowed.tolist()
        if not any(flags):
            return self.recommender.policy.main_cause(verdicts) or BELOW_FLOOR
        on_offer = {product for product, one in zip(self.release.products, flags, strict=True) if one}
        return SWITCHED_OFF if on_offer <= self.overlay.off.products else BELOW_FLOOR

    def _warm_up(self) -> None:
        """Learn the rules of a slate, and make everything that is made at first use."""
        first = self.release.example()
        if first is None:
            return
        channel, as_of = self.release.manifest["channels"][0], self.release.as_of
        with self._pages.of([first], as_of, {}).lent() as view:
            plan_day(self.explainer, view, self.day_settings.vip, self.day_settings.settings)
            self._rules = self.recommender.slate_rules(Catalog.from_view(view))
        for rows in ({}, *example_changes(self.release.records, first, as_of)):
            self._decided_now(first, channel, as_of, rows)


def _row_of(decisions: Decisions, accepted: frozenset[str]) -> OfferRow:
    """Return the decisions about one customer; products that they just accepted are not offered again."""
    taken = np.array([product in accepted for product in decisions.product_ids], bool)
    return OfferRow(
        OfferNumbers.of(decisions),
        (decisions.verdict[0] == ALLOWED) & ~taken,
        bool(decisions.personalised[0]),
        {},
        decisions.verdict[0],
    )


def _spoken(language: str) -> Language:
    return "zh" if language == "zh" else "en"
