"""Strict conversion of text to typed values: a text that is not as declared is refused with a reason.

Each column comes as a dictionary of its distinct texts, so that every rule is applied once to each
distinct text and never to each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from vipreco.tables.contracts import ARROW_TYPES, Column, Kind
from vipreco.tables.mapping import ColumnRule

ID_LENGTH = 64
TEXT_LENGTH = 200
TRUE_TEXTS = ("1", "1.0", "true", "yes", "y", "是")
FALSE_TEXTS = ("0", "0.0", "false", "no", "n", "否")
EARLIEST_YEAR, LATEST_YEAR = 1850, 2199
ISO_DATE = "%Y-%m-%d"
MOMENT_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    ISO_DATE,
)
MAX_NUMBER = 1e15

GOOD_ID = r"^[A-Za-z0-9](?:[A-Za-z0-9_.:/\-]*[A-Za-z0-9])?$"
DAMAGED_ID = r"^[+-]?[0-9]+(?:\.[0-9]+)?[eE][+-]?[0-9]+$|^[+-]?[0-9]+\.0+$|^#"

MISSING, ID_CHARACTERS, ID_DAMAGED, TOO_LONG = (
    "missing",
    "id-characters",
    "spreadsheet-damaged-id",
    "too-long",
)
DATE, IMPLAUSIBLE_DATE, AMOUNT, NEGATIVE = (
    "date-format",
    "date-implausible",
    "amount-format",
    "amount-negative",
)
NUMBER, FLAG, UNKNOWN_CODE, NOT_ALLOWED = "number-format", "flag-format", "unknown-code", "value-not-allowed"


@dataclass(frozen=True)
class Converted:
    """A typed column and, by reason code, the mask of rows that are refused."""

    values: pa.Array
    refused: dict[str, npt.NDArray[np.bool_]]


@dataclass(frozen=True)
class _Distinct:
    """Typed distinct values, and the refused ones by code."""

    values: pa.Array
    refused: dict[str, pl.Series]


def convert(
    texts: pa.DictionaryArray, rule: ColumnRule, column: Column, missing: tuple[str, ...]
) -> Converted:
    """Convert one column of texts by its declared rule.

    Args:
        texts: Text of each row; blank where the source has none.
        rule: The mapping's rule for the column.
        column: What the contract says about it.
        missing: Texts that mean "no value" in the whole source.
    """
    distinct = _convert_distinct(pl.from_arrow(texts.dictionary), rule, column, missing)
    indices = texts.indices.to_numpy(zero_copy_only=False)
    refused = {
        code: mask.to_numpy()[indices]
        for code, mask in distinct.refused.items()
        if mask.any() and indices.size
    }
    return Converted(
        distinct.values.take(texts.indices), {code: hit for code, hit in refused.items() if hit.any()}
    )


def constant(rule: ColumnRule, column: Column, rows: int) -> Converted:
    """Return a column that has the rule's constant in every row."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([rule.constant]))
    return convert(texts, rule, column, ())


def _convert_distinct(
    texts: pl.Series | pl.DataFrame, rule: ColumnRule, column: Column, missing: tuple[str, ...]
) -> _Distinct:
    if not isinstance(texts, pl.Series):
        raise TypeError("a column of texts is expected")
    cleaned = _blank_to_null(_stripped(texts.cast(pl.String), rule, column.kind), (*missing, *rule.missing))
    coded, unknown = _coded(cleaned, rule)
    result = _CONVERTERS[column.kind](coded, rule, column)
    refused = {UNKNOWN_CODE: unknown, **result.refused}
    if column.required:
        refused[MISSING] = coded.is_null() & ~unknown
    return _Distinct(result.values, refused)


def _stripped(texts: pl.Series, rule: ColumnRule, kind: Kind) -> pl.Series:
    strip = rule.strip if rule.strip is not None else kind is not Kind.TEXT
    return texts.str.strip_chars(" \t") if strip else texts


