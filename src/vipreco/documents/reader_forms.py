"""Dates and amounts inside sentences, in the form in which the reader writes them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from vipreco.documents.document import Language

SMALL_AMOUNT: Final = 10  # below it an amount keeps a decimal
UNITS: Final[Mapping[tuple[str, Language], str]] = {("CNY", "zh"): "元"}
MONTHS: Final = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)


def spoken_date(day: date, language: Language) -> str:
    """Return a date as a sentence has it.

    >>> spoken_date(date(2025, 11, 3), "en"), spoken_date(date(2025, 11, 3), "zh")
    ('3 November 2025', '2025年11月3日')
    """
    if language == "zh":
        return f"{day.year}年{day.month}月{day.day}日"
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def unit_of(currency: str, language: Language) -> str:
    """Return a currency as the reader writes it behind or before an amount."""
    return UNITS.get((currency, language), currency)


def money(value: float, currency: str, language: Language) -> str:
    """Return an amount with its currency; bare where none is set.

    >>> money(1234.4, "CNY", "en"), money(9.96, "CNY", "zh"), money(0.0, "EUR", "en"), money(50.2, "", "en")
    ('CNY 1,234', '10.0 元', 'EUR 0', '50')
    """
    number = f"{value:.1f}" if 0 < value < SMALL_AMOUNT else f"{value:,.0f}"
    unit = unit_of(currency, language)
    return (f"{number} {unit}" if language == "zh" else f"{unit} {number}").strip()
