"""Liveness, readiness and metrics of the service."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import JSONResponse, Response

from serving.http import metrics
from serving.http.app_state import age_days
from serving.http.operation import PUBLIC, HttpRequest, Operation, programs
from serving.http.problems import ProblemDocument, unavailable
from vipreco.store import Role


async def live(request: HttpRequest) -> Response:
    """Answer that the process lives."""
    del request
    return JSONResponse({"status": "live"})


async def ready(request: HttpRequest) -> Response:
    """Answer that there is a release to answer from."""
    if request.state.release is None:
        raise unavailable("not-ready")
    return JSONResponse({"status": "ready", "model_version": request.state.release.model_version})


def exposition(request: HttpRequest) -> Response:
    """Answer with the metrics for Prometheus."""
    release = request.state.release
    if release is not None:
        metrics.SNAPSHOT_AGE.set(age_days(release, request.moment))
    return Response(metrics.exposition(), media_type=CONTENT_TYPE_LATEST)


OPERATIONS = (
    Operation("GET", "/livez", live, PUBLIC),
    Operation("GET", "/readyz", ready, PUBLIC, answers={503: ProblemDocument}),
    Operation("GET", "/metrics", exposition, programs(Role.ADMIN, Role.AUDITOR)),
)