def _blank_to_null(texts: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    tokens = pl.Series(["", *(token.strip(" \t") for token in missing), *missing], dtype=pl.String)
    return texts.set(texts.is_in(tokens.implode()) & texts.is_not_null(), None)


def _coded(texts: pl.Series, rule: ColumnRule) -> tuple[pl.Series, pl.Series]:
    """Apply the code map; return the values (a blank one is missing) and the mask of unknown texts."""
    nothing = pl.repeat(False, texts.len(), eager=True)
    if not rule.codes:
        return texts, nothing
    known = texts.is_in(pl.Series(list(rule.codes), dtype=pl.String).implode()).fill_null(value=True)
    values = texts.replace_strict(rule.codes, default=rule.other, return_dtype=pl.String)
    values = values.set((texts.is_null() | (values == "")).fill_null(value=True), None)
    return values, ~known if rule.other is None else nothing


def _ids(texts: pl.Series, _rule: ColumnRule, _column: Column) -> _Distinct:
    damaged = texts.str.contains(DAMAGED_ID).fill_null(value=False)
    good = texts.str.contains(GOOD_ID).fill_null(value=True)
    long = (texts.str.len_bytes() > ID_LENGTH).fill_null(value=False)
    return _Distinct(
        _arrow(texts, Kind.ID), {ID_DAMAGED: damaged, ID_CHARACTERS: ~good & ~damaged, TOO_LONG: long}
    )


def _texts(texts: pl.Series, _rule: ColumnRule, column: Column) -> _Distinct:
    long = (texts.str.len_chars() > TEXT_LENGTH).fill_null(value=False)
    refused = {TOO_LONG: long}
    if column.allowed:
        allowed = pl.Series(list(column.allowed), dtype=pl.String).implode()
        refused[NOT_ALLOWED] = ~texts.is_in(allowed).fill_null(value=True)
    return _Distinct(_arrow(texts, Kind.TEXT), refused)


def _dates(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    form = rule.date_format or ISO_DATE
    monthly = "%d" not in form
    dates = _strict_dates(texts, form, monthly=monthly)
    wrong = dates.is_null() & texts.is_not_null()
    if rule.shift_months:
        dates = _shifted(dates, rule.shift_months, monthly=monthly or rule.month_end)
    if monthly or rule.month_end:
        dates = dates.dt.month_end()
    implausible = ~dates.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR).fill_null(value=True)
    if column.placeholder:
        dates = dates.set(dates.dt.strftime(ISO_DATE) == column.placeholder, None)
    return _Distinct(_arrow(dates, Kind.DATE), {DATE: wrong, IMPLAUSIBLE_DATE: implausible})


def _strict_dates(texts: pl.Series, form: str, *, monthly: bool) -> pl.Series:
    """Parse dates and refuse what does not print as it was written, such as one-digit months."""
    full = texts + "-01" if monthly else texts
    pattern = form + "-%d" if monthly else form
    dates = full.str.to_date(pattern, strict=False)
    same = (dates.dt.strftime(pattern) == full).fill_null(value=False)
    return dates.set(~same, None)


def _shifted(dates: pl.Series, months: int, *, monthly: bool) -> pl.Series:
    start = dates.dt.month_start() if monthly else dates
    return start.dt.offset_by(f"{months}mo")


def _moments(texts: pl.Series, rule: ColumnRule, _column: Column) -> _Distinct:
    forms = (rule.date_format,) if rule.date_format else MOMENT_FORMATS
    moments = pl.Series([None] * texts.len(), dtype=pl.Datetime("us"))
    for form in forms:
        parsed = texts.str.to_datetime(form, strict=False, time_unit="us")
        moments = moments.zip_with(moments.is_not_null(), parsed)
    wrong = moments.is_null() & texts.is_not_null()
    implausible = ~moments.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR).fill_null(value=True)
    return _Distinct(_arrow(moments, Kind.MOMENT), {DATE: wrong, IMPLAUSIBLE_DATE: implausible})


