"""Take an answer of the service apart in this process: processor time without a socket and without the load.

    python experiments/bench_answer.py                    # makes a bank of its own in build/bench-serving
    python experiments/bench_answer.py --project DIR      # an existing project with a release
    python experiments/bench_answer.py --profile offers   # and where the time of one kind goes
    python experiments/bench_answer.py --plain      # without what later issues added to an answer

Every kind of request goes through middleware, router, log-in and handler as in a worker; the null route
beside them shows what each answer takes. Told is the processor time of a request: of the thread that answers,
and of all threads of the process (those that decide are others). Each figure is that of a round over all
customers; the least of nine rounds is what the code takes, the median shows how busy the machine was.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import os
import pstats
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from rich.console import Console
from rich.table import Table

from experiments import serving_host
from experiments.bench_serving import Asked, Bench, opened, own_bank
from serving.api import offers
from serving.auth import authorisation
from serving.http.app_state import AppState, Release, Slate
from serving.http.ids import new_id
from serving.http.operation import HttpRequest
from serving.processes.environment import set_environment
from vipreco.online import OnlineService
from vipreco.store import Role

ROUNDS, CUSTOMERS, CHANGED = 9, 500, 100
Kinds = dict[str, Callable[[Bench], list[Asked]]]
KINDS: Kinds = {
    "null": lambda bench: bench.nothing(CUSTOMERS),
    "floor": lambda bench: bench.floor(CUSTOMERS),
    "offers": lambda bench: bench.offers(CUSTOMERS),
    "batch": lambda bench: [_batch(bench)],
    "facts": lambda bench: bench.with_facts(CHANGED),
    "facts and reasons": lambda bench: bench.with_facts(CHANGED, reasons=True),
}


def _batch(bench: Bench) -> Asked:
    body = {"customer_ids": bench.customers[:CUSTOMERS], "channel": "call", "limit": 3}
    return bench.post("/v1/offers:batch", body, Role.MARKETING)


async def answer(app: Any, asked: Asked) -> int:
    """Send a request to the application; return its status."""
    method, path, headers, text = asked
    body, statuses = text.encode(), []
    given = {"Host": "127.0.0.1:1", **headers, "Content-Length": str(len(body))}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]


@contextmanager
def shipped() -> Iterator[None]:
    """Move audit records into the store by a process of its own, as the service does."""
    shipper = subprocess.Popen([sys.executable, "-m", "serving.processes.audit_shipper"])
    try:
        yield
    finally:
        shipper.terminate()
        shipper.wait()


async def rounds(app: Any, requests: list[Asked], customers: int) -> list[tuple[float, float]]:
    """Return microseconds a customer of each round: of this thread, and of the whole process."""
    found = []
    for _ in range(ROUNDS):
        thread, process = time.thread_time(), time.process_time()
        statuses = {await answer(app, asked) for asked in requests}
        thread, process = time.thread_time() - thread, time.process_time() - process
        if statuses != {200}:
            raise SystemExit(f"answers with status {sorted(statuses - {200})}")
        found.append((thread / customers * 1e6, process / customers * 1e6))
    return found


async def measured(bench: Bench, kinds: list[str], profiled: str | None) -> Table:
    """Return the table of all kinds; `profiled` names one whose functions are printed."""
    table = Table(title="Microseconds of processor time a customer: least / median of nine rounds")
    for heading in ("request", "thread that answers", "all threads"):
        table.add_column(heading, justify="left" if heading == "request" else "right")
    async with serving_host.running() as app:
        for kind in kinds:
            requests = KINDS[kind](bench)
            customers = CUSTOMERS if kind == "batch" else len(requests)
            found = list(zip(*await rounds(app, requests, customers), strict=True))
            table.add_row(kind, *(f"{min(each):,.1f} / {median(each):,.1f}" for each in found))
            if kind == profiled:
                await profile(app, requests)
    return table


async def profile(app: Any, requests: list[Asked]) -> None:
    """Print the functions that a kind of request spends its time in, the largest own time first."""
    profiler = cProfile.Profile()
    profiler.enable()
    for asked in requests * 4:
        await answer(app, asked)
    profiler.disable()
    pstats.Stats(profiler).sort_stats("tottime").print_stats(40)


def leave_out() -> None:
    """Answer as before chances by contact, evidence, causes, rates of tokens and replays were asked for."""
    authorisation._check_rate = lambda request: None  # type: ignore[assignment]
    offers.offer_answer = plain_answer  # type: ignore[assignment]
    offers._decided_on = lambda request, release, customer_id: {}
    AppState.knows = lambda self, release, customer_id: release.knows(customer_id)  # type: ignore[method-assign]
    OnlineService._cause = lambda self, allowed, verdicts: ""  # type: ignore[method-assign]


def plain_answer(
    request: HttpRequest, release: Release, customer: str | None, slate: Slate
) -> dict[str, Any]:
    """Return an answer with propensity and value alone."""
    return {
        "decision_id": new_id(16),
        "customer_id": customer,
        "channel": request.body.channel,
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
        "stale": request.state.is_stale(release, request.moment),
        "source": slate.source,
        "model_version": release.model_version,
        "snapshot_id": release.snapshot_id,
        "snapshot_date": release.snapshot_date,
        "policy_version": release.policy_version,
    }


def main() -> None:
    """Measure the kinds that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, help="an existing project; without it a bank is made")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "bench-serving", help="for the own bank"
    )
    parser.add_argument("--only", choices=tuple(KINDS), action="append", help="this kind alone")
    parser.add_argument("--profile", choices=tuple(KINDS), help="print where the time of this kind goes")
    parser.add_argument(
        "--plain", action="store_true", help="leave out what answers have got since they began"
    )
    arguments = parser.parse_args()
    if arguments.plain:
        leave_out()
    console = Console(stderr=True)
    folder = (arguments.project or own_bank(arguments.work.resolve(), console)).resolve()
    bench = opened(folder, False, console)
    with tempfile.TemporaryDirectory() as numbers:
        unlimited = {"requests_per_second": 1_000_000}
        settings = bench.project.settings.serving.model_copy(update=unlimited)
        set_environment(bench.project, settings, Path(numbers))
        os.chdir(folder)
        with shipped():
            table = asyncio.run(measured(bench, arguments.only or [*KINDS], arguments.profile))
    Console().print(table)


if __name__ == "__main__":
    main()
