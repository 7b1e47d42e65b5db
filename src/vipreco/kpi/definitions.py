"""Definitions of the figures, read from `figures.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from enum import StrEnum
from importlib.resources import files
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from vipreco.documents import Language
from vipreco.errors import UsageError


class Shows(StrEnum):
    """Way in which a figure is made of its rows."""

    CUSTOMERS = "customers"
    AMOUNT = "amount"
    MEAN = "mean"
    RATE = "rate"
    EXPECTED = "expected"


class Each(StrEnum):
    """Meaning of the month of a row."""

    MONTH_END = "month_end"
    MONTH = "month"
    WINDOW = "window"
    PERIOD = "period"
    AHEAD = "ahead"


class Words(BaseModel):
    """A text in both languages."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    en: str
    zh: str

    def __call__(self, language: Language) -> str:
        """Return the text in a language."""
        return self.zh if language == "zh" else self.en


class ListColumns(BaseModel):
    """Names of amount, value and part in the list of customers; empty: not in the list."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    amount: str = "aum_amount"
    value: str = ""
    part: str = ""


class Figure(BaseModel):
    """One figure.

    Args:
        key: Name in commands, files and addresses.
        group: Heading under which it stands.
        shows: How the number is made of the rows.
        each: What the month of a row means.
        needs: What a bank must bring.
        name: What people read.
        definition: What is counted, in a sentence.
        sql: Query of its rows over the shared tables; empty where a model gives them.
        listed: Value of the rows that the list of customers has; None: all.
        only_if_any: Left out of the overview where it counts nobody.
        columns: Names of the columns of the list.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: str
    group: str
    shows: Shows
    each: Each
    needs: tuple[str, ...]
    name: Words
    definition: Words
    sql: str = ""
    listed: float | None = None
    only_if_any: bool = False
    columns: ListColumns = ListColumns()


def _read(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads((files("vipreco.kpi") / name).read_text(encoding="utf-8"))


FIGURES: Final[Mapping[str, Figure]] = {
    key: Figure.model_validate({"key": key, **entry}) for key, entry in _read("figures.toml").items()
}
"""All figures by key, in the order in which they are read."""
SHARED_TABLES: Final[Mapping[str, str]] = {name: entry["sql"] for name, entry in _read("tables.toml").items()}
"""SQL of the tables that the figures share, in the order in which they are made."""
GROUPS: Final = tuple(dict.fromkeys(figure.group for figure in FIGURES.values()))
"""The headings, in order."""


def figure_named(key: str) -> Figure:
    """Return a figure.

    Raises:
        UsageError: There is none of this name.
    """
    if key not in FIGURES:
        raise UsageError(
            f"there is no figure {key!r}",
            where="FIGURE",
            remedy=f"name one of {', '.join(FIGURES)}",
            code="unknown-figure",
        )
    return FIGURES[key]
