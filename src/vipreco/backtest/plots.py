"""Figures of a backtest, drawn without a display and saved byte for byte the same each time."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from vipreco.documents import CHART_COLOURS, CHART_STYLE
from vipreco.durable import write_bytes
from vipreco.stats import poisson_limits

EXPECTED_BY_OBSERVED = "expected / observed acquisitions"
WIDEST, RATIOS = 3.0, (0.4, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5)
STYLE: Any = {**CHART_STYLE, "figure.dpi": 120}


def reliability_diagram(tables: Mapping[str, pd.DataFrame], title: str = "Reliability") -> Figure:
    """Observed against expected rate, with 95 % intervals; on the diagonal the propensities are true.

    Args:
        tables: Name -> `calibration.reliability_table`.
        title: Shown above.
    """
    figure, axes = _figure(5.6, 5.2)
    for (name, table), colour in zip(tables.items(), _colours(tables), strict=True):
        _points(axes, table, name, colour)
    _equal_scales(axes, list(tables.values()))
    axes.set(xlabel="expected rate of acquisitions", ylabel="observed rate of acquisitions", title=title)
    axes.legend(frameon=False, loc="upper left")
    return figure


def decile_chart(tables: Mapping[str, pd.DataFrame], title: str = "Acquisition rate by decile") -> Figure:
    """Rate of each tenth of the rows over the overall rate, best tenth first.

    Args:
        tables: Model -> `stats.rate_by_decile`; baselines beside the model.
        title: Shown above.
    """
    figure, axes = _figure(7.2, 4.2)
    width = 0.8 / max(len(tables), 1)
    for number, ((name, table), colour) in enumerate(zip(tables.items(), _colours(tables), strict=True)):
        place = table["group"] + (number - (len(tables) - 1) / 2) * width
        axes.bar(place, table["ratio"], width * 0.92, label=name, color=colour)
    axes.axhline(1.0, color="black", linewidth=0.8, linestyle="--", label="no skill")
    axes.grid(visible=False, axis="x")
    axes.set_xticks(sorted({group for table in tables.values() for group in table["group"]}))
    axes.set(
        xlabel="tenth of all (customer, product) pairs, highest chance first",
        ylabel="observed rate / overall rate",
        title=title,
    )
    axes.legend(frameon=False)
    return figure


def quality_by_model(frame: pd.DataFrame, metric: str, title: str = "") -> Figure:
    """One metric of all models with its intervals, one panel row a slice.

    Args:
        frame: From `report.evaluate`.
        metric: Such as "map@7".
        title: Shown above.
    """
    chosen = frame[(frame["metric"] == metric) & frame["value"].notna()]
    slices, models = (list(dict.fromkeys(chosen[column])) for column in ("slice", "model"))
    figure, axes = _figure(7.2, 1.4 + 0.13 * len(slices) * (len(models) + 1.5))
    for (model, rows), colour in zip(chosen.groupby("model", sort=False), _colours(models), strict=True):
        offset = (models.index(str(model)) + 1) / (len(models) + 1) - 0.5
        place = np.array([slices.index(one) for one in rows["slice"]]) + offset
        bars = _error_bars(rows)
        axes.errorbar(rows["value"], place, xerr=bars, fmt="o", color=colour, label=str(model), markersize=4)
    _slice_axis(axes, chosen, slices)
    axes.set(xlabel=f"{metric}, 95 % interval over customers", title=title or f"{metric} by model")
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def product_calibration(table: pd.DataFrame, title: str = "Calibration by product") -> Figure:
    """Expected by observed acquisitions of each product, with 95 % intervals; the band is 0.8 to 1.25.

    Products without an expected or an observed acquisition are left out.

    Args:
        table: From `calibration.calibration_by_product`.
        title: Shown above.
    """
    known = (table["expected"] > 0) & (table["observed"] > 0)
    shown = table[known].sort_values("observed", kind="stable")
    figure, axes = _figure(7.2, 1.4 + 0.24 * len(shown))
    axes.axvspan(0.8, 1.25, color="#e8f0e6", zorder=0)
    axes.axvline(1.0, color="black", linewidth=0.8)
    ratio, error = _expected_ratio(shown)
    axes.errorbar(
        ratio, range(len(shown)), xerr=error, fmt="o", color=CHART_COLOURS[0], markersize=4, capsize=2
    )
    counts = zip(shown.index, shown["observed"], strict=True)
    axes.set_yticks(range(len(shown)), [f"{product} ({int(count):,})" for product, count in counts])
    axes.set_ylim(-0.6, len(shown) - 0.4)
    axes.set_xscale("log")
    axes.set_xlim(1 / WIDEST, WIDEST)
    axes.set_xticks(RATIOS, [f"{one:g}" for one in RATIOS])
    axes.minorticks_off()
    axes.set(xlabel=EXPECTED_BY_OBSERVED, ylabel="product (observed)", title=title)
    return figure


def metrics_over_time(
    months: Mapping[str, Mapping[str, float]],
    names: Mapping[str, str],
    label: str,
    limits: tuple[float, float],
) -> Figure:
    """Ranking of each judged date beside the simple rules, and below it the sum of the chances.

    Args:
        months: By judged date, its metrics by name.
        names: Metric -> model, of the lines above.
        label: What they measure.
        limits: Lowest and highest sum that the gates let pass.
    """
    figure, (above, below) = _panels(7.2, 5.0)
    days = list(months)
    for (metric, model), colour in zip(names.items(), _colours(names), strict=True):
        values = [months[day].get(metric, np.nan) for day in days]
        above.plot(days, values, "o-", color=colour, label=model, markersize=4, linewidth=1.2)
    above.set(ylabel=label, title="Judged dates, one after the other")
    above.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    sums = [months[day].get("calibration_ratio", np.nan) for day in days]
    below.axhspan(*limits, color="#e8f0e6", zorder=0, label="limits of the gates")
    below.axhline(1.0, color="black", linewidth=0.8)
    below.plot(days, sums, "o-", color=CHART_COLOURS[0], label="vipreco", markersize=4, linewidth=1.2)
    below.set(ylabel=EXPECTED_BY_OBSERVED, xlabel="as-of date that is judged")
    below.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def importance_bars(shares: Mapping[str, Mapping[str, float]]) -> Figure:
    """Share of the gain of each model's trees by family of features, one panel a model.

    Args:
        shares: Model -> family -> share, the families in one order.
    """
    families = list(next(iter(shares.values())))
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(1.6 + 1.7 * len(shares), 1.2 + 0.26 * len(families)), layout="constrained")
        FigureCanvasAgg(figure)
        panels = np.atleast_1d(figure.subplots(1, len(shares), sharey=True))
    for axes, (model, own), colour in zip(panels, shares.items(), _colours(shares), strict=True):
        axes.barh(families, [own[family] for family in families], color=colour)
        axes.set_title(model, fontsize=9)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.grid(visible=False, axis="y")
    panels[0].invert_yaxis()
    figure.supxlabel("share of the gain of the trees", fontsize=9)
    return figure


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG by the ending of `path`; the same figure gives the same bytes.

    Raises:
        ValueError: Another ending.
        ResourcesError: The disk is full.
    """
    metadata = {".png": {"Software": None}, ".svg": {"Date": None, "Creator": None}}
    if path.suffix not in metadata:
        raise ValueError(f"a figure is saved as .png or .svg, not {path.suffix!r}")
    content = BytesIO()
    with mpl.rc_context(STYLE):
        figure.savefig(content, format=path.suffix[1:], metadata=metadata[path.suffix], bbox_inches="tight")
    write_bytes(path, content.getvalue())


