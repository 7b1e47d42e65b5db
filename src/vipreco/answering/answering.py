"""What a running service answers from: the night's work, and what the store has learnt since."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from vipreco.answering.brought import NOBODY, Brought, with_brought
from vipreco.answering.current import Current, Rows, switched_off
from vipreco.answering.prepared import Prepared, Row
from vipreco.answering.preparing import ARTIFACT, REASONS
from vipreco.answering.slates import FACTS, SNAPSHOT, Line, Slate
from vipreco.answering.telling import Memory, Night, remembering
from vipreco.arbitration import ArbitrationSettings, SlateRules, slate
from vipreco.artifact import verify
from vipreco.call_list import Day, Wording, customer_day, plan_day, sheet_document
from vipreco.call_list_settings import CallListSettings
from vipreco.errors import DependencyDownError, InputRejectedError
from vipreco.history import AsOf
from vipreco.history.records import small_history
from vipreco.history.standing import Standing
from vipreco.policy import ALLOWED, Language, Policy, gather_facts
from vipreco.printing import write_document
from vipreco.recommender import Decisions, Recommender
from vipreco.recommender.deciding import decide, situation
from vipreco.recommender.decisions import in_order
from vipreco.store import Store

NEUTRAL = ("neutral",)
MOST_DECIDED = 20_000  # customers whose decisions of the day are kept
VERSION_LENGTH = 16
ASSETS = """
SELECT snapshot_date, CAST(aum_amount AS DOUBLE) AS amount
FROM customers ORDER BY snapshot_date"""


@dataclass(frozen=True)
class Desk:
    """What the call lists of a project go by.

    Args:
        vip: VIP tiers.
        settings: Of the call list.
    """

    vip: tuple[str, ...]
    settings: CallListSettings


class Answering:
    """Answers about one customer or one book at a moment.

    A customer about whom the store knows nothing new is answered from the arrays of the night. The others are
    decided anew by the code that decided at night, over their rows of the tables with those of the store on
    top. The chances are those of the date for which all was prepared; the rules are asked on the day itself.

    Args:
        folder: Of a publication.
        store: Operational records.
        desk: What call lists go by.

    Raises:
        IntegrityError: The folder, or the model that it names, is not what it was.
        VipRecoError: The store does not answer.
    """

    def __init__(self, folder: Path, store: Store, desk: Desk) -> None:
        self.prepared = Prepared(folder)
        manifest: dict[str, Any] = self.prepared.manifest
        self.desk = desk
        self.model_hash: str = manifest["artifact_hash"]
        self.model_version: str = self.model_hash[:VERSION_LENGTH]
        self.snapshot_id: str = manifest["snapshot_id"]
        self.snapshot_date, self.policy_version = self.prepared.snapshot_date, manifest["policy_version"]
        self.current = Current(store, manifest["store_sequence"])
        night = Night(folder / REASONS)
        memory = Memory(night, self.prepared.as_of, self.current.stamp)
        self.recommender = remembering(_recommender(self.prepared), memory)
        self._standing: dict[date, Standing] = {}
        self._decided: dict[tuple[str, str, date], tuple[int, Row]] = {}
        self._alone = threading.Lock()  # one decision at a time: two would only hold each other up
        self._rules = self._slate_rules()
        self.refresh()

    def knows(self, customer_id: str) -> bool:
        """Whether the customer is in the snapshot."""
        return customer_id in self.prepared.places

    def is_quick(self, customer_id: str) -> bool:
        """Whether the answer takes no more than a look."""
        return customer_id not in self.current.changed

    def refresh(self) -> None:
        """Take over what changed in the store."""
        self.current.refresh()

    def offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate:
        """Return the offers of a known customer, by the rules and facts of the moment."""
        day, off = self.day_of(moment), self.current.off
        quick = customer_id not in self.current.changed and self.prepared.holds(customer_id, channel, day)
        if quick and not off.products and not self._is_off():
            places = self.prepared.places_of(customer_id, channel)[:limit]
            return self.prepared.slate(customer_id, places)
        if not quick:
            return self._listed(self._row(customer_id, channel, day), limit, SNAPSHOT)
        codes = self.prepared.codes(customer_id)
        return self._listed(self.prepared.row(customer_id, channel), limit, SNAPSHOT, codes)

    def with_facts(
        self, customer_id: str | None, facts: Mapping[str, Any], channel: str, limit: int, moment: datetime
    ) -> Slate:
        """Return the offers under facts that the caller brings, computed by the features of the model.

        Raises:
            InputRejectedError: A fact is none that the tables could hold.
        """
        customer, day = customer_id or NOBODY, self.day_of(moment)
        more = self.current.rows(self.prepared.records, [customer])
        said = Brought(facts.get("attributes") or {}, facts.get("holdings"))
        rows = with_brought(self.prepared, customer, said, day, more)
        with self._alone:
            decisions = self._decide([customer], channel, day, rows)
        return self._listed(self._row_of(decisions, self.current.accepted(customer)), limit, FACTS)

    def popular(self, segment: str, channel: str, limit: int) -> Slate:
        """Return what is popular in a segment; in one that nobody knows, what is popular in the bank."""
        return self.prepared.popular(segment, channel, limit, self.current.off.products)

    def sheet(self, customer_id: str, language: str, moment: datetime) -> dict[str, Any]:
        """Return the sheet of a known customer, as `vipreco sheet` writes it."""
        day, spoken = self.customer(customer_id, moment), _spoken(language)
        target = io.BytesIO()
        write_document(sheet_document(day, self.model_version, Wording(spoken)), target, "json")
        return dict(json.loads(target.getvalue()))

    def book(self, customer_ids: Sequence[str], minutes: int | None, moment: datetime) -> Day:
        """Return the day of who has this book, within some minutes; without any, those of the project."""
        settings = self.desk.settings
        settings = settings if minutes is None else settings.model_copy(update={"minutes": minutes})
        known = tuple(customer for customer in customer_ids if self.knows(customer))
        view = self._view(known, moment)
        day = plan_day(self.recommender, view, self.desk.vip, settings)
        # The database of the plan is let go; the few reasons that were not told at night open their own.
        return replace(day, view=view.of(pa.array(known, pa.string())))

    def stamp(self, customer_ids: Iterable[str], moment: datetime) -> Hashable:
        """Return what changes when anything that is known or allowed about these customers does."""
        return self.current.stamp(customer_ids), self.current.off, self.day_of(moment)

    def customer(self, customer_id: str, moment: datetime) -> Day:
        """Return the day of one known customer."""
        view = self._view([customer_id], moment)
        return customer_day(self.recommender, view, customer_id, self.desk.vip, self.desk.settings)

    def assets(self, customer_id: str) -> Iterable[tuple[date, float | None]]:
        """Return the assets of a customer by snapshot date."""
        alone = small_history(self.prepared.records, [customer_id]).as_of(self.prepared.as_of)
        return pl.DataFrame(alone.query(ASSETS, where="assets")).rows()

    def day_of(self, moment: datetime) -> date:
        """Return the day of a moment; before the date that was prepared for, that date."""
        return max(moment.date(), self.prepared.as_of)

    def _view(self, customer_ids: Sequence[str], moment: datetime) -> AsOf:
        """Return what is known now of some customers.

        Raises:
            InputRejectedError: It is nobody.
            DependencyDownError: The model is switched off: nobody is told by it whom to call.
        """
        if self._is_off():
            raise DependencyDownError(
                "the model is switched off",
                where=self.model_version,
                remedy="switch it on, or prepare with another model",
                code="model-off",
            )
        if not customer_ids:
            raise InputRejectedError("there is nobody in the book", where="book", code="nobody")
        records, day = self.prepared.records, self.day_of(moment)
        more = self.current.rows(records, customer_ids)
        more |= switched_off(records, self.current.off.products, self.prepared.as_of)
        return small_history(records, customer_ids, more).as_of(day)

    def _is_off(self) -> bool:
        models = self.current.off.models
        return bool(models) and not models.isdisjoint((self.model_version, self.model_hash))

    def _row(self, customer_id: str, channel: str, day: date) -> Row:
        """Return what is decided anew about a customer; kept until the next change."""
        stamp, key = self.current.stamp([customer_id]), (customer_id, channel, day)
        with self._alone:
            known = self._decided.get(key)
            if known is not None and known[0] == stamp:
                return known[1]
            more = self.current.rows(self.prepared.records, [customer_id])
            decisions = self._decide([customer_id], channel, day, more)
            row = self._row_of(decisions, self.current.accepted(customer_id))
            if len(self._decided) >= MOST_DECIDED:
                self._decided.clear()
            self._decided[key] = stamp, row
        return row

    def _decide(self, customer_ids: Sequence[str], channel: str, day: date, more: Rows) -> Decisions:
        fitted = self.recommender.fitted
        as_of = self.prepared.as_of
        known = situation(fitted, self._standing_at(as_of).ask(customer_ids, more), channel)
        decisions = next(decide(fitted, known))
        if day == as_of:
            return decisions
        scored = known.facts.products["product_scored"].to_numpy()
        view = self._standing_at(day).ask(customer_ids, more)
        facts = gather_facts(view, known.catalog, fitted.policy, channel, scored=scored)
        return replace(decisions, facts=facts, verdict=fitted.policy.judge(facts))

    def _standing_at(self, day: date) -> Standing:
        """Return the standing view of a day; beside that of the night, the newest one is kept."""
        if day not in self._standing:
            kept = self._standing.get(self.prepared.as_of)
            self._standing = {} if kept is None else {self.prepared.as_of: kept}
            self._standing[day] = Standing(self.prepared.records, day)
        return self._standing[day]

    def _row_of(self, decisions: Decisions, accepted: frozenset[str]) -> Row:
        """Return the decisions about one customer; what they just accepted is not offered to them again."""
        taken = np.array([product in accepted for product in decisions.product_ids], bool)
        return Row(
            decisions.propensity[0],
            decisions.worth.value()[0],
            decisions.priority[0],
            (decisions.verdict[0] == ALLOWED) & ~taken,
            bool(decisions.personalised[0]),
        )

    def _listed(
        self, row: Row, limit: int, source: str, codes: Mapping[str, tuple[str, ...]] | None = None
    ) -> Slate:
        """Return the offers of a row without what is switched off."""
        products, names, off = self.prepared.products, self.prepared.names, self.current.off.products
        if self._is_off():
            propensity, value, priority = self.prepared.plain
            row, codes = Row(propensity, value, priority, row.allowed, False), None
        on = np.array([product not in off for product in products], bool)
        ranks = slate(row.priority[None, :], (row.allowed & on)[None, :], self._rules, limit)
        told, otherwise = codes or {}, () if row.personalised else NEUTRAL
        lines = [
            Line(
                products[one],
                names[one],
                row.propensity.item(one),
                row.value.item(one),
                told.get(products[one], otherwise),
            )
            for one in in_order(ranks, limit)[1].tolist()
        ]
        return Slate(tuple(lines), row.personalised, source)

    def _slate_rules(self) -> SlateRules:
        """Return what a slate may look like; on the way everything that is made at first use is made."""
        first = next(iter(self.prepared.places), None)
        if first is None:
            return SlateRules.of((), np.zeros((0, 0), bool))
        channel = self.prepared.manifest["channels"][0]
        return self._decide([first], channel, self.prepared.as_of, {}).slate_rules


def _spoken(language: str) -> Language:
    return "zh" if language == "zh" else "en"


def _recommender(prepared: Prepared) -> Recommender:
    manifest = prepared.manifest
    folder = prepared.folder / ARTIFACT
    verify(folder, manifest["artifact_hash"])
    settings = ArbitrationSettings.model_validate_json(json.dumps(manifest["arbitration"]))
    policy = Policy.from_definition(prepared.policy_definition())
    return Recommender.load(folder, threads=1).with_policy(policy).arbitrated(settings)
