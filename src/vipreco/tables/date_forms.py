"""Forms in which a bank may write a date or a moment."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from vipreco.tables.month_names import MONTHS

ISO_DATE: Final = "%Y-%m-%d"
ISO_MOMENTS: Final = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    ISO_DATE,
)
ZONED_MOMENTS: Final = (
    "%Y-%m-%dT%H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f%z",
    "%Y-%m-%d %H:%M:%S%.f %z",
    "%Y-%m-%dT%H:%M%z",
    "%Y-%m-%d %H:%M%z",
)
YEAR_OFFSETS: Final = {"gregorian": 0, "minguo": 1911, "buddhist": -543}
# A typed date cell of a workbook or a Parquet file stands as ISO text behind this mark, so that no form
# that was declared for text can read it otherwise.
TYPED: Final = "\x1f"
KNOWN: Final = tuple(
    dt.datetime(*parts)  # noqa: DTZ001  forms are tried on local dates
    for parts in (
        (2025, 11, 30, 13, 45, 6),
        (2024, 2, 29, 0, 0, 0),
        (1999, 12, 31, 23, 59, 59),
        (2025, 3, 4, 9, 5, 7),
    )
)
MIDNIGHT: Final = r"(?:[T ]00:00(?::00(?:[.,]0+)?)?)?"
DAY_SECONDS: Final = 86_400
# Excel counts 1900-02-29, which never was: serials before it are a day off, and 60 is no date.
EXCEL_EPOCH, EXCEL_1904 = dt.datetime(1899, 12, 30), dt.datetime(1904, 1, 1)  # noqa: DTZ001
UNIX_EPOCH = dt.datetime(1970, 1, 1)  # noqa: DTZ001


@dataclass(frozen=True)
class _Directive:
    """One `%` directive: its regular expression, the part of a date it gives, and its printed form."""

    pattern: str
    part: str
    show: Callable[[dt.datetime], str]


def _number(part: str, code: str, name: str) -> dict[str, _Directive]:
    """Return the directive in two digits, and the one that has no leading zero (`%-d`, `%e`)."""
    two = _Directive("[0-9]{2}", part, lambda moment: moment.strftime(code))
    one = _Directive("[0-9]{1,2}", part, lambda moment: str(int(moment.strftime(code))))
    return {f"%{name}": two, f"%-{name}": one}


_ENGLISH: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS: Final = "Mon Tue Wed Thu Fri Sat Sun".split()  # noqa: SIM905
_MONTH_NAMES = "|".join(sorted((re.escape(name) for name in MONTHS), key=len, reverse=True))
_WORD = r"[^\W\d_]+\.?"
_DIRECTIVES: Final = {
    "%Y": _Directive("[0-9]{4}", "year", lambda moment: f"{moment.year:04d}"),
    "%y": _Directive("[0-9]{2}", "short_year", lambda moment: moment.strftime("%y")),
    **_number("month", "%m", "m"),
    **_number("day", "%d", "d"),
    "%e": _Directive(" ?[0-9]{1,2}", "day", lambda moment: f"{moment.day:2d}"),
    "%j": _Directive("[0-9]{3}", "day_of_year", lambda moment: moment.strftime("%j")),
    "%b": _Directive(rf"(?i:{_MONTH_NAMES})\.?", "month_name", lambda moment: _ENGLISH[moment.month - 1][:3]),
    "%B": _Directive(rf"(?i:{_MONTH_NAMES})\.?", "month_name", lambda moment: _ENGLISH[moment.month - 1]),
    "%a": _Directive(
        _WORD, "weekday", lambda moment: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][moment.weekday()]
    ),
    "%A": _Directive(
        _WORD, "weekday", lambda moment: ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"][moment.weekday()]
    ),
    **_number("hour", "%H", "H"),
    **_number("hour_of_12", "%I", "I"),
    **_number("minute", "%M", "M"),
    **_number("second", "%S", "S"),
    "%p": _Directive("(?i:[ap]\\.?m\\.?|上午|下午)", "half", lambda moment: moment.strftime("%p")),
    "%f": _Directive("[0-9]{1,9}", "fraction", lambda _moment: "000000"),
    "%.f": _Directive("(?:[.,][0-9]{1,9})?", "fraction", lambda _moment: ""),
    "%z": _Directive("(?:Z|UTC|GMT|[+-][0-9]{2}:?[0-9]{2})", "offset", lambda _moment: "+0000"),
}
_SHORT: Final = {"%F": "%Y-%m-%d", "%D": "%m/%d/%y", "%T": "%H:%M:%S", "%R": "%H:%M", "%h": "%b", "%3f": "%f"}
_TOKEN: Final = re.compile(r"%-?\.?3?[A-Za-z%]")
_TIME_PARTS: Final = {"hour", "hour_of_12", "minute", "second"}


@dataclass(frozen=True)
class _Count:
    """A moment as a number of units since an epoch.

    Attributes:
        epoch: Moment 0.
        per_day: Units of a day.
        decimals: Decimals that a part of a unit is written with.
        utc: True if the epoch is told in UTC.
    """

    epoch: dt.datetime
    per_day: int
    decimals: int = 0
    utc: bool = False

    def show(self, moment: dt.datetime) -> str:
        """Return a moment as the number of whole units, or with decimals."""
        count = (moment - self.epoch).total_seconds() * self.per_day / DAY_SECONDS
        return f"{count:.{self.decimals}f}" if self.decimals else str(math.floor(count))


COUNTS: Final = {
    "excel": _Count(EXCEL_EPOCH, 1, decimals=8),
    "excel-1904": _Count(EXCEL_1904, 1, decimals=8),
    "epoch-days": _Count(UNIX_EPOCH, 1),
    "epoch-seconds": _Count(UNIX_EPOCH, DAY_SECONDS, utc=True),
    "epoch-milliseconds": _Count(UNIX_EPOCH, DAY_SECONDS * 1000, utc=True),
    "epoch-microseconds": _Count(UNIX_EPOCH, DAY_SECONDS * 1_000_000, utc=True),
}


@dataclass(frozen=True)
class _Pattern:
    """A named form of fixed digits."""

    pattern: str
    show: Callable[[dt.datetime], str]


_YMD: Final = r"(?P<year>[0-9]{4})(?P<month>[0-9]{2})(?P<day>[0-9]{2})"
# Century digit of AS/400 and JD Edwards: 0 for 19.., 1 for 20..; without its leading zero it is one shorter
_CYY: Final = r"(?P<century>[0-9]?)(?P<short_year>[0-9]{2})"
PATTERNS: Final = {
    "cyymmdd": _Pattern(
        _CYY + r"(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        lambda moment: f"{moment.year // 100 - 19}{moment:%y%m%d}",
    ),
    "cyyddd": _Pattern(
        _CYY + r"(?P<day_of_year>[0-9]{3})", lambda moment: f"{moment.year // 100 - 19}{moment:%y%j}"
    ),
    # packed decimal (COMP-3), printed as hexadecimal digits: the last one is the sign
    "packed-yyyymmdd": _Pattern(f"0?{_YMD}[CFcf]", lambda moment: f"0{moment:%Y%m%d}C"),
    "packed-cyymmdd": _Pattern(
        _CYY + r"(?P<month>[0-9]{2})(?P<day>[0-9]{2})[CFcf]",
        lambda moment: f"{moment.year // 100 - 19}{moment:%y%m%d}C",
    ),
    "packed-yyyyddd": _Pattern(
        r"(?P<year>[0-9]{4})(?P<day_of_year>[0-9]{3})[CFcf]", lambda moment: f"{moment:%Y%j}C"
    ),
}
NAMED: Final = (*COUNTS, *PATTERNS)


@dataclass(frozen=True)
class DateForm:
    """A form that was declared, ready to read text.

    Attributes:
        text: As declared.
        pattern: Regular expression with a named group a part; blank for a count since an epoch.
        parts: Parts that it gives.
        monthly: True if it names a month and no day.
        digits: Width of a form of digits alone that begins with day or month; 0 for others.
    """

    text: str
    pattern: str
    parts: frozenset[str]
    marks: tuple[str, ...] = ()
    digits: int = 0

    @property
    def monthly(self) -> bool:
        """True if the form names a month and no day."""
        return bool(self.parts) and not self.parts & {"day", "day_of_year"}

    @property
    def timed(self) -> bool:
        """True if the form has a time of day."""
        return bool(self.parts & _TIME_PARTS) or self.text in COUNTS

    @property
    def zoned(self) -> bool:
        """True if reading it needs to know the bank's time zone."""
        return "offset" in self.parts or (self.text in COUNTS and COUNTS[self.text].utc)

    def show(self, moment: dt.datetime) -> str:
        """Return a moment as this form writes it."""
        if self.text in COUNTS:
            shown = COUNTS[self.text].show(moment)
            return shown.rstrip("0").rstrip(".") if "." in shown else shown
        if self.text in PATTERNS:
            return PATTERNS[self.text].show(moment)
        return "".join(_DIRECTIVES[mark].show(moment) if mark in _DIRECTIVES else mark for mark in self.marks)


