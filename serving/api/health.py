"""Whether the service lives, whether it can answer, and its numbers."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from serving import metrics
from serving.access import PUBLIC, Asked, Operation, programs
from serving.core import age_days
from serving.problems import ProblemDocument, unavailable
from vipreco.store import Role


async def live(asked: Asked) -> Response:
    """Answer: the process lives."""
    del asked
    return JSONResponse({"status": "live"})


async def ready(asked: Asked) -> Response:
    """Answer: there is a release to answer from."""
    if asked.core.release is None:
        raise unavailable("not-ready")
    return JSONResponse({"status": "ready", "model_version": asked.core.release.model_version})


def numbers(asked: Asked) -> Response:
    """Answer with the numbers for Prometheus."""
    release = asked.core.release
    if release is not None:
        metrics.SNAPSHOT_AGE.set(age_days(release, asked.moment))
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


OPERATIONS = (
    Operation("GET", "/livez", live, PUBLIC),
    Operation("GET", "/readyz", ready, PUBLIC, answers={503: ProblemDocument}),
    Operation("GET", "/metrics", numbers, programs(Role.ADMIN, Role.AUDITOR)),
)
