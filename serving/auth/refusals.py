"""Audit records of refused accesses: who claimed to ask, for what, from where, and why it was refused."""

from __future__ import annotations

from serving.auth.cookies import session_secret
from serving.auth.identity import claimed_token
from serving.http import logs, metrics
from serving.http.addresses import client_address
from serving.http.app_state import AppState
from serving.http.operation import HttpRequest, Operation
from serving.http.problems import Problem
from serving.http.shared_limits import Rate
from vipreco.errors import VipRecoError
from vipreco.store import Event

ACTION = "access.refused"
REFUSED, NOT_IN_BOOK = frozenset({401, 403}), 404
# A flood of refusals must not fill the audit, for then nobody is answered: so many of one address and of all
# are recorded, and one record a minute says that there were more. All of them are in the metrics.
BY_ADDRESS, BY_ALL, FURTHER = Rate(60.0, 1.0), Rate(600.0, 10.0), Rate(1.0, 1 / 60)
MAX_OBJECT = 64


def note_refusal(request: HttpRequest, operation: Operation, problem: Problem) -> None:
    """Record a refused access; any other problem is none."""
    if not _is_refusal(request, operation, problem):
        return
    state = request.state
    address = client_address(request.http, state.settings.trusted_proxies)
    event = Event(_actor(request), ACTION, _object(request, operation), "denied")
    record_refusal(state, event, problem.code, address)


def record_refusal(state: AppState, event: Event, code: str, address: str) -> None:
    """Put a refusal into the audit spool within the limits above; a full spool changes nothing.

    Args:
        state: Spool, limits and keys.
        event: The refusal without its reason.
        code: Reason.
        address: Address that it came from.
    """
    metrics.REFUSALS.labels(code).inc()
    reason = state.reason(code, address)
    if state.limits.take((f"refused:{address}", BY_ADDRESS), ("refused", BY_ALL)):
        if state.limits.take((f"refused-further:{address}", FURTHER)):
            return
        reason = state.reason("further-refusals", address)
    try:
        state.note(event._replace(purpose=reason))
    except VipRecoError as error:
        logs.write("refusal-not-noted", code=error.code)


def _is_refusal(request: HttpRequest, operation: Operation, problem: Problem) -> bool:
    """Return whether a problem is a refused access.

    A visit of the page without any cookie is the way to the log-in. A customer of another book is refused as
    one that does not exist; the routes for programs record it themselves, with the customer's pseudonym.
    """
    http = request.http
    if problem.status in REFUSED:
        return operation.access.token or request.caller is not None or session_secret(http) is not None
    return (
        problem.status == NOT_IN_BOOK and request.caller is not None and bool(http.path_params.get("handle"))
    )


def _actor(request: HttpRequest) -> str:
    if request.caller is not None:
        return request.caller.actor
    claimed = claimed_token(request.http)
    return f"nobody/token:{claimed}" if claimed else "nobody"


def _object(request: HttpRequest, operation: Operation) -> str:
    handle = str(request.http.path_params.get("handle", ""))
    return (f"customer handle {handle}" if handle else f"{operation.method} {operation.path}")[:MAX_OBJECT]
