"""Measure the running service: ratios in one run against a null route that is mounted the same way.

    python experiments/bench_serving.py                       # makes a bank of its own in build/bench-serving
    python experiments/bench_serving.py --project DIR         # an existing project; its store gets outcomes
    python experiments/bench_serving.py --only capacity       # one part; --quick shortens all of them

The load comes from a process of its own (`serving_load.py`) on the same machine, so the load of both, and
of whoever else works here, is in every figure of time; the load average is told beside each part. The null
route (`POST /null` of `serving_host.py`) runs in the same workers, router and middleware, reads its body and
answers with 826 bytes always, without asking who it is, checking, deciding or noting. Each ratio is the
median of three pairs, taken in turn. Targets are not gates: another machine is another speed. `--out`
writes all numbers as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import httpx
import numpy as np
import polars as pl
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from tests.processes import service_workers
from tests.serving.running_service import Running
from tests.serving.test_proxy import NGINX, offers, proxied
from vipreco.history import History
from vipreco.lists import view_at
from vipreco.online import Releases
from vipreco.project import Project
from vipreco.recommender import Recommender
from vipreco.store import Role, Store, User

HERE = ROOT / "experiments"
CUSTOMERS, MONTHS, SEED, BOOK = 3_000, 8, 7, 300
MANAGER, PASSWORD = "BENCH", "a password for the bench"
CHANNEL, CHANGED = "call", 200
SERVICE_CORE, LOAD_CORE = 0, 1  # of the overload
Asked = list[Any]


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    what: str
    found: str
    target: str = ""
    met: bool | None = None


@dataclass
class Bench:
    """Settings and results that all parts use.

    Args:
        project: Whose service it is.
        quick: Whether each part is short.
        console: Where progress goes.
    """

    project: Project
    quick: bool
    console: Console
    tokens: dict[Role, str] = field(default_factory=dict)
    cookie: str = ""
    customers: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    numbers: dict[str, Any] = field(default_factory=dict)

    def seconds(self, full: float) -> float:
        return max(full / 10, 2.0) if self.quick else full

    def offers(self, count: int = 500) -> list[Asked]:
        """Return requests for offers, of customers in turn."""
        return [self.post("/v1/offers", body) for body in self._bodies(count)]

    def nothing(self, count: int = 500) -> list[Asked]:
        """Return the same requests to the null route."""
        return [self.post("/null", body) for body in self._bodies(count)]

    def floor(self, count: int = 500) -> list[Asked]:
        """Return the same requests to the route that does nothing but authorise, check and note."""
        return [self.post("/floor", body) for body in self._bodies(count)]

    def with_facts(self, count: int = 500, reasons: bool = False) -> list[Asked]:
        """Return requests with facts that change the customer; `reasons` asks for their codes too."""
        found = []
        for number, body in enumerate(self._bodies(count)):
            facts = {"attributes": {"aum_amount": 100_000.0 + number}, "reasons": reasons}
            found.append(self.post("/v1/offers", {**body, "facts": facts}))
        return found

    def _bodies(self, count: int) -> list[dict[str, Any]]:
        return [{"customer_id": each, "channel": CHANNEL, "limit": 3} for each in self.customers[:count]]

    def post(self, path: str, body: Any, role: Role = Role.CHANNEL) -> Asked:
        headers = {"Authorization": f"Bearer {self.tokens[role]}", "Content-Type": "application/json"}
        return ["POST", path, headers, json.dumps(body)]

    def tell(self, what: str, found: str, target: str = "", met: bool | None = None) -> None:
        self.lines.append(Line(what, found, target, met))
        self.console.print(f"  {what}: {found}" + (f"   ({target})" if target else ""))


@dataclass
class Host:
    """The running service."""

    parent: subprocess.Popen[str]
    port: int
    ready_seconds: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        return service_workers(self.parent.pid)

    def cpu_seconds(self) -> float:
        """Return the seconds of processor time that the workers have used."""
        ticks = 0
        for worker in self.workers():
            fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def memory(self) -> list[tuple[float, float]]:
        """Return MiB of each worker: its share of what is shared counted (PSS), and all of it (RSS)."""
        found = []
        for worker in self.workers():
            lines = Path(f"/proc/{worker}/smaps_rollup").read_text().splitlines()
            kilobytes = {line.split()[0]: int(line.split()[1]) for line in lines[1:]}
            found.append((kilobytes["Pss:"] / 1024, kilobytes["Rss:"] / 1024))
        return found


def pinned(core: int | None) -> list[str]:
    """Return the words before a command that keep it on one core; none where it may use all."""
    cores = sorted(os.sched_getaffinity(0))
    return [] if core is None or len(cores) < 2 else ["taskset", "--cpu-list", str(cores[core])]


@contextmanager
def hosted(bench: Bench, workers: int, core: int | None = None) -> Iterator[Host]:
    """Run the service for as long as a part needs it, with all of its processes on one core if asked."""
    began = time.perf_counter()
    command = [
        *pinned(core),
        sys.executable,
        str(HERE / "serving_host.py"),
        str(bench.project.root),
        str(workers),
    ]
    log = (bench.project.root / "bench.log").open("a")
    parent = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        cwd=bench.project.root,
    )
    assert parent.stdout is not None
    host = Host(parent, int(parent.stdout.readline()), 0.0)
    try:
        _until(lambda: httpx.get(f"{host.url}/readyz", timeout=5).status_code == 200, 120)
        host.ready_seconds = time.perf_counter() - began
        for _ in range(40):  # until each worker has answered
            _until(lambda: httpx.get(f"{host.url}/readyz", timeout=5).status_code == 200, 60)
        yield host
    finally:
        parent.send_signal(signal.SIGTERM)
        parent.wait(30)


def _until(true: Callable[[], bool], seconds: float) -> None:
    latest = time.monotonic() + seconds
    while time.monotonic() < latest:
        try:
            if true():
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.05)
    raise TimeoutError(f"not within {seconds} s")


@dataclass(frozen=True)
class Told:
    """Outcomes of the requests of one run."""

    seconds: float
    status: Any
    milliseconds: Any
    places: Any
    bodies: list[str]

    @property
    def rate(self) -> float:
        """Right answers a second."""
        return float((self.status == 200).sum()) / self.seconds

    @property
    def errors(self) -> int:
        return int((self.status != 200).sum())

    def percentile(self, q: float) -> float:
        return float(np.percentile(self.milliseconds, q))


def load(host: Host, requests: Sequence[Asked], seconds: float, core: int | None = None, **how: Any) -> Told:
    """Ask from a process of its own, on one core if asked."""
    what = {"port": host.port, "seconds": seconds, "requests": list(requests), **how}
    ran = subprocess.run(
        [*pinned(core), sys.executable, str(HERE / "serving_load.py")],
        input=json.dumps(what),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(ran.stdout)
    status, milliseconds, places = (np.array(each) for each in zip(*found["answers"], strict=True))
    return Told(found["seconds"], status, milliseconds, places, found["bodies"])


def start(bench: Bench) -> None:
    """L10: start to ready, and memory of a worker that has answered."""
    times, used = [], []
    for _ in range(1 if bench.quick else 3):
        with hosted(bench, 2) as host:
            times.append(host.ready_seconds)
            used.append(host.cpu_seconds() / 2)
            load(host, bench.offers(), 2.0, rate=50)
            _page(bench, host, "/")
            memory = host.memory()
    ready = median(times)
    pss, rss = (max(each[place] for each in memory) for place in (0, 1))
    bench.numbers["start"] = {"ready_seconds": times, "cpu_seconds": used, "pss_mib": pss, "rss_mib": rss}
    bench.tell("L10 start to ready, 2 workers", f"{ready:.1f} s", "<= 8 s", ready <= 8)
    bench.tell("   processor time of a worker until then", f"{median(used):.1f} s")
    bench.tell("L10 memory of a worker, PSS / RSS", f"{pss:.0f} / {rss:.0f} MiB", "<= 400", rss <= 400)


def capacity(bench: Bench) -> None:
    """L1: offers beside the null route, one worker, sixteen askers, in turn; L3: two workers."""
    seconds, pairs = bench.seconds(8), []
    with hosted(bench, 1) as host:
        load(host, bench.offers(), 2.0, askers=16)
        load(host, bench.nothing(), 2.0, askers=16)
        for _ in range(3):
            found = []
            for requests in (bench.nothing(), bench.offers()):
                before = host.cpu_seconds()
                told = load(host, requests, seconds, askers=16)
                each = (host.cpu_seconds() - before) / max(len(told.status), 1) * 1000
                found.append((told.rate, each, told.errors))
            pairs.append(found)
    ratio = median(offers[0] / null[0] for null, offers in pairs)
    by_cpu = median(null[1] / offers[1] for null, offers in pairs)
    rates = [median(pair[side][0] for pair in pairs) for side in (0, 1)]
    cpu = [median(pair[side][1] for pair in pairs) for side in (0, 1)]
    errors = sum(side[2] for pair in pairs for side in pair)
    bench.numbers["capacity"] = {"pairs": pairs, "ratio": ratio, "ratio_by_cpu": by_cpu}
    met = min(ratio, by_cpu) >= 0.7  # on a busy machine the first is too good: both wait for their turn
    bench.tell("L1 capacity / null route", f"{ratio:.2f}", ">= 0.7", met)
    bench.tell("   null, offers a second, 1 worker", f"{rates[0]:.0f}, {rates[1]:.0f}")
    bench.tell("   the same by processor time", f"{by_cpu:.2f} ({cpu[0]:.2f}, {cpu[1]:.2f} ms)")
    bench.tell("   errors", str(errors), "0", errors == 0)
    with hosted(bench, 2) as host:
        load(host, bench.offers(), 2.0, askers=16)
        told = load(host, bench.offers(), seconds, askers=32)
    bench.numbers["saturation"] = told.rate
    bench.tell("L3 saturation, 2 workers", f"{told.rate:.0f}/s", ">= 1,000", told.rate >= 1000)


def latency(bench: Bench) -> None:
    """L2: open loop of 300 a second; the null route beside it; requests with facts."""
    seconds = bench.seconds(60)
    with hosted(bench, 2) as host:
        load(host, bench.offers(), 3.0, rate=100)
        null = load(host, bench.nothing(), seconds / 3, rate=300)
        told = [load(host, bench.offers(), seconds, rate=300) for _ in range(1 if bench.quick else 3)]
        many = [_batch(bench, host) for _ in range(10)]
        facts = load(host, bench.with_facts(), bench.seconds(30), rate=20)
        reasons = load(host, bench.with_facts(reasons=True), bench.seconds(30), rate=20)
        changed = load(host, _changed(bench, host), CHANGED / 20, rate=20)
    _leave_changed_out(bench)  # the parts after this one ask about the night's offers
    p99, errors = median(each.percentile(99) for each in told), sum(each.errors for each in told)
    middle = median(each.percentile(50) for each in told)
    bench.numbers["latency"] = {
        "p99": [each.percentile(99) for each in told],
        "p50": middle,
        "errors": errors,
        "null_p99": null.percentile(99),
        "facts_p99": facts.percentile(99),
        "facts_p50": facts.percentile(50),
        "facts_errors": facts.errors,
        "reasons_p99": reasons.percentile(99),
        "reasons_p50": reasons.percentile(50),
        "reasons_errors": reasons.errors,
        "batch": many,
        "changed_p99": changed.percentile(99),
        "changed_p50": changed.percentile(50),
    }
    bench.tell("L2 300/s open loop, 2 workers, p99", f"{p99:.1f} ms", "<= 25 (aim 10)", p99 <= 25)
    bench.tell("   p50; null route p99", f"{middle:.1f}; {null.percentile(99):.1f} ms")
    bench.tell("   errors", str(errors), "0", errors == 0)
    bench.tell(
        "with facts, 20/s, p99",
        f"{facts.percentile(99):.0f} ms (p50 {facts.percentile(50):.0f}, errors {facts.errors})",
        "<= 50",
        facts.percentile(99) <= 50 and facts.errors == 0,
    )
    bench.tell(
        "with facts and reasons, 20/s, p99",
        f"{reasons.percentile(99):.0f} ms (p50 {reasons.percentile(50):.0f}, errors {reasons.errors})",
        "<= 60",
        reasons.percentile(99) <= 60 and reasons.errors == 0,
    )
    bench.tell(
        "customers who changed since the night, 20/s, p99",
        f"{changed.percentile(99):.0f} ms (p50 {changed.percentile(50):.0f}, errors {changed.errors})",
        "<= 50",
        changed.percentile(99) <= 50 and changed.errors == 0,
    )
    batch = median(many)
    bench.tell("L4 batch of 500, median", f"{batch:.0f} ms", "<= 400", batch <= 400)


def _changed(bench: Bench, host: Host) -> list[Asked]:
    """Record an outcome about customers, and return a question about each: none was decided since."""
    customers = bench.customers[:CHANGED]
    for customer in customers:
        body = {"customer_id": customer, "channel": CHANNEL, "outcome": "unreachable"}
        _, path, headers, text = bench.post("/v1/outcomes", body)
        answer = httpx.post(f"{host.url}{path}", headers=headers, content=text, timeout=30)
        assert answer.status_code in {200, 201}, answer.status_code
    return [
        bench.post("/v1/offers", {"customer_id": one, "channel": CHANNEL, "limit": 3}) for one in customers
    ]


def _batch(bench: Bench, host: Host) -> float:
    ids = bench.customers[:500]
    headers = {"Authorization": f"Bearer {bench.tokens[Role.MARKETING]}"}
    body = {"customer_ids": ids, "channel": CHANNEL, "limit": 20}
    answer = httpx.post(f"{host.url}/v1/offers:batch", json=body, headers=headers, timeout=30)
    assert len(answer.json()["answers"]) == len(ids)
    return answer.elapsed.total_seconds() * 1000


def _page(bench: Bench, host: Host, path: str, client: httpx.Client | None = None) -> httpx.Response:
    get = httpx.get if client is None else client.get
    answer = get(f"{host.url}{path}", headers={"Cookie": f"vipreco_session={bench.cookie}"}, timeout=60)
    assert answer.status_code == 200, answer.status_code
    return answer


def page(bench: Bench) -> None:
    """L5: the list of a book of 300, and sheets, one after the other as a person opens them."""
    looks = 20 if bench.quick else 100
    with hosted(bench, 1) as host, httpx.Client() as client:
        used = host.cpu_seconds()
        first = _page(bench, host, "/", client).elapsed.total_seconds() * 1000
        used = 1000 * (host.cpu_seconds() - used)
        lists = [_page(bench, host, "/", client).elapsed.total_seconds() * 1000 for _ in range(looks)]
        handles = list(
            dict.fromkeys(re.findall(r"/customers/([\w-]+)\"", _page(bench, host, "/", client).text))
        )
        handles = handles[: looks // 2]
        fresh = [_page(bench, host, f"/customers/{handle}", client) for handle in handles]
        again = [_page(bench, host, f"/customers/{handle}", client) for handle in handles]
        after = _outcomes(bench, host, client, handles[:10])
    sheets, kept = ([each.elapsed.total_seconds() * 1000 for each in found] for found in (fresh, again))
    found = {
        name: float(np.percentile(times, 95))
        for name, times in (("lists", lists), ("sheets", sheets), ("sheets_again", kept), ("after", after))
    }
    bench.numbers["page"] = {
        "first_list": first,
        "first_list_cpu": used,
        "p95": found,
        "sheet_p50": median(sheets),
    }
    bench.tell(
        "L5 list, book of 300, p95", f"{found['lists']:.0f} ms", "<= 300 (aim 100)", found["lists"] <= 300
    )
    told = f"{first:.0f} ms (processor time {used:.0f})"
    bench.tell("   the first list of a day", told, "<= 300", first <= 300)
    bench.tell(
        "   a sheet for the first time, p95",
        f"{found['sheets']:.0f} ms (p50 {median(sheets):.0f})",
        "<= 300",
        found["sheets"] <= 300,
    )
    bench.tell("   a sheet again, p95", f"{found['sheets_again']:.0f} ms")
    bench.tell(
        "   the list after an outcome, p95", f"{found['after']:.0f} ms", "<= 300", found["after"] <= 300
    )


def _outcomes(bench: Bench, host: Host, client: httpx.Client, handles: Sequence[str]) -> list[float]:
    """Record outcomes and return how long the list took after each."""
    times = []
    for handle in handles:
        sheet = _page(bench, host, f"/customers/{handle}", client).text
        csrf = re.findall(r'name="csrf" value="([^"]+)"', sheet)[0]
        form = {"csrf": csrf, "outcome": "unreachable", "product_id": ""}
        headers = {"Cookie": f"vipreco_session={bench.cookie}"}
        sent = client.post(f"{host.url}/customers/{handle}/outcome", data=form, headers=headers, timeout=60)
        assert sent.status_code == 303
        times.append(_page(bench, host, "/", client).elapsed.total_seconds() * 1000)
    return times


def swaps(bench: Bench) -> None:
    """L7: swaps under half load; each answer is computed again by the model that it names."""
    releases = Releases(bench.project.root / "data" / "serving")
    pointer = releases.pointer()
    if pointer is None or pointer.previous is None:
        bench.tell("L7 swaps", "not measured: the project has one release", "50 in 60 s")
        return
    count, seconds = (10, 12.0) if bench.quick else (50, 60.0)
    _leave_changed_out(bench)
    with hosted(bench, 2) as host:
        full = load(host, bench.offers(), bench.seconds(6), askers=32).rate
        calm = load(host, bench.offers(), bench.seconds(20), rate=full / 2, keep=True)
        stop = threading.Event()
        done: list[float] = []

        def swap() -> None:
            for _ in range(count):
                releases.roll_back()
                done.append(time.perf_counter())
                if stop.wait(seconds / count):
                    return

        thread = threading.Thread(target=swap)
        thread.start()
        told = load(host, bench.offers(), seconds, rate=full / 2, keep=True)
        stop.set()
        thread.join()
    mixed, versions = _mixed(bench, told.bodies)
    ratio = told.percentile(99) / calm.percentile(99)
    bench.numbers["swaps"] = {
        "swaps": len(done),
        "failed": told.errors,
        "mixed": mixed,
        "versions": versions,
        "rate": full / 2,
        "answers": len(told.bodies),
        "p99": told.percentile(99),
        "calm_p99": calm.percentile(99),
    }
    met = told.errors == 0 and mixed == 0 and len(versions) == 2 and len(done) == count
    bench.tell(
        f"L7 {len(done)} swaps in {seconds:.0f} s at {full / 2:.0f}/s",
        f"{told.errors} failed, {mixed} mixed of {len(told.bodies)}",
        "0, 0",
        met,
    )
    kinds = Counter(told.status.tolist())
    bench.numbers["swaps"] |= {"status": kinds, "calm_failed": calm.errors}
    bench.tell(
        "   by status; failed without swaps, same rate",
        f"{dict(kinds)}; {calm.errors} of {len(calm.status)}",
    )
    bench.tell("   answers by model", ", ".join(f"{name[:8]} {number}" for name, number in versions.items()))
    bench.tell(
        "   p99 with swaps / without",
        f"{told.percentile(99):.0f} / {calm.percentile(99):.0f} ms = {ratio:.1f}",
    )


def _leave_changed_out(bench: Bench) -> None:
    """Ask about nobody of whom the store has learnt something: the tables alone do not give their chances."""
    known = set(_changed_before(bench.project))
    bench.customers = [customer for customer in bench.customers if customer not in known]


def _changed_before(project: Project) -> list[str]:
    with Store.open(project.store_url) as store:
        _, changed = store.changes.since(0)
    return list(changed)


def _mixed(bench: Bench, bodies: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Return how many answers hold a chance that the model they name does not give, and answers by model."""
    answers = [answer for answer in map(json.loads, filter(None, bodies)) if "offers" in answer]
    view = view_at(History.open(bench.project.tables, bench.project.threads), None)
    ids = sorted({answer["customer_id"] for answer in answers})
    alone = view.of(pa.array(ids, pa.string()))
    chances: dict[tuple[str, str, str], float] = {}
    versions = Counter(answer["model_version"] for answer in answers)
    for version in versions:
        recommender = Recommender.load(bench.project.artifacts / version, bench.project.threads)
        for decisions in recommender.decide(alone, CHANNEL):
            for row, customer in enumerate(decisions.customer_ids.tolist()):
                for column, product in enumerate(decisions.product_ids):
                    chances[version, customer, product] = float(decisions.propensity[row, column])
    mixed = sum(
        any(
            abs(
                chances[answer["model_version"], answer["customer_id"], offer["product_id"]]
                - offer["propensity"]
            )
            > 1e-12
            for offer in answer["offers"]
        )
        for answer in answers
    )
    return mixed, dict(versions)


