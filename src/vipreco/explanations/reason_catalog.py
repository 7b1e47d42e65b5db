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
    "newest_ended",
    "newest",
    "highest",
    "recent",
    "usual",
    "quarter_sum",
    "year_sum",
    "months_paid",
    "last_paid",
    "last",
    "last_accepted",
    "last_about",
    "declined_about",
]
PRODUCT_ROWS = frozenset({"open", "closed", "last_about", "declined_about"})
"""Rows of which there is one a customer and product; of the others there is one a customer."""
Shown = Literal["text", "amount", "number", "products"]
Comparison = Literal["exists", "above", "below", "share", "falling_to_line", "next_line"]
EVERY_FAMILY = "*"
COMPARED = ("times", "percent", "gap", "next_tier")
CO_HELD, CO_HELD_PAIR = "co-held", "co-held-pair"
"""Themes and ids of the reasons by what other holders hold: of one product, of two."""
CHANGE_FAMILIES = frozenset({"attrition", "tier upgrade"})
"""Lists of customers, which stand in the table of relevance beside the families of products."""
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
        theme: Says for which families it may speak.
        topic: Of several reasons of a topic one stands beside an offer; empty: the theme.
        features: `file.feature` of the dictionary, shell patterns.
        columns: The bank's columns that it is made of; empty: it is made of none.
        facts: Kinds of facts that prove it, at least one.
        compare: How the last fact compares with the first: at least or at most `ratio` times as much; or
            which share the first is of the last; or how far the line of the tier, or of the next, is.
        ratio: Least or greatest ratio of the comparison.
        max_ratio: Greatest ratio of `above`: more is a beginning, or a gap before, not a change.
        floor: Least value of what is compared with the usual.
        min_asset_share: Least share of the customer's assets that the last fact is; 0 = any.
        within_months: Greatest age of the first fact; 0 = any.
        after_months: Least age of the first fact.
        value: Value of the first fact; empty = any.
        about: Whether the first fact is about the offered product, or one of its family.
        about_families: Families of the product that the first fact is about; empty = any.
        weight: Multiplies the share of the chance that rests on it, where reasons are put in order.
    """

    theme: str
    topic: str = ""
    features: tuple[str, ...]
    columns: tuple[str, ...] = ()
    facts: Annotated[tuple[str, ...], Field(min_length=1)]
    compare: Comparison = "exists"
    ratio: Annotated[float, Field(ge=0)] = 1.0
    max_ratio: Annotated[float, Field(ge=1)] = 10.0
    floor: Annotated[float, Field(ge=0)] = 0.0
    min_asset_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    within_months: Annotated[int, Field(ge=0)] = 0
    after_months: Annotated[int, Field(ge=0)] = 0
    value: str = ""
    about: Literal["any", "offer", "family"] = "any"
    about_families: tuple[str, ...] = ()
    weight: Annotated[float, Field(gt=0)] = 1.0

    def meant(self, feature: str, column: str = "") -> bool:
        """Return whether it is a reason for a feature `file.feature`, made of a bank's column or of none."""
        mine = not column or column in self.columns
        return mine and matches(feature, self.features)


class CautionEntry(Entry):
    """One `[[caution]]`: what the relationship manager should know before offering."""


class NeverEntry(Section):
    """Features, or columns of the bank's own, that are never told, and why."""

    features: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    because: Annotated[str, Field(min_length=1)]


class ReasonCatalog(Section):
    """All of `reasons.toml`.

    Attributes:
        co_held_weights: Share of their weight that reasons by what other holders hold keep, where not all.
        currency: Code of the currency of amounts; empty leaves them bare.
    """

    neutral: ReasonWords
    co_held: ReasonWords
    co_held_pair: ReasonWords
    relevance: Mapping[str, tuple[str, ...]]
    fact: Mapping[str, FactEntry]
    reason: tuple[ReasonEntry, ...]
    never: tuple[NeverEntry, ...] = ()
    caution: tuple[CautionEntry, ...] = ()
    column: Mapping[str, ReasonWords] = {}
    word: Mapping[str, ReasonWords] = {}
    co_held_weights: Mapping[str, float] = {}
    currency: str = ""

    @model_validator(mode="after")
    def _speaks_of_known_facts(self) -> ReasonCatalog:
        entries: tuple[Entry, ...] = (*self.reason, *self.caution)
        for entry in entries:
            unknown = set(entry.facts) - set(self.fact)
            if unknown:
                raise ValueError(f"{entry.id} cites {sorted(unknown)}, which is no [fact]")
            given = {"product", "column", "end", *entry.facts, *(f"{kind}_date" for kind in entry.facts)}
            given |= set(COMPARED)
            asked = {name for text in (entry.en, entry.zh) for name in _FILLED.findall(text)}
            if asked - given:
                raise ValueError(f"{entry.id} speaks of {sorted(asked - given)}, which it does not cite")
        return self

    @model_validator(mode="after")
    def _themes_are_relevant(self) -> ReasonCatalog:
        themes = {CO_HELD, CO_HELD_PAIR, *(entry.theme for entry in self.reason)}
        if themes ^ set(self.relevance):
            raise ValueError(f"[relevance] and the themes differ: {sorted(themes ^ set(self.relevance))}")
        return self

    def speaks_for(self, theme: str, family: str) -> bool:
        """Return whether reasons of a theme may stand beside offers of a family, or of a list of changes."""
        named = self.relevance[theme]
        return family in named or (EVERY_FAMILY in named and family not in CHANGE_FAMILIES)

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

    def has(self, reason_id: str) -> bool:
        """Return whether there is a reason of this id, those by what other holders hold included."""
        return reason_id in {CO_HELD, CO_HELD_PAIR, *(entry.id for entry in self.reason)}

    def weighted(self, shares: Mapping[str, float], currency: str = "") -> ReasonCatalog:
        """Return the catalogue with a share of the weight of some reasons, and a currency for amounts."""
        reasons = tuple(
            entry.model_copy(update={"weight": entry.weight * shares.get(entry.id, 1.0)})
            for entry in self.reason
        )
        changed = {"reason": reasons, "co_held_weights": dict(shares), "currency": currency}
        return self.model_copy(update=changed)

    def reasons_for(self, feature: str, column: str = "") -> list[ReasonEntry]:
        """Return the reasons that may be told for a feature `file.feature` made of a bank's own column."""
        if self.is_silent(feature, column):
            return []
        return [entry for entry in self.reason if entry.meant(feature, column)]

    def is_silent(self, feature: str, column: str = "") -> bool:
        """Return whether a feature, or the column that it is made of, is never told."""
        return any(matches(feature, entry.features) or column in entry.columns for entry in self.never)

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
