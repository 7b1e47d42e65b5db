"""The words of call lists and sheets, in English and Chinese, from one catalogue."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any

from vipreco.printing.document import Language

CATALOGUE = "texts.toml"


class Wording:
    """All texts in one language; called with the name of one and what to fill in."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._texts = {name: words[language] for name, words in catalogue().items()}

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
    """Return the words of each text by language, by `section.key`."""
    content: dict[str, dict[str, Any]] = tomllib.loads(
        (files("vipreco.call_list") / CATALOGUE).read_text(encoding="utf-8")
    )
    return {f"{section}.{key}": words for section, texts in content.items() for key, words in texts.items()}
