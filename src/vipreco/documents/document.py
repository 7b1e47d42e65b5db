"""Contents of a document: a heading, and parts with a table each and the width of each column on paper."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Literal

import polars as pl

Language = Literal["en", "zh"]
# Control and direction characters in a name could rewrite what the reader sees.
UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs"})
SMALLEST_RATE = 0.0005  # a smaller chance would be shown as none
REPLACEMENT = "\ufffd"
NO_ROWS: Final[Mapping[Language, str]] = {"en": "None.", "zh": "无。"}
"""Text in place of a table without rows and without a note: a heading alone leaves the reader waiting."""


class Holds(StrEnum):
    """Kinds of values in a column; they decide its alignment and how a value is written."""

    TEXT = "text"
    COUNT = "count"
    AMOUNT = "amount"
    RATE = "rate"
    DATE = "date"


@dataclass(frozen=True)
class Column:
    """One column of a part.

    Args:
        name: Column of the frame; also the key in JSON and CSV.
        title: Heading that people read.
        width: Width on paper in characters of Latin text.
        holds: What the values are.
    """

    name: str
    title: str
    width: int
    holds: Holds = Holds.TEXT


@dataclass(frozen=True)
class Part:
    """A table with its heading.

    Args:
        key: Name of the part in JSON.
        title: Heading; also the name of the sheet.
        columns: What is shown, in order.
        rows: A frame with these columns.
        note: A line below the heading.
        brief: Columns that matter, for where not all have room; without any, the first.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: pl.DataFrame
    note: str = ""
    brief: tuple[str, ...] = ()

    def line_below(self, language: Language) -> str:
        """Return the line below the heading: the note, or that there are no rows; empty without either."""
        return self.note or (NO_ROWS[language] if self.rows.is_empty() else "")


@dataclass(frozen=True)
class Document:
    """A whole document.

    Args:
        title: First line.
        about: Lines below it.
        parts: Tables, the most important first; CSV has this one alone.
        language: Of the texts; decides the font.
        page: Text of a footer, with the page in place of `{number}`.
        currency: Code of the currency of all amounts; empty where there are none.
    """

    title: str
    about: tuple[str, ...]
    parts: tuple[Part, ...]
    language: Language
    page: str = "{number}"
    currency: str = ""

    def part(self, key: str) -> Part:
        """Return the part with a key."""
        return next(part for part in self.parts if part.key == key)


def shown(value: object, holds: Holds) -> str:
    """Return a value as a person reads it; an unknown one is empty."""
    if value is None:
        return ""
    if holds is Holds.RATE and isinstance(value, float):
        return "<0.1%" if 0 < value < SMALLEST_RATE else f"{value:.1%}"
    if holds in {Holds.AMOUNT, Holds.COUNT} and isinstance(value, int | float):
        return f"{value:,.0f}"
    if isinstance(value, date):
        return value.isoformat()[:10]
    return safe(str(value))


def safe(text: str) -> str:
    """Return `text` with control and direction characters replaced; line breaks stay."""
    if text.isprintable():  # nearly every text: none of those categories is printable
        return text
    return "".join(
        REPLACEMENT if sign != "\n" and unicodedata.category(sign) in UNSAFE_CATEGORIES else sign
        for sign in text
    )
