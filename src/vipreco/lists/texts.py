"""The words of call lists and sheets, in English and Chinese, from one catalogue."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from vipreco.documents import Language

CATALOGUE = "texts.toml"


Texts = Mapping[str, Mapping[Language, str]]
"""The words of each text by language, by `section.key`."""


class Wording:
    """All texts in one language; called with the name of one and what to fill in.

    Args:
        language: Which.
        more: Texts beside those of call lists and sheets, as `read_texts` gives them.
    """

    def __init__(self, language: Language, more: Texts | None = None) -> None:
        self.language = language
        self._texts = {name: words[language] for name, words in {**catalogue(), **(more or {})}.items()}

    def __call__(self, name: str, **values: object) -> str:
        """Return the text `section.key` with `{names}` filled in.

        >>> Wording("zh")("why.coverage", date="2025-06-30")
        '自 2025-06-30 起无人联系到该客户'
        """
        return self._texts[name].format(**values)

    def template(self, name: str) -> str:
        """Return the text `section.key` with its places left open."""
        return self._texts[name]

    def of(self, section: str, key: str | None) -> str:
        """Return the word for a code of the tables; a code that the catalogue lacks stays as it is."""
        return self._texts.get(f"{section}.{key}", key or "")


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
