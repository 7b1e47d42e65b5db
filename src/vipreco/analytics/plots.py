"""A plot of each table of an analysis."""

from __future__ import annotations

from typing import Any, Final

import matplotlib as mpl
import numpy as np
import polars as pl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from vipreco.analytics.answers import DIMENSIONS
from vipreco.analytics.outcomes import OUTCOME_DIMENSIONS
from vipreco.documents import CHART_COLOURS, CHART_STYLE

MAX_BARS = 30
MAX_PRODUCTS = 24
STYLE: Any = {**CHART_STYLE, "figure.dpi": 120, "font.sans-serif": ["Noto Sans CJK SC", "DejaVu Sans"]}
LABELS: Final = {
    "funnel": ("pairs of customer and product", "stage: reason"),
    "reasons": ("expected value of the offers", "first reason"),
    "sensitivity": ("customers whose first offer changes", "factor left out"),
}


def plot(topic: str, rows: pl.DataFrame) -> Figure:
    """Return the plot of a table of `TOPICS`, or of acceptance by one of its dimensions."""
    with mpl.rc_context(STYLE):
        if topic == "products":
            return _duels(rows)
        if topic == "answers":
            return _factors(rows)
        by = topic.removeprefix("outcomes by ")
        if by in DIMENSIONS or by in OUTCOME_DIMENSIONS:
            return _acceptance(by, rows)
        return _bars(topic, rows)


def _bars(topic: str, rows: pl.DataFrame) -> Figure:
    across, upwards = LABELS[topic]
    shown = rows.head(MAX_BARS)
    if topic == "funnel":
        names = [f"{stage}: {reason}" for stage, reason in shown.select("stage", "reason_code").iter_rows()]
        lengths = shown["pairs"].to_numpy()
    elif topic == "reasons":
        names, lengths = shown["reason_id"].to_list(), shown["value_amount"].to_numpy()
    else:
        names, lengths = shown["left_out"].to_list(), shown["changed_offer_rate"].fill_null(0.0).to_numpy()
    figure, axes = _figure(8.0, 1.2 + 0.26 * max(len(names), 2))
    axes.barh(np.arange(len(names)), lengths, color=CHART_COLOURS[0])
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    if topic == "sensitivity":
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel=across, ylabel=upwards)
    return figure


def _factors(rows: pl.DataFrame) -> Figure:
    """Return a point with its limits for each term, on a scale on which halves and doubles are alike."""
    names = [f"{term} {group}".strip() for term, group in rows.select("term", "group").iter_rows()]
    value, low, high = (rows[name].to_numpy() for name in ("odds_factor", "low", "high"))
    figure, axes = _figure(8.0, 1.2 + 0.26 * max(len(names), 2))
    axes.errorbar(
        value, np.arange(len(names)), xerr=[value - low, high - value], fmt="o", color=CHART_COLOURS[0]
    )
    axes.axvline(1.0, color="#888888", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(lambda number, _: f"{number:g}")
    axes.xaxis.set_minor_formatter(lambda number, _: f"{number:g}")
    axes.set_yticks(np.arange(len(names)), names)
    axes.invert_yaxis()
    axes.set(xlabel="odds of a yes, times those that were told", ylabel="term")
    return figure


def _acceptance(by: str, rows: pl.DataFrame) -> Figure:
    """Return rates with limits, by name; hollow where fewer answers than a rate needs."""
    shown = rows.filter(pl.col("answers") > 0).head(MAX_BARS)
    figure, axes = _figure(8.0, 1.2 + 0.26 * max(shown.height, 2))
    for place, row in enumerate(shown.to_dicts()):
        error = [[row["accepted_rate"] - row["low"]], [row["high"] - row["accepted_rate"]]]
        face = "white" if row["few"] else CHART_COLOURS[0]
        axes.errorbar(
            row["accepted_rate"], place, xerr=np.clip(error, 0, None), fmt="o", color=CHART_COLOURS[0],
            markerfacecolor=face, markersize=5, capsize=2,
        )  # fmt: skip
    names = [f"{row[by] or 'none'} ({row['answers']:,})" for row in shown.to_dicts()]
    axes.set_yticks(np.arange(shown.height), names)
    axes.invert_yaxis()
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set(xlabel="answers that were a yes, 95 % limits (hollow: fewer than 30)", ylabel=f"{by} (answers)")
    return figure


def _duels(rows: pl.DataFrame) -> Figure:
    """Return a grid of win rates, of the products that are first oftenest."""
    wins = (
        rows.group_by("product_id")
        .agg(pl.col("wins").sum())
        .sort("wins", "product_id", descending=[True, False])
    )
    ids = wins["product_id"].head(MAX_PRODUCTS).to_list()
    grid = np.full((len(ids), len(ids)), np.nan)
    place = {product: number for number, product in enumerate(ids)}
    for product, other, rate in rows.select("product_id", "other_id", "win_rate").iter_rows():
        if product in place and other in place:
            grid[place[product], place[other]] = rate
    size = 2.5 + 0.27 * max(len(ids), 2)
    figure, axes = _figure(size + 1, size)
    image = axes.imshow(grid, cmap="RdBu", vmin=0, vmax=1)
    axes.set_xticks(np.arange(len(ids)), ids, rotation=90)
    axes.set_yticks(np.arange(len(ids)), ids)
    axes.grid(visible=False)
    figure.colorbar(image, ax=axes, format=PercentFormatter(1.0), label="first offer, of both")
    axes.set(xlabel="against", ylabel="product")
    return figure


def _figure(width: float, height: float) -> tuple[Figure, Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()
