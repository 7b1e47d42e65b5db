"""Reasons and cautions in plain words, in English and Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from vipreco.documents import money, spoken_date
from vipreco.explanations.facts import LISTED, Fact
from vipreco.explanations.reason_catalog import ReasonCatalog, ReasonWords
from vipreco.policy import Language

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
MAX_NAMED = 4
AND_OTHERS = {"en": "{} and {} other products", "zh": "{}等 {} 项产品"}
COMMA = {"en": ", ", "zh": "、"}


@dataclass(frozen=True)
class Reason:
    """One reason for an offer, or one caution, in plain words.

    Args:
        id: Name in the catalogue.
        text: Plain words.
        facts: The cells that it rests on.
        theme: Theme of the catalogue; empty for a caution.
        subject: Product or column that it is about; empty for neither.
        drop: Share of the chance that goes when the evidence is taken away.
        co_held: It rests on what other holders hold, not on the model of acquisitions.
        opening: The same fact as the first sentence of a talk with the customer; empty where there is none.
    """

    id: str
    text: str
    facts: tuple[Fact, ...] = ()
    theme: str = ""
    subject: str = ""
    drop: float = 0.0
    co_held: bool = False
    opening: str = ""

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "id": self.id,
            "text": self.text,
            "theme": self.theme,
            "subject": self.subject,
            "drop": self.drop,
            "co_held": self.co_held,
            "facts": [fact.record() for fact in self.facts],
        }


@dataclass(frozen=True)
class Speaker:
    """Puts facts into words.

    Args:
        catalogue: The words.
        product_names: Names by product id.
        language: Of the text.
    """

    catalogue: ReasonCatalog
    product_names: Mapping[str, str]
    language: Language

    def sentence(
        self,
        words: ReasonWords,
        facts: Sequence[Fact],
        subject: str = "",
        more: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Return a sentence of the catalogue with the facts, and whatever more it says, filled in."""
        given = {"product": self._about(facts, subject), "column": self._column(subject)}
        given.update(more)
        if "gap" in given:
            given["gap"] = self._number(given["gap"], "amount")
        for fact in facts:
            given[fact.kind] = self.shown(fact)
            given[f"{fact.kind}_date"] = spoken_date(fact.date, self.language)
        return _PLACEHOLDER.sub(lambda found: given[found[1]], words.in_(self.language))

    def shown(self, fact: Fact) -> str:
        """Return the value of a fact as a person reads it."""
        kind = self.catalogue.fact[fact.kind].shown
        if kind == "products":
            return self._listed(fact.value.split(LISTED))
        if kind in {"amount", "number"}:
            return self._number(fact.value, kind)
        if DATE.fullmatch(fact.value):
            return spoken_date(date.fromisoformat(fact.value), self.language)
        return self._word(fact.value)

    def _about(self, facts: Sequence[Fact], subject: str) -> str:
        product = next((fact.product_id for fact in facts if fact.product_id), subject)
        return self.product_names.get(product, product)

    def _column(self, subject: str) -> str:
        return self.catalogue.column_name(subject, self.language)

    def _word(self, value: str) -> str:
        known = self.catalogue.word.get(value)
        return known.in_(self.language) if known else value

    def _number(self, value: str, kind: str) -> str:
        try:
            number = float(value)
        except ValueError:
            return self._word(value)
        if kind == "amount":
            return money(number, self.catalogue.currency, self.language)
        return f"{number:,.0f}" if number == int(number) else f"{number:,.2f}"

    def _listed(self, products: list[str]) -> str:
        names = [self.product_names.get(product, product) for product in products]
        if len(names) <= MAX_NAMED:
            return COMMA[self.language].join(names)
        rest = len(names) - (MAX_NAMED - 1) if self.language == "en" else len(names)
        return AND_OTHERS[self.language].format(COMMA[self.language].join(names[: MAX_NAMED - 1]), rest)
