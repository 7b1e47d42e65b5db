"""A report made from a run and what is known of its outcomes, and its forms as bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from vipreco.campaign.report.finished_run import FinishedRun
from vipreco.campaign.report.measures import Measures, measure
from vipreco.campaign.report.other_policy import judge
from vipreco.campaign.report.outcomes import TABLES_ALONE, CampaignOutcomes, OutcomeSources, campaign_outcomes
from vipreco.campaign.report.record import record
from vipreco.campaign.report.report_text import ReportText, report_text
from vipreco.catalog import Catalog
from vipreco.documents import Language
from vipreco.durable import canonical_json
from vipreco.history import History


@dataclass(frozen=True)
class Report:
    """A campaign's report: outcomes, numbers and texts."""

    outcomes: CampaignOutcomes
    measures: Measures
    words: ReportText

    def content(self, kind: str) -> bytes:
        """Return the report as `html`, `xlsx` or `json`; the same inputs give the same bytes."""
        return _WRITERS[kind](self)


def make_report(
    run: FinishedRun,
    history: History,
    day: date,
    *,
    seed: int,
    language: Language = "en",
    sources: OutcomeSources = TABLES_ALONE,
    policy: pl.DataFrame | None = None,
) -> Report:
    """Make the report of a run.

    Args:
        run: From `open_run`.
        history: Where acquisitions and contacts are.
        day: Date whose knowledge is used.
        seed: Of resampling.
        language: Of the texts.
        sources: What there is beside the history.
        policy: Offers of another policy that shall be estimated too, from `read_policy`.

    Raises:
        UsageError: No snapshot since the campaign began is known, or it made no random offers
            from which the other policy could be estimated.
        IntegrityError: The assignments lack a column.
    """
    outcomes = campaign_outcomes(run.assignments, run.manifest, history, day, sources)
    other = None
    if policy is not None:
        other = judge(run.assignments, outcomes.customers, run.manifest, policy, seed)
    measures = measure(outcomes, seed, other)
    catalog = Catalog.from_view(history.as_of(day))
    names = dict(zip(catalog.product_ids, catalog.names, strict=True))
    return Report(outcomes, measures, report_text(outcomes, measures, language, names))


def _html(report: Report) -> bytes:
    from vipreco.campaign.report.page import html  # noqa: PLC0415  half a second that only this form needs

    return html(report.words, report.measures).encode()


def _xlsx(report: Report) -> bytes:
    from vipreco.campaign.report.workbook import write_workbook  # noqa: PLC0415  as above

    stream = io.BytesIO()
    write_workbook(report.words, report.measures, stream)
    return stream.getvalue()


def _json(report: Report) -> bytes:
    return canonical_json(record(report.outcomes, report.measures)) + b"\n"


_WRITERS: dict[str, Callable[[Report], bytes]] = {"html": _html, "xlsx": _xlsx, "json": _json}
