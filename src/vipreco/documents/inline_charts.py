"""Charts as data URIs, for pages that need no other file."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure


def chart_axes(width: float, height: float) -> tuple[Figure, Any]:
    """Return a figure of so many inches, drawn without a display, and its axes."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasSVG(figure)
    return figure, figure.add_subplot()


def chart_uri(figure: Figure) -> str:
    """Return a figure as SVG in a data URI, byte for byte the same each time."""
    content = BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None, "Creator": None})
    return f"data:image/svg+xml;base64,{base64.b64encode(content.getvalue()).decode()}"
