"""Words of call lists and customer sheets, in English and Chinese, from one catalogue."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

from vipreco.documents import Language, money, spoken_date, unit_of

CATALOGUE = "texts.toml"
UNITS: Mapping[Language, str] = {"en": "units", "zh": "单位"}
SEMICOLONS: Mapping[Language, str] = {"en": "; ", "zh": "；"}
COMMAS: Mapping[Language, str] = {"en": ", ", "zh": "，"}


Texts = Mapping[str, Mapping[Language, str]]
"""The words of each text by language, by `section.key`."""


class Wording:
    """All texts in one language; called with the name of one and the values to fill in.

    Args:
        language: Of the reader.
        more: Texts beside those of call lists and sheets, as `read_texts` gives them.
        currency: Code of the bank's currency; without one amounts are "units".
    """

    def __init__(self, language: Language, more: Texts | None = None, currency: str = "") -> None:
        self.language = language
        self.currency = currency
        self._texts = {name: words[language] for name, words in {**catalogue(), **(more or {})}.items()}

    def __call__(self, name: str, /, **values: object) -> str:
        """Return the text `section.key` with `{names}` filled in, dates in the form of the reader.

        >>> Wording("zh")("reason.coverage", date=date(2025, 6, 30))
        '自2025年6月30日起未与客户取得联系'
        """
        shown_values = {
            key: spoken_date(value, self.language) if isinstance(value, date) else value
            for key, value in values.items()
        }
        return self._texts[name].format(**shown_values)

    def template(self, name: str) -> str:
        """Return the text `section.key` with its places left open."""
        return self._texts[name]

    def has(self, name: str) -> bool:
        """Return whether there is a text `section.key`."""
        return name in self._texts

    def of(self, section: str, key: str | None) -> str:
        """Return the word for a code of the tables; a code that the catalogue lacks stays as it is."""
        return self._texts.get(f"{section}.{key}", key or "")

    def counted(self, name: str, count: int, **values: object) -> str:
        """Return a number with its noun: the text `name` for one, `name` with an s for others.

        >>> Wording("en").counted("list.call", 1), Wording("en").counted("list.call", 2)
        ('1 call', '2 calls')
        """
        return self(name, **values) if count == 1 else self(f"{name}s", count=f"{count:,}", **values)

    def joined(self, parts: Iterable[str]) -> str:
        """Return parts of a sentence with commas between them, without those that are empty.

        >>> Wording("en").joined(["a", "", "b"]), Wording("zh").joined(["a", "b"])
        ('a, b', 'a，b')
        """
        return COMMAS[self.language].join(part for part in parts if part)

    def listed(self, sentences: Iterable[str]) -> str:
        """Return sentences that hold commas in one line.

        >>> Wording("zh").listed(["a", "b"])
        'a；b'
        """
        return SEMICOLONS[self.language].join(sentences)

    @property
    def unit(self) -> str:
        """The currency as the reader writes it beside an amount; "units" where the project names none."""
        return unit_of(self.currency, self.language) if self.currency else UNITS[self.language]

    def amount(self, value: float | None) -> str:
        """Return an amount with its currency, or "units"; an unknown one is empty.

        >>> Wording("en", currency="CNY").amount(1234.4), Wording("zh", currency="CNY").amount(9.96)
        ('CNY 1,234', '10.0 元')
        >>> Wording("en").amount(5.0), Wording("zh").amount(1234.4)
        ('5.0 units', '1,234 单位')
        """
        if value is None:
            return ""
        if self.currency:
            return money(value, self.currency, self.language)
        return f"{money(value, self.currency, self.language)} {self.unit}"


@cache
def catalogue() -> dict[str, dict[Language, str]]:
    """Return the words of call lists and sheets."""
    return read_texts((files("vipreco.lists") / CATALOGUE).read_text(encoding="utf-8"))


def read_texts(content: str) -> dict[str, dict[Language, str]]:
    """Return the words of each text by language, by `section.key`, of a catalogue in TOML.

    >>> read_texts('[page]\\nback = { en = "Back", zh = "返回" }')
    {'page.back': {'en': 'Back', 'zh': '返回'}}
    """
    sections: dict[str, dict[str, Any]] = tomllib.loads(content)
    return {f"{section}.{key}": words for section, texts in sections.items() for key, words in texts.items()}
