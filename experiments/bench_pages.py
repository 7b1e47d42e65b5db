"""Measure every page of every role over a bank of 20,000 customers: time to open it, and processor time.

    python experiments/bench_pages.py                  # makes a bank of its own in build/bench-pages
    python experiments/bench_pages.py --prepare        # makes that bank and its release, and measures nothing
    python experiments/bench_pages.py --project DIR    # an existing project; its store gets accounts
    python experiments/bench_pages.py --first-start    # `vipreco serve` in an empty folder alone

One worker answers one reader after the other, as people open pages. A page is opened once, which may plan a
day or start a command in a process of its own; when that has ended, `--looks` more times. The audit holds
100,000 records. Targets are not gates: another machine is another speed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "experiments")]

import httpx
import numpy as np
import polars as pl
from bench_serving import PASSWORD, Bench, Host, hosted, import_bank, run_vipreco
from rich.console import Console
from rich.table import Table

from serving.page.navigation import NAVIGATION
from serving.workspace.jobs import Jobs
from vipreco.online import Releases
from vipreco.project import Project
from vipreco.store import Event, Role, Store, User

CUSTOMERS, MONTHS = 20_000, 13
LIMIT_MS, LOOKS, RECORDS = 300.0, 20, 100_000
FIRST_START_SECONDS = 180.0
MORE: Mapping[Role, tuple[str, ...]] = {
    Role.MANAGER: ("/customers/{handle}", "/book?sort=attrition"),
    Role.BRANCH_HEAD: (
        "/branch/vip_customers",
        "/branch/not_reached_3_months?managers=1",
        "/branch/offers_stopped",
        "/branch/customers/{handle}",
    ),
    Role.MARKETING: ("/campaigns/files/new",),
    Role.APPROVER: ("/models/1", "/models/compare?one=1&other=1", "/rules/compare"),
    Role.AUDITOR: ("/audit?action=offers", "/decisions/{handle}", "/rules/compare"),
}
LISTED: Mapping[Role, str] = {Role.BRANCH_HEAD: "/branch/vip_customers", Role.AUDITOR: "/decisions"}


@dataclass(frozen=True)
class Opened:
    """Times of one page.

    Args:
        role: Who opens it.
        path: Its address.
        first_ms: The first look.
        p50_ms: Of the looks after it.
        p95_ms: Of the looks after it.
        cpu_ms: Processor time of the worker for one of them.
        kilobytes: Of the page, before compression.
    """

    role: str
    path: str
    first_ms: float
    p50_ms: float
    p95_ms: float
    cpu_ms: float
    kilobytes: float


@dataclass
class Reader:
    """A person who opens pages.

    Args:
        host: The service.
        role: Of the person.
        cookie: Of the log-in.
        jobs: Commands that pages start.
    """

    host: Host
    role: Role
    cookie: str
    jobs: Jobs

    def open(self, client: httpx.Client, path: str) -> httpx.Response:
        headers = {"Cookie": f"vipreco_session={self.cookie}"}
        answer = client.get(f"{self.host.url}{path}", headers=headers, timeout=120, follow_redirects=True)
        assert answer.status_code == 200, (path, answer.status_code)
        return answer

    def measured(self, client: httpx.Client, path: str, looks: int) -> Opened:
        first = self.open(client, path)
        while any(self.jobs.is_running(lock.stem) for lock in self.jobs.folder.glob("*.lock")):
            time.sleep(0.5)
        before = self.host.cpu_seconds()
        answers = [self.open(client, path) for _ in range(looks)]
        used = self.host.cpu_seconds() - before
        times = [milliseconds(answer) for answer in answers]
        return Opened(
            self.role.value,
            re.sub(r"[\w-]{16,}$", "{handle}", path),
            milliseconds(first),
            float(np.median(times)),
            float(np.percentile(times, 95)),
            1000 * used / looks,
            len(answers[-1].content) / 1024,
        )


def milliseconds(answer: httpx.Response) -> float:
    return answer.elapsed.total_seconds() * 1000


def pages_of(reader: Reader, client: httpx.Client) -> Iterator[str]:
    """Give the addresses of a role; a customer is one that another page links to."""
    yield from (entry.path for entry in NAVIGATION[reader.role])
    for path in MORE.get(reader.role, ()):
        if "{handle}" not in path:
            yield path
            continue
        listed = LISTED.get(reader.role, "/")
        prefix = path.partition("{")[0]
        handles = re.findall(rf'href="{prefix}([\w-]+)"', reader.open(client, listed).text)
        yield prefix + handles[len(handles) // 2]


def own_bank(work: Path, console: Console) -> Path:
    """Make a bank with a model and a release, where it is not there yet."""
    folder = work / "bank"
    if (folder / "data" / "serving" / "current.json").is_file():
        run_vipreco(console, folder, "upgrade", "--replace")  # measured are the present pages
        run_vipreco(console, folder, "store", "upgrade")
        return folder
    import_bank(work, console, customers=CUSTOMERS, months=MONTHS)
    settings = folder / "vipreco.toml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(f'{text}\n[serving]\nbusiness_date = "snapshot"\n', encoding="utf-8")
    run_vipreco(console, folder, "train", "--recipe", "quick", "--promote")
    run_vipreco(console, folder, "prepare")
    return folder


def readers(project: Project) -> dict[Role, str]:
    """Make an account for each role, of the largest book and branch; return the cookies of their log-ins."""
    books = pl.read_parquet(Releases(project.root / "data" / "serving").current() / "books.parquet")
    vip = books.filter(pl.col("tier").is_in(list(project.settings.tiers.vip)))
    now, number = datetime.now(UTC).replace(tzinfo=None), int(time.time())
    found = {}
    with Store.open(project.store_url) as store:
        store.books.replace("bench", books)
        missing = RECORDS - store.audit.head().sequence
        actions = ("offers.read", "sheet.read", "list.read", "outcome.record", "login")
        events = (
            Event(f"user:u{each % 50}", actions[each % 5], f"{each % 5000:064x}") for each in range(missing)
        )
        store.audit.append(list(events))
        for role in NAVIGATION:
            owner = largest(vip, "manager_id") if role is Role.MANAGER else None
            branch = largest(books, "branch_id") if role is Role.BRANCH_HEAD else None
            if role is Role.CHANNEL:
                continue
            user = User(f"bench-{role.value}-{number}", role, owner, branch_id=branch)
            store.users.create(user, PASSWORD)
            found[role] = store.sessions.begin(user, now)
    return found


def largest(books: pl.DataFrame, column: str) -> str:
    return str(books.drop_nulls(column)[column].value_counts(sort=True)[column][0])


def measure(folder: Path, looks: int, console: Console) -> list[Opened]:
    """Open every page of every role."""
    project, found = Project.find(folder), []
    cookies = readers(project)
    bench = Bench(project, quick=False, console=console)
    with hosted(bench, 1) as host, httpx.Client() as client:
        for role, cookie in cookies.items():
            reader = Reader(host, role, cookie, Jobs(project.root))
            for path in list(pages_of(reader, client)):
                found.append(reader.measured(client, path, looks))
                console.print(f"  {role.value} {found[-1].path}: {found[-1].p95_ms:.0f} ms")
    return found


def first_start(console: Console) -> None:
    """Start `vipreco serve` in an empty folder, and say when its log-in page answers."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [sys.executable, "-m", "vipreco.cli", "serve", "bank", "--port", str(port)]
        began, before = time.monotonic(), os.getloadavg()[0]
        service = subprocess.Popen(command, cwd=folder, stdout=console.file, start_new_session=True)
        try:
            while not answers(f"http://127.0.0.1:{port}/login"):
                if service.poll() is not None:
                    raise SystemExit(f"the service ended with {service.returncode}")
                time.sleep(0.5)
            seconds, used = time.monotonic() - began, session_seconds(service.pid)
        finally:
            os.killpg(service.pid, signal.SIGINT)
            service.wait(60)
    met = "met" if seconds <= FIRST_START_SECONDS else "MISSED"
    print(
        f"First start to ready: {seconds:.0f} s (<= {FIRST_START_SECONDS:.0f} s: {met}), {used:.0f} s of CPU"
    )
    print(f"Load average before and after: {before:.1f}, {os.getloadavg()[0]:.1f}")


