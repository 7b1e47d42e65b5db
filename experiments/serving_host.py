"""The service of a project with one more route, for `bench_serving.py`; and the process that starts its
workers.

    python experiments/serving_host.py PROJECT WORKERS      # prints the port, runs until it is told to stop

`POST /null` stands in the same router, behind the same middleware, in the same worker, and reads its body as
the offers do. It asks nobody who they are, checks nothing, notes nothing, and answers with the same bytes
always: those of an answer with three offers. What it takes is what every answer takes. `POST /floor` does
what no answer can leave out as well: it knows the caller, checks the body, and puts a record of the same
bytes into the audit. An answer that took no time at all would be as quick as it.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from starlette.responses import Response

from serving.api.application import create_app
from serving.api.models import OffersRequest
from serving.http.ids import new_id
from serving.http.operation import PUBLIC, HttpRequest, Operation, programs
from serving.processes.environment import set_environment
from serving.processes.supervisor import Supervisor, listen, worker_command
from serving.processes.worker_resources import open_app_state
from serving.service import project_pages, release_opener
from vipreco.project import Project
from vipreco.store import AuditRecord, Decision, Role, Store

NULL = (ROOT / "experiments" / "serving_null.json").read_bytes()


@asynccontextmanager
async def running() -> AsyncIterator[Any]:
    """Give the application of the project in the current folder, with the null route."""

    async def null(request: HttpRequest) -> Response:
        await request.http.body()
        return Response(NULL, media_type="application/json")

    async def floor(request: HttpRequest) -> Response:
        state, scope, customer = request.state, request.scope, request.body.customer_id
        decision = Decision(new_id(16), customer, request.moment, scope.actor, NULL.decode())
        state.note_all([AuditRecord(state.read_of(scope, "offers.read", customer), decision)])
        return Response(NULL, media_type="application/json")

    project = Project.find()
    with open_app_state(project, release_opener(project)) as state:
        pages = project_pages(state)
        more = (
            Operation("POST", "/null", null, PUBLIC),
            Operation("POST", "/floor", floor, programs(Role.CHANNEL), body=OffersRequest),
        )
        app = create_app(state, replace(pages, operations=(*more, *pages.operations)))
        app.app.routes.sort(key=lambda route: route.path not in {"/null", "/floor"})  # found as quickly
        yield app


def __getattr__(name: str) -> Any:
    """Make the service when a worker asks for it: the parent needs none."""
    if name == "Benched":
        from serving.http.asgi_adapter import asgi_service

        return asgi_service("benched", running)
    raise AttributeError(name)


def main() -> None:
    """Start the workers and look after them, as `vipreco serve` does."""
    project, workers = Project.find(Path(sys.argv[1])), int(sys.argv[2])
    Store.open(project.store_url).close()  # it reads the whole file, as `vipreco serve` does
    listening = listen("127.0.0.1", 0, False)
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as numbers:
        unlimited = {"requests_per_second": 1_000_000}  # all load comes with one token
        settings = project.settings.serving.model_copy(update=unlimited)
        set_environment(project, settings, Path(numbers))
        os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], str(ROOT)])
        sidecars = {"serving.processes.audit_shipper": 1.0}
        command = worker_command("experiments.serving_host:Benched")
        Supervisor(command, listening, project.root, workers, sidecars).run()


if __name__ == "__main__":
    main()