def _figure(width: float, height: float) -> tuple[Figure, Axes]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        return figure, figure.add_subplot()


def _panels(width: float, height: float) -> tuple[Figure, tuple[Axes, Axes]]:
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(figure)
        above, below = figure.subplots(2, 1, sharex=True)
    return figure, (above, below)


def _colours(names: Any) -> list[str]:
    return [CHART_COLOURS[number % len(CHART_COLOURS)] for number in range(len(names))]


def _points(axes: Axes, table: pd.DataFrame, name: str, colour: str) -> None:
    error = [table["observed_rate"] - table["low"], table["high"] - table["observed_rate"]]
    axes.errorbar(
        table["expected_rate"], table["observed_rate"], yerr=np.clip(error, 0, None), fmt="o-", color=colour,
        label=name, capsize=2, markersize=4, linewidth=1.2,
    )  # fmt: skip


def _equal_scales(axes: Axes, tables: list[pd.DataFrame]) -> None:
    # a table may have no rows: nobody was observed, or no product could be acquired
    shown = [table[["expected_rate", "high"]].to_numpy(np.float64).ravel() for table in tables]
    values = np.concatenate([np.zeros(0), *shown])
    highest = float(np.max(values[np.isfinite(values)], initial=0.0))
    top = 1.05 * highest if highest > 0 else 1.0
    axes.plot([0, top], [0, top], color="black", linewidth=0.8, linestyle="--", label="perfect")
    axes.set(xlim=(0, top), ylim=(0, top), aspect="equal")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1.0))


def _expected_ratio(table: pd.DataFrame) -> tuple[Any, Any]:
    """Ratio and the lengths of its error bars: exact Poisson limits of the observed count (Garwood, 1936)."""
    observed, expected = (table[column].to_numpy(dtype=np.float64) for column in ("observed", "expected"))
    low, high = poisson_limits(observed)
    ratio = expected / observed
    return ratio, np.array([ratio - expected / high, expected / low - ratio])


def _error_bars(rows: pd.DataFrame) -> Any:
    # A percentile interval of few resamples may leave its own value out.
    bars = np.array([rows["value"] - rows["low"], rows["high"] - rows["value"]])
    return np.clip(np.nan_to_num(bars), 0.0, None)


def _slice_axis(axes: Axes, chosen: pd.DataFrame, slices: list[str]) -> None:
    customers = chosen.groupby("slice")["customers"].max()
    axes.set_yticks(range(len(slices)), [f"{name}\n({int(customers[name]):,} customers)" for name in slices])
    axes.set_ylim(len(slices) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    for edge in range(1, len(slices)):
        axes.axhline(edge - 0.5, color="#cccccc", linewidth=0.8)
