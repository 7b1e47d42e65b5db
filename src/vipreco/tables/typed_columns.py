"""Strict conversion of text to typed values: a text that is not as declared is refused with a reason.

Each column comes as a dictionary of its distinct texts, so that every rule is applied once to each
distinct text and never to each row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from vipreco.tables import id_columns
from vipreco.tables.amount_texts import plain_numbers
from vipreco.tables.contracts import ARROW_TYPES, Column, Kind
from vipreco.tables.date_forms import ISO_DATE, ISO_MOMENTS, TYPED, ZONED_MOMENTS, DateForm, form_of
from vipreco.tables.date_reader import read_moments
from vipreco.tables.id_columns import Suspicion
from vipreco.tables.mapping_file import ColumnRule

_Key = TypeVar("_Key", bound=str | Suspicion)

ID_LENGTH = 64
TEXT_LENGTH = 200
# Yes and no as spreadsheets write them in their languages, beside digits and letters
TRUE_TEXTS = (
    *("1", "1.0", "true", "yes", "y", "是", "真", "wahr", "vrai", "verdadero", "verdadeiro", "vero", "waar"),
    *("prawda", "sant", "sand", "tosi", "pravda", "igaz", "doğru", "истина", "ja", "oui", "sí", "sim"),
)
FALSE_TEXTS = (
    *("0", "0.0", "false", "no", "n", "否", "假", "falsch", "faux", "falso", "onwaar", "fałsz", "falskt"),
    *("falsk", "epätosi", "nepravda", "hamis", "yanlış", "ложь", "nein", "nee", "non", "não"),
)
EARLIEST_YEAR, LATEST_YEAR = 1850, 2199
MAX_NUMBER = 1e15

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
    """A typed column, and by reason code the mask of refused rows.

    Attributes:
        suspects: Rows of ids that only the whole column can tell to be right or damaged.
        evidence: Signs in this part of the column that speak for or against such rows.
        defaulted: Number of rows with a text that is not understood and counts as the safe value.
    """

    values: pa.Array
    refused: dict[str, npt.NDArray[np.bool_]]
    suspects: dict[Suspicion, npt.NDArray[np.bool_]] = field(default_factory=dict)
    evidence: frozenset[str] = frozenset()
    defaulted: int = 0


@dataclass(frozen=True)
class _Distinct:
    """Typed distinct values, and the refused ones by code."""

    values: pa.Array
    refused: dict[str, pl.Series]
    suspects: dict[Suspicion, pl.Series] = field(default_factory=dict)
    evidence: frozenset[str] = frozenset()
    defaulted: pl.Series | None = None


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
    return Converted(
        distinct.values.take(texts.indices),
        _rows_of(distinct.refused, indices),
        _rows_of(distinct.suspects, indices),
        distinct.evidence,
        0 if distinct.defaulted is None else int(distinct.defaulted.to_numpy()[indices].sum()),
    )


def _rows_of(
    masks: Mapping[_Key, pl.Series], indices: npt.NDArray[np.int32]
) -> dict[_Key, npt.NDArray[np.bool_]]:
    """Return the masks of distinct values as masks of rows; empty ones are left out."""
    rows = {key: mask.to_numpy()[indices] for key, mask in masks.items() if mask.any() and indices.size}
    return {key: hit for key, hit in rows.items() if hit.any()}


def constant(rule: ColumnRule, column: Column, rows: int) -> Converted:
    """Return a column that has the rule's constant in every row."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array([rule.constant]))
    return convert(texts, rule, column, ())


def _convert_distinct(
    texts: pl.Series | pl.DataFrame, rule: ColumnRule, column: Column, missing: tuple[str, ...]
) -> _Distinct:
    if not isinstance(texts, pl.Series):
        raise TypeError("a column of texts is expected")
    written = texts.cast(pl.String)
    if column.kind not in (Kind.DATE, Kind.MOMENT):
        written = written.str.strip_prefix(TYPED)
    cleaned = _blank_to_null(_stripped(written, rule, column.kind), (*missing, *rule.missing))
    coded, unlisted = _coded(cleaned, rule)
    unknown = unlisted if rule.other is None else pl.repeat(False, texts.len(), eager=True)
    result = _CONVERTERS[column.kind](coded, rule, column)
    refused = {UNKNOWN_CODE: unknown, **result.refused}
    if column.required:
        refused[MISSING] = coded.is_null() & ~unknown
    defaulted = result.defaulted if rule.other is None else unlisted
    return replace(result, refused=refused, defaulted=defaulted)


def _stripped(texts: pl.Series, rule: ColumnRule, kind: Kind) -> pl.Series:
    strip = rule.strip if rule.strip is not None else kind is not Kind.TEXT
    return texts.str.strip_chars(" \t") if strip else texts


def _blank_to_null(texts: pl.Series, missing: tuple[str, ...]) -> pl.Series:
    tokens = pl.Series(["", *(token.strip(" \t") for token in missing), *missing], dtype=pl.String)
    plain = texts.str.strip_prefix(TYPED)
    return texts.set(plain.is_in(tokens.implode()) & texts.is_not_null(), None)


def _coded(texts: pl.Series, rule: ColumnRule) -> tuple[pl.Series, pl.Series]:
    """Apply the code map; return the values (a blank one is missing) and the mask of unlisted texts."""
    if not rule.codes:
        return texts, pl.repeat(False, texts.len(), eager=True)
    known = texts.is_in(pl.Series(list(rule.codes), dtype=pl.String).implode()).fill_null(value=True)
    values = texts.replace_strict(rule.codes, default=rule.other, return_dtype=pl.String)
    values = values.set((texts.is_null() | (values == "")).fill_null(value=True), None)
    return values, ~known


