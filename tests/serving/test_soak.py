"""The running service for long, and before more clients than it can answer."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from typing import Any

import numpy as np
import pytest

from tests.serving.running_service import Running, started, until
from tests.serving.small_bank import OWN
from tests.serving.test_proxy import NGINX, proxied

pytestmark = pytest.mark.long
LOAD = Path(__file__).parents[2] / "experiments" / "serving_load.py"
MINUTES = float(os.environ.get("VIPRECO_SOAK_MINUTES", "60"))
WARM_UP = 0.2  # of the minutes
MAX_MEBIBYTES_A_MINUTE, MAX_SLOWER = 1.0, 2.0
MAX_HANDLES_MORE = (
    20  # two workers open the five connections of their pools as they need them, two files each
)
CONNECTIONS = 10_000


@dataclass(frozen=True)
class Look:
    """A look at both workers: minutes since the start, MiB and open handles of all, milliseconds of p99."""

    minutes: float
    memory: float
    handles: int
    p99: float


@contextmanager
def running(folder: Path) -> Iterator[Running]:
    service = started(folder)
    try:
        until(lambda: service.offers().status_code == 200)
        until(lambda: len(service.workers()) == 2 and service.has_begun())
        yield service
    finally:
        service.parent.terminate()
        service.parent.wait(30)


def load(service: Running, port: int, seconds: float, **how: Any) -> Any:
    """Ask for offers from a process of its own; return rows of status and milliseconds."""
    body = json.dumps({"customer_id": OWN, "channel": "app"})
    headers = {"Authorization": f"Bearer {service.token}", "Content-Type": "application/json"}
    what = {"port": port, "seconds": seconds, "requests": [["POST", "/v1/offers", headers, body]], **how}
    command = [sys.executable, str(LOAD)]
    ran = subprocess.run(command, input=json.dumps(what), capture_output=True, text=True, check=True)
    told = json.loads(ran.stdout)
    if told["paused"]:
        sys.stderr.write(f"the machine stood still for {told['paused']:.0f} s\n")
    return np.array([row[:2] for row in told["answers"]])


def refusals(service: Running) -> Counter[tuple[int, str]]:
    """Return how often the service refused or failed, by status and code, as its log says."""
    told = (json.loads(line) for line in service.log().splitlines() if line.startswith('{"at"'))
    return Counter((one["status"], one["code"]) for one in told if one.get("status", 200) != 200)


def look(service: Running, minutes: float, p99: float) -> Look:
    """Measure the workers."""
    memory, handles = 0.0, 0
    for worker in service.workers():
        lines = Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()
        memory += next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        handles += len(list(Path(f"/proc/{worker}/fd").iterdir()))
    return Look(minutes, memory, handles, p99)


def test_memory_handles_and_latency_stay_flat_at_half_load_with_a_swap_each_minute(tmp_path: Path) -> None:
    """F38: `VIPRECO_SOAK_MINUTES` shortens the hour; the machine has to be quiet."""
    with running(tmp_path) as service:
        full = load(service, service.port, 5.0, askers=16)
        half = min((full[:, 0] == 200).sum() / 5.0 / 2, 400.0)  # the limit of one token is 1,000 a second
        known, answers = refusals(service), Counter[int]()  # of the load that found the limit
        begun, looks = time.monotonic(), list[Look]()
        while (minutes := (time.monotonic() - begun) / 60) < MINUTES:
            service.publish(f"{len(looks):x}1")
            told = load(service, service.port, min(60.0, MINUTES * 6), rate=half)
            answers.update(told[:, 0].astype(int).tolist())
            looks.append(look(service, minutes, float(np.percentile(told[:, 1], 99))))
        refused = dict(refusals(service) - known)
    kept = [one for one in looks if one.minutes >= WARM_UP * MINUTES]
    slope = linear_regression([one.minutes for one in kept], [one.memory for one in kept]).slope
    first, last = kept[: len(kept) // 2], kept[len(kept) // 2 :]
    slower = np.median([one.p99 for one in last]) / np.median([one.p99 for one in first])
    sys.stderr.write(
        f"answers by status {dict(answers)} at {half:.0f}/s, refusals {refused}; {slope:.2f} MiB a minute, "
        f"handles {kept[0].handles} to {kept[-1].handles}, p99 {slower:.2f} times, "
        f"load average {os.getloadavg()[2]:.1f}\n"
    )
    assert set(answers) == {200}
    assert slope <= MAX_MEBIBYTES_A_MINUTE
    assert kept[-1].handles <= kept[0].handles + MAX_HANDLES_MORE
    assert slower <= MAX_SLOWER


CLIENTS = """
import json, select, socket, sys, time
what = json.load(sys.stdin)
opened, refused = [], 0
for _ in range(what["count"]):
    one = socket.socket()
    one.settimeout(10)
    try:
        one.connect(("127.0.0.1", what["port"]))
    except OSError:
        refused += 1
        continue
    one.setblocking(False)
    opened.append(one)
request, status, latest = what["request"].encode(), {}, time.monotonic() + what["seconds"]
by_number = {one.fileno(): one for one in opened}
poll = select.epoll()
for one in opened:
    poll.register(one, select.EPOLLIN)
    try:
        one.send(request)
    except OSError:
        refused += 1
while time.monotonic() < latest:
    for number, _ in poll.poll(0.5):
        one = by_number[number]
        try:
            answer = one.recv(65536)
        except OSError:
            answer = b""
        if not answer:
            poll.unregister(number)
            one.close()
            continue
        if answer.startswith(b"HTTP/1.1"):
            code = answer[9:12].decode()
            status[code] = status.get(code, 0) + 1
        try:
            one.send(request)
        except OSError:
            pass
json.dump({"opened": len(opened), "refused": refused, "status": status}, sys.stdout)
"""


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed")
def test_ten_thousand_connections_through_the_proxy_break_nothing(tmp_path: Path) -> None:
    """F29: for a minute; beyond what fits, 429 or 503 alone; ready within five seconds afterwards."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < CONNECTIONS + 1_000:
        pytest.skip("this account may not open ten thousand files: raise `ulimit -Hn`")
    with running(tmp_path) as service, tempfile.TemporaryDirectory() as folder:
        proxy = proxied(service, Path(folder), connections=CONNECTIONS, scheme="http")
        workers = service.workers()
        body = json.dumps({"customer_id": OWN, "channel": "app"})
        head = f"POST /v1/offers HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {service.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        what = {"port": proxy.port, "count": CONNECTIONS, "request": head + body, "seconds": 60}
        try:
            crowd = subprocess.Popen(
                [sys.executable, "-c", CLIENTS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            out, _ = crowd.communicate(json.dumps(what), timeout=180)
            ended = time.monotonic()
            until(lambda: service.offers().status_code == 200, 30)
            ready = time.monotonic() - ended
            after = load(service, proxy.port, 5.0, rate=50)
        finally:
            proxy.process.terminate()
            proxy.process.wait(10)
        found = json.loads(out)
        sys.stderr.write(f"{found}; ready after {ready:.1f} s\n")
        assert found["opened"] > CONNECTIONS / 2
        assert set(found["status"]) <= {"200", "429", "503"}
        assert found["status"]["200"] > 0
        assert service.workers() == workers
        assert ready <= 5
        assert set(after[:, 0]) == {200}
