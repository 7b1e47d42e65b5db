"""Colours and style of all charts: of a backtest, of a campaign report, and of the experiments."""

from __future__ import annotations

from typing import Any

CHART_COLOURS = (
    "#1f5fa8", "#d1662b", "#4f8f4b", "#7d5ba6", "#b8860b", "#2a9d9d", "#c2477f", "#8a8a8a", "#111111"
)  # fmt: skip
CHART_STYLE: dict[str, Any] = {
    "font.size": 10,
    "font.family": "DejaVu Sans",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "svg.hashsalt": "vipreco",
    "svg.fonttype": "path",
}
"""Parameters of matplotlib; the salt makes the ids inside an SVG the same each time."""
