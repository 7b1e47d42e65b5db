"""Reasons of offers, worked out once: at night for VIP customers, for others when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

from vipreco.explanations import Decided, Explainer, OfferReasons
from vipreco.history import View
from vipreco.online.nightly_reasons import NightlyReasons, OfferExplanation, Pair
from vipreco.online.views import Views
from vipreco.policy import Language
from vipreco.recommender import DEFAULT_CHANNEL, Recommender

MAX_EXPLANATIONS = 50_000
"""Explanations that are kept. A book of 120 is listed again after an outcome in 207 ms of CPU with them, in
293 ms without, where those of the nightly build are of another day; a book of 300 on its day in 205 ms with
those of the nightly build, in 252 ms without any."""


@dataclass(frozen=True)
class ExplanationCache:
    """Explanations of offers by day; a change about the customer makes them invalid.

    Args:
        nightly: Those of the nightly build.
        views: Say since when a customer is as they are, and give views of them.
        kept: Those that were worked out since.
    """

    nightly: NightlyReasons
    views: Views
    kept: dict[tuple[str, str, Language, date, int], OfferExplanation] = field(default_factory=dict)

    def find(self, pair: Pair, language: Language, day: date) -> OfferExplanation | None:
        """Return the explanation of an offer, or None where there is none since the last change."""
        change = self.views.overlay.last_change([pair[0]])
        if change == 0 and day == self.views.as_of:
            found = self.nightly.explanation(pair, language)
            if found is not None:
                return found
        return self.kept.get((*pair, language, day, change))

    def keep(
        self, pair: Pair, language: Language, day: date, change: int, explanation: OfferExplanation
    ) -> None:
        """Keep an explanation that was worked out after a change about the customer."""
        if len(self.kept) >= MAX_EXPLANATIONS:
            self.kept.clear()
        self.kept[*pair, language, day, change] = explanation


class CachingExplainer(Explainer):
    """An explainer that works out the reasons of an offer once.

    Args:
        recommender: The offers are its.
        cache: Of explanations.
        reason_weights: Of the release.
    """

    def __init__(
        self,
        recommender: Recommender,
        cache: ExplanationCache,
        reason_weights: Mapping[str, float] = MappingProxyType({}),
    ) -> None:
        super().__init__(recommender, reason_weights)
        self.cache = cache

    def offer_reasons(
        self,
        view: View,
        pairs: Sequence[Pair],
        channel: str = DEFAULT_CHANNEL,
        language: Language = "en",
        decided: Decided | None = None,
    ) -> OfferReasons:
        """Return reasons and cautions of some offers, from the cache where it has them."""
        found = {pair: self.cache.find(pair, language, view.date) for pair in pairs}
        missing = [pair for pair, known in found.items() if known is None]
        if missing:
            found.update(self._fresh(view.date, missing, channel, language, decided))
        explanations = [one for one in (found[pair] for pair in pairs) if one is not None]
        return OfferReasons(
            [reasons for reasons, _ in explanations], [caution for _, caution in explanations]
        )

    def _fresh(
        self, day: date, pairs: Sequence[Pair], channel: str, language: Language, decided: Decided | None
    ) -> dict[Pair, OfferExplanation]:
        """Work out explanations by what is known now, which a view that was made before need not know."""
        overlay = self.cache.views.overlay
        changes = [overlay.last_change([customer]) for customer, _ in pairs]
        view = self.cache.views.current(sorted({customer for customer, _ in pairs}), day)
        with view.lent():
            reasons = super().offer_reasons(view, pairs, channel, language, decided)
        found = dict(zip(pairs, zip(reasons.reasons, reasons.cautions, strict=True), strict=True))
        for change, (pair, explanation) in zip(changes, found.items(), strict=True):
            self.cache.keep(pair, language, day, change, explanation)
        return found
