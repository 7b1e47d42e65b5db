"""Summary of a registered version: verdict, number of cases, main numbers beside their baselines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from training.gates import CASES, Finding, explain

if TYPE_CHECKING:
    import pandas as pd

Metrics = Mapping[str, float]
LIST_METRIC: Final = re.compile(r"(map|recall)_at_\d+")
RULES: Final = {"popularity": "acquisition-popularity", "held_before": "held-before-then-acquisitions"}
CHANGES: Final = ("attrition", "closure", "outflow", "dip", "tier_upgrade")
LINE: Final = "distance-to-the-line"
BINS: Final = re.compile(r"reliability/(\d+)/(\w+)")
Row = dict[str, str | float | None]


@dataclass(frozen=True)
class Summary:
    """Summary of a version.

    Args:
        lines: Verdict and number of cases, in words.
        rows: Main numbers: metric, ours, and each simple rule that it has.
    """

    lines: tuple[str, ...]
    rows: tuple[Row, ...]


def summarise(metrics: Metrics, findings: Iterable[Finding]) -> Summary:
    """Return the summary of the metrics of a version and of what its gates found."""
    explained = explain(findings)
    verdict = "does not pass its gates" if explained else "passes its gates"
    cases = metrics.get(CASES)
    judged = "unknown" if cases is None else f"{cases:,.0f} customers who acquired something"
    lines = (f"verdict: {verdict}", *explained, f"judged on: {judged}")
    return Summary(lines, (*_lists(metrics), *_probabilities(metrics), *_changes(metrics)))


def reliability_metrics(table: pd.DataFrame) -> dict[str, float]:
    """Return the bins of a reliability table under names of metrics, so that the registry keeps them."""
    return {
        f"reliability/{row['bin']:02}/{name}": float(value)
        for row in table.to_dict("records")
        for name, value in row.items()
        if name != "bin"
    }


def reliability_bins(metrics: Metrics) -> list[dict[str, float]]:
    """Return expected and observed rate with its interval, by bin; none for a version from before them."""
    found: dict[int, dict[str, float]] = {}
    for name, value in sorted(metrics.items()):
        if part := BINS.fullmatch(name):
            found.setdefault(int(part[1]), {"bin": int(part[1])})[part[2]] = value
    return list(found.values())


def _lists(metrics: Metrics) -> Iterator[Row]:
    for name in sorted(filter(LIST_METRIC.fullmatch, metrics)):
        rivals = {rule: metrics.get(f"{source}/{name}") for rule, source in RULES.items()}
        yield _row(name.replace("_at_", "@"), metrics[name], **rivals)
    for rule in RULES:
        name = f"map-above-{rule.replace('_', '-')}"
        if name in metrics:
            ends = f" [{metrics.get(f'{name}/low', 0):.4f}, {metrics.get(f'{name}/high', 0):.4f}]"
            yield _row(f"map above {rule.replace('_', ' ')}{ends}", metrics[name])


def _probabilities(metrics: Metrics) -> Iterator[Row]:
    for name, shown in (
        ("auc", "auc"),
        ("calibration_ratio", "expected / observed"),
        ("calibration_slope", "slope"),
    ):
        if name in metrics:
            yield _row(shown if shown == name else f"calibration, {shown}", metrics[name])


def _changes(metrics: Metrics) -> Iterator[Row]:
    for change in CHANGES:
        if f"{change}/auc" in metrics:
            rule = metrics.get(f"{LINE}/{change}/auc")
            yield _row(f"{change.replace('_', ' ')}, auc", metrics[f"{change}/auc"], distance_to_line=rule)


def _row(metric: str, ours: float, **rules: float | None) -> Row:
    columns = (*RULES, "distance_to_line")
    return {"metric": metric, "ours": ours, **{rule: rules.get(rule) for rule in columns}}
