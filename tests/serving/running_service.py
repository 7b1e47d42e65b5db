"""The real thing on loopback: workers of BentoML under their supervisor, as `vipreco serve` starts them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl

from tests.processes import SOURCES, service_workers
from tests.serving.small_bank import MANAGER, OWN
from tests.serving.small_service import VERSION
from vipreco.online import Releases
from vipreco.store import Role, Store

SETTINGS = '[project]\nname = "small"\n\n[serving]\nbusiness_date = "snapshot"\npoll_seconds = 0.2\n'
PARENT = """
import sys
from pathlib import Path
from serving.processes.environment import set_environment
from serving.processes.supervisor import Supervisor, listen, worker_command
from vipreco.project import Project

project = Project.find(Path(sys.argv[1]))
settings = project.settings.serving
opened = listen("127.0.0.1", 0, False)
print(opened.getsockname()[1], flush=True)
(project.root / "numbers").mkdir()
set_environment(project, settings, project.root / "numbers")
sidecars = {module: 1.0 for module in ("serving.processes.audit_shipper", *sys.argv[2:])}
command = worker_command("tests.serving.small_service:Small")
Supervisor(command, opened, project.root, 2, sidecars).run()
"""


@dataclass
class Running:
    """A service of two workers."""

    folder: Path
    parent: subprocess.Popen[str]
    port: int
    token: str

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def offers(self, client: httpx.Client | None = None) -> httpx.Response:
        sent = {"customer_id": OWN, "channel": "app"}
        headers = {"Authorization": f"Bearer {self.token}"}
        post = httpx.post if client is None else client.post
        return post(f"{self.url}/v1/offers", json=sent, headers=headers, timeout=10)

    @property
    def releases(self) -> Releases:
        return Releases(self.folder / "data" / "serving")

    def versions(self) -> set[str]:
        """Return which models answer, over both workers."""
        return {self.offers().json()["model_version"] for _ in range(20)}

    def has_begun(self) -> bool:
        """Return True when each worker serves a release."""
        said = self.log()
        return all(f'"event": "release", "process": {worker},' in said for worker in self.workers())

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def publish(self, version: str) -> None:
        def fill(folder: Path) -> dict[str, str]:
            (folder / VERSION).write_text(version)
            return {}

        self.releases.publish(fill)

    def workers(self) -> list[int]:
        return service_workers(self.parent.pid)


def until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until something is true.

    The limit tells what hangs from what is slow on a busy machine; `make bench-serving` measures how long it
    takes.
    """
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        try:
            if true():
                return
        except (httpx.HTTPError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def started(folder: Path, *beside: str, tracking: str = "") -> Running:
    """Start a service of two workers.

    Args:
        folder: Of its project, empty.
        beside: Modules that run beside the workers.
        tracking: Address of the registry.
    """
    registry = f'tracking = "{tracking}"\n' if tracking else ""
    (folder / "vipreco.toml").write_text(SETTINGS.replace("\n\n", f"\n{registry}\n", 1))
    with Store.open(f"sqlite:///{folder}/data/store.db") as store:
        columns = {"customer_id": [OWN], "manager_id": [MANAGER], "branch_id": ["B"]}
        store.books.replace("snapshot-1", pl.DataFrame(columns))
        now = datetime.now(UTC).replace(tzinfo=None)
        _, token = store.tokens.create("test", Role.CHANNEL, now)
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    log = (folder / "log").open("w")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder), *beside],
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        text=True,
    )
    assert parent.stdout is not None
    running = Running(folder, parent, int(parent.stdout.readline()), token)
    running.publish("a1")
    return running


@contextmanager
def served(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start `vipreco serve` for a project, and give its process and address when it is ready."""
    command = [sys.executable, "-m", "vipreco.cli", "serve", str(folder), "--port", "0", "--workers", "2"]
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    with (folder / "log").open("w") as log:
        parent = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert parent.stdout is not None
        lines = (line.strip() for line in parent.stdout)
        address = next((line for line in lines if line.startswith("http://")), "")
        assert address, (folder / "log").read_text()
        until(lambda: httpx.get(f"{address}/readyz", timeout=5).status_code == 200)
        yield parent, address
    finally:
        parent.send_signal(signal.SIGTERM)
        status = parent.wait(30)
    assert status == 0


class Load:
    """Asks again and again in a thread, and keeps what was answered."""

    def __init__(self, running: Running) -> None:
        self.running, self.answers, self.failures = running, list[httpx.Response](), 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with httpx.Client() as client:
            while not self._stop.is_set():
                try:
                    self.answers.append(self.running.offers(client))
                except httpx.HTTPError:
                    self.failures += 1

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0