def overload(bench: Bench) -> None:
    """L6: three times as much as can be answered through the proxy, and how it is afterwards.

    The proxy is without TLS here: whoever makes the load would need more of the machine than all others.
    Service and proxy stay on one core and the load is made on the other, so that the service is not charged
    for what it costs to ask; the capacity that it is compared with is that of the same core.
    """
    if NGINX is None:
        bench.tell("L6 three times too much", "not measured: no nginx here")
        return
    seconds = bench.seconds(60)
    with hosted(bench, 2, SERVICE_CORE) as direct, tempfile.TemporaryDirectory() as folder:
        service = Running(bench.project.root, direct.parent, direct.port, bench.tokens[Role.CHANNEL])
        proxy = proxied(service, Path(folder), connections=20_000, scheme="http")
        _pin_proxy(proxy.process.pid)
        host = replace(direct, port=proxy.port)
        try:
            load(host, bench.offers(), 2.0, LOAD_CORE, askers=32)
            full = load(host, bench.offers(), bench.seconds(8), LOAD_CORE, askers=32).rate
            told = load(host, bench.offers(), seconds, LOAD_CORE, rate=3 * full)
            began = time.perf_counter()
            _until(lambda: httpx.get(f"{host.url}/readyz", timeout=5).status_code == 200, 30)
            recovered = time.perf_counter() - began
            after = load(host, bench.offers(), 3.0, LOAD_CORE, rate=full / 4)
        finally:
            proxy.process.terminate()
            proxy.process.wait(10)
    _tell_overload(bench, full, told, recovered)
    bench.tell("   errors at a quarter afterwards", str(after.errors), "0", after.errors == 0)


