"""Plots of the monitoring report, as data URIs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.ticker import PercentFormatter

from vipreco.documents import CHART_COLOURS, CHART_STYLE, chart_axes, chart_uri
from vipreco.monitoring.findings import MonitoringResult
from vipreco.monitoring.limits import MonitoringSettings
from vipreco.monitoring.matured_labels import cusum
from vipreco.monitoring.moves import shifts_between, tolerance_of
from vipreco.monitoring.snapshot_facts import ALL, OFFER, RULE, SnapshotFacts, name_of
from vipreco.stats import poisson_limits

STYLE: Final[Any] = {**CHART_STYLE, "font.size": 9}
SHOWN_SHIFTS, SHOWN_RULES = 20, 6


def calibration_plot(facts: Sequence[SnapshotFacts]) -> str:
    """Return observed by expected acquisitions of each matured month; empty without any."""
    months = [each for each in facts if ALL in each.matured and each.matured[ALL].expected > 0]
    if not months:
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = chart_axes(6.0, 2.6)
        expected = np.array([month.matured[ALL].expected for month in months])
        observed = np.array([month.matured[ALL].observed for month in months])
        low, high = (limit / expected for limit in poisson_limits(observed))
        value = observed / expected
        axes.axhline(1.0, color="black", linewidth=0.8, linestyle="--")
        error = [value - low, high - value]
        days = [str(month.day) for month in months]
        axes.errorbar(days, value, yerr=error, fmt="o-", color=CHART_COLOURS[0], capsize=2, linewidth=1)
        axes.set(ylabel="observed / expected", xlabel="as-of date of the matured month")
        axes.tick_params(axis="x", rotation=30)
        return chart_uri(figure)


def cusum_plot(facts: Sequence[SnapshotFacts], settings: MonitoringSettings) -> str:
    """Return the running sums with their limit; empty without matured months."""
    months = [each for each in facts if ALL in each.matured]
    if not months:
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = chart_axes(6.0, 2.6)
        days = [str(month.day) for month in months]
        few, many = zip(*cusum(months, settings), strict=True)
        axes.plot(days, few, "o-", color=CHART_COLOURS[1], label="fewer than expected", linewidth=1)
        axes.plot(days, many, "s-", color=CHART_COLOURS[0], label="more than expected", linewidth=1)
        axes.axhline(settings.cusum_limit, color="black", linewidth=0.8, linestyle="--", label="limit")
        axes.set(ylabel="running sum, standard errors", xlabel="as-of date of the matured month")
        axes.tick_params(axis="x", rotation=30)
        axes.legend(frameon=False, loc="upper left")
        return chart_uri(figure)


def shift_plot(result: MonitoringResult, settings: MonitoringSettings) -> str:
    """Return the largest shifts since the month before beside what is tolerated; empty without a month."""
    counted = [facts for facts in result.facts if facts.columns]
    if len(counted) < 2:
        return ""
    found = shifts_between(counted[-1], counted[-2], settings).shifts
    largest = sorted(found, key=lambda each: -found[each].effect / tolerance_of(each, settings))
    chosen = largest[:SHOWN_SHIFTS][::-1]
    if not chosen:
        return ""
    with mpl.rc_context(STYLE):
        figure, axes = chart_axes(6.0, 0.6 + 0.22 * len(chosen))
        sizes = [found[each].effect / tolerance_of(each, settings) for each in chosen]
        colours = [CHART_COLOURS[1] if size >= 1 else CHART_COLOURS[7] for size in sizes]
        axes.barh([name_of(each)[:48] for each in chosen], sizes, color=colours)
        axes.axvline(1.0, color="black", linewidth=0.8, linestyle="--")
        axes.set(xlabel="shift since the month before / tolerated shift")
        return chart_uri(figure)


def offer_plot(facts: Sequence[SnapshotFacts]) -> str:
    """Return coverage and the rules that stop most, by snapshot; empty without decisions."""
    counted = [each for each in facts if f"{OFFER}/customers with an offer" in each.rates]
    if not counted:
        return ""
    stopped = {name: rate.share for name, rate in counted[-1].rates.items() if name.startswith(f"{RULE}/")}
    rules = sorted(stopped, key=lambda name: -stopped[name])[:SHOWN_RULES]
    with mpl.rc_context(STYLE):
        figure, axes = chart_axes(6.0, 3.0)
        days = [str(each.day) for each in counted]
        for name, colour in zip([f"{OFFER}/customers with an offer", *rules], CHART_COLOURS, strict=False):
            shares = [each.rates[name].share if name in each.rates else np.nan for each in counted]
            axes.plot(days, shares, "o-", color=colour, label=name_of(name), linewidth=1, markersize=4)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.set(ylabel="share of customers; of pairs for rules", ylim=(0, None))
        axes.tick_params(axis="x", rotation=30)
        axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1.0, 0.5))
        return chart_uri(figure)
