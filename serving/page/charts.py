"""Charts as the numbers of an SVG that a template writes: they need no script, and they print."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from vipreco.documents import Language

WIDTH, HEIGHT = 480, 190
LEFT, RIGHT, TOP, BOTTOM = 56, 14, 18, 24
MIN_TICKS: Final = 3
MAX_DAYS_NAMED: Final = 6
ROW, BAR, LABEL_WIDTH, VALUE_WIDTH = 26, 14, 180, 80
UNITS: Final = {"en": ((1e9, "bn"), (1e6, "m"), (1e3, "k")), "zh": ((1e8, "亿"), (1e4, "万"))}
Label = Callable[[float], str]


@dataclass(frozen=True)
class Series:
    """Values by day of one line.

    Args:
        name: Its name in the legend and the table.
        points: Day and value, oldest first; unknown values are left out of the line.
    """

    name: str
    points: Sequence[tuple[date, float | None]]


@dataclass(frozen=True)
class Tick:
    """A place on an axis with its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """A line as it is drawn."""

    name: str
    points: str
    x: float
    y: float


@dataclass(frozen=True)
class LineChart:
    """Lines over days, with both axes.

    Args:
        lines: From the first series to the last.
        days: Texts of the days below.
        values: Texts of the values on the left.
        reference: A level to compare with, such as the line of the next tier; None where there is none.
        marks: Events on the first line, with their texts.
        rows: The same numbers as a table: the day, then a text for each series and each further column.
        more: Titles of the further columns.
        signs: Meaning of each sign that marks an event.
    """

    lines: tuple[Line, ...]
    days: tuple[Tick, ...]
    values: tuple[Tick, ...]
    reference: Tick | None
    marks: tuple[Line, ...]
    rows: tuple[tuple[date, tuple[str, ...]], ...]
    more: tuple[str, ...] = ()
    signs: tuple[tuple[str, str], ...] = ()
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    floor: int = HEIGHT - BOTTOM

    @property
    def reference_right(self) -> bool:
        """The text of the level stands on the right, where the first line is farther away from it."""
        if self.reference is None or not self.lines[0].points:
            return False
        level, first = self.reference.at, float(self.lines[0].points.split(" ")[0].split(",")[1])
        return abs(self.lines[0].y - level) > abs(first - level)


@dataclass(frozen=True)
class Bar:
    """One value of a bar chart, with its 95 % interval where there is one."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True)
class DrawnBar:
    """A bar as it is drawn; `low` and `high` are the ends of the whisker."""

    label: str
    text: str
    y: float
    x: float
    width: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class BarChart:
    """Horizontal bars from a common zero."""

    bars: tuple[DrawnBar, ...]
    zero: float
    height: int
    width: int = WIDTH
    label_width: int = LABEL_WIDTH
    thickness: int = BAR


def line_chart(
    series: Sequence[Series],
    label: Label,
    *,
    axis: Label | None = None,
    reference: tuple[float, str] | None = None,
    marks: Sequence[tuple[date, str]] = (),
) -> LineChart | None:
    """Return lines over days; None for fewer than two days with a value.

    Args:
        series: The lines.
        label: Text of a value in the table.
        axis: Text of a value on the axis; without it as in the table.
        reference: A level with its text. It is drawn while within twice the highest value: above that it
            would press the lines to the floor.
        marks: Days of events on the first line, each with its text.
    """
    days = sorted({day for one in series for day, value in one.points if value is not None})
    if len(days) < 2:
        return None
    known = [{day: value for day, value in one.points if value is not None} for one in series]
    values = [value for one in known for value in one.values()]
    line = reference if reference is not None and reference[0] <= 2 * max(values) else None
    ticks = nice_ticks(min(values), max([*values, *([line[0]] if line else [])]))
    low, high = ticks[0], ticks[-1]
    across = {day: _across(day, days) for day in days}
    marked = [
        Line(text, "", across[day], _up(known[0][day], low, high))
        for day, text in marks
        if day in across and day in known[0]
    ]
    drawn = zip(series, known, strict=True)
    return LineChart(
        lines=tuple(_line(one.name, points, across, low, high) for one, points in drawn),
        days=tuple(Tick(across[day], f"{day:%Y-%m}") for day in _spread(days)),
        values=tuple(Tick(_up(value, low, high), (axis or label)(value)) for value in ticks),
        reference=None if line is None else Tick(_up(line[0], low, high), line[1]),
        marks=tuple(marked),
        rows=tuple((day, tuple(label(one[day]) if day in one else "" for one in known)) for day in days),
    )


def bar_chart(bars: Sequence[Bar], label: Label) -> BarChart | None:
    """Return horizontal bars in the order given; None without any.

    Args:
        bars: The values.
        label: Text of a value that brings none.
    """
    if not bars:
        return None
    ends = [0.0, *(end for bar in bars for end in (bar.value, bar.low, bar.high) if end is not None)]
    low, high = min(ends), max(ends)
    scale = (WIDTH - LABEL_WIDTH - VALUE_WIDTH) / (high - low or 1.0)

    def across(value: float) -> float:
        return LABEL_WIDTH + (value - low) * scale

    drawn = tuple(
        DrawnBar(
            bar.label,
            bar.text or label(bar.value),
            y=place * ROW + (ROW - BAR) / 2,
            x=across(min(bar.value, 0.0)),
            width=max(abs(bar.value) * scale, 1.0),
            low=None if bar.low is None else across(bar.low),
            high=None if bar.high is None else across(bar.high),
        )
        for place, bar in enumerate(bars)
    )
    return BarChart(drawn, across(0.0), len(bars) * ROW)


def nice_ticks(low: float, high: float) -> list[float]:
    """Return three to seven round values that hold both ends between them.

    >>> nice_ticks(0.0, 9.0), nice_ticks(104.0, 118.0)
    ([0.0, 5.0, 10.0], [100.0, 105.0, 110.0, 115.0, 120.0])
    """
    span = high - low or abs(high) or 1.0
    rough = span / MIN_TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = max(factor * power for factor in (1, 2, 5, 10) if factor * power <= rough * 1.000001 * 2)
    first, last = math.floor(low / step), math.ceil(high / step)
    last = max(last, first + 1)
    return [place * step for place in range(first, last + 1)]


def axis_text(value: float, language: Language) -> str:
    """Return a number short enough for an axis.

    >>> axis_text(1_500_000, "en"), axis_text(1_500_000, "zh"), axis_text(0.0, "en"), axis_text(300.0, "zh")
    ('1.5m', '150万', '0', '300')
    """
    for size, unit in UNITS[language]:
        if abs(value) >= size:
            return f"{value / size:,.4g}{unit}"
    return f"{value:,.4g}"


def _line(name: str, points: dict[date, float], across: dict[date, float], low: float, high: float) -> Line:
    places = [(across[day], _up(value, low, high)) for day, value in sorted(points.items())]
    x, y = places[-1] if places else (0.0, 0.0)
    return Line(name, " ".join(f"{one:.1f},{two:.1f}" for one, two in places), x, y)


def _spread(days: Sequence[date]) -> list[date]:
    """Return the days whose texts have room, the newest among them."""
    step = math.ceil(len(days) / MAX_DAYS_NAMED)
    return list(reversed(days[::-1][::step]))


def _across(day: date, days: Sequence[date]) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * (day - days[0]).days / (days[-1] - days[0]).days


def _up(value: float, low: float, high: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (high - value) / (high - low)
