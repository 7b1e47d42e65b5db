"""The pages of a branch head: the morning's figures, the customers behind each, leave covers."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl
from starlette.responses import Response

from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import not_found
from serving.page.branch_report import branch_report, figure_chart
from serving.page.cover_pages import CoverPages
from serving.page.manager_pages import show_sheet_to_read
from serving.page.responses import XLSX, file_answer, note, say_of, show
from serving.workspace.book_service import BookService, FindAnswers
from serving.workspace.figure_rows import note_customers, rows_of
from serving.workspace.manager_hours import hours_advice
from vipreco.errors import UsageError
from vipreco.export import with_currency, write_table
from vipreco.kpi import FIGURES, Figure, FigureRows, customer_list, figure_document, part_text
from vipreco.lists import Wording
from vipreco.store import Role

HEADS: Final = people(Role.BRANCH_HEAD)
MAX_SHOWN: Final = 50
FILES: Final = {"xlsx": XLSX, "csv": "text/csv; charset=utf-8"}


@dataclass
class BranchPages:
    """The handlers."""

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get = "GET"
        covers = CoverPages("/branch-covers", "nav.branch_covers", HEADS, self._hours)
        return (
            Operation(get, "/branch", self.morning, HEADS),
            *covers.operations(),
            Operation(get, "/branch/customers/{handle}", self.customer, HEADS),
            Operation(get, "/branch/{figure}", self.figure, HEADS),
            Operation(get, "/branch/{figure}/customers.{kind}", self.file, HEADS),
        )

    def morning(self, request: HttpRequest) -> Response:
        """Show the figures of the branch."""
        say = self._say(request)
        report = branch_report(rows_of(request), say)
        note(request, "kpi.read", f"branch:{request.scope.branch_id}")
        store = request.state.store
        values = {
            "say": say,
            "report": report,
            "branch": request.scope.branch_id,
            "refused": store.feedback.refused(request.scope, request.state.today()),
            "products": self.answers(request.state).product_names,
        }
        return show(request, "branch.html", values)

    def customer(self, request: HttpRequest) -> Response:
        """Show the sheet of a customer of the branch, to be read alone."""
        service = BookService(request.state, self.answers(request.state), request.scope, self._say(request))
        member = service.member(request.http.path_params["handle"])
        if member is None:
            raise not_found()
        return show_sheet_to_read(request, service, member)

    def figure(self, request: HttpRequest) -> Response:
        """Show one figure by month, and the customers behind it."""
        say, figure, rows = self._say(request), _figure(request), rows_of(request)
        query = request.http.query_params
        month, managers = _month(query.get("month")), query.get("managers") == "1"
        listed = pl.DataFrame() if figure.key in rows.missing else _listed(rows, figure, month)
        note_customers(request, figure)
        document = figure_document(rows, figure, "", say, managers=managers)
        dates = rows.dates_of(figure)
        values = {
            "say": say,
            "branch": request.scope.branch_id,
            "figure": figure,
            "name": figure.name(say.language),
            "definition": figure.definition(say.language),
            "chart": figure_chart(rows, figure, say),
            "parts": document.parts,
            "managers": managers,
            "months": dates,
            "month": next(
                (day for day in dates if month and (day.year, day.month) == (month.year, month.month)), None
            )
            or (dates[0] if dates else None),
            "table": _table(rows, figure, listed.head(MAX_SHOWN), say),
            "total": listed.height,
            "people": request.state.store.directory.of(request.scope),
            "handles": request.state.store.books.handles(
                request.scope, listed.head(MAX_SHOWN)["customer_id"].to_list() if listed.height else []
            ),
        }
        return show(request, "figure.html", values)

    def file(self, request: HttpRequest) -> Response:
        """Send the customers behind a figure as a file, with bare numbers."""
        figure, kind = _figure(request), request.http.path_params["kind"]
        if kind not in FILES:
            raise not_found()
        listed = _listed(rows_of(request), figure, _month(request.http.query_params.get("month")))
        note_customers(request, figure, "kpi.export")
        stream = io.BytesIO()
        write_table(with_currency(listed, self.answers(request.state).currency), stream, kind)
        return file_answer(stream.getvalue(), f"{figure.key}.{kind}", FILES[kind])

    def _hours(self, request: HttpRequest) -> dict[str, Any]:
        """Return whose hour the next campaign needs most, beside the covers."""
        found = hours_advice(request.state, request.state.store.books.sizes_of(request.scope))
        note(request, "campaign.hours", f"branch:{request.scope.branch_id}")
        return {"say": self._say(request), "hours": found}

    def _say(self, request: HttpRequest) -> Wording:
        return say_of(request, self.answers(request.state).currency)


def _figure(request: HttpRequest) -> Figure:
    found = FIGURES.get(request.http.path_params["figure"])
    if found is None:
        raise not_found()
    return found


def _month(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise not_found() from None


def _listed(rows: FigureRows, figure: Figure, month: date | None) -> pl.DataFrame:
    try:
        return customer_list(rows, figure, month)
    except UsageError as error:  # the figure is not told for this month
        raise not_found() from error


def _table(rows: FigureRows, figure: Figure, listed: pl.DataFrame, say: Wording) -> dict[str, Any]:
    """Return headings and cells of a list of customers, in words."""
    columns = [name for name in listed.columns if name not in {"customer_id", "branch_id", "month_date"}]
    lines = [
        {
            "customer_id": row["customer_id"],
            "cells": [_cell(rows, figure, name, row[name], say) for name in columns],
        }
        for row in listed.to_dicts()
    ]
    heads = [
        (say(f"list_column.{name}"), name.endswith("amount") or name in {"products", "attrition_probability"})
        for name in columns
    ]
    return {"heads": heads, "lines": lines}


def _cell(rows: FigureRows, figure: Figure, name: str, value: Any, say: Wording) -> str:
    if value is None:
        return ""
    if name.endswith("_amount"):
        return say.amount(value)
    if name == "attrition_probability":
        return f"{value:.1%}"
    if name == "products":
        return f"{value:,.0f}"
    return part_text(rows, figure, value, say) if name == figure.columns.part else str(value)
