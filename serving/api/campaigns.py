"""Campaigns for programs: file, plan, run, recheck, report, lists, and two plans side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, Final, TypeVar

from pydantic import BaseModel
from pydantic_core import from_json
from starlette.responses import Response, StreamingResponse

from serving.api.campaign_models import (
    CampaignAnswer,
    CampaignFileRequest,
    CampaignKeyAnswer,
    CampaignsAnswer,
    ComparedPlansAnswer,
    CompareRequest,
    PlanWorkAnswer,
    RecheckWorkAnswer,
    ReportWorkAnswer,
    RunWorkAnswer,
)
from serving.api.idempotent import KEY_HEADER, answered_once
from serving.api.job_answers import job_answer, started, state_of, text_answer
from serving.api.json_answers import json_answer
from serving.api.operations_models import StartedAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import MAX_ERRORS, Problem, ProblemDocument
from serving.workspace.campaign_work import (
    BYTES,
    MEDIA_TYPES,
    REFUSALS,
    CampaignRecord,
    CampaignState,
    CampaignWork,
)
from vipreco.campaign import compare_plans
from vipreco.errors import BusyError, IntegrityError, UsageError
from vipreco.store import Role

WHO: Final = programs_and_people(Role.MARKETING)
CAMPAIGNS: Final = "/v1/campaigns"
ONE: Final = f"{CAMPAIGNS}/{{key}}"
REFUSED: Final = {404: ProblemDocument, 409: ProblemDocument}
BRIEF: Final = ("customers", "arms", "value_amount", "gap_rate")
Found = TypeVar("Found")


def campaigns(request: HttpRequest) -> Response:
    """Answer with all campaigns, by key."""
    return json_answer({"campaigns": [_brief(record) for record in _work(request).records()]})


def create(request: HttpRequest) -> Response:
    """Write the file of a new campaign."""
    sent: CampaignFileRequest = request.body

    def written(_: str | None) -> Response:
        key = _unless_refused(lambda: _work(request).create(sent.file))
        return json_answer({"campaign_id": key}, 201)

    answer = answered_once(request, written, CAMPAIGNS)
    if answer.status_code == 201:
        answer.headers["Location"] = f"{CAMPAIGNS}/{from_json(bytes(answer.body))['campaign_id']}"
    return answer


def campaign(request: HttpRequest) -> Response:
    """Answer with a campaign: its file, its run and the state of its jobs."""
    record = _work(request).record(_key(request))
    answer = {
        "campaign_id": record.key,
        "state": record.state.value,
        "finished": record.state is CampaignState.FINISHED,
        "outdated": record.is_outdated,
        "file": record.text if record.has_file else None,
        "may_start": record.may_start,
        "jobs": {name: job and state_of(job) for name, job in record.jobs.items()},
        "lists": record.lists,
        "manifest": record.manifest,
    }
    return json_answer(answer)


def replace(request: HttpRequest) -> Response:
    """Write the changed file of a campaign that was not run yet."""
    key, sent = _key(request), request.body
    _unless_refused(lambda: _work(request).replace(key, sent.file))
    return json_answer({"campaign_id": key})


def start(name: str, request: HttpRequest) -> Response:
    """Start a job of a campaign."""
    key = _key(request)
    return started(
        request,
        f"{CAMPAIGNS}/{key}/{name}",
        lambda: _unless_refused(lambda: _work(request).start(key, name)),
    )


def state(name: str, request: HttpRequest) -> Response:
    """Answer with the state of a job of a campaign, and what it gave."""
    job = _work(request).record(_key(request)).jobs[name]
    if name == "run":
        return text_answer(job)
    return job_answer(job, lambda content: {GIVES[name]: content})


def compare(request: HttpRequest) -> Response:
    """Answer with two plans side by side."""
    sent: CompareRequest = request.body
    plans = _unless_refused(lambda: _work(request).plans(sent.one, sent.other))
    found = compare_plans(*plans)
    rows = {"figures": found.figures.to_dicts(), "settings": found.settings.to_dicts()}
    return json_answer({"one": sent.one, "other": sent.other, **rows})


def list_file(request: HttpRequest) -> Response:
    """Answer with a list of a run."""
    parts = request.http.path_params
    name = "/".join(parts[part] for part in ("channel", "name") if part in parts)
    found = _unless_refused(lambda: _work(request).list_file(_key(request), name))
    return StreamingResponse(found.parts(), headers=found.headers, media_type=found.media_type)


def _work(request: HttpRequest) -> CampaignWork:
    return CampaignWork(request.state, request.known.actor)


def _key(request: HttpRequest) -> str:
    return str(request.http.path_params["key"])


def _unless_refused(act: Callable[[], Found]) -> Found:
    """Return what was asked for, or say what is wrong in a campaign file, or what stands in the way.

    Raises:
        Problem: 422 a wrong file, 409 a campaign that is too far or not so far, 503 a changed list.
    """
    try:
        return act()
    except UsageError as error:
        wrong = error.examples[:MAX_ERRORS] or (error.what,)
        errors = [("file", error.code, one) for one in wrong]
        raise Problem(422, error.code, errors, detail=error.remedy or error.what) from error
    except BusyError as error:
        if error.code not in REFUSALS:
            raise
        raise Problem(
            409, error.code, [(error.where, error.code)], detail=f"{error.what}: {error.remedy}"
        ) from error
    except IntegrityError as error:  # to come again does not help
        raise Problem(503, error.code, detail=f"{error.what}: {error.remedy}") from error


def _brief(record: CampaignRecord) -> dict[str, Any]:
    found = {
        "campaign_id": record.key,
        "state": record.state.value,
        "finished": record.state is CampaignState.FINISHED,
    }
    summary = record.summary
    if summary is None:
        return found
    dates = {name: summary["campaign"][name] for name in ("name", "start_date", "end_date")}
    return {**found, **dates, **{name: summary[name] for name in BRIEF}}


GIVES: Final = {"plan": "plan", "recheck": "removed", "report": "report"}
FILES: Final = (*MEDIA_TYPES.values(), BYTES)
WORK: Final[Mapping[str, tuple[type[BaseModel], str, str]]] = {
    "plan": (
        PlanWorkAnswer,
        "Plan a campaign: audience, limits with their prices, what-if, power; nothing is decided.",
        "The last plan of a campaign; 202 while it is made.",
    ),
    "run": (
        RunWorkAnswer,
        "Run a campaign: the control group is drawn and the lists are written, for good.",
        "The last run of a campaign; 202 while it runs.",
    ),
    "recheck": (
        RecheckWorkAnswer,
        "Look for offers of the lists that must not be made any more.",
        "Offers that must not be made any more, by the last recheck; 202 while it runs.",
    ),
    "report": (
        ReportWorkAnswer,
        "Count the effect of a campaign against its control group.",
        "The last report of a campaign; 202 while it is made.",
    ),
}
"""Jobs of a campaign: model of the answer, and what starting and reading does."""


def _jobs() -> Iterator[Operation]:
    for name, (model, starts, reads) in WORK.items():
        path = f"{ONE}/{name}"
        yield Operation(
            "POST",
            path,
            partial(start, name),
            WHO,
            answers={202: StartedAnswer, **REFUSED},
            summary=starts,
            headers=(KEY_HEADER,),
        )
        yield Operation(
            "GET",
            path,
            partial(state, name),
            WHO,
            answers={200: model, 202: model, 404: ProblemDocument},
            summary=reads,
        )


OPERATIONS = (
    Operation(
        "GET",
        CAMPAIGNS,
        campaigns,
        WHO,
        answers={200: CampaignsAnswer},
        summary="All campaigns: files that wait, then runs, by key.",
    ),
    Operation(
        "POST",
        CAMPAIGNS,
        create,
        WHO,
        body=CampaignFileRequest,
        answers={201: CampaignKeyAnswer, 409: ProblemDocument},
        summary="Create a campaign from the text of its file; what is wrong in it is told by line.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "GET",
        ONE,
        campaign,
        WHO,
        answers={200: CampaignAnswer, 404: ProblemDocument},
        summary="A campaign: its file, its run with audience, limits and value, and the state of its jobs.",
    ),
    Operation(
        "PUT",
        f"{ONE}/file",
        replace,
        WHO,
        body=CampaignFileRequest,
        answers={200: CampaignKeyAnswer, **REFUSED},
        summary="Replace the file of a campaign before it is run; the key stays.",
    ),
    *_jobs(),
    Operation(
        "POST",
        f"{CAMPAIGNS}:compare",
        compare,
        WHO,
        body=CompareRequest,
        answers={200: ComparedPlansAnswer, **REFUSED},
        summary="The plans of two campaigns side by side.",
    ),
    Operation(
        "GET",
        f"{ONE}/lists/{{name}}",
        list_file,
        WHO,
        answers={200: None, 404: ProblemDocument},
        files=FILES,
        summary="A list of a run, such as `call.csv`, byte for byte as the run wrote it.",
    ),
    Operation(
        "GET",
        f"{ONE}/lists/{{channel}}/{{name}}",
        list_file,
        WHO,
        answers={200: None, 404: ProblemDocument},
        files=FILES,
        summary="A list of one manager, such as `call/M00001.xlsx`, byte for byte as the run wrote it.",
    ),
)