def answers(address: str) -> bool:
    try:
        return httpx.get(address, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def session_seconds(session: int) -> float:
    """Return the processor time of all processes of a session, those that ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(fields[3]) == session:
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Measure, and show a row a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--project", type=Path, help="an existing project; without it a bank is made")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "bench-pages", help="for the own bank")
    parser.add_argument("--prepare", action="store_true", help="make the own bank, and measure nothing")
    parser.add_argument("--first-start", action="store_true", help="start in an empty folder, alone")
    parser.add_argument("--looks", type=int, default=LOOKS, help="looks at each page after the first")
    parser.add_argument("--out", type=Path, help="write all numbers as JSON")
    arguments = parser.parse_args()
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "BENTOML_DO_NOT_TRACK": "True", "DO_NOT_TRACK": "1"}
    console = Console(stderr=True)
    if arguments.first_start:
        first_start(console)
        return
    folder = arguments.project or own_bank(arguments.work.resolve(), console)
    if arguments.prepare:
        return
    before = os.getloadavg()[0]
    found = measure(folder, arguments.looks, console)
    table = Table(title="Pages", title_justify="left")
    headings = ("role", "page", "first ms", "p50 ms", "p95 ms", "CPU ms", "kB", f"p95 <= {LIMIT_MS:.0f} ms")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in headings[:2] else "right")
    for one in found:
        numbers = (one.first_ms, one.p50_ms, one.p95_ms, one.cpu_ms, one.kilobytes)
        met = "met" if one.p95_ms <= LIMIT_MS else "MISSED"
        table.add_row(one.role, one.path, *(f"{number:,.0f}" for number in numbers), met)
    Console(width=120).print(table)
    missed = sum(one.p95_ms > LIMIT_MS for one in found)
    print(f"{len(found) - missed} of {len(found)} pages within {LIMIT_MS:.0f} ms")
    print(f"Load average before and after: {before:.1f}, {os.getloadavg()[0]:.1f}")
    if arguments.out:
        text = json.dumps({"pages": [asdict(one) for one in found], "load": before}, indent=1)
        arguments.out.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
