"""The talk track of a sheet: opening, question, offer with its risk, objections and next step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from vipreco.columns import RISK_LEVEL
from vipreco.documents import spoken_date
from vipreco.explanations import CallWords, FamilyWords, Reason, ReasonWords, TalkCatalog
from vipreco.lists.call_columns import BLOCKED, KIND
from vipreco.lists.call_lines import Row, keep_name, product_name
from vipreco.lists.day import Day
from vipreco.lists.presentation import Objection, OfferLine, TalkTrack
from vipreco.lists.texts import Wording
from vipreco.settings import CallKind


def talk_track(
    day: Day, row: Row, offers: Sequence[OfferLine], signs: Sequence[Reason], say: Wording
) -> TalkTrack:
    """Return what may be said to the one customer of a day, in texts of the reviewed catalogue alone.

    Args:
        day: Of one customer.
        row: Of the customer.
        offers: To the customer, the first to open with.
        signs: Of attrition, the strongest first.
        say: Language and currency of the reader.
    """
    talk = _Talk(day, row, tuple(offers), tuple(signs), say)
    words, general = talk.words, talk.catalogue.general
    return TalkTrack(
        opening=talk.opening(),
        question=talk.said(words.question),
        offer=talk.offer(),
        objections=tuple(Objection(talk.said(one.said), talk.said(one.answer)) for one in words.objections),
        next_step=talk.said(general["next_step_branch"] if row[BLOCKED] else talk.call.next_step),
    )


@dataclass(frozen=True)
class _Talk:
    """Everything that a talk track is made of."""

    day: Day
    row: Row
    offers: tuple[OfferLine, ...]
    signs: tuple[Reason, ...]
    say: Wording

    @property
    def catalogue(self) -> TalkCatalog:
        """Words of all talk tracks."""
        return TalkCatalog.shipped()

    @property
    def kind(self) -> CallKind:
        """Purpose of the talk; without a reason to call, that of who comes to the branch."""
        if self.row[KIND]:
            return CallKind(self.row[KIND])
        return CallKind.GROW if self.offers else CallKind.COVERAGE

    @property
    def call(self) -> CallWords:
        """Words of the purpose."""
        return self.catalogue.call[self.kind]

    @property
    def words(self) -> CallWords | FamilyWords:
        """Words of question and objections: of the product, unless there is a cause to hear first."""
        if not self.offers or self.kind is CallKind.KEEP:
            return self.call
        return self.catalogue.of_family(self._family_and_level[0])

    @cached_property
    def _family_and_level(self) -> tuple[str, str]:
        """Family and risk class of the product of the first offer."""
        if self.day.inputs is None:
            return "", ""
        catalog = self.day.inputs.known.catalog
        column = catalog.product_ids.index(self.offers[0].product_id)
        return catalog.families[column], catalog.table[RISK_LEVEL][column].as_py() or ""

    @cached_property
    def _facts(self) -> dict[str, str]:
        """Facts of the customer that the purposes of calls speak of, by place in their texts."""
        row, dates = self.row, {"start": "follow_up_from_date", "date": "reached_date"}
        if self.kind is CallKind.ASSESSMENT:
            dates["date"] = "risk_assessed_date"
        found = {name: row[column] for name, column in dates.items()}
        told = {name: spoken_date(day, self.say.language) for name, day in found.items() if day}
        if row["follow_up_product_id"]:
            told["product"] = product_name(self.day, row["follow_up_product_id"])
        if row["maturing_amount"]:
            told["amount"] = self.say.amount(row["maturing_amount"])
        return told

    def said(self, words: ReasonWords, **more: str) -> str:
        """Return words in the language of the reader, with the facts filled in."""
        return words.in_(self.say.language).format(**{**self._facts, **more})

    def opening(self) -> str:
        """Return the first sentence: what was agreed or is due, the strongest reason, or the last talk."""
        reasons = self.signs if self.kind is CallKind.KEEP else self.offers
        first = next((one.opening for one in reasons if one.opening), "")
        call, needed = self.call, _NEEDED.get(self.kind)
        if call.opening and needed in self._facts:
            return self.said(call.opening)
        if call.opening_open:
            return self.said(call.opening_open)
        if first:
            return first
        spoken, never = (_given(words) for words in (self._coverage.opening, self._coverage.opening_open))
        return self.said(spoken if "date" in self._facts else never)

    @property
    def _coverage(self) -> CallWords:
        return self.catalogue.call[CallKind.COVERAGE]

    def offer(self) -> str:
        """Return the first offer with the sentence about its risk, or the topic in its place."""
        general = self.catalogue.general
        if not self.offers:
            topic = keep_name(self.row) if self.kind is CallKind.KEEP else self.kind.value
            return self.said(general["no_offer"], topic=self.say.of("topic", topic))
        family, level = self._family_and_level
        level = level or general["unrated"].in_(self.say.language)
        risk = self.said(self.catalogue.of_family(family).risk, level=level)
        name = "offer_agreed" if self.offers[0].agreed_on else "offer"
        name = "offer_not_personal" if self.row["profiling_opt_out"] else name
        return self.said(general[name], product=self.offers[0].product, risk=risk)


_NEEDED = {
    CallKind.FOLLOW_UP: "product",
    CallKind.COVERAGE: "date",
    CallKind.MATURITY: "amount",
    CallKind.ASSESSMENT: "date",
}
"""Fact that the first sentence of a call of each purpose rests on."""


def _given(words: ReasonWords | None) -> ReasonWords:
    """Return words that the catalogue was checked to have."""
    assert words is not None  # noqa: S101
    return words
