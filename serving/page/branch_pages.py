"""The pages of a branch head: the morning's figures, the customers behind each, leave covers."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import polars as pl
from starlette.responses import Response

from serving.http.figure_rows import note_customers, rows_of
from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import not_found
from serving.page.branch_report import branch_report, figure_chart
from serving.page.page_service import FindAnswers
from serving.page.responses import XLSX, file_answer, note, redirect, say_of, show
from vipreco.errors import UsageError, VipRecoError
from vipreco.export import with_currency, write_table
from vipreco.kpi import FIGURES, Figure, FigureRows, customer_list, figure_document, part_text
from vipreco.lists import Wording
from vipreco.store import Cover, Event, Role

HEADS: Final = people(Role.BRANCH_HEAD)
MAX_SHOWN: Final = 50
FILES: Final = {"xlsx": XLSX, "csv": "text/csv; charset=utf-8"}
COVERS: Final = "/branch-covers"
OTHER_BRANCH: Final = "of another branch"  # what the form named is the sender's own text


@dataclass
class BranchPages:
    """The handlers."""

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post = "GET", "POST"
        return (
            Operation(get, "/branch", self.morning, HEADS),
            Operation(get, COVERS, self.covers, HEADS),
            Operation(post, COVERS, self.grant_cover, HEADS, form=True),
            Operation(post, f"{COVERS}/end", self.end_cover, HEADS, form=True),
            Operation(get, "/branch/{figure}", self.figure, HEADS),
            Operation(get, "/branch/{figure}/customers.{kind}", self.file, HEADS),
        )

    def morning(self, request: HttpRequest) -> Response:
        """Show the figures of the branch."""
        say = self._say(request)
        report = branch_report(rows_of(request), say)
        note(request, "kpi.read", f"branch:{request.scope.branch_id}")
        values = {"say": say, "report": report, "branch": request.scope.branch_id}
        return show(request, "branch.html", values)

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

    def covers(self, request: HttpRequest, problem: str = "") -> Response:
        """Show the books of the branch with their sizes, and their leave covers."""
        books = request.state.store.books
        sizes = books.sizes_of(request.scope)
        accounts = (user for user in request.state.store.users.all() if user.manager_id in sizes)
        values = {
            "sizes": sizes,
            "snapshot": books.snapshot_id() or "",
            "covers": [one for one in books.covers() if one.cover.manager_id in sizes],
            "accounts": {user.manager_id: user for user in accounts},
            "today": request.state.today(),
            "problem": problem,
            "address": COVERS,
            "title": say_of(request)("nav.branch_covers"),
        }
        return show(request, "covers.html", values, 422 if problem else 200)

    def grant_cover(self, request: HttpRequest) -> Response:
        """Let a deputy of the branch see the book of a manager of the branch who is away."""
        form = request.form
        try:
            first, last = (date.fromisoformat(form.get(name, "")) for name in ("from_date", "until_date"))
        except ValueError:
            return self.covers(request, say_of(request)("audit.wrong_date"))
        cover = Cover(form.get("manager", ""), form.get("deputy", ""), first, last)
        books = request.state.store.books
        if not {cover.manager_id, cover.deputy_id} <= set(books.sizes_of(request.scope)):
            _note_change(request, "cover.grant", OTHER_BRANCH, "denied")
            raise not_found()
        try:
            with request.state.store.database.writing():
                books.cover(cover, request.known.actor)
                _note_change(request, "cover.grant", f"{cover.manager_id}>{cover.deputy_id}")
        except VipRecoError as error:
            return self.covers(request, error.what)
        return redirect(COVERS)

    def end_cover(self, request: HttpRequest) -> Response:
        """Revoke a leave cover of the branch."""
        books, text = request.state.store.books, request.form.get("cover", "")
        own = set(books.sizes_of(request.scope))
        found = next((one for one in books.covers() if str(one.cover_id) == text), None)
        if found is None or found.cover.manager_id not in own:
            _note_change(request, "cover.end", OTHER_BRANCH, "denied")
            raise not_found()
        with request.state.store.database.writing():
            books.end_cover(found.cover_id)
            _note_change(request, "cover.end", text)
        return redirect(COVERS)

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


def _note_change(request: HttpRequest, action: str, about: str, result: str = "ok") -> None:
    request.state.note_at_once(Event(request.known.actor, action, about, result, purpose="page"))
