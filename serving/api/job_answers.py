"""Answers about commands beside the workers: started, running, or ended with what they gave."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.idempotent import answered_once
from serving.http.operation import HttpRequest
from serving.http.problems import JOB_SECONDS, Problem
from serving.workspace.jobs import Job

WAIT = {"Retry-After": str(JOB_SECONDS)}


def started(request: HttpRequest, location: str, start: Callable[[], None]) -> Response:
    """Start work and answer with 202 and the address that tells its state; once under an idempotency key.

    Args:
        request: With the key, or without one.
        location: The address.
        start: Starts it.

    Raises:
        BusyError: As many commands run as may, or this one runs about something else.
    """

    def work(_: str | None) -> Response:
        start()
        return _answer({"location": location}, 202)

    answer = answered_once(request, work, request.http.url.path)
    if answer.status_code == 202:  # a refusal that was kept under the key is answered as it was
        answer.headers.update({"Location": location, **WAIT})
    return answer


def job_answer(job: Job | None, content: Callable[[Any], dict[str, Any]]) -> Response:
    """Answer with the state of a job and what it gave; 202 while it runs.

    Args:
        job: The job; None where it never ran, or was cut off.
        content: Makes the fields of the answer from what the command wrote; from None without it.

    Raises:
        Problem: It never ran.
    """
    if job is None:
        raise Problem(404, "never-started")
    found = {"job": state_of(job), **content(job.content)}
    return _answer(found, 202 if job.running else 200, WAIT if job.running else {})


def text_answer(job: Job | None, **more: Any) -> Response:
    """Answer with the state of a job and the text that it wrote, empty while it runs.

    Args:
        job: As of `job_answer`.
        more: Further fields.

    Raises:
        Problem: As of `job_answer`.
    """
    text = "" if job is None or job.running else job.text
    return job_answer(job, lambda _: {**more, "text": text})


def state_of(job: Job) -> dict[str, Any]:
    """Return the state of a job."""
    return {
        "state": "running" if job.running else "succeeded" if job.succeeded else "failed",
        "step": job.step,
        "started_at": job.started_at or None,
        "finished_at": job.finished_at or None,
        "seconds": None if job.running else job.seconds,
        "exit_code": job.code,
        "said": job.error,
    }


def _answer(content: dict[str, Any], status: int, headers: dict[str, str] | None = None) -> Response:
    return Response(to_json(content, inf_nan_mode="null"), status, headers, "application/json")
