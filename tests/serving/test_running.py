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
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import polars as pl
import pytest

from tests.serving.small_bank import MANAGER, OWN
from tests.serving.small_service import BROKEN, VERSION, chance_of
from vipreco.answering.publication import Publications
from vipreco.store import Role, Store

ROOT = Path(__file__).parents[2]
SETTINGS = '[project]\nname = "small"\n\n[serving]\nbusiness_date = "snapshot"\npoll_seconds = 0.2\n'
PARENT = """
import sys
from pathlib import Path
from serving.companion import Companion
from serving.running import environment
from serving.supervisor import Supervisor, listen, worker_command
from vipreco.project import Project

project = Project.find(Path(sys.argv[1]))
settings = project.settings.serving
opened = listen("127.0.0.1", 0, False)
print(opened.getsockname()[1], flush=True)
(project.root / "numbers").mkdir()
environment(project, settings, project.root / "numbers")
scribe = Companion("serving.scribe", project.root, 1.0)
command = worker_command("tests.serving.small_service:Small")
Supervisor(command, opened, project.root, 2, beside=scribe.look).run()
scribe.end()
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

    def publish(self, version: str) -> None:
        def fill(folder: Path) -> dict[str, str]:
            (folder / VERSION).write_text(version)
            return {}

        Publications(self.folder / "data" / "serving").publish(fill)

    def workers(self) -> list[int]:
        found = subprocess.run(
            ["pgrep", "-P", str(self.parent.pid), "-f", "serving.worker"], capture_output=True
        )
        return [int(line) for line in found.stdout.split()]


def until(true: Callable[[], bool], seconds: float = 15.0) -> float:
    """Wait until something is true, and return how long that took."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        try:
            if true():
                return time.monotonic() - started
        except (httpx.HTTPError, OSError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def started(folder: Path) -> Running:
    (folder / "vipreco.toml").write_text(SETTINGS)
    with Store.open(f"sqlite:///{folder}/data/store.db") as store:
        columns = {"customer_id": [OWN], "manager_id": [MANAGER], "branch_id": ["B"]}
        store.books.replace("snapshot-1", pl.DataFrame(columns))
        now = datetime.now(UTC).replace(tzinfo=None)
        _, token = store.tokens.create("test", Role.CHANNEL, now)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    log = (folder / "log").open("w")
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(folder)],
        stdout=subprocess.PIPE,
        stderr=log,
        env=environment,
        text=True,
    )
    assert parent.stdout is not None
    running = Running(folder, parent, int(parent.stdout.readline()), token)
    running.publish("a1")
    return running


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = started(tmp_path_factory.mktemp("running"))
    until(lambda: running.offers().status_code == 200)
    until(lambda: len(running.workers()) == 2)
    yield running
    running.parent.terminate()
    running.parent.wait(15)


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


def test_swaps_under_load_fail_no_answer_and_mix_none(service: Running) -> None:
    with Load(service) as load:
        for number in range(5):
            service.publish(f"b{number}")
            time.sleep(0.4)
    assert load.failures == 0
    told = [answer.json() for answer in load.answers]
    assert {answer.status_code for answer in load.answers} == {200}
    assert len({answer["model_version"] for answer in told}) >= 3
    for answer in told:
        assert {offer["propensity"] for offer in answer["offers"]} == {chance_of(answer["model_version"])}


def test_all_workers_serve_the_same_within_five_seconds(service: Running) -> None:
    service.publish("c1")
    until(lambda: {service.offers().json()["model_version"] for _ in range(20)} == {"c1"}, 5)


def test_a_publication_that_cannot_be_opened_is_refused_and_the_old_one_serves_on(service: Running) -> None:
    service.publish("c2")
    until(lambda: {service.offers().json()["model_version"] for _ in range(20)} == {"c2"}, 5)
    service.publish(BROKEN)
    until(lambda: '"publication-refused"' in (service.folder / "log").read_text(), 5)
    assert {service.offers().json()["model_version"] for _ in range(20)} == {"c2"}
    assert httpx.get(f"{service.url}/readyz").status_code == 200


def test_a_killed_worker_is_replaced_within_ten_seconds(service: Running) -> None:
    first = service.workers()[0]
    os.kill(first, signal.SIGKILL)
    until(lambda: len(service.workers()) == 2 and first not in service.workers(), 10)
    until(lambda: service.offers().status_code == 200, 10)


def test_offers_go_on_while_the_store_is_gone_and_it_is_found_again(service: Running) -> None:
    path = service.folder / "data" / "store.db"
    assert service.offers().status_code == 200
    path.rename(path.with_suffix(".aside"))
    decision = httpx.get(
        f"{service.url}/v1/decisions/none", headers={"Authorization": f"Bearer {service.token}"}
    )
    assert decision.status_code == 503
    path.with_suffix(".aside").rename(path)
    took = until(lambda: service.offers().status_code == 200, 5)
    assert took < 5


def test_what_was_answered_is_in_the_store_soon_after(service: Running) -> None:
    told = service.offers().json()
    url = f"{service.url}/v1/decisions/{told['decision_id']}"
    headers = {"Authorization": f"Bearer {service.token}"}
    until(lambda: httpx.get(url, headers=headers).status_code == 200, 5)
    assert httpx.get(url, headers=headers).json()["record"] == told


def test_raw_bytes_that_are_no_request_close_the_connection(service: Running) -> None:
    for raw in (
        b"POST /v1/offers HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/offers HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 20_000 + b"\r\n\r\n",
    ):
        with socket.create_connection(("127.0.0.1", service.port), timeout=5) as opened:
            opened.sendall(raw)
            answer = b""
            while part := opened.recv(65536):
                answer += part
        assert answer.startswith((b"HTTP/1.1 400", b"HTTP/1.1 431", b"HTTP/1.1 401")), answer[:100]


def test_a_stop_finishes_what_is_being_answered(tmp_path: Path) -> None:
    running = started(tmp_path)
    until(lambda: running.offers().status_code == 200)
    until(lambda: len(running.workers()) == 2)
    with Load(running) as load:
        time.sleep(0.5)
        began = time.monotonic()
        running.parent.terminate()
        running.parent.wait(12)
        assert time.monotonic() - began < 10
    assert {answer.status_code for answer in load.answers} == {200}
    assert not is_open(running.port)


def test_no_worker_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    running = started(tmp_path)
    until(lambda: running.offers().status_code == 200)
    running.parent.kill()
    running.parent.wait(5)
    until(lambda: not is_open(running.port), 10)


def is_open(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def test_an_address_that_others_reach_needs_the_word_that_there_is_a_proxy() -> None:
    from serving.supervisor import listen
    from vipreco.errors import UsageError

    with pytest.raises(UsageError, match="open to others"):
        listen("0.0.0.0", 0, behind_proxy=False)
    listen("0.0.0.0", 0, behind_proxy=True).close()
