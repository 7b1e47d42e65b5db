"""The report as one HTML page that needs nothing else: no script, no file beside it, no request."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from vipreco.campaign.report import charts
from vipreco.campaign.report.measures import Measures
from vipreco.campaign.report.report_text import Group, ReportText, count, points, rate


def html(words: ReportText, measures: Measures) -> str:
    """Return the report as a page."""
    scale = charts.Scale.of([end for one in words.groups for end in (one.low, one.high) if end is not None])
    listed = max((customers for _, customers, _ in words.funnel), default=0)

    def interval(one: Group) -> Markup:
        if one.lift is None or one.low is None or one.high is None:
            return Markup("")
        return Markup(charts.interval(scale, one.lift, one.low, one.high))  # noqa: S704  numbers alone

    return _template().render(
        words=words,
        say=words.say,
        language=words.say.language,
        count=count,
        rate=rate,
        points=points,
        interval=interval,
        width=lambda customers: round(100 * customers / listed, 1) if listed else 0,
        calibration=charts.calibration(measures.forecast.table),
        curve=charts.curve(measures.curve),
    )


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    source = files("vipreco.campaign.report") / "page.html"
    return environment.from_string(source.read_text(encoding="utf-8"))
