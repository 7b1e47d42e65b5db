"""Charts of a report: intervals as inline SVG in rows of a table; plots without words as data URIs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import polars as pl
from matplotlib.ticker import PercentFormatter

from vipreco.documents import CHART_COLOURS, CHART_STYLE, chart_axes, chart_uri

INK, GREY = CHART_COLOURS[0], CHART_COLOURS[7]
STYLE: Any = {**CHART_STYLE, "font.size": 9}
SIZE = (3.5, 2.5)
WIDTH, HEIGHT = 220, 18
MARGIN = 0.05


@dataclass(frozen=True)
class Scale:
    """The common scale of intervals below one another; it always holds 0."""

    low: float
    high: float

    @classmethod
    def of(cls, ends: Sequence[float]) -> Scale:
        """Return a scale that holds all ends."""
        low, high = min([0.0, *ends]), max([0.0, *ends])
        room = (high - low or 1.0) * MARGIN
        return cls(low - room, high + room)

    def place(self, value: float) -> float:
        """Return where a value stands, in pixels from the left."""
        return round((value - self.low) / (self.high - self.low) * WIDTH, 1)


def interval(scale: Scale, value: float, low: float, high: float) -> str:
    """Return one interval as SVG, with a line at 0; bold where 0 is outside."""
    zero, middle = scale.place(0), HEIGHT / 2
    colour = INK if low > 0 or high < 0 else GREY
    return (
        f'<svg class="interval" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f'<line x1="{zero}" y1="0" x2="{zero}" y2="{HEIGHT}" stroke="#999" stroke-dasharray="2 2"/>'
        f'<line x1="{scale.place(low)}" y1="{middle}" x2="{scale.place(high)}" y2="{middle}" '
        f'stroke="{colour}" stroke-width="3"/>'
        f'<circle cx="{scale.place(value)}" cy="{middle}" r="4.5" fill="{colour}"/></svg>'
    )


def calibration(table: pl.DataFrame) -> str:
    """Return forecast against observed rates with intervals as a data URI; empty without any group."""
    if table.is_empty():
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = chart_axes(*SIZE)
        rows = table.to_dicts()
        top = 1.05 * max(max(row["expected_rate"], row["high"]) for row in rows)
        axes.plot([0, top], [0, top], color="black", linewidth=0.8, linestyle="--")
        error = [[row["rate"] - row["low"] for row in rows], [row["high"] - row["rate"] for row in rows]]
        forecast, rates = ([row[name] for row in rows] for name in ("expected_rate", "rate"))
        axes.errorbar(forecast, rates, yerr=error, fmt="o-", color=INK, capsize=2, markersize=4, linewidth=1)
        axes.set(xlim=(0, None), ylim=(0, top))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0))
        return chart_uri(figure)


def curve(table: pl.DataFrame) -> str:
    """Return a Qini curve beside the random line as a data URI; empty without points."""
    if table.is_empty():
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = chart_axes(*SIZE)
        axes.plot(table["share"], table["random"], color="black", linewidth=0.8, linestyle="--")
        axes.plot(table["share"], table["qini"], color=INK, linewidth=1.5)
        axes.set(xlim=(0, 1))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        return chart_uri(figure)