def _tell_overload(bench: Bench, full: float, told: Told, recovered: float) -> None:
    right = told.milliseconds[told.status == 200]
    refused = told.milliseconds[(told.status == 429) | (told.status == 503)]
    good, p99 = told.rate / full, float(np.percentile(right, 99))
    kinds = Counter(told.status.tolist())
    bench.numbers["overload"] = {
        "full": full,
        "goodput": good,
        "p99": p99,
        "status": kinds,
        "recovered": recovered,
        "refused_p99": float(np.percentile(refused, 99)) if len(refused) else 0.0,
    }
    bench.tell("L6 three times too much: goodput", f"{good:.2f} of {full:.0f}/s", ">= 0.8", good >= 0.8)
    bench.tell("   p99 of what was answered", f"{p99:.0f} ms", "<= 500", p99 <= 500)
    late = float(np.percentile(refused, 99)) if len(refused) else 0.0
    bench.tell("   p99 of what was refused", f"{late:.0f} ms", "<= 100", late <= 100)
    bench.tell("   ready again after", f"{recovered:.1f} s", "<= 5 s", recovered <= 5)
    others = set(kinds) - {200, 429, 503}
    bench.tell("   other than 200, 429, 503", str(sorted(others)), "none", not others)
    bench.tell("   by status", ", ".join(f"{key}: {number}" for key, number in kinds.items()))


