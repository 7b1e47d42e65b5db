"""Amounts and numbers as banks and locales write them, brought to plain digits with a point."""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from typing import Final

import polars as pl

from vipreco.tables.mapping_file import ColumnRule

# Signs that a font or a word processor puts in place of the hyphen
MINUS_SIGNS: Final = ("\u2212", "\u2013", "\u2012", "\uff0d", "\ufe63")
APOSTROPHES: Final = ("\u2019", "\u2018", "\u02bc")
SCIENTIFIC: Final = r"^[0-9](?:\.[0-9]+)?[eE][+-]?[0-9]{1,2}$"
# Zoned decimals: the last character is a digit and the sign of the whole number
OVERPUNCHED: Final = {
    **{"{ABCDEFGHI"[digit]: (f"{digit}", "") for digit in range(10)},
    **{"}JKLMNOPQR"[digit]: (f"{digit}", "-") for digit in range(10)},
}


def plain_numbers(texts: pl.Series, rule: ColumnRule) -> pl.Series:
    """Return numbers as `-?digits(.digits)?`; null where a text is not as the rule declares."""
    cleaned = _cleaned(texts, rule)
    signs, bodies = _signs(cleaned, rule)
    plain = _digits(bodies, rule)
    negative = pl.select(pl.when(signs == "-").then(pl.lit("-")).otherwise(pl.lit(""))).to_series() + plain
    zero = negative.str.contains(r"^-0+(?:\.0+)?$").fill_null(value=False)
    negative = negative.zip_with(~zero, negative.str.strip_prefix("-"))
    return negative.set(signs.is_null(), None)


def _cleaned(texts: pl.Series, rule: ColumnRule) -> pl.Series:
    """Bring full-width digits, spaces and signs to one form, and take the currency away."""
    cleaned = texts.str.normalize("NFKC")
    for sign in MINUS_SIGNS:
        cleaned = cleaned.str.replace_all(sign, "-", literal=True)
    for mark in APOSTROPHES:
        cleaned = cleaned.str.replace_all(mark, "'", literal=True)
    if rule.zero:
        zeros = pl.Series([text.strip() for text in rule.zero], dtype=pl.String).implode()
        cleaned = cleaned.set(cleaned.str.strip_chars().is_in(zeros).fill_null(value=False), "0")
    if rule.currency_marks:
        marks = _either(rule.currency_marks)
        cleaned = cleaned.str.replace(rf"^([-+(]?)\s*(?:{marks})\s*", "${1}")
        cleaned = cleaned.str.replace(rf"\s*(?:{marks})\s*([-+)]?)$", "${1}")
    return cleaned.str.strip_chars()


def _either(marks: tuple[str, ...]) -> str:
    known = {unicodedata.normalize("NFKC", mark.strip()) for mark in marks}
    return "|".join(re.escape(mark) for mark in sorted(known, key=len, reverse=True))


def _signs(texts: pl.Series, rule: ColumnRule) -> tuple[pl.Series, pl.Series]:
    """Return "-" or "" with the text without its sign; null where a text has two."""
    before, behind = "[-+]", "[-+]"
    marks = (*rule.negative_marks, *rule.positive_marks)
    if marks:
        before, behind = rf"[-+]|(?:{_either(marks)})", rf"[-+]|(?:{_either(marks)})"
    pattern = (
        rf"^(?P<open>\()?(?P<before>{before})?\s*(?P<body>[^()]*?)\s*(?P<behind>{behind})?(?P<close>\))?$"
    )
    parts = texts.str.extract_groups(pattern).struct.unnest().select(pl.all().fill_null(""))
    shown = pl.concat_str("open", "before", "behind", "close")
    negative = ["-", "()", *(mark.strip() for mark in rule.negative_marks)]
    positive = ["", "+", *(mark.strip() for mark in rule.positive_marks)]
    sign = pl.when(shown.is_in(negative)).then(pl.lit("-")).when(shown.is_in(positive)).then(pl.lit(""))
    found = parts.select(sign.alias("sign"), pl.col("body")).with_columns(text=texts)
    signs = found.select(pl.when(pl.col("text").is_not_null()).then("sign")).to_series()
    bodies = found["body"]
    return _overpunched(signs, bodies) if rule.overpunch else (signs, bodies)


def _overpunched(signs: pl.Series, bodies: pl.Series) -> tuple[pl.Series, pl.Series]:
    last = bodies.str.slice(-1)
    digit = last.replace_strict({mark: digit for mark, (digit, _) in OVERPUNCHED.items()}, default=last)
    sign = last.replace_strict({mark: sign for mark, (_, sign) in OVERPUNCHED.items()}, default="")
    return signs.zip_with(signs != "", sign), bodies.str.head(-1) + digit


def _digits(texts: pl.Series, rule: ColumnRule) -> pl.Series:
    plain = _ungrouped(texts, rule)
    if rule.scientific:
        written = texts.str.replace(rule.decimal_mark, ".", literal=True)
        fits = written.str.contains(SCIENTIFIC).fill_null(value=False)
        plain = plain.zip_with(~fits, written.set(~fits, None).map_elements(_exact, return_dtype=pl.String))
    if rule.implied_decimals:
        whole = plain.set(plain.str.contains(".", literal=True), None).str.zfill(rule.implied_decimals + 1)
        plain = whole.str.replace(rf"([0-9]{{{rule.implied_decimals}}})$", ".${1}")
    return (
        plain
        if rule.unit == 1
        else plain.map_elements(lambda text: _times(text, rule.unit), return_dtype=pl.String)
    )


def _ungrouped(texts: pl.Series, rule: ColumnRule) -> pl.Series:
    """Take the marks between thousands away; null where one stands in a wrong place."""
    point = re.escape(rule.decimal_mark)
    mark = re.escape(rule.thousands_mark) if rule.thousands_mark else ""
    whole = "[0-9]+"
    if mark:  # in threes, or as in India: the last three, then in twos
        whole = (
            f"(?:[0-9]+|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}})"
        )
    good = texts.str.contains(f"^(?:{whole}(?:{point}[0-9]*)?|{point}[0-9]+)$").fill_null(value=False)
    plain = texts.str.replace_all(rule.thousands_mark, "", literal=True) if mark else texts
    plain = plain.str.replace(rule.decimal_mark, ".", literal=True)
    plain = plain.str.replace(r"^\.", "0.").str.strip_suffix(".")
    return plain.set(~good, None)


def _exact(text: str) -> str | None:
    try:
        return f"{Decimal(text):f}"
    except InvalidOperation:
        return None


def _times(text: str, unit: int) -> str:
    shown = f"{Decimal(text) * unit:f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
