"""Past decisions, as they were answered."""

from __future__ import annotations

import asyncio
import json

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving.api.models import DecisionAnswer
from serving.api.record_models import DecisionsAnswer, DecisionSearch
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from vipreco.store import Decision, Event, Role

DECIDED_ON = "decided_on"  # kept for replays, beside the answer as it left
MAX_FOUND = 50
LOOKS, PAUSE_SECONDS = 4, 0.1


async def read(request: HttpRequest) -> Response:
    """Answer with a past decision about a customer whom the caller may see."""
    decision = request.http.path_params["decision_id"]
    found = await _found(request, decision)
    if found is None:  # or it is about a customer of another book: the caller is not told, the audit is
        request.state.note(request.state.read_of(request.scope, "decision.read", decision, "unknown"))
        raise not_found()
    event = request.state.read_of(request.scope, "decision.read", found.customer_id)
    await run_in_threadpool(request.state.note_at_once, event)
    told = DecisionAnswer(
        decision_id=found.decision_id,
        customer_id=found.customer_id,
        made_at=found.made_at,
        record={name: one for name, one in json.loads(found.record).items() if name != DECIDED_ON},
    )
    return Response(told.model_dump_json(), media_type="application/json")


async def _found(request: HttpRequest, decision_id: str) -> Decision | None:
    """Return a decision, or None; a recent one may still be on its way into the store.

    The pauses hold no thread: with unknown ids alone, a caller could keep all threads of a worker waiting.
    """
    await run_in_threadpool(request.state.spool.flush)
    for look in range(LOOKS):
        if look:
            await asyncio.sleep(PAUSE_SECONDS)
        found = await run_in_threadpool(request.state.store.decisions.read, request.scope, decision_id)
        if found is not None:
            return found
    return None


def search(request: HttpRequest) -> Response:
    """Answer with the newest decisions; customers appear under a pseudonym."""
    state, sent = request.state, request.body
    customer, of = sent.customer_id or "", state.keys.pseudonym_of
    state.spool.flush()
    found = [one.brief() for one in state.store.decisions.newest(request.scope, MAX_FOUND, customer)]
    state.note_at_once(Event(request.known.actor, "decisions.read", of(customer) if customer else ""))
    told = [one.pseudonymous(of)._asdict() for one in found]
    return Response(to_json({"decisions": told}), media_type="application/json")


OPERATIONS = (
    Operation(
        "POST",
        "/v1/decisions:search",
        search,
        programs_and_people(Role.AUDITOR),
        body=DecisionSearch,
        answers={200: DecisionsAnswer},
        summary="The newest decisions, answers and lists; with a customer, those about them.",
    ),
    Operation(
        "GET",
        "/v1/decisions/{decision_id}",
        read,
        programs_and_people(Role.MANAGER, Role.CHANNEL, Role.MARKETING),
        answers={200: DecisionAnswer, 404: ProblemDocument},
        summary="A decision as it was answered.",
    ),
)