def _pin_proxy(parent: int) -> None:
    """Put the proxy and its workers on the core of the service."""
    cores = sorted(os.sched_getaffinity(0))
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    for process in (parent, *map(int, children)):
        os.sched_setaffinity(process, {cores[SERVICE_CORE % len(cores)]})


def slow(bench: Bench) -> None:
    """F27: 2,500 slow clients before the proxy, and what others feel."""
    if NGINX is None:
        bench.tell("F27 slow clients", "not measured: no nginx here")
        return
    count = 250 if bench.quick else 2_500
    with hosted(bench, 2) as host, tempfile.TemporaryDirectory() as folder:
        service = Running(bench.project.root, host.parent, host.port, bench.tokens[Role.CHANNEL])
        proxy = proxied(service, Path(folder))
        try:
            head, tail = "GET /livez HTTP/1.1\r\nHost: localhost\r\n", "X-Slow: " + "x" * 30
            with proxy.client() as client:
                offers(client)
                calm = [_paced(client) for _ in range(200)]
                borne: list[float] = []
                attacker = threading.Thread(
                    target=lambda: borne.extend(
                        one.seconds for one in proxy.attack(count, head, tail, seconds=4.0)
                    )
                )
                attacker.start()
                during = []
                while attacker.is_alive():
                    during.append(_paced(client))
                questions = "GET /static/htmx.min.js HTTP/1.1\r\nHost: localhost\r\n\r\n" * 40
                unread = max(one.seconds for one in proxy.attack(20, questions, ""))
        finally:
            proxy.process.terminate()
            proxy.process.wait(10)
    failed = sum(status not in {200, 404} for status, _ in during)
    before, after = (float(np.percentile([took for _, took in each], 99)) for each in (calm, during))
    bench.numbers["slow"] = {
        "clients": count,
        "longest": max(borne),
        "longest_unread": unread,
        "calm_p99": before,
        "p99": after,
        "failed": failed,
    }
    bench.tell(f"F27 {count} slow clients, longest borne", f"{max(borne):.1f} s", "<= 10 s", max(borne) <= 10)
    bench.tell(
        "   others p99 before, meanwhile", f"{before:.0f}, {after:.0f} ms", "<= 2 x", after <= 2 * before
    )
    bench.tell("   others failed", str(failed), "0", failed == 0)
    bench.tell("F27 clients that never read, longest borne", f"{unread:.1f} s", "<= 10 s", unread <= 10)


