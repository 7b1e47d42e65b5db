"""Figures of the caller's branch or book, and the customers behind each, as of the nightly build."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from serving.api.models import FigureCustomersAnswer, FiguresAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from serving.workspace.figure_rows import note_customers, rows_of
from vipreco.errors import UsageError
from vipreco.kpi import FIGURES, Figure, FigureRows, customer_list, measures
from vipreco.store import Role

READERS = (Role.BRANCH_HEAD, Role.MANAGER)


def figures(request: HttpRequest) -> Response:
    """Answer with all figures, month by month."""
    rows = rows_of(request)
    numbers: dict[str, list[dict[str, Any]]] = {}
    for row in measures(rows).to_dicts():
        numbers.setdefault(row.pop("figure"), []).append(row)
    answer = {
        **_versions(request, rows),
        "figures": [_described(figure, numbers.get(key, []), rows) for key, figure in FIGURES.items()],
    }
    return Response(to_json(answer, inf_nan_mode="null"), media_type="application/json")


def customers(request: HttpRequest) -> Response:
    """Answer with the customers behind a figure."""
    rows, parts = rows_of(request), request.http.path_params
    figure = FIGURES.get(parts["figure"])
    if figure is None:
        raise not_found()
    try:
        found = customer_list(rows, figure, _month(parts.get("month")))
    except UsageError as error:  # the month, or the figure, is not told
        raise not_found() from error
    note_customers(request, figure)
    answer = {**_versions(request, rows), "figure": figure.key, "customers": found.to_dicts()}
    return Response(to_json(answer, inf_nan_mode="null"), media_type="application/json")


def _month(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        raise not_found() from None


def _versions(request: HttpRequest, rows: FigureRows) -> dict[str, Any]:
    scope = request.scope
    release = request.state.served(request.moment)
    return {
        "branch_id": scope.branch_id,
        "manager_id": None if scope.branch_id else scope.manager_id,
        "as_of": rows.as_of,
        "model_version": release.model_version,
        "snapshot_id": release.snapshot_id,
    }


def _described(figure: Figure, numbers: list[dict[str, Any]], rows: FigureRows) -> dict[str, Any]:
    return {
        "figure": figure.key,
        "group": figure.group,
        "shows": figure.shows,
        "each": figure.each,
        "name": figure.name.model_dump(),
        "definition": figure.definition.model_dump(),
        "missing": rows.missing.get(figure.key),
        "numbers": numbers,
    }


LISTED: Mapping[int, type[BaseModel] | None] = {200: FigureCustomersAnswer, 404: ProblemDocument}
OPERATIONS = (
    Operation(
        "GET",
        "/v1/figures",
        figures,
        programs_and_people(*READERS),
        answers={200: FiguresAnswer},
        summary="The figures of the caller's branch, or of their book, by month.",
    ),
    Operation(
        "GET",
        "/v1/figures/{figure}/customers",
        customers,
        programs_and_people(*READERS),
        answers=LISTED,
        summary="The customers behind a figure in its newest month.",
    ),
    Operation(
        "GET",
        "/v1/figures/{figure}/customers/{month}",
        customers,
        programs_and_people(*READERS),
        answers=LISTED,
        summary="The customers behind a figure in a month, written as 2026-01.",
    ),
)
