"""Attacks on the pages of all roles: odd texts in every field, and more work than a machine can do."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from serving.http.operation import Operation
from serving.workspace.jobs import MAX_RUNNING
from tests.attack.access import PAGES, PARTS
from tests.attack.attacks import Tries, attack
from tests.attack.injection import SCRIPTS, TEXTS, Scripts
from tests.attack.target import OWN, Session, Target
from vipreco.store import Role

ODD = (
    "\x00",
    "9999-12-31",
    "0001-01-01",
    "9999-12",
    "-1",
    "9" * 30,
    "1e309",
    "\u0663",
    "NaN",
    "[0]",
    '"\n[channels.sms]\ncapacity = 5',
    "\u2028\u0085",
    "..",
    "-rf",
)
"""What a date, a number, a name or a line of a file could be taken to be."""
ASKED = (
    "action", "actor", "after", "before", "customer", "kind", "managers", "month", "name", "object", "one",
    "other", "result", "since", "until",
)  # fmt: skip
SENT = (
    "book", "branch", "budget_amount", "call.capacity", "condition", "control_share", "cover", "customer",
    "customers", "days", "deputy", "end_date", "from_date", "key", "kind", "manager", "managers.minutes",
    "max_age", "name", "object", "password", "product.card", "reason", "role", "start_date", "text",
    "tier.VIP", "to", "token", "until_date", "use.call", "user", "work",
)  # fmt: skip
STARTS = ("/store/backup", "/store/prepare", "/models/", "/rules/price", "/audit/verify", "/replay")
CAMPAIGNS = 12
FORM = {
    "start_date": "2026-03-01", "end_date": "2026-03-31", "control_share": "0.2", "exploration_share": "0.0",
    "effect_rate": "0.02", "use.call": "1", "call.capacity": "10",
}  # fmt: skip
HOSTILE_FILES = (
    'name = """\n[' + " " * 50_000 + '"""',
    "".join(f"[a{number}.b]\n" for number in range(4_000)),
    ".".join(["a"] * 30_000) + " = 1",
    "a = " + "[" * 50_000,
    "a = " + "{b=" * 20_000,
    "key = 1" + "0" * 50_000,
    'key = "' + "a" * 100_000,
    'key = "../../vipreco"\nstart_date = 2026-03-01\nend_date = 2026-03-02\n[channels.app]\n',
)


def _fields(operation: Operation) -> tuple[str, ...]:
    return ASKED if operation.method == "GET" else SENT


def _open(target: Target, operation: Operation, text: str, session: Session) -> tuple[int, str]:
    """Send a text in every field of a page; return the status and the page."""
    path = operation.path.format(handle=target.handle(OWN), **PARTS)
    given = dict.fromkeys(_fields(operation), text)
    if operation.method == "POST":
        answer = target.post(path, session, given)
    else:
        answer = target.ask("GET", path, session, params={k: v[:80] for k, v in given.items()})
    return answer.status_code, answer.text


@attack("odd texts in the pages of all roles")
def odd_texts(target: Target, tries: Tries) -> None:
    """Send what an interpreter, a database or a parser could stumble over; look for 500 and for scripts."""
    with target.store() as store:
        before = store.counts()
    for operation in PAGES:
        roles = [role for role in operation.access.roles if role in target.sessions]
        if not roles or any(part in operation.path for part in STARTS):
            continue
        for text in (*TEXTS, *SCRIPTS, *ODD):
            status, page = _open(target, operation, text, target.sessions[roles[0]])
            name = f"{operation.method} {operation.path} with {text[:20]!r}"
            tries.expect(status < 500 or "branch" in operation.path, f"{name}: {status}")
            tries.expect(not Scripts.of(page), f"{name} runs it")
            tries.expect(not re.search(r">49<|49\$49", page), f"{name} computed it")
    with target.store() as store:
        after = store.counts()
    grown = {name for name in before if after[name] != before[name]}
    tries.expect(grown <= {"audit", "decisions", "sessions"}, f"rows changed in {sorted(grown)}")  # logs
    left = [path.name for path in (target.folder / "campaign-files").glob("*")]
    tries.expect(not left, f"campaign files {left}")


@attack("campaign files that are made to take long")
def hostile_files(target: Target, tries: Tries) -> None:
    """Send files that a reader could spend hours on, and names that lead out of the folder."""
    slowest = 0.0
    for text in HOSTILE_FILES:
        begin = time.monotonic()
        answer = target.ask("POST", "/v1/campaigns", Role.MARKETING, json={"file": text})
        slowest = max(slowest, time.monotonic() - begin)
        tries.expect(answer.status_code in {413, 422}, f"{text[:20]!r}: {answer.status_code}")
    for key in ("..", "%2e%2e", ".lock", "-rf", "vipreco"):
        for path in (f"{key}/file", f"{key}/lists/..", f"{key}/lists/%2e%2e/vipreco.toml", f"{key}/run"):
            status = target.ask("GET", f"/v1/campaigns/{path}", Role.MARKETING).status_code
            tries.expect(status in {400, 404, 405}, f"{path}: {status}")
    tries.measured.append(f"{len(HOSTILE_FILES)} hostile files: the slowest answer took {slowest:.1f} s")


def _running(target: Target) -> int:
    """Return how many commands that pages started run in the project."""
    found = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            words = (process / "cmdline").read_bytes()
            ours = (process / "cwd").resolve() == target.folder.resolve()
            found += ours and b"serving.workspace.job_runner" in words
    return found


@attack("more work than a machine can do")
def work(target: Target, tries: Tries) -> None:
    """Plan a dozen campaigns at one moment."""
    marketer = target.sessions[Role.MARKETING]
    keys = [f"flood-{number}" for number in range(CAMPAIGNS)]
    for key in keys:
        status = target.post("/campaigns", marketer, {**FORM, "key": key}).status_code
        tries.expect(status == 303, f"a campaign file: {status}")

    def plan(key: str) -> int:
        return target.post(f"/campaigns/{key}/work", marketer, {"work": "plan"}).status_code

    most = 0
    with ThreadPoolExecutor(CAMPAIGNS) as pool:
        asked = [pool.submit(plan, key) for key in keys]
        while not all(one.done() for one in asked):
            most = max(most, _running(target))
            time.sleep(0.01)
    statuses = sorted(one.result() for one in asked)
    tries.expect(set(statuses) <= {303, 429, 503}, f"answers {statuses}")
    tries.expect(most <= MAX_RUNNING, f"{most} commands ran at once")
    while _running(target):
        time.sleep(0.1)
    tries.measured.append(f"{CAMPAIGNS} plans at once: {statuses.count(303)} begun, {most} ran at once")