def _paced(client: httpx.Client) -> tuple[int, float]:
    """Ask for offers, then wait a little; return the status, and after how many milliseconds it came."""
    answer = offers(client)
    time.sleep(0.02)
    return answer.status_code, answer.elapsed.total_seconds() * 1000


def training(bench: Bench) -> None:
    """F18: a training beside the service, at low priority and with one thread."""
    with hosted(bench, 2) as host:
        load(host, bench.offers(), 2.0, rate=50)
        calm = load(host, bench.offers(), bench.seconds(20), rate=100)
        command = ["nice", "-n", "10", sys.executable, "-m", "vipreco.cli", "backtest", "--recipe", "quick"]
        single = {
            **os.environ,
            "OMP_NUM_THREADS": "1",
            "POLARS_MAX_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        }
        trains = subprocess.Popen(
            command, cwd=bench.project.root, env=single, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        time.sleep(3)
        told = load(host, bench.offers(), bench.seconds(20), rate=100)
        still = trains.poll() is None
        trains.wait(300)
    before, after = calm.percentile(99), told.percentile(99)
    bench.numbers["training"] = {"calm_p99": before, "p99": after, "errors": told.errors, "overlapped": still}
    bench.tell(
        "F18 p99 at 100/s alone, with a training",
        f"{before:.1f}, {after:.1f} ms",
        "<= 2 x",
        after <= 2 * before,
    )
    bench.tell(
        "   errors; the training outlasted the load",
        f"{told.errors}; {'yes' if still else 'no'}",
        "0",
        told.errors == 0,
    )


def recovery(bench: Bench) -> None:
    """F22-F24: after a worker was killed, while the store is gone, and when the service is told to stop."""
    store = bench.project.root / "data" / "store.db"
    with hosted(bench, 2) as host:
        asked = bench.offers(1)[0]

        def answers() -> bool:
            return httpx.post(f"{host.url}{asked[1]}", headers=asked[2], content=asked[3]).status_code == 200

        first = host.workers()[0]
        os.kill(first, signal.SIGKILL)
        replaced = _took(lambda: len(host.workers()) == 2 and first not in host.workers() and answers())
        store.rename(store.with_suffix(".aside"))
        time.sleep(1)
        store.with_suffix(".aside").rename(store)
        found = _took(answers)
        began = time.perf_counter()
        host.parent.send_signal(signal.SIGTERM)
        host.parent.wait(60)
        stopped = time.perf_counter() - began
    bench.numbers["recovery"] = {"replaced": replaced, "store_found": found, "stopped": stopped}
    bench.tell("F23 a killed worker is replaced", f"{replaced:.1f} s", "<= 10 s", replaced <= 10)
    bench.tell("F22 answers once the store is back", f"{found:.1f} s", "<= 5 s", found <= 5)
    bench.tell("F24 a stop has ended", f"{stopped:.1f} s", "<= 10 s", stopped <= 10)


def _took(true: Callable[[], bool]) -> float:
    """Return the seconds until something is true."""
    began = time.perf_counter()
    _until(true, 60)
    return time.perf_counter() - began


def login(bench: Bench) -> None:
    """Sixty log-ins with wrong passwords at once beside offers: time of the offers, and memory."""
    seconds = 5 if bench.quick else 20
    statuses: Counter[int] = Counter()
    stop = threading.Event()

    def attack(number: int) -> None:
        with httpx.Client(timeout=30) as client:
            while not stop.is_set():
                form = {"user": f"nobody-{number}", "password": PASSWORD}
                statuses[client.post(f"{host.url}/login", data=form).status_code] += 1

    with hosted(bench, 2) as host, httpx.Client(timeout=30) as client:
        calm = [_timed_offer(bench, host, client) for _ in range(200)]
        before = max(rss for _, rss in host.memory())
        attackers = [threading.Thread(target=attack, args=(number,)) for number in range(60)]
        for attacker in attackers:
            attacker.start()
        latest, beside, peak = time.monotonic() + seconds, [], before
        while time.monotonic() < latest:
            beside.append(_timed_offer(bench, host, client))
            if len(beside) % 20 == 0:
                peak = max(peak, *(rss for _, rss in host.memory()))
        stop.set()
        for attacker in attackers:
            attacker.join()
    usual, p99 = (float(np.percentile(each, 99)) * 1000 for each in (calm, beside))
    bench.numbers["login"] = {
        "calm_p99": usual,
        "p99": p99,
        "rss": [before, peak],
        "statuses": dict(statuses),
    }
    bench.tell(
        "60 log-ins at once, offers beside, p99", f"{p99:.0f} ms (calm {usual:.0f})", "<= 500", p99 <= 500
    )
    bench.tell("   a worker's RSS before, highest", f"{before:.0f}, {peak:.0f} MiB", "<= 600", peak <= 600)
    bench.tell(
        "   answers to the log-ins", ", ".join(f"{code}: {count}" for code, count in sorted(statuses.items()))
    )


def _timed_offer(bench: Bench, host: Host, client: httpx.Client) -> float:
    method, path, headers, body = bench.offers(1)[0]
    answer = client.request(method, f"{host.url}{path}", headers=headers, content=body)
    assert answer.status_code == 200, answer.text
    return answer.elapsed.total_seconds()


PARTS: dict[str, Callable[[Bench], None]] = {
    "start": start,
    "capacity": capacity,
    "latency": latency,
    "page": page,
    "swaps": swaps,
    "overload": overload,
    "training": training,
    "slow": slow,
    "recovery": recovery,
    "login": login,
}


def own_bank(work: Path, console: Console) -> Path:
    """Make a bank with two models and a release of each, where it is not there yet."""
    folder = work / "bank"
    if (folder / "data" / "serving" / "current.json").is_file():
        shutil.rmtree(folder / "serving")  # a project has a copy of its own: measured is the present one
        shutil.copytree(ROOT / "serving", folder / "serving", ignore=shutil.ignore_patterns("__pycache__"))
        for old in (folder / "data").glob("store.db*"):  # gigabytes of answers of the runs before
            old.unlink()
        return folder
    import_bank(work, console, customers=CUSTOMERS, months=MONTHS)
    quick = (folder / "training" / "recipes" / "quick.toml").read_text(encoding="utf-8")
    settings = (folder / "vipreco.toml").read_text(encoding="utf-8")
    if "business_date" not in settings:
        settings += '\n[serving]\nbusiness_date = "snapshot"\n'
        (folder / "vipreco.toml").write_text(settings, encoding="utf-8")
    (folder / "training" / "recipes" / "again.toml").write_text(quick, encoding="utf-8")
    run_vipreco(console, folder, "train", "--recipe", "quick")
    seeded = settings.replace("seed = 20260101", "seed = 20260102")
    assert seeded != settings
    (folder / "vipreco.toml").write_text(seeded, encoding="utf-8")
    run_vipreco(console, folder, "train", "--recipe", "again")
    (folder / "vipreco.toml").write_text(settings, encoding="utf-8")
    run_vipreco(console, folder, "prepare", "--model", "2")
    run_vipreco(console, folder, "prepare", "--model", "1")
    return folder


def import_bank(work: Path, console: Console, *, customers: int, months: int) -> None:
    """Simulate a bank, and import it into a new project in the folder `bank` below `work`."""
    work.mkdir(parents=True, exist_ok=True)
    size = ["--customers", str(customers), "--months", str(months), "--seed", str(SEED)]
    run_vipreco(console, work, "simulate", *size, "--out", "practice")
    run_vipreco(console, work, "new", "bank")
    files = sorted(str(path) for path in (work / "practice" / "raw").glob("*.*"))
    run_vipreco(console, work / "bank", "import", "--mapping", "../practice/mapping.toml", *files)


def run_vipreco(console: Console, folder: Path, *words: str) -> None:
    """Run a command in a folder, and end where it fails."""
    console.print(f"vipreco {' '.join(words[:2])} ...", style="dim")
    ran = subprocess.run(
        [sys.executable, "-m", "vipreco.cli", *words], cwd=folder, check=False, capture_output=True, text=True
    )
    if ran.returncode not in {0, 4}:
        raise SystemExit(f"vipreco {' '.join(words)} ended with {ran.returncode}:\n{ran.stderr[-2000:]}")


def opened(folder: Path, quick: bool, console: Console) -> Bench:
    """Return a bench with tokens, a manager with a book of 300, and the customers that are asked about."""
    project = Project.find(folder)
    bench = Bench(project, quick, console)
    books = pl.read_parquet(Releases(project.root / "data" / "serving").current() / "books.parquet")
    books = books.filter(~pl.col("customer_id").is_in(_changed_before(project)))
    vip = pl.col("tier").is_in(list(project.settings.tiers.vip))
    bench.customers = books.filter(vip)["customer_id"].sample(fraction=1.0, shuffle=True, seed=SEED).to_list()
    others = books.filter(~vip)["customer_id"].to_list()
    bench.customers += others[: max(0, 500 - len(bench.customers))]
    book = set(bench.customers[:BOOK])
    mine = pl.col("customer_id").is_in(list(book))
    members = books.with_columns(manager_id=pl.when(mine).then(pl.lit(MANAGER)).otherwise("manager_id"))
    now = datetime.now(UTC).replace(tzinfo=None)
    with Store.open(project.store_url) as store:
        store.books.replace("bench", members)
        for role in (Role.CHANNEL, Role.MARKETING):
            bench.tokens[role] = store.tokens.create("bench", role, now)[1]
        user = User(f"bench-{int(time.time())}", Role.MANAGER, MANAGER)
        store.users.create(user, PASSWORD)
        bench.cookie = store.sessions.begin(user, now)
    return bench


def main() -> None:
    """Run the parts that are asked for, and show what they found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, help="an existing project; without it a bank is made")
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "bench-serving", help="for the own bank"
    )
    parser.add_argument(
        "--only", choices=tuple(PARTS), action="append", help="this part alone; may be repeated"
    )
    parser.add_argument("--quick", action="store_true", help="a tenth of the time: for a first look")
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    arguments = parser.parse_args()
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}
    console = Console(stderr=True)
    folder = arguments.project or own_bank(arguments.work.resolve(), console)
    bench = opened(folder, arguments.quick, console)
    for name in arguments.only or PARTS:
        before = os.getloadavg()[0]
        console.print(f"{name} (load average before it: {before:.1f})", style="bold")
        try:
            PARTS[name](bench)
        except (httpx.HTTPError, TimeoutError) as error:
            bench.tell(name, f"broken off: {type(error).__name__}", met=False)
        bench.numbers.setdefault("load_average", {})[name] = (before, os.getloadavg()[0])
    table = Table(title="The running service", title_justify="left")
    for heading in ("what", "found", "target", ""):
        table.add_column(heading)
    marks = {True: "met", False: "MISSED", None: ""}
    for line in bench.lines:
        table.add_row(line.what, line.found, line.target, marks[line.met])
    Console(width=120).print(table)
    loads = bench.numbers["load_average"]
    print(
        "Load average before and after each part:",
        {name: [round(each, 1) for each in pair] for name, pair in loads.items()},
    )
    if arguments.out:
        told = {"lines": [asdict(line) for line in bench.lines], "quick": bench.quick, **bench.numbers}
        arguments.out.write_text(json.dumps(told, indent=1, default=float) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
