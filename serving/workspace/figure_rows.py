"""Rows behind the figures of the caller's branch or book, and the audit record of their customers."""

from __future__ import annotations

from serving.http.app_state import AppState
from serving.http.operation import HttpRequest
from serving.http.problems import unavailable
from vipreco.kpi import Figure, FigureRows
from vipreco.store import Event


def rows_of(request: HttpRequest) -> FigureRows:
    """Return the rows of the caller's branch, or of their book, without customers who were erased since.

    Raises:
        Problem: The nightly build made none.
    """
    scope = request.scope
    rows = request.state.figures(scope.branch_id, None if scope.branch_id else scope.manager_id)
    if rows is None:
        raise unavailable("no-figures")
    return _without_erased(request.state, rows)


def _without_erased(state: AppState, rows: FigureRows) -> FigureRows:
    if not state.erased:
        return rows
    customers = rows.rows["customer_id"].drop_nulls().unique()
    return rows.without([customer for customer in customers if state.is_erased(customer)])


def note_customers(request: HttpRequest, figure: Figure, action: str = "kpi.customers") -> None:
    """Write the audit record of a read of the customers behind a figure, before its answer leaves."""
    scope = request.scope
    whose = f"branch:{scope.branch_id}" if scope.branch_id else f"manager:{scope.manager_id}"
    request.state.note_at_once(Event(scope.actor, action, f"{figure.key} {whose}"))
