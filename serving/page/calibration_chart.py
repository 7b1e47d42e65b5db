"""Calibration of a model as a chart: expected against observed rates, both on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

SIDE, LEFT, RIGHT, TOP, BOTTOM = 320, 56, 12, 12, 40
LOWEST: Final = 1e-5
"""Rates below it, and bins in which nobody acquired anything, are drawn at it."""


@dataclass(frozen=True)
class Point:
    """A bin as it is drawn, with the interval of its observed rate, and its numbers as texts."""

    x: float
    y: float
    low: float
    high: float
    texts: tuple[str, ...]


@dataclass(frozen=True)
class CalibrationChart:
    """Bins beside the diagonal on which expected and observed rates agree.

    Args:
        points: The bins.
        ticks: Place across, place up, and text of each rate that both axes name.
    """

    points: tuple[Point, ...]
    ticks: tuple[tuple[float, float, str], ...]
    side: int = SIDE
    left: int = LEFT
    right: int = SIDE - RIGHT
    top: int = TOP
    floor: int = SIDE - BOTTOM


def calibration_chart(bins: Sequence[Mapping[str, float]]) -> CalibrationChart | None:
    """Return the chart of a reliability table; None without any bin."""
    if not bins:
        return None
    rates = [max(row[name], LOWEST) for row in bins for name in ("expected_rate", "observed_rate", "high")]
    first = math.floor(math.log10(min(rates)))
    last = max(math.ceil(math.log10(max(rates))), first + 1)

    def place(rate: float) -> float:
        return (math.log10(max(rate, 10.0**first)) - first) / (last - first)

    points = tuple(
        Point(
            x=_across(place(row["expected_rate"])),
            y=_up(place(row["observed_rate"])),
            low=_up(place(row["low"])),
            high=_up(place(row["high"])),
            texts=_texts(row),
        )
        for row in bins
    )
    powers = [10.0**power for power in range(first, last + 1)]
    ticks = tuple((_across(place(rate)), _up(place(rate)), f"{100 * rate:.4g} %") for rate in powers)
    return CalibrationChart(points, ticks)


def _across(place: float) -> float:
    """Return where a place from 0 to 1 is on the lower axis."""
    return LEFT + place * (SIDE - RIGHT - LEFT)


def _up(place: float) -> float:
    """Return where a place from 0 to 1 is on the axis at the left."""
    return SIDE - BOTTOM - place * (SIDE - BOTTOM - TOP)


def _texts(row: Mapping[str, float]) -> tuple[str, ...]:
    interval = f"[{row['low']:.3%}, {row['high']:.3%}]"
    return (f"{row['rows']:,.0f}", f"{row['expected_rate']:.3%}", f"{row['observed_rate']:.3%}", interval)
