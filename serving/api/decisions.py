"""Past decisions, as they were answered."""

from __future__ import annotations

import asyncio
import json

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving.api.job_answers import job_answer, started
from serving.api.models import DecisionAnswer
from serving.api.operations_models import ReplayAnswer, StartedAnswer
from serving.api.record_models import DecisionsAnswer, DecisionSearch
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from serving.workspace.decision_work import DecisionWork
from vipreco.store import Decision, Role

DECIDED_ON = "decided_on"  # kept for replays, beside the answer as it left
MAX_FOUND = 50
REPLAY = "/v1/decisions/{decision_id}/replay"
LOOKS, PAUSE_SECONDS = 4, 0.1


async def read(request: HttpRequest) -> Response:
    """Answer with a past decision about a customer whom the caller may see; to an auditor by pseudonym."""
    decision = request.http.path_params["decision_id"]
    found = await _found(request, decision)
    if found is None:  # or it is about a customer of another book: the caller is not told, the audit is
        request.state.note(request.state.read_of(request.scope, "decision.read", decision, "unknown"))
        raise not_found()
    if request.scope.role is Role.AUDITOR:
        return await run_in_threadpool(_shown, request, decision)
    event = request.state.read_of(request.scope, "decision.read", found.customer_id)
    await run_in_threadpool(request.state.note_at_once, event)
    told = DecisionAnswer(
        decision_id=found.decision_id,
        customer_id=found.customer_id,
        made_at=found.made_at,
        record={name: one for name, one in json.loads(found.record).items() if name != DECIDED_ON},
    )
    return Response(told.model_dump_json(), media_type="application/json")


def _shown(request: HttpRequest, decision_id: str) -> Response:
    """Answer with a decision as an auditor may see it, with what it rests on."""
    work = _work(request)
    found = work.read(decision_id)
    shown = work.shown(found)
    told = DecisionAnswer(
        decision_id=found.decision_id,
        customer_id=shown["pseudonym"],
        made_at=found.made_at,
        record=shown["record"],
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
    sent: DecisionSearch = request.body
    of = request.state.keys.pseudonym_of
    found = _work(request).newest(MAX_FOUND, sent.customer_id or "")
    told = [one.brief().pseudonymous(of)._asdict() for one in found]
    return Response(to_json({"decisions": told}), media_type="application/json")


def replay(request: HttpRequest) -> Response:
    """Decide a decision again."""
    work, decision_id = _work(request), request.http.path_params["decision_id"]
    return started(request, REPLAY.format(decision_id=decision_id), lambda: work.replay(decision_id))


def replayed(request: HttpRequest) -> Response:
    """Answer with the last replay of a decision."""
    work = _work(request)
    found = work.read(request.http.path_params["decision_id"])
    job, again = work.replayed(found)
    return job_answer(job, lambda _: {"replay": again})


def _work(request: HttpRequest) -> DecisionWork:
    return DecisionWork(request.state, request.scope)


AUDITORS = programs_and_people(Role.AUDITOR)
OPERATIONS = (
    Operation(
        "POST",
        "/v1/decisions:search",
        search,
        AUDITORS,
        body=DecisionSearch,
        answers={200: DecisionsAnswer},
        summary="The newest decisions, answers and lists; with a customer, those about them.",
    ),
    Operation(
        "GET",
        "/v1/decisions/{decision_id}",
        read,
        programs_and_people(Role.MANAGER, Role.CHANNEL, Role.MARKETING, Role.AUDITOR),
        answers={200: DecisionAnswer, 404: ProblemDocument},
        summary="A decision as it was answered; to an auditor with customers by pseudonym.",
    ),
    Operation(
        "POST",
        REPLAY,
        replay,
        AUDITORS,
        answers={202: StartedAnswer, 404: ProblemDocument},
        summary="Decide a decision again, as `vipreco replay --decision` does.",
    ),
    Operation(
        "GET",
        REPLAY,
        replayed,
        AUDITORS,
        answers={200: ReplayAnswer, 202: ReplayAnswer, 404: ProblemDocument},
        summary="What the last replay of a decision gave; 202 while it runs.",
    ),
)
