"""All texts that people read, in both languages: the field's words, no promises, no raw codes, plurals."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import click
import pytest
import typer.main

from vipreco.assurance import PROMISES
from vipreco.cli.app import app

ROOT = Path(__file__).parents[2]
CATALOGUES = (
    "src/vipreco/lists/texts.toml",
    "src/vipreco/explanations/reasons.toml",
    "src/vipreco/explanations/talk_track.toml",
    "serving/page/texts.toml",
    *(f"src/vipreco/policy/packs/{name}.toml" for name in ("house", "china", "eu", "us")),
)
# Words of before, or of a trade that is not the bank's, for which GLOSSARY.md has another.
NOT_OURS = {
    "en": r"\bchurn|\bleavers?\b|\brisers?\b|\bitems?\b|\bpurchas|\bdump\b|\bRM\b|\bboosts?\b"
    r"|refused profiling|\bup-?sell|\bclient|\bAUM\b",
    "zh": "离网|用户流失|购买力评分|物品|置信分|\\bAUM\\b|\\bRM\\b",
}
RAW_CODE = re.compile(r"\b[a-z]+_[a-z_]+\b|\b[A-Z]{2,}_[A-Z_]+\b")
ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
CURRENCY = re.compile(r"CNY|USD|EUR|[¥￥$€]|\d+ ?元")
LATIN = re.compile(r"[A-Za-z]{2,}")
LATIN_IN_CHINESE = {"vipreco", "Excel", "CSV", "VIP", "English", "CNY", "UTC", "MAP", "AUC", "MB"}
PLURAL = re.compile(r"\{(\w+)\} (?:more )?([a-z]+s)\b")
VERBS = {"is", "has", "expires", "allows", "needs", "matures", "stands"}
# Numbers that are never one.
MANY = {
    ("holders", "customers"),  # fewer than 30 are not counted
    ("lately", "pages"),  # from 2 on
    ("lately", "payments"),  # from 2 on
    ("times", "times"),  # from 1.25 on
    ("customer_risk_assessed_months", "months"),  # from 12 on
    ("customer_age_years", "years"),  # from 65 on
    ("cooling_off_days", "days"),  # a setting of the bank
    ("age", "years"),  # from 65 on
    ("minutes", "minutes"),  # a setting of the bank
}


class Said(NamedTuple):
    """One text with its place."""

    where: str
    en: str
    zh: str


def sayings() -> Iterator[Said]:
    for name in CATALOGUES:
        content = tomllib.loads((ROOT / name).read_text("utf-8"))
        yield from _below(content, Path(name).stem)


def _below(part: object, where: str) -> Iterator[Said]:
    if isinstance(part, dict):
        if isinstance(part.get("en"), str):
            yield Said(f"{where}.{part.get('id', '')}".strip("."), part["en"], part["zh"])
        for key, value in part.items():
            yield from _below(value, f"{where}.{key}")
    elif isinstance(part, list):
        for place, value in enumerate(part):
            name = value.get("id", place) if isinstance(value, dict) else place
            yield from _below(value, f"{where}.{name}")


TEXTS = list(sayings())


def without_places(text: str) -> str:
    return re.sub(r"\{\w+\}", "", text)


def found(pattern: str, language: str) -> list[str]:
    flags = 0 if language == "zh" else re.IGNORECASE if "client" in pattern or "guarant" in pattern else 0
    return [
        f"{said.where}: {text}"
        for said in TEXTS
        for text in [without_places(getattr(said, language))]
        if re.search(pattern, text, flags)
    ]


def test_there_are_texts_of_every_catalogue() -> None:
    assert len(TEXTS) > 400
    assert {said.where.partition(".")[0] for said in TEXTS} == {Path(name).stem for name in CATALOGUES}


def test_every_text_stands_in_both_languages_or_in_none() -> None:
    assert [said.where for said in TEXTS if bool(said.en) != bool(said.zh)] == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_promised(language: str) -> None:
    assert found(PROMISES[language], language) == []


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_words_are_those_of_the_glossary(language: str) -> None:
    assert found(NOT_OURS[language], language) == []


@pytest.mark.parametrize("pattern", [RAW_CODE, ISO_DATE, CURRENCY], ids=["code", "date", "currency"])
def test_no_raw_code_no_written_date_and_no_fixed_currency(pattern: re.Pattern[str]) -> None:
    assert found(pattern.pattern, "en") + found(pattern.pattern, "zh") == []


def test_a_number_of_things_has_its_singular() -> None:
    """`{count} calls` stands under a key with an s, beside a text for one; other numbers are never one."""
    keys = {said.where for said in TEXTS}
    wrong = [
        f"{said.where}: {said.en}"
        for said in TEXTS
        for number, noun in PLURAL.findall(said.en)
        if noun not in VERBS
        if (number, noun) not in MANY and not (number == "count" and said.where.removesuffix("s") in keys)
    ]
    assert wrong == []


def test_each_language_is_written_in_its_own_letters() -> None:
    switch = {"texts.page.language"}  # each language calls the other by its own name
    chinese = [said.where for said in TEXTS if re.search("[\u4e00-\u9fff]", said.en)]
    latin = [
        f"{said.where}: {word}"
        for said in TEXTS
        for word in LATIN.findall(re.sub(r"R\d|C\d", "", without_places(said.zh)))
        if word not in LATIN_IN_CHINESE
    ]
    assert set(chinese) <= switch
    assert latin == []


def test_the_page_has_no_words_of_its_own() -> None:
    """What a template shows comes from the catalogue, so that it stands in both languages."""
    words = []
    for path in sorted((ROOT / "serving/page/templates").glob("*.html")):
        shown = re.sub(r"\{% block kind %\}.*?\{% endblock %\}", "", path.read_text("utf-8"))
        bare = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", shown, flags=re.DOTALL)
        words += [f"{path.name}: {word}" for word in re.findall(r"[A-Za-z\u4e00-\u9fff]{2,}", bare)]
    allowed = {"Enter", "Ctrl"}  # keys of the keyboard
    assert [word for word in words if word.split(": ")[1] not in allowed] == []


def helps(command: click.Command, name: str) -> Iterator[tuple[str, str]]:
    yield name, command.help or ""
    for parameter in command.params:
        yield f"{name} {parameter.name}", getattr(parameter, "help", "") or ""
    for child, group in getattr(command, "commands", {}).items():
        yield from helps(group, f"{name} {child}")


def test_the_help_of_the_commands_promises_nothing_and_uses_the_glossary() -> None:
    texts = list(helps(typer.main.get_command(app), "vipreco"))
    assert len(texts) > 100
    patterns = (PROMISES["en"], NOT_OURS["en"])
    wrong = [f"{name}: {text}" for name, text in texts for one in patterns if re.search(one, text)]
    assert wrong == []
