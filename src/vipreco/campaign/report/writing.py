"""A report made from a run and what is known of its outcomes, and its forms as bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import polars as pl

from vipreco.campaign.report.gathering import Gathered, gather
from vipreco.campaign.report.measuring import Measured, measure
from vipreco.campaign.report.opening import FinishedRun
from vipreco.campaign.report.other import judge
from vipreco.campaign.report.record import record
from vipreco.campaign.report.telling import Told, tell
from vipreco.catalog import Catalog
from vipreco.documents import Language
from vipreco.durable import canonical_json
from vipreco.history import History
from vipreco.store import Database


@dataclass(frozen=True)
class Report:
    """A campaign's report: what came, the numbers, and the words."""

    gathered: Gathered
    measured: Measured
    told: Told

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
    database: Database | None = None,
    policy: pl.DataFrame | None = None,
) -> Report:
    """Make the report of a run.

    Args:
        run: From `open_run`.
        history: Where acquisitions and contacts are.
        day: Date whose knowledge is used.
        seed: Of resampling.
        language: Of the texts.
        database: Of the store, for contacts that the tables do not hold yet.
        policy: Offers of another policy that shall be estimated too, from `read_policy`.

    Raises:
        UsageError: Nothing is known yet of the time since the campaign began, or it made no random offers
            from which the other policy could be estimated.
        IntegrityError: The assignments lack a column.
    """
    gathered = gather(run.assignments, run.manifest, history, day, database)
    other = None
    if policy is not None:
        other = judge(run.assignments, gathered.customers, run.manifest, policy, seed)
    measured = measure(gathered, seed, other)
    catalog = Catalog.from_view(history.as_of(day))
    names = dict(zip(catalog.product_ids, catalog.names, strict=True))
    return Report(gathered, measured, tell(gathered, measured, language, names))


def _html(report: Report) -> bytes:
    from vipreco.campaign.report.page import html  # noqa: PLC0415  half a second that only this form needs

    return html(report.told, report.measured).encode()


def _xlsx(report: Report) -> bytes:
    from vipreco.campaign.report.workbook import write_workbook  # noqa: PLC0415  as above

    stream = io.BytesIO()
    write_workbook(report.told, report.measured, stream)
    return stream.getvalue()


def _json(report: Report) -> bytes:
    return canonical_json(record(report.gathered, report.measured)) + b"\n"


_WRITERS: dict[str, Callable[[Report], bytes]] = {"html": _html, "xlsx": _xlsx, "json": _json}
