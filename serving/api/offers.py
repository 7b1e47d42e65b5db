"""Offers for one customer, for many, with facts in the request, or for somebody of whom nothing is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from serving import names
from serving.access import Asked, Operation, programs, programs_and_people
from serving.api.models import BatchAnswer, BatchRequest, OffersAnswer, OffersRequest
from serving.core import Release, Slate
from serving.problems import ProblemDocument, not_found, unavailable
from vipreco.store import SEES_ALL, Decision, Role, Scope

JSON = "application/json"
READ = "offers.read"
MOST_DECIDING = 8  # half a second of waiting


async def one(asked: Asked) -> Response:
    """Answer with the offers of one customer."""
    sent: OffersRequest = asked.body
    core, scope = asked.core, asked.scope
    release = core.served(asked.moment)
    seen = await _sees(asked, release, scope, sent.customer_id)
    if not seen and not _stranger(sent, scope):
        core.note(core.read_of(scope, READ, sent.customer_id or "", "unknown"))
        raise not_found()
    slate = await _slate(asked, release, sent.customer_id if seen else None)
    told = answer(asked, release, sent.customer_id, slate)
    return Response(note(asked, scope, told), media_type=JSON)


def _stranger(sent: OffersRequest, scope: Scope) -> bool:
    """Whether the offers may be those for somebody of whom the bank knows nothing.

    A manager who names a customer is not told whether that is nobody or another's.
    """
    given = sent.model_fields_set
    nameless = "customer_id" not in given or scope.role in SEES_ALL
    return nameless and not given.isdisjoint({"facts", "segment"})


async def _sees(asked: Asked, release: Release, scope: Scope, customer_id: str | None) -> bool:
    if customer_id is None or not release.knows(customer_id):
        return False
    if scope.role in SEES_ALL:
        return True
    return await run_in_threadpool(asked.core.store.books.find, scope, customer_id) is not None


async def _slate(asked: Asked, release: Release, customer: str | None) -> Slate:
    sent: OffersRequest = asked.body
    moment, channel, limit = asked.moment, sent.channel, sent.limit
    if "facts" in sent.model_fields_set:
        facts = sent.facts.model_dump()
        return await _decided(asked, release.with_facts, customer, facts, channel, limit, moment)
    if customer is None:
        return release.popular(sent.segment or "", channel, limit)
    found = release.at_hand(customer, channel, limit, moment)
    return found or await _decided(asked, release.offers, customer, channel, limit, moment)


async def _decided(asked: Asked, decide: Callable[..., Slate], *given: Any) -> Slate:
    """Decide anew, one after the other; who would wait for more than a few others is told to come again."""
    core = asked.core
    if core.deciding >= MOST_DECIDING:
        raise unavailable("overloaded")
    core.deciding += 1
    try:
        return await run_in_threadpool(decide, *given)
    finally:
        core.deciding -= 1


def many(asked: Asked) -> Response:
    """Answer with the offers of several customers, one answer each; who may not be seen is not found."""
    sent: BatchRequest = asked.body
    core, scope = asked.core, asked.scope
    release = core.served(asked.moment)
    items = [_item(asked, release, scope, customer) for customer in dict.fromkeys(sent.customer_ids)]
    return Response(to_json({"answers": items}), media_type=JSON)


def _item(asked: Asked, release: Release, scope: Scope, customer_id: str) -> dict[str, Any]:
    core, sent = asked.core, asked.body
    if not _may_see(asked, release, scope, customer_id):
        core.note(core.read_of(scope, READ, customer_id, "unknown"))
        return {"customer_id": customer_id, "status": 404, "answer": None}
    slate = release.offers(customer_id, sent.channel, sent.limit, asked.moment)
    told = answer(asked, release, customer_id, slate)
    note(asked, scope, told)
    return {"customer_id": customer_id, "status": 200, "answer": told}


def _may_see(asked: Asked, release: Release, scope: Scope, customer_id: str) -> bool:
    if scope.role in SEES_ALL or not release.knows(customer_id):
        return release.knows(customer_id)
    return asked.core.store.books.find(scope, customer_id) is not None


def answer(asked: Asked, release: Release, customer_id: str | None, slate: Slate) -> dict[str, Any]:
    """Return an answer with all that it stands on."""
    return {
        "decision_id": names.DECISIONS.fresh(),
        "customer_id": customer_id,
        "channel": asked.body.channel,
        "offers": [
            {
                "rank": rank,
                "product_id": line.product_id,
                "product": line.product,
                "propensity": line.propensity,
                "value": line.value,
                "reason_codes": line.codes,
            }
            for rank, line in enumerate(slate.lines, start=1)
        ],
        "personalised": slate.personalised,
        "stale": asked.core.is_stale(release, asked.moment),
        "source": slate.source,
        "model_version": release.model_version,
        "snapshot_id": release.snapshot_id,
        "snapshot_date": release.snapshot_date,
        "policy_version": release.policy_version,
    }


def note(asked: Asked, scope: Scope, told: dict[str, Any]) -> bytes:
    """Note an answer before it leaves, and return it as it leaves."""
    core, customer = asked.core, told["customer_id"]
    record = to_json(told)
    decision = None
    if customer is not None:
        decision = Decision(told["decision_id"], customer, asked.moment, scope.actor, record.decode())
    core.note(core.read_of(scope, READ, customer or ""), decision)
    return record


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
