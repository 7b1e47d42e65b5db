"""The validation report of a version: one HTML file with its plots, in the order of supervisors."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from training.approval import Approval, approvals
from training.fairness import NOT_JUDGED
from training.model_card import fold_table, judged_on, main_numbers
from training.registry import Registry, Version, use
from training.result import SECTIONS, CardInputs, Record
from training.storage import REPORT_FILE
from training.verdict import Verdict, make_verdict
from vipreco.errors import UsageError
from vipreco.project import Project

TEMPLATE: Final = "report.html.j2"
PLACE: Final = "<!-- decisions -->"
CHANGED: Final = "first-offers-changed"
OVERLAY: Final = "recommender.arbitration."
NUMBERS: Final = re.compile(r"[-+]?\d[\d.,]*(?: ?%)?(?: \[[-+\d., %]+\])?")
CAPTIONS: Final = {
    "quality": "Ranking beside simple rules, 95 % intervals over customers",
    "over-time": "Each judged date: ranking beside simple rules, and expected / observed acquisitions",
    "reliability": "Expected and observed rate of acquisitions, in bins of equal size",
    "calibration-by-product": "Expected / observed acquisitions of each product, 95 % intervals",
    "deciles": "Observed rate of acquisitions by tenth of the pairs, over the overall rate",
    "importance": "Share of the gain of the trees by family of features; the prior below them is not counted",
}


def render_report(record: Record, card: CardInputs, plots: Mapping[str, bytes], purpose: str = "") -> str:
    """Return the report as one HTML page; it names no customer and loads nothing.

    Args:
        record: What was trained.
        card: What only the fit knows.
        plots: PNG by name.
        purpose: Of the recipe.
    """
    folder = Path(__file__).parent
    environment = Environment(loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined)
    verdict = make_verdict(record)
    return environment.get_template(TEMPLATE).render(
        record=record,
        card=card,
        verdict=verdict,
        purpose=purpose,
        day=datetime.fromtimestamp(record.ended_ms / 1000, UTC).date(),
        judged=judged_on(record),
        main=html_table(*main_numbers(record)),
        hashes=_hashes(record),
        folds=html_table(*fold_table(record)),
        tables={name: tuple(one for one in card.tables if one.section == name) for name in SECTIONS},
        bounds=_bounds(verdict),
        findings=[bound for bound in verdict.bounds if not bound.passed],
        changed=record.summary_metrics.get(CHANGED),
        parameters=[(n, v) for n, v in record.parameters.items() if not n.startswith(OVERLAY)],
        overlays=[(n, v) for n, v in record.parameters.items() if n.startswith(OVERLAY)],
        table=html_table,
        markdown=html_of_markdown,
        coded=coded,
        not_judged=NOT_JUDGED,
        figure=partial(_figure, plots),
    )


def report_of(project: Project, reference: str) -> str:
    """Return the report of a registered version, with all decisions about it until now.

    Raises:
        UsageError: No such version, or it was trained before there were reports.
        DependencyDownError: The registry does not answer.
    """

    def read(registry: Registry) -> tuple[Version, str]:
        found = registry.version(reference)
        return found, registry.text_of(found, f"training/{REPORT_FILE}")

    found, page = use(project, read)
    if not page:
        raise UsageError(
            f"version {found.version} was trained before there were reports",
            remedy="`vipreco retrain` makes a report of every challenger",
            code="no-report",
        )
    return with_decisions(page, approvals(project, found))


def with_decisions(page: str, decisions: Sequence[Approval]) -> str:
    """Return the report with the decisions about its version, as the audit has them."""
    rows = [(one.at, one.actor, one.action, one.result, one.verdict_hash[:16]) for one in decisions]
    told = html_table(("at (UTC)", "who", "decision", "result", "verdict"), rows)
    return page.replace(PLACE, str(told) if rows else "<p>Nobody has decided about it yet.</p>", 1)


def html_table(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return an HTML table; numbers have four digits and stand on the right."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in columns)
    body = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in rows)
    return Markup(f"<table><tr>{head}</tr>{body}</table>")  # noqa: S704 - every cell is escaped


def html_of_markdown(text: str) -> Markup:
    """Return the headings and tables of a Markdown text of ours as HTML."""
    parts: list[str] = []
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split(" | ")])
            continue
        if rows:
            parts.append(str(html_table([cell.strip("| ") for cell in rows[0]], map(_plain, rows[2:]))))
            rows = []
        if line.startswith("#"):
            parts.append(f"<h3>{html.escape(line.strip('# '))}</h3>")
    return Markup("".join(parts))  # noqa: S704 - every cell and heading is escaped


def coded(sentence: str) -> Markup:
    """Return a sentence as HTML; what stands between backticks is code."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(sentence)))  # noqa: S704 - escaped


def _plain(row: Sequence[str]) -> list[str]:
    return [cell.replace("**", "").strip("| ") for cell in row]


def _cell(value: Any) -> str:
    if value is None:
        return "<td>-</td>"
    if isinstance(value, float):
        return f'<td class="number">{value:.4g}</td>'
    if isinstance(value, str) and NUMBERS.fullmatch(value):
        return f'<td class="number">{html.escape(value)}</td>'
    kind = ' class="number"' if isinstance(value, int) and not isinstance(value, bool) else ""
    return f"<td{kind}>{html.escape(f'{value:,}' if kind else str(value))}</td>"


def _hashes(record: Record) -> list[tuple[str, str]]:
    return [
        ("artifact", record.artifact_hash),
        ("tables", record.snapshot_id),
        ("feature definitions", record.feature_fingerprint),
    ]


def _bounds(verdict: Verdict) -> Markup:
    rows = [
        (
            "passed" if bound.passed else "undecided" if bound.undecided else "NOT passed",
            bound.sentence,
            bound.detail,
        )
        for bound in verdict.bounds
    ]
    return html_table(("gate", "found and needed", "behind it"), rows)


def _figure(plots: Mapping[str, bytes], name: str) -> Markup:
    if name not in plots:
        return Markup("")
    data = base64.b64encode(plots[name]).decode()
    caption = html.escape(CAPTIONS[name])
    image = f'<img alt="{caption}" src="data:image/png;base64,{data}">'
    return Markup(f"<figure>{image}<figcaption>{caption}</figcaption></figure>")  # noqa: S704 - base64
