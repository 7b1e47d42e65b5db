"""The sheet of one customer: a named read, in the audit before it leaves."""

from __future__ import annotations

from pydantic_core import to_json
from starlette.responses import Response

from serving.access import Asked, Operation, programs_and_people
from serving.api.models import SheetAnswer
from serving.problems import ProblemDocument, not_found
from vipreco.store import Role

LANGUAGES = ("en", "zh")


def sheet(asked: Asked) -> Response:
    """Answer with the sheet of a customer of the caller's book."""
    core, scope = asked.core, asked.scope
    release = core.served(asked.moment)
    customer = asked.request.path_params["customer_id"]
    found = core.store.books.find(scope, customer)
    seen = found is not None and release.knows(customer)
    core.note_at_once(core.read_of(scope, "sheet.read", customer, "ok" if seen else "unknown"))
    if not seen:
        raise not_found()
    told = {
        "customer_id": customer,
        "sheet": release.sheet(customer, _language(asked), asked.moment),
        "model_version": release.model_version,
        "snapshot_id": release.snapshot_id,
        "policy_version": release.policy_version,
        "stale": core.is_stale(release, asked.moment),
    }
    return Response(to_json(told, inf_nan_mode="null"), media_type="application/json")


def _language(asked: Asked) -> str:
    wanted = asked.request.headers.get("accept-language", "")[:2].lower()
    return wanted if wanted in LANGUAGES else LANGUAGES[0]


OPERATIONS = (
    Operation(
        "GET",
        "/v1/customers/{customer_id}/sheet",
        sheet,
        programs_and_people(Role.MANAGER),
        answers={200: SheetAnswer, 404: ProblemDocument},
        summary="The sheet of one customer.",
    ),
)
