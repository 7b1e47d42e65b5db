"""Reasons that were told at night, given out by day; the others are told once and kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import TypeAlias

import polars as pl

from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.explanations import Decided, Explainer, OfferReasons, Reason
from vipreco.history import ReusableView, View
from vipreco.policy import Language
from vipreco.recommender import DEFAULT_CHANNEL, Recommender

Pair: TypeAlias = tuple[str, str]
One: TypeAlias = tuple[list[Reason], Reason | None]
MAX_EXPLANATIONS = 50_000


class NightlyReasons:
    """What was told at night, by customer and product; the file is mapped, not read."""

    def __init__(self, path: Path) -> None:
        frame = pl.read_ipc(path)
        pairs = zip(frame[CUSTOMER_ID].to_list(), frame[PRODUCT_ID].to_list(), strict=True)
        self._frame, self._rows = frame, {pair: row for row, pair in enumerate(pairs)}

    def told(self, pair: Pair, language: Language) -> One | None:
        """Return reasons and caution of an offer; None where none were told."""
        row = self._rows.get(pair)
        if row is None:
            return None
        columns = ("codes", f"reasons_{language}", f"caution_{language}")
        codes, texts, caution = (self._frame[name][row] for name in columns)
        reasons = [Reason(code, text) for code, text in zip(codes, texts, strict=True)]
        return reasons, Reason("caution", caution) if caution else None


@dataclass(frozen=True)
class ExplanationCache:
    """What is told already.

    Args:
        night: What was told at night.
        as_of: The date that was known then.
        changed: Says when anything last changed about some customers since then; 0: never.
        asked: Opens what is known of some customers on a day.
        kept: What was told by day.
    """

    night: NightlyReasons
    as_of: date
    changed: Callable[[Iterable[str]], int]
    asked: Callable[[Sequence[str], date], AbstractContextManager[View]]
    kept: dict[tuple[str, str, Language, date, int], One] = field(default_factory=dict)

    def known(self, pair: Pair, language: Language, day: date) -> One | None:
        """Return what was told of an offer, if nothing changed about the customer since."""
        stamp = self.changed([pair[0]])
        told = self.night.told(pair, language) if stamp == 0 and day == self.as_of else None
        return told or self.kept.get((*pair, language, day, stamp))

    def keep(self, pair: Pair, language: Language, day: date, one: One) -> None:
        """Keep what was told."""
        if len(self.kept) >= MAX_EXPLANATIONS:
            self.kept.clear()
        self.kept[*pair, language, day, self.changed([pair[0]])] = one


class CachingExplainer(Explainer):
    """An explainer that remembers what it has told.

    Args:
        recommender: The offers are its.
        memory: What is told already.
    """

    def __init__(self, recommender: Recommender, memory: ExplanationCache) -> None:
        super().__init__(recommender)
        self.memory = memory

    def offer_reasons(
        self,
        view: View,
        pairs: Sequence[Pair],
        channel: str = DEFAULT_CHANNEL,
        language: Language = "en",
        decided: Decided | None = None,
    ) -> OfferReasons:
        """Return reasons and cautions of some offers; only those are worked out that were not told yet."""
        found = {pair: self.memory.known(pair, language, view.date) for pair in pairs}
        missing = [pair for pair, one in found.items() if one is None]
        if missing:
            fresh = self._fresh(view, missing, channel, language, decided)
            for pair, one in zip(missing, zip(fresh.reasons, fresh.cautions, strict=True), strict=True):
                self.memory.keep(pair, language, view.date, one)
                found[pair] = one
        told = [one for one in (found[pair] for pair in pairs) if one is not None]
        return OfferReasons([reasons for reasons, _ in told], [caution for _, caution in told])

    def _fresh(
        self,
        view: View,
        pairs: Sequence[Pair],
        channel: str,
        language: Language,
        decided: Decided | None,
    ) -> OfferReasons:
        if isinstance(view, ReusableView):
            return super().offer_reasons(view, pairs, channel, language, decided)
        customers = sorted({customer for customer, _ in pairs})
        with self.memory.asked(customers, view.date) as standing:
            return super().offer_reasons(standing, pairs, channel, language, decided)
