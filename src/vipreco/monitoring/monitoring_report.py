"""The monitoring report as one HTML page that needs nothing else: no script, no other file, no request."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template

from vipreco.monitoring import report_plots
from vipreco.monitoring.findings import MonitoringResult
from vipreco.monitoring.limits import MonitoringSettings
from vipreco.monitoring.snapshot_facts import ALL


def report_page(result: MonitoringResult, settings: MonitoringSettings) -> str:
    """Return a result as a page: findings, plots, expected and observed acquisitions by group."""
    matured = [facts for facts in result.facts if ALL in facts.matured]
    groups = sorted(matured[-1].matured.items()) if matured else []
    judged = next(facts for facts in result.facts if facts.day == result.day)
    plots = (
        ("Observed by expected acquisitions, 95 % intervals", report_plots.calibration_plot(result.facts)),
        ("Running sum of the distances (CUSUM)", report_plots.cusum_plot(result.facts, settings)),
        ("Largest shifts (assumes no concept drift)", report_plots.shift_plot(result, settings)),
        ("Coverage, and what the rules stop", report_plots.offer_plot(result.facts)),
    )
    return _template().render(
        result=result,
        customers=f"{judged.customers:,}",
        headline=headline(result),
        plots=plots,
        groups=[
            (name, each.expected, each.observed, each.observed / each.expected if each.expected else 0.0)
            for name, each in groups
        ],
        matured_day=matured[-1].day if matured else "",
    )


def headline(result: MonitoringResult) -> str:
    """Return the result in one line."""
    count, waiting = len(result.alarms), sum(each.severity == "watch" for each in result.findings)
    alarms = "no alarm" if not count else "1 alarm" if count == 1 else f"{count} alarms"
    return f"{alarms}; {waiting} to watch: seen once, an alarm if it stands next month"


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    source = files("vipreco.monitoring") / "report_page.html"
    return environment.from_string(source.read_text(encoding="utf-8"))
