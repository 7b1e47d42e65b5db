"""The catalogue of reasons, `reasons.toml`: which facts may be told, for which features, in which words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field, model_validator

from vipreco.columns import ATTRIBUTE_PREFIX
from vipreco.features import PLACEHOLDER, Columns, Dictionary, matching_columns, parse_definition
from vipreco.policy import Language
from vipreco.settings import Section

CATALOGUE_FILE = "reasons.toml"
ANY_COLUMN = "*"
Row = Literal[
    "now",
    "one_before",
    "three_before",
    "before_change",
    "open",
    "closed",
    "all_open",
    "newest_opened",
    "newest_closed",
    "newest",
    "highest",
    "last",
    "last_accepted",
    "last_about",
    "declined_about",
]
PRODUCT_ROWS = frozenset({"open", "closed", "last_about", "declined_about"})
"""Rows of which there is one a customer and product; of the others there is one a customer."""
Shown = Literal["text", "amount", "number", "products"]
_FILLED = re.compile(r"\{([a-z_]+)\}")


class ReasonWords(Section):
    """A sentence in both languages."""

    en: Annotated[str, Field(min_length=1)]
    zh: Annotated[str, Field(min_length=1)]

    def in_(self, language: Language) -> str:
        """Return the sentence in a language."""
        return self.zh if language == "zh" else self.en


class FactEntry(Section):
    """One kind of fact: a cell of a table.

    Attributes:
        table: Table that is cited.
        column: Column that is cited; `*` stands for the one that a feature is made of.
        row: Which row of the customer.
        shown: How a person reads the value.
    """

    table: Literal["customers", "holdings", "activity", "contacts"]
    column: str
    row: Row
    shown: Shown = "text"


class Entry(Section):
    """Common fields of reasons and cautions.

    Attributes:
        id: Stable name.
        facts: Kinds of facts that prove it; all of them must be there.
        en: Its words in English.
        zh: Its words in Chinese.
    """

    id: str
    facts: tuple[str, ...]
    en: str
    zh: str

    @property
    def words(self) -> ReasonWords:
        """Its words."""
        return ReasonWords(en=self.en, zh=self.zh)


class ReasonEntry(Entry):
    """One `[[reason]]`.

    Attributes:
        theme: Of several reasons of a theme one is told.
        features: `file.feature` of the dictionary, shell patterns.
        facts: Kinds of facts that prove it, at least one.
    """

    theme: str
    features: tuple[str, ...]
    facts: Annotated[tuple[str, ...], Field(min_length=1)]

    def meant(self, feature: str) -> bool:
        """Return whether it is a reason for a feature, given as `file.feature`."""
        return matches(feature, self.features)


class CautionEntry(Entry):
    """One `[[caution]]`: what the relationship manager should know before offering."""


class NeverEntry(Section):
    """Features, or columns of the bank's own, that are never told, and why."""

    features: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    because: Annotated[str, Field(min_length=1)]


class ReasonCatalog(Section):
    """All of `reasons.toml`."""

    neutral: ReasonWords
    co_held: ReasonWords
    fact: Mapping[str, FactEntry]
    reason: tuple[ReasonEntry, ...]
    never: tuple[NeverEntry, ...] = ()
    caution: tuple[CautionEntry, ...] = ()
    column: Mapping[str, ReasonWords] = {}
    word: Mapping[str, ReasonWords] = {}

    @model_validator(mode="after")
    def _speaks_of_known_facts(self) -> ReasonCatalog:
        entries: tuple[Entry, ...] = (*self.reason, *self.caution)
        for entry in entries:
            unknown = set(entry.facts) - set(self.fact)
            if unknown:
                raise ValueError(f"{entry.id} cites {sorted(unknown)}, which is no [fact]")
            given = {"product", "column", "days", *entry.facts, *(f"{kind}_date" for kind in entry.facts)}
            asked = {name for text in (entry.en, entry.zh) for name in _FILLED.findall(text)}
            if asked - given:
                raise ValueError(f"{entry.id} speaks of {sorted(asked - given)}, which it does not cite")
        return self

    @classmethod
    def shipped(cls) -> ReasonCatalog:
        """Return the catalogue that comes with vipreco."""
        return _shipped()

    @staticmethod
    def content() -> bytes:
        """Return the file that comes with vipreco."""
        return files(__package__).joinpath(CATALOGUE_FILE).read_bytes()

    def entry(self, reason_id: str) -> ReasonEntry:
        """Return a reason by its id."""
        return next(entry for entry in self.reason if entry.id == reason_id)

    def reasons_for(self, feature: str, column: str = "") -> list[ReasonEntry]:
        """Return the reasons that may be told for a feature `file.feature` made of a bank's own column."""
        if self.is_silent(feature, column):
            return []
        return [entry for entry in self.reason if entry.meant(feature)]

    def is_silent(self, feature: str, column: str = "") -> bool:
        """Return whether a feature, or the column that it is made of, is never told."""
        return any(matches(feature, entry.features) or column in entry.columns for entry in self.never)

    def unmapped(self, dictionary: Dictionary) -> list[str]:
        """Return the features `file.feature` of a dictionary that are neither told nor never to be told."""
        named = [f"{file.name}.{feature.name}" for file in dictionary.file for feature in file.features]
        return [name for name in named if not self.is_silent(name) and not self.reasons_for(name)]

    def column_name(self, column: str, language: Language) -> str:
        """Return the name of a column of the bank's own, as a person calls it."""
        known = self.column.get(column)
        return known.in_(language) if known else column.removeprefix(ATTRIBUTE_PREFIX).replace("_", " ")


@cache
def _shipped() -> ReasonCatalog:
    return parse_definition(ReasonCatalog.content(), ReasonCatalog, CATALOGUE_FILE)


def matches(feature: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a feature `file.feature` is meant by one of the patterns."""
    return any(fnmatchcase(feature, pattern) for pattern in patterns)


def origins(dictionary: Dictionary, columns: Columns) -> dict[str, tuple[str, str]]:
    """Return for each feature column, without product, its `file.feature` and the bank's column behind it.

    Args:
        dictionary: The features.
        columns: Gives the columns of a view with their types.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, origin in _named(dictionary, columns):
        found.setdefault(name, origin)
    return found


def _named(dictionary: Dictionary, columns: Columns) -> Iterator[tuple[str, tuple[str, str]]]:
    for file in dictionary.file:
        own = matching_columns(file.each, columns(file.each.table)) if file.each else [""]
        for column in own:
            for feature in file.features:
                name = feature.name.replace(PLACEHOLDER, column)
                yield name, (f"{file.name}.{feature.name}", column)
