"""The sheet of one customer: a named read, in the audit before it leaves."""

from __future__ import annotations

from dataclasses import asdict

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.models import SheetAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from serving.http.purposes import with_purpose
from serving.workspace.answers import answers_of
from serving.workspace.list_keeper import ListKeeper
from vipreco.documents import Language
from vipreco.online import ShownSheet
from vipreco.store import DirectoryEntry, Role


def sheet(request: HttpRequest) -> Response:
    """Answer with the sheet of a customer of the caller's book or branch."""
    state, scope = request.state, request.scope
    release = state.served(request.moment)
    customer = request.http.path_params["customer_id"]
    found = state.store.books.find(scope, customer)
    seen = found is not None and state.knows(release, customer)
    event = state.read_of(scope, "sheet.read", customer, "ok" if seen else "unknown")
    state.note_at_once(with_purpose(request, event))
    if found is None or not seen:
        raise not_found()
    person = state.store.directory.of(scope, [customer]).get(customer)
    shown = release.sheet(customer, language_of(request), request.moment, found.manager_id)
    told = {
        "customer_id": customer,
        "person": _without_id(person) if person else None,
        "sheet": shown.document,
        "decision_id": _kept(request, customer, shown),
        "model_version": release.model_version,
        "snapshot_id": release.snapshot_id,
        "policy_version": release.policy_version,
        "stale": state.is_stale(release, request.moment),
        "warnings": release.warnings,
    }
    return Response(to_json(told, inf_nan_mode="null"), media_type="application/json")


def _kept(request: HttpRequest, customer: str, shown: ShownSheet) -> str | None:
    """Keep the sheet in the decision log, and return its decision id."""
    if shown.day is None or shown.sheet is None:
        return None
    keeper = ListKeeper(request.state, answers_of(request.state), request.scope)
    return keeper.sheet(shown.day, customer, shown.sheet)


def _without_id(person: DirectoryEntry) -> dict[str, str]:
    return {name: value for name, value in asdict(person).items() if name != "customer_id"}


def language_of(request: HttpRequest) -> Language:
    """Return the language that the caller reads; English where it is none of ours."""
    wanted = request.http.headers.get("accept-language", "")[:2].lower()
    return "zh" if wanted == "zh" else "en"


OPERATIONS = (
    Operation(
        "GET",
        "/v1/customers/{customer_id}/sheet",
        sheet,
        programs_and_people(Role.MANAGER, Role.BRANCH_HEAD),
        answers={200: SheetAnswer, 404: ProblemDocument},
        summary="The sheet of one customer.",
    ),
)
