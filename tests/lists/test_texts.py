"""The catalogue of texts: both languages, the same places to fill in, and nothing that is not used."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from vipreco.arbitration import LeftOut
from vipreco.lists import Wording
from vipreco.lists.call_offers import Withheld
from vipreco.lists.call_plan import Blocked
from vipreco.lists.texts import catalogue
from vipreco.settings import CallKind
from vipreco.tables import OUTCOMES

SOURCES = Path(__file__).parents[2] / "src" / "vipreco" / "lists"


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("name", sorted(catalogue()))
def test_a_text_exists_in_both_languages_with_the_same_places(name: str):
    words = catalogue()[name]
    assert set(words) == {"en", "zh"}
    assert places(words["en"]) == places(words["zh"])
    assert all(text.strip() == text and text for text in words.values())


def test_every_code_of_the_plan_has_its_words():
    names = set(catalogue())
    assert {f"kind.{kind.value}" for kind in CallKind} <= names
    assert {f"blocked.{code.value}" for code in Blocked} <= names
    assert {f"outcome.{code}" for code in OUTCOMES} <= names


def test_an_unknown_code_stays_as_it_is():
    assert Wording("zh").of("channel", "letter") == "letter"
    assert Wording("zh").of("channel", None) == ""
    assert Wording("zh").of("channel", "call") == "电话"


def test_no_chinese_stands_in_the_code():
    modules = (path for path in SOURCES.glob("*.py") if path.name != "texts.py")
    found = [path.name for path in modules if any("\u4e00" <= sign <= "\u9fff" for sign in path.read_text())]
    assert found == []


def test_every_cause_has_a_text() -> None:
    """A cause without a text would end a sheet with an error."""
    causes = [*(cause for cause in LeftOut if cause), *(cause for cause in Withheld if cause)]
    keys = [f"left_out.{cause.name.lower()}" for cause in causes] + [f"blocked.{cause}" for cause in Blocked]
    assert not [key for key in keys for language in ("en", "zh") if not Wording(language).template(key)]
