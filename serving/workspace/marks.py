"""Marks of offers and reasons as not useful, recorded with their audit record."""

from __future__ import annotations

from serving.http.app_state import AppState
from serving.http.problems import Problem
from vipreco.explanations import ReasonCatalog
from vipreco.store import Feedback, Scope


def record_mark(state: AppState, scope: Scope, mark: Feedback) -> bool:
    """Record a mark and its audit record in one transaction; False where the customer may not be seen.

    Raises:
        Problem: The product or the template of the reason does not exist.
    """
    products = state.product_ids
    if products is not None and mark.product_id not in products:
        raise Problem(409, "unknown-product", [("product_id", "unknown-product")])
    if mark.reason_id and not ReasonCatalog.shipped().has(mark.reason_id):
        raise Problem(409, "unknown-reason", [("reason_id", "unknown-reason")])
    with state.store.database.writing():
        seen = state.store.feedback.record(scope, mark, state.today())
        result = "ok" if seen else "unknown"
        state.note_at_once(state.read_of(scope, "feedback.record", mark.customer_id, result))
    return seen
