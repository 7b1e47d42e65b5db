"""Operations for administrators: state of the store, last backup, last night run, and new ones."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.idempotent import KEY_HEADER
from serving.api.job_answers import started, state_of, text_answer
from serving.api.operations_models import StartedAnswer, StoreAnswer, WrittenAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument
from serving.workspace.store_work import MadeRelease, StoreWork
from vipreco.store import Role

ADMINS = programs_and_people(Role.ADMIN)
STORE, BACKUP, NIGHT = "/v1/store", "/v1/store/backup", "/v1/store/prepare"
VERSION_LENGTH = 16  # of a model, as every answer states it


def store(request: HttpRequest) -> Response:
    """Answer with the state of the store and of the night's work."""
    work = _work(request)
    found, jobs = work.read(), (work.backup, work.night)
    answer = {
        "name": found.name,
        "version": found.version,
        "size_bytes": found.size_bytes,
        "rows": found.counts,
        "pending": found.pending,
        "backup": found.backup and {name: found.backup[name] for name in ("at", "actor")},
        "backup_job": jobs[0] and state_of(jobs[0]),
        "releases": [*map(_release, found.releases)],
        "refused": found.refused and {name: found.refused[name] for name in ("model", "what")},
        "night_job": jobs[1] and state_of(jobs[1]),
    }
    return Response(to_json(answer), media_type="application/json")


def back_up(request: HttpRequest) -> Response:
    """Copy the store into the folder of backups."""
    return started(request, BACKUP, _work(request).back_up)


def backup(request: HttpRequest) -> Response:
    """Answer with the state of the last backup."""
    return text_answer(_work(request).backup)


def prepare(request: HttpRequest) -> Response:
    """Run the night's work now."""
    return started(request, NIGHT, _work(request).prepare)


def night(request: HttpRequest) -> Response:
    """Answer with the state of the night's work that was started last."""
    return text_answer(_work(request).night)


def _release(one: MadeRelease) -> dict[str, Any]:
    manifest = one.manifest
    return {
        **{name: value for name, value in asdict(one).items() if name != "manifest"},
        **{name: manifest[name] for name in ("as_of", "snapshot_id", "policy_version")},
        "model_version": manifest["artifact_hash"][:VERSION_LENGTH],
    }


def _work(request: HttpRequest) -> StoreWork:
    return StoreWork(request.state, request.known.actor)


OPERATIONS = (
    Operation(
        "GET",
        STORE,
        store,
        ADMINS,
        answers={200: StoreAnswer},
        summary="State of the store, the last backup, the last night run and the releases on this machine.",
    ),
    Operation(
        "POST",
        BACKUP,
        back_up,
        ADMINS,
        answers={202: StartedAnswer, 409: ProblemDocument},
        summary="Copy the store, as `vipreco store backup` does.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "GET",
        BACKUP,
        backup,
        ADMINS,
        answers={200: WrittenAnswer, 202: WrittenAnswer, 404: ProblemDocument},
        summary="The last backup that a page or a program started; 202 while it runs.",
    ),
    Operation(
        "POST",
        NIGHT,
        prepare,
        ADMINS,
        answers={202: StartedAnswer},
        summary="Run the night's work now, as `vipreco prepare` does.",
        headers=(KEY_HEADER,),
    ),
    Operation(
        "GET",
        NIGHT,
        night,
        ADMINS,
        answers={200: WrittenAnswer, 202: WrittenAnswer, 404: ProblemDocument},
        summary="The night's work that a page or a program started last; 202 while it runs.",
    ),
)
