"""Offers for one customer, for many, with facts in the request, or for somebody of whom nothing is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving.api.models import BatchAnswer, BatchRequest, OffersAnswer, OffersRequest
from serving.http.app_state import Release, Slate, SlateLine
from serving.http.ids import new_id
from serving.http.operation import HttpRequest, Operation, programs, programs_and_people
from serving.http.problems import ProblemDocument, not_found, unavailable
from vipreco.store import SEES_ALL, AuditRecord, Decision, Role, Scope

JSON = "application/json"
READ = "offers.read"
NO_EVIDENCE = {"times_usual": None, "acquisitions": None, "thin_evidence": None}
MAX_DECIDING = 8  # half a second of waiting


async def one(request: HttpRequest) -> Response:
    """Answer with the offers of one customer."""
    sent: OffersRequest = request.body
    state, scope = request.state, request.scope
    release = state.served(request.moment)
    seen = await _sees(request, release, scope, sent.customer_id)
    if not seen and not _stranger(sent, scope):
        state.note(state.read_of(scope, READ, sent.customer_id or "", "unknown"))
        raise not_found()
    slate = await _slate(request, release, sent.customer_id if seen else None)
    document, record = recorded(request, release, offer_answer(request, release, sent.customer_id, slate))
    state.note_all([record])
    return Response(document, media_type=JSON)


def _stranger(sent: OffersRequest, scope: Scope) -> bool:
    """Return whether the offers may be those for somebody of whom the bank knows nothing.

    A manager who names a customer is not told whether that is nobody or another's.
    """
    given = sent.model_fields_set
    nameless = "customer_id" not in given or scope.role in SEES_ALL
    return nameless and not given.isdisjoint({"facts", "segment"})


async def _sees(request: HttpRequest, release: Release, scope: Scope, customer_id: str | None) -> bool:
    if customer_id is None:
        return False
    if scope.role in SEES_ALL:
        return request.state.knows(release, customer_id)
    return await run_in_threadpool(_in_book, request, release, scope, customer_id)


async def _slate(request: HttpRequest, release: Release, customer: str | None) -> Slate:
    sent: OffersRequest = request.body
    moment, channel, limit = request.moment, sent.channel, sent.limit
    if "facts" in sent.model_fields_set:
        facts = sent.facts.model_dump()
        return await _decided(request, release.with_facts, customer, facts, channel, limit, moment)
    if customer is None:
        return release.popular(sent.segment or "", channel, limit)
    found = release.cached_offers(customer, channel, limit, moment)
    return found or await _decided(request, release.offers, customer, channel, limit, moment)


async def _decided(request: HttpRequest, decide: Callable[..., Slate], *given: Any) -> Slate:
    """Decide anew, one after the other; who would wait for more than a few others is asked to come again."""
    state = request.state
    if state.deciding >= MAX_DECIDING:
        raise unavailable("overloaded")
    state.deciding += 1
    try:
        return await run_in_threadpool(decide, *given)
    finally:
        state.deciding -= 1


def many(request: HttpRequest) -> Response:
    """Answer with the offers of several customers, one answer each; who may not be seen is not found."""
    sent: BatchRequest = request.body
    state, scope = request.state, request.scope
    release = state.served(request.moment)
    items, records = [], []
    for customer in dict.fromkeys(sent.customer_ids):
        item, record = _item(request, release, scope, customer)
        items.append(item)
        records.append(record)
    state.note_all(records)
    return Response(b'{"answers":[%b]}' % b",".join(items), media_type=JSON)


def _item(
    request: HttpRequest, release: Release, scope: Scope, customer_id: str
) -> tuple[bytes, AuditRecord]:
    """Return the answer about one of several customers as JSON, and its audit record."""
    state, sent = request.state, request.body
    if not _may_see(request, release, scope, customer_id):
        unknown = {"customer_id": customer_id, "status": 404, "answer": None}
        return to_json(unknown), AuditRecord(state.read_of(scope, READ, customer_id, "unknown"))
    slate = release.offers(customer_id, sent.channel, sent.limit, request.moment)
    document, record = recorded(request, release, offer_answer(request, release, customer_id, slate))
    head = b'{"customer_id":%b,"status":200,"answer":' % to_json(customer_id)
    return head + document + b"}", record


def _may_see(request: HttpRequest, release: Release, scope: Scope, customer_id: str) -> bool:
    if scope.role in SEES_ALL:
        return request.state.knows(release, customer_id)
    return _in_book(request, release, scope, customer_id)


def _in_book(request: HttpRequest, release: Release, scope: Scope, customer_id: str) -> bool:
    """Return whether a customer is in the caller's book.

    The store is asked in every case: an answer that is quicker for nobody than for another's customer would
    say who is a customer of the bank.
    """
    seen = request.state.find_member(scope, customer_id)
    return seen & request.state.knows(release, customer_id)


def offer_answer(
    request: HttpRequest, release: Release, customer_id: str | None, slate: Slate
) -> dict[str, Any]:
    """Return an answer with all that it stands on."""
    return {
        "decision_id": new_id(16),
        "customer_id": customer_id,
        "channel": request.body.channel,
        "offers": [
            {
                "rank": rank,
                "product_id": line.product_id,
                "product": line.product,
                "propensity": line.propensity,
                "value": line.value,
                "chance_without_contact": line.chance_without_contact,
                "chance_with_contact": line.chance_with_contact,
                "expected_gain": line.expected_gain,
                "effect_basis": line.effect_basis or None,
                **_evidence(release, line, slate.personalised),
                "reason_codes": line.codes,
            }
            for rank, line in enumerate(slate.lines, start=1)
        ],
        "cause": slate.cause,
        "personalised": slate.personalised,
        "stale": request.state.is_stale(release, request.moment),
        "source": slate.source,
        "store_available": not (request.state.store_down or request.known.store_away),
        "model_version": release.model_version,
        "snapshot_id": release.snapshot_id,
        "snapshot_date": release.snapshot_date,
        "policy_version": release.policy_version,
        "warnings": release.warnings,
    }


def _evidence(release: Release, line: SlateLine, personalised: bool) -> dict[str, Any]:
    """Return what stands behind the chance of an offer."""
    found = release.evidence.get(line.product_id)
    if found is None or line.propensity is None:
        return NO_EVIDENCE
    times = found.times_usual(line.propensity, personalised)
    return {
        "times_usual": None if times is None else round(times, 2),
        "acquisitions": found.acquisitions,
        "thin_evidence": found.thin_evidence,
    }


def recorded(request: HttpRequest, release: Release, answer: dict[str, Any]) -> tuple[bytes, AuditRecord]:
    """Return an answer as it leaves, and its audit record."""
    state, scope, customer = request.state, request.scope, answer["customer_id"]
    document = to_json(answer)
    decision = None
    if customer is not None:
        kept = document[:-1] + b',"decided_on":%b}' % to_json(_decided_on(request, release, customer))
        decision = Decision(answer["decision_id"], customer, request.moment, scope.actor, kept.decode())
    return document, AuditRecord(state.read_of(scope, READ, customer or ""), decision)


def _decided_on(request: HttpRequest, release: Release, customer_id: str) -> dict[str, Any]:
    """Return everything beside the answer itself from which it can be decided again."""
    sent = request.body
    found: dict[str, Any] = {"limit": sent.limit, **release.decided_on((customer_id,))}
    if isinstance(sent, OffersRequest) and "facts" in sent.model_fields_set:
        found["facts"] = sent.facts.model_dump(mode="json")
    return found


OPERATIONS = (
    Operation(
        "POST",
        "/v1/offers",
        one,
        programs_and_people(Role.CHANNEL, Role.MANAGER),
        body=OffersRequest,
        answers={200: OffersAnswer, 404: ProblemDocument, 409: ProblemDocument},
        summary="Offers for one customer at this moment.",
    ),
    Operation(
        "POST",
        "/v1/offers:batch",
        many,
        programs(Role.MARKETING, Role.MANAGER),
        body=BatchRequest,
        answers={200: BatchAnswer},
        summary="Offers for up to 500 customers, an answer for each.",
    ),
)
