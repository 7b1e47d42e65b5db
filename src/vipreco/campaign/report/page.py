"""The report as one HTML page that needs nothing else: no script, no file beside it, no request."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from vipreco.campaign.report import pictures
from vipreco.campaign.report.measuring import Measured
from vipreco.campaign.report.telling import Group, Told, count, points, rate


def html(told: Told, measured: Measured) -> str:
    """Return the report as a page."""
    scale = pictures.Scale.of([end for one in told.groups for end in (one.low, one.high) if end is not None])
    listed = max((customers for _, customers, _ in told.funnel), default=0)

    def interval(one: Group) -> Markup:
        if one.lift is None or one.low is None or one.high is None:
            return Markup("")
        return Markup(pictures.interval(scale, one.lift, one.low, one.high))  # noqa: S704  numbers alone

    return _template().render(
        told=told,
        say=told.say,
        language=told.say.language,
        count=count,
        rate=rate,
        points=points,
        interval=interval,
        width=lambda customers: round(100 * customers / listed, 1) if listed else 0,
        calibration=pictures.calibration(measured.promised.table),
        curve=pictures.curve(measured.curve),
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    source = files("vipreco.campaign.report") / "page.html"
    return environment.from_string(source.read_text(encoding="utf-8"))