class FormError(ValueError):
    """A form that cannot be read as one."""


@cache
def form_of(text: str, calendar: str = "gregorian") -> DateForm:
    """Return the form that `text` declares.

    Raises:
        FormError: Neither a named form nor directives that make up a date.
    """
    if text.lower() in COUNTS:
        return DateForm(text.lower(), "", frozenset())
    if text.lower() in PATTERNS:
        pattern = PATTERNS[text.lower()].pattern
        return DateForm(text.lower(), pattern, frozenset(re.findall(r"P<(\w+)>", pattern)))
    marks = tuple(_marks(text))
    parts = [_DIRECTIVES[mark].part for mark in marks if mark in _DIRECTIVES]
    _refuse_unsound(text, parts)
    year = "[0-9]{2,4}" if calendar == "minguo" else _DIRECTIVES["%Y"].pattern
    pattern = "".join(
        f"(?P<{_DIRECTIVES[mark].part}>{year if mark == '%Y' else _DIRECTIVES[mark].pattern})"
        if mark in _DIRECTIVES
        else re.escape(mark)
        for mark in marks
    )
    return DateForm(text, pattern, frozenset(parts), marks, _width(marks))


def _marks(text: str) -> Iterator[str]:
    for short, full in _SHORT.items():
        text = text.replace(short, full)
    at = 0
    for found in _TOKEN.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        mark = found.group()
        if mark not in _DIRECTIVES and mark != "%%":
            raise FormError(f"{mark} is not known")
        yield mark
        at = found.end()
    if text[at:]:
        yield text[at:]


