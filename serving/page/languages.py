"""Words of the page, beside those of call lists and sheets, and the choice of the language."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Final

from vipreco.documents import Language
from vipreco.kpi import kpi_texts
from vipreco.lists import Texts, Wording, read_texts

LANGUAGES: Final[tuple[Language, ...]] = ("en", "zh")


@cache
def wording(language: Language, currency: str = "") -> Wording:
    """Return all words of the page in a language, with amounts in a currency."""
    return Wording(language, _texts(), currency)


@cache
def _texts() -> Texts:
    own = read_texts((files("serving.page") / "texts.toml").read_text(encoding="utf-8"))
    return {**kpi_texts(), **own}


def chosen_language(cookie: str | None, accepted: str) -> Language:
    """Return the language to show: what the reader chose, else what the browser asks for first.

    >>> chosen_language(None, "zh-CN,zh;q=0.9"), chosen_language("en", "zh-CN"), chosen_language("xx", "")
    ('zh', 'en', 'en')
    """
    if cookie in LANGUAGES:
        return "zh" if cookie == "zh" else "en"
    return "zh" if accepted.strip().lower().startswith("zh") else "en"