def _plain(texts: pl.Series, rule: ColumnRule) -> pl.Series:
    """Return numbers with a point and without thousands marks; anything in a wrong place becomes null."""
    point = "\\" + rule.decimal_mark
    mark = "\\" + rule.thousands_mark if rule.thousands_mark else ""
    whole = f"(?:[0-9]+|[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+)" if mark else "[0-9]+"
    good = texts.str.contains(f"^-?{whole}(?:{point}[0-9]+)?$").fill_null(value=False)
    plain = texts.str.replace_all(rule.thousands_mark, "", literal=True) if mark else texts
    plain = plain.str.replace(rule.decimal_mark, ".", literal=True)
    return plain.set(~good, None)


def _amounts(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    plain = _plain(texts, rule)
    # a binary fraction such as 0.1+0.2 in a Parquet double has many decimals: refused, never rounded
    fits = plain.str.contains(r"^-?[0-9]{1,16}(?:\.[0-9]{1,2}0*)?$").fill_null(value=False)
    plain = plain.set(~fits, None).str.replace(r"(\.[0-9]{2})0*$", "${1}")
    refused = {AMOUNT: plain.is_null() & texts.is_not_null()}
    if not column.negative:
        refused[NEGATIVE] = plain.str.starts_with("-").fill_null(value=False)
    return _Distinct(_arrow(plain, Kind.TEXT).cast(ARROW_TYPES[Kind.AMOUNT]), refused)


def _numbers(texts: pl.Series, rule: ColumnRule, _column: Column) -> _Distinct:
    plain = _plain(texts, rule)
    scientific = texts.str.contains(r"^-?[0-9]\.?[0-9]*[eE][+-]?[0-9]{1,2}$").fill_null(value=False)
    values = plain.zip_with(~scientific, texts).cast(pl.Float64, strict=False)
    values = values.set((values.abs() > MAX_NUMBER).fill_null(value=False), None)
    return _Distinct(_arrow(values, Kind.NUMBER), {NUMBER: values.is_null() & texts.is_not_null()})


def _flags(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    folded = texts.str.to_lowercase()
    yes = folded.is_in(_folded(rule.true or TRUE_TEXTS))
    no = folded.is_in(_folded(rule.false or FALSE_TEXTS))
    values = yes.set(~(yes | no).fill_null(value=False), None)
    wrong = values.is_null() & texts.is_not_null()
    if column.blank is not None:
        return _Distinct(_arrow(values.fill_null(column.blank), Kind.FLAG), {})
    return _Distinct(_arrow(values, Kind.FLAG), {FLAG: wrong})


def _folded(texts: tuple[str, ...]) -> pl.Series:
    return pl.Series([text.lower() for text in texts], dtype=pl.String).implode()


def _lists(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    parts = texts.fill_null("").str.split(rule.separator).to_frame("part")
    clean = pl.col("part").list.eval(
        pl.element().str.strip_chars(" \t").filter(pl.element().str.strip_chars(" \t") != "")
    )
    return _Distinct(_arrow(parts.select(clean).to_series(), Kind.LIST), {})


def _arrow(values: pl.Series, kind: Kind) -> pa.Array:
    array = values.to_arrow()
    return array if array.type == ARROW_TYPES[kind] else pc.cast(array, ARROW_TYPES[kind])


_CONVERTERS: dict[Kind, Callable[[pl.Series, ColumnRule, Column], _Distinct]] = {
    Kind.ID: _ids,
    Kind.TEXT: _texts,
    Kind.CATEGORY: _texts,
    Kind.DATE: _dates,
    Kind.MOMENT: _moments,
    Kind.AMOUNT: _amounts,
    Kind.NUMBER: _numbers,
    Kind.FLAG: _flags,
    Kind.LIST: _lists,
}
