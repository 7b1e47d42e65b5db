"""Registered models for programs of scientists and approvers: list, describe, compare, promote, roll back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_json
from starlette.responses import Response

from serving.api.idempotent import KEY_HEADER
from serving.api.job_answers import WAIT, job_answer, started, state_of, text_answer
from serving.api.operations_models import (
    DecidedAnswer,
    FindingsAnswer,
    ModelComparisonAnswer,
    ModelsAnswer,
    ModelVersionAnswer,
    StartedAnswer,
)
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument
from serving.workspace.jobs import Job
from serving.workspace.model_work import ModelWork
from vipreco.store import Role

READERS = programs_and_people(Role.SCIENTIST, Role.APPROVER)
APPROVERS = programs_and_people(Role.APPROVER)
MODELS, FINDINGS, DECISION = "/v1/models", "/v1/models/monitor", "/v1/models/decision"
Answers = Mapping[int, type[BaseModel] | None]
STARTED: Answers = {202: StartedAnswer}


def versions(request: HttpRequest) -> Response:
    """Answer with the list of all versions as it was last read."""
    return job_answer(_work(request).versions(), lambda found: {"versions": found})


def refresh(request: HttpRequest) -> Response:
    """Read the registry again."""
    return started(request, MODELS, _work(request).refresh)


def version(request: HttpRequest) -> Response:
    """Answer with all about a version."""
    job = _work(request).version(request.http.path_params["version"])
    return job_answer(job, lambda found: {"model": found})


def compare(request: HttpRequest) -> Response:
    """Answer with all about two versions."""
    parts = request.http.path_params
    jobs = _work(request).compared(parts["version"], parts["other"])
    waits = any(job is None or job.running for job in jobs)
    answer = {"one": _described(jobs[0]), "other": _described(jobs[1])}
    headers = WAIT if waits else {}
    return Response(to_json(answer, inf_nan_mode="null"), 202 if waits else 200, headers, "application/json")


def monitor(request: HttpRequest) -> Response:
    """Judge the newest snapshot."""
    return started(request, FINDINGS, _work(request).monitor)


def findings(request: HttpRequest) -> Response:
    """Answer with the findings of the last monitoring."""
    return job_answer(_work(request).findings, lambda found: {"findings": found})


def promote(request: HttpRequest) -> Response:
    """Approve a version."""
    work, chosen = _work(request), request.http.path_params["version"]
    return started(request, DECISION, lambda: work.promote(chosen))


def roll_back(request: HttpRequest) -> Response:
    """Put the previous champion in force again."""
    return started(request, DECISION, _work(request).roll_back)


def decision(request: HttpRequest) -> Response:
    """Answer with the state of the last promotion or roll-back, and what the command said."""
    job = _work(request).decided
    return text_answer(job, command=[*job.arguments] if job else [])


def _described(job: Job | None) -> dict[str, Any] | None:
    return None if job is None else {"job": state_of(job), "model": job.content}


def _work(request: HttpRequest) -> ModelWork:
    return ModelWork(request.state, request.known.actor)


OPERATIONS = (
    Operation(
        "GET",
        MODELS,
        versions,
        READERS,
        answers={200: ModelsAnswer, 202: ModelsAnswer, 404: ProblemDocument},
        summary="The registered versions, newest first, as they were last read; 202 while they are read.",
    ),
    Operation(
        "POST",
        f"{MODELS}/refresh",
        refresh,
        READERS,
        answers=STARTED,
        summary="Read the registry again.",
    ),
    Operation(
        "POST",
        FINDINGS,
        monitor,
        READERS,
        answers=STARTED,
        summary="Judge the newest snapshot, as `vipreco monitor` does.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "GET",
        FINDINGS,
        findings,
        READERS,
        answers={200: FindingsAnswer, 202: FindingsAnswer, 404: ProblemDocument},
        summary="Findings of the last monitoring; 202 while it runs.",
    ),
    Operation(
        "GET",
        DECISION,
        decision,
        READERS,
        answers={200: DecidedAnswer, 202: DecidedAnswer, 404: ProblemDocument},
        summary="The last promotion or roll-back, with what the command said; 202 while it runs.",
    ),
    Operation(
        "POST",
        f"{MODELS}/rollback",
        roll_back,
        APPROVERS,
        answers=STARTED,
        summary="Put the previous champion in force again.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "GET",
        f"{MODELS}/{{version}}",
        version,
        READERS,
        answers={200: ModelVersionAnswer, 202: ModelVersionAnswer, 404: ProblemDocument},
        summary="A version: verdict, gates, numbers beside baselines, calibration, approvals; 202 while it "
        "is read.",
    ),
    Operation(
        "GET",
        f"{MODELS}/{{version}}/compare/{{other}}",
        compare,
        READERS,
        answers={200: ModelComparisonAnswer, 202: ModelComparisonAnswer, 404: ProblemDocument},
        summary="Two versions side by side; 202 while one of them is read.",
    ),
    Operation(
        "POST",
        f"{MODELS}/{{version}}/promote",
        promote,
        APPROVERS,
        answers={202: StartedAnswer, 404: ProblemDocument},
        summary="Approve a version; the command judges its gates, and that somebody else trained it.",
        headers=(KEY_HEADER,),
    ),
)