def _ids(texts: pl.Series, rule: ColumnRule, _column: Column) -> _Distinct:
    looked_at = id_columns.look_at(texts, text_ids=rule.text_ids)
    long = (texts.str.len_chars() > ID_LENGTH).fill_null(value=False)
    refused = {ID_DAMAGED: looked_at.damaged, ID_CHARACTERS: looked_at.unsound, TOO_LONG: long}
    return _Distinct(_arrow(texts, Kind.ID), refused, looked_at.suspects, looked_at.evidence)


def _texts(texts: pl.Series, _rule: ColumnRule, column: Column) -> _Distinct:
    long = (texts.str.len_chars() > TEXT_LENGTH).fill_null(value=False)
    refused = {TOO_LONG: long}
    if column.allowed:
        allowed = pl.Series(list(column.allowed), dtype=pl.String).implode()
        refused[NOT_ALLOWED] = ~texts.is_in(allowed).fill_null(value=True)
    return _Distinct(_arrow(texts, Kind.TEXT), refused)


def _dates(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    forms = _forms(rule, (ISO_DATE,))
    monthly = all(form.monthly for form in forms)
    dates = _read(texts, forms, rule).dt.date()
    wrong = dates.is_null() & texts.is_not_null() & ~_nothing(texts)
    if rule.shift_months:
        dates = _shifted(dates, rule.shift_months, monthly=monthly or rule.month_end)
    if monthly or rule.month_end:
        dates = dates.dt.month_end()
    shown = dates.dt.strftime(ISO_DATE)
    dates = dates.set(shown.is_in(pl.Series(list(column.placeholders), dtype=pl.String).implode()), None)
    implausible = ~dates.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR).fill_null(value=True)
    missing = _nothing(texts) if column.required else pl.repeat(False, texts.len(), eager=True)
    refused = {MISSING: missing, DATE: wrong, IMPLAUSIBLE_DATE: implausible}
    return _Distinct(_arrow(dates, Kind.DATE), refused)


def _forms(rule: ColumnRule, usual: tuple[str, ...]) -> list[DateForm]:
    return [form_of(form, rule.calendar) for form in rule.date_forms or usual]


def _read(texts: pl.Series, forms: Sequence[DateForm], rule: ColumnRule) -> pl.Series:
    """Read texts by the declared forms, and typed cells of a workbook or a Parquet file by their own."""
    typed = texts.str.starts_with(TYPED).fill_null(value=False)
    written = texts.set(typed, None).str.normalize("NFKC")
    moments = read_moments(written, forms, rule.time_zone, rule.calendar, rule.latest_year)
    if not typed.any():
        return moments
    timed = any(form.timed for form in forms)
    iso = (*ISO_MOMENTS, *(ZONED_MOMENTS if rule.time_zone else ())) if timed else (ISO_DATE,)
    own = [form_of(form) for form in iso]
    return moments.zip_with(~typed, read_moments(texts.str.strip_prefix(TYPED), own, rule.time_zone))


def _nothing(texts: pl.Series) -> pl.Series:
    """Return the mask of dates in zeros alone: no date of any form, a mainframe writes it for none."""
    return texts.str.contains("^0+$").fill_null(value=False)


def _shifted(dates: pl.Series, months: int, *, monthly: bool) -> pl.Series:
    start = dates.dt.month_start() if monthly else dates
    return start.dt.offset_by(f"{months}mo")


def _moments(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    usual = ISO_MOMENTS if rule.time_zone is None else (*ISO_MOMENTS, *ZONED_MOMENTS)
    moments = _read(texts, _forms(rule, usual), rule)
    wrong = moments.is_null() & texts.is_not_null() & ~_nothing(texts)
    missing = _nothing(texts) if column.required else pl.repeat(False, texts.len(), eager=True)
    implausible = ~moments.dt.year().is_between(EARLIEST_YEAR, LATEST_YEAR).fill_null(value=True)
    refused = {MISSING: missing, DATE: wrong, IMPLAUSIBLE_DATE: implausible}
    return _Distinct(_arrow(moments, Kind.MOMENT), refused)


def _amounts(texts: pl.Series, rule: ColumnRule, column: Column) -> _Distinct:
    plain = plain_numbers(texts, rule)
    # a binary fraction such as 0.1+0.2 in a Parquet double has many decimals: refused, never rounded
    fits = plain.str.contains(r"^-?[0-9]{1,16}(?:\.[0-9]{1,2}0*)?$").fill_null(value=False)
    plain = plain.set(~fits, None).str.replace(r"(\.[0-9]{2})0*$", "${1}")
    refused = {AMOUNT: plain.is_null() & texts.is_not_null()}
    if not column.negative:
        refused[NEGATIVE] = plain.str.starts_with("-").fill_null(value=False)
    return _Distinct(_arrow(plain, Kind.TEXT).cast(ARROW_TYPES[Kind.AMOUNT]), refused)


def _numbers(texts: pl.Series, rule: ColumnRule, _column: Column) -> _Distinct:
    plain = plain_numbers(texts, rule)
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
    if column.blank is not None:  # the law decides what silence means; it is counted, and told
        return _Distinct(_arrow(values.fill_null(column.blank), Kind.FLAG), {}, defaulted=wrong)
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