def _width(marks: Sequence[str]) -> int:
    widths = {"%Y": 4, "%y": 2, "%m": 2, "%d": 2}
    plain = all(mark in widths for mark in marks) and marks[0] in {"%d", "%m"}
    return sum(widths[mark] for mark in marks) if plain else 0


def _refuse_unsound(text: str, parts: list[str]) -> None:
    if not parts:
        raise FormError(f"has no directive such as %Y{_suggested(text)}")
    same = [part.removeprefix("short_").removesuffix("_name").removesuffix("_of_12") for part in parts]
    twice = sorted({part for part in same if same.count(part) > 1})
    if twice:
        raise FormError(f"names the {twice[0]} twice")
    if "year" not in same:
        raise FormError("names no year (%Y)")
    if "month" not in same and "day_of_year" not in same:
        raise FormError("names no month (%m); %M is minutes" if "minute" in same else "names no month (%m)")
    if "minute" in same and "hour" not in same:
        raise FormError("names minutes (%M) and no hour (%H); a month is %m")
    if ("hour_of_12" in parts) != ("half" in parts):
        raise FormError("%I (hours to 12) and %p (AM, PM) belong together")


_FOREIGN: Final = (
    ("YYYY", "%Y"), ("yyyy", "%Y"), ("YY", "%y"), ("yy", "%y"), ("MMM", "%b"), ("Mon", "%b"), ("MM", "%m"),
    ("DDD", "%j"), ("DD", "%d"), ("dd", "%d"), ("HH24", "%H"), ("HH", "%H"), ("hh", "%H"), ("MI", "%M"),
    ("SS", "%S"), ("ss", "%S"),
)  # fmt: skip


def _suggested(text: str) -> str:
    """Return the form that a spreadsheet's or a database's way to write it stands for."""
    guess = text
    minutes = "%M" if "MM" in text else "%m"
    for foreign, ours in (*_FOREIGN, ("mm", minutes)):
        guess = guess.replace(foreign, ours)
    return f'; did you mean "{guess}"?' if guess != text else f"; named forms are {', '.join(NAMED)}"
