"""Strict reading of dates and moments by declared forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import polars as pl

from vipreco.tables.date_forms import (
    COUNTS,
    DAY_SECONDS,
    ISO_DATE,
    KNOWN,
    MIDNIGHT,
    YEAR_OFFSETS,
    DateForm,
    FormError,
    form_of,
)
from vipreco.tables.month_names import MONTHS

LATEST_YEAR: Final = 2068  # the year that 68 means, as POSIX has it


def problems(texts: Sequence[str], zone: str | None, calendar: str) -> Iterator[str]:
    """Yield the faults of declared forms: each is tried on known dates, and against the others."""
    forms: list[DateForm] = []
    for text in texts:
        try:
            forms.append(form_of(text, calendar))
        except FormError as error:
            yield f'date_format "{text}" {error}'
    yield from (fault for form in forms if (fault := _fault(form, zone, calendar)))
    if len({form.monthly for form in forms}) > 1:
        yield "date_format mixes forms with a day and forms without one"
    pairs = ((form, other) for at, form in enumerate(forms) for other in forms[at + 1 :])
    for form, other in pairs:
        if shown := _read_otherwise(form, other, zone, calendar):
            yield f'date_format "{form.text}" and "{other.text}" read {shown} as different dates'


def _fault(form: DateForm, zone: str | None, calendar: str) -> str:
    if form.zoned and zone is None:
        return f'date_format "{form.text}" needs time_zone, such as "Asia/Shanghai"'
    if not _reads_itself(form, zone, calendar):
        return f'date_format "{form.text}" does not read back the date that it writes'
    return ""


def _reads_itself(form: DateForm, zone: str | None, calendar: str) -> bool:
    if calendar != "gregorian":
        return True  # a known date cannot be printed in it; the directives were checked
    texts = pl.Series([form.show(moment) for moment in KNOWN], dtype=pl.String)
    read = read_moments(texts, (form,), "UTC" if zone else None, calendar)
    months = [(moment.year, moment.month) for moment in KNOWN]
    dates = [moment.date() for moment in KNOWN]
    found = read.to_list()
    if form.monthly:
        return [(one.year, one.month) if one else None for one in found] == months
    return [one.date() if one else None for one in found] == dates


def _read_otherwise(form: DateForm, other: DateForm, zone: str | None, calendar: str) -> str:
    moment = KNOWN[-1]
    text = form.show(moment)
    (own,) = read_moments(pl.Series([text]), (form,), zone, calendar).to_list()
    (read,) = read_moments(pl.Series([text]), (other,), zone, calendar).to_list()
    return text if own is not None and read is not None and own.date() != read.date() else ""


def read_moments(
    texts: pl.Series,
    forms: Sequence[DateForm],
    zone: str | None,
    calendar: str = "gregorian",
    latest: int = 2068,
) -> pl.Series:
    """Read texts by the first form that fits each; null where none does.

    Args:
        texts: Distinct texts.
        forms: Forms in their order.
        zone: Time zone whose local time the moments are told in, where a form has an offset or an epoch.
        calendar: Calendar of the years.
        latest: Latest year that two digits can mean.
    """
    found = pl.Series([None] * texts.len(), dtype=pl.Datetime("us"))
    for form in forms:
        parsed = (
            _counts(texts, form, zone)
            if form.text in COUNTS
            else _fields(texts, form, zone, calendar, latest)
        )
        found = found.zip_with(found.is_not_null(), parsed)
    return found


def _fields(texts: pl.Series, form: DateForm, zone: str | None, calendar: str, latest: int) -> pl.Series:
    tail = "" if form.timed or form.monthly or form.digits else MIDNIGHT
    whole = (
        texts.str.zfill(form.digits).set(texts.str.len_chars() + 1 < form.digits, None)
        if form.digits
        else texts
    )
    groups = whole.str.extract_groups(f"^{form.pattern}{tail}$").struct.unnest()
    frame = groups.select(pl.all().replace("", None)).with_columns(
        *(pl.lit(None, pl.String).alias(name) for name in _PARTS if name not in groups.columns)
    )
    hit = whole.str.contains(f"^{form.pattern}{tail}$").fill_null(value=False)
    years = _years(frame, calendar, latest, form)
    day = _days(frame, years, form)
    moment = frame.select((day.cast(pl.Datetime("us")) + _time_of_day(form)).alias("at")).to_series()
    moment = moment.zip_with(hit, pl.Series([None] * texts.len(), dtype=pl.Datetime("us")))
    if "offset" not in form.parts or zone is None:
        return moment if "offset" not in form.parts else moment.clear(texts.len())
    utc = moment - frame.select(_offset()).to_series()
    return utc.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)


_PARTS: Final = (
    *("century", "year", "short_year", "month", "month_name", "day", "day_of_year"),
    *("hour", "hour_of_12", "half", "minute", "second", "fraction", "offset"),
)


def _years(frame: pl.DataFrame, calendar: str, latest: int, form: DateForm) -> pl.Expr:
    if "century" in form.parts:
        century = pl.col("century").cast(pl.Int32).fill_null(0)
        return 1900 + 100 * century + pl.col("short_year").cast(pl.Int32)
    if "short_year" in form.parts:
        short = pl.col("short_year").cast(pl.Int32)
        return short + (latest - short).floordiv(100) * 100
    return pl.col("year").cast(pl.Int32) + YEAR_OFFSETS[calendar]


def _days(frame: pl.DataFrame, years: pl.Expr, form: DateForm) -> pl.Expr:
    year = years.cast(pl.String).str.zfill(4)
    if "day_of_year" in form.parts:
        number = pl.col("day_of_year").cast(pl.Int32)
        first = (year + "-01-01").str.to_date(ISO_DATE, strict=False)
        day = first + pl.duration(days=number - 1)
        return pl.when((number > 0) & (day.dt.year() == years)).then(day)
    month = (
        pl.col("month_name")
        .str.to_lowercase()
        .str.strip_suffix(".")
        .replace_strict(MONTHS, default=None, return_dtype=pl.String)
        if "month_name" in form.parts
        else pl.col("month").str.zfill(2)
    )
    number = pl.lit("01") if form.monthly else pl.col("day").str.strip_chars(" ").str.zfill(2)
    return (year + "-" + month + "-" + number).str.to_date(ISO_DATE, strict=False)


def _time_of_day(form: DateForm) -> pl.Expr:
    hour = _integer("hour", 23)
    if "half" in form.parts:
        afternoon = pl.col("half").str.to_lowercase().str.contains("^p|下午")
        hour = _integer("hour_of_12", 12) % 12 + pl.when(afternoon).then(12).otherwise(0)
    micros = (
        pl.col("fraction").str.strip_chars_start(".,").str.pad_end(9, "0").cast(pl.Int64).fill_null(0) // 1000
    )
    return pl.duration(
        hours=hour, minutes=_integer("minute", 59), seconds=_integer("second", 59), microseconds=micros
    )


def _integer(part: str, highest: int) -> pl.Expr:
    number = pl.col(part).cast(pl.Int64).fill_null(0)
    return pl.when(number <= highest).then(number)


def _offset() -> pl.Expr:
    digits = pl.col("offset").str.replace_all(r"[^0-9]", "")
    sign = pl.when(pl.col("offset").str.starts_with("-")).then(-1).otherwise(1)
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(
        pl.Int64, strict=False
    )
    return pl.duration(minutes=sign * minutes.fill_null(0)).alias("offset")


def _counts(texts: pl.Series, form: DateForm, zone: str | None) -> pl.Series:
    count = COUNTS[form.text]
    sound = texts.str.contains(r"^-?[0-9]{1,16}(?:\.[0-9]+)?$").fill_null(value=False)
    numbers = texts.set(~sound, None).cast(pl.Float64, strict=False)
    inside = numbers.is_between(-1e5 * count.per_day, 4e6 * count.per_day).fill_null(value=False)
    numbers = numbers.set(~inside, None)
    if form.text == "excel":
        numbers = (numbers + (numbers < 60).cast(pl.Float64)).set(
            (numbers < 1) | numbers.is_between(60, 61, closed="left"), None
        )
    seconds = numbers * (DAY_SECONDS / count.per_day)
    # a serial keeps milliseconds at best: what is beyond is noise of the binary fraction
    whole = (
        (seconds * 1_000).round(0).cast(pl.Int64) * 1_000
        if count.per_day == 1
        else (seconds * 1e6).round(0).cast(pl.Int64)
    )
    frame = pl.DataFrame({"micros": whole})
    moments = frame.select(
        pl.lit(count.epoch).cast(pl.Datetime("us")) + pl.duration(microseconds=pl.col("micros"))
    ).to_series()
    if count.utc and zone is not None:
        return moments.dt.replace_time_zone("UTC").dt.convert_time_zone(zone).dt.replace_time_zone(None)
    return moments
