"""A real `vipreco serve` over a small bank, to be attacked: two workers, a token and a session a role."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from serving.auth.cookies import COOKIE
from serving.http.app_state import clock
from tests.online.small_bank import DAY, IDS, prepared
from tests.processes import service_workers
from tests.serving.running_service import served
from tests.serving.small_bank import PASSWORD
from tests.shared import BuiltOnce
from vipreco.store import Decision, Role, Scope, Store, User

OWN, OTHERS_OWN, FOREIGN, NOBODY = IDS[1], IDS[2:19], IDS[50], "99999"
MANAGER, OTHER_MANAGER = "M1", "M2"
PATIENCE = 60.0  # seconds, for a machine that does much else
SEES_ALL = Scope("test", Role.CHANNEL)
CANARY = "Zhang-Wei-rings-at-noon"
SETTINGS = """
[project]
name = "attacked"

[tiers]
vip = ["VIP"]

[serving]
business_date = "snapshot"
requests_per_second = 100000
trusted_proxies = ["127.0.0.1"]
"""
RECORD = '{"channel": "call", "offers": []}'  # as far as the list of decisions reads it
MADE_AT = datetime.combine(DAY, datetime.min.time())


@dataclass
class Session:
    """A person who is logged in: cookie and CSRF secret."""

    secret: str
    csrf: str


@dataclass
class Target:
    """The service that is attacked.

    Args:
        folder: Of its project.
        url: Its address, past any proxy.
        parent: Its supervisor.
        tokens: One for each role.
        sessions: One for each role of a person.
    """

    folder: Path
    url: str
    parent: subprocess.Popen[str]
    tokens: dict[Role, str] = field(default_factory=dict)
    sessions: dict[Role, Session] = field(default_factory=dict)
    client: httpx.Client = field(default_factory=lambda: httpx.Client(timeout=30))

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    @contextmanager
    def store(self) -> Iterator[Store]:
        """Open the store of the running service."""
        with Store.open(f"sqlite:///{self.folder}/data/store.db", checked=True) as store:
            yield store

    def ask(self, method: str, path: str, by: Role | Session | None = None, **given: Any) -> httpx.Response:
        """Send a request as a program of a role, as a person, or as nobody; a busy machine is asked again."""
        headers = {"Host": "localhost", **given.pop("headers", {})}
        if isinstance(by, Role):
            headers["Authorization"] = f"Bearer {self.tokens[by]}"
        if isinstance(by, Session):
            headers["Cookie"] = f"{COOKIE}={by.secret}"
        latest = time.monotonic() + PATIENCE
        while True:
            answer = self.client.request(method, self.url + path, headers=headers, **given)
            self.client.cookies.clear()  # each try brings its own
            overloaded = answer.status_code == 503 and "problem:overloaded" in answer.text
            if not overloaded or time.monotonic() > latest:
                break
            time.sleep(0.2)
        return answer

    def post(self, path: str, by: Session | None, form: Mapping[str, str], **given: Any) -> httpx.Response:
        """Post a form as a browser does that got it from the page."""
        secret = {"csrf": by.csrf} if by is not None else {}
        return self.ask("POST", path, by, data={**secret, **form}, **given)

    def log_in(self, user: str, password: str, address: str, cookie: str = "") -> httpx.Response:
        """Post the log-in from an address, as the proxy passes it on."""
        headers = {"X-Forwarded-For": address, **({"Cookie": cookie} if cookie else {})}
        return self.ask("POST", "/login", data={"user": user, "password": password}, headers=headers)

    def handle(self, customer: str) -> str:
        """Return how a customer is called in addresses of the page."""
        if customer == NOBODY:
            return "nobodys-handle-00"
        with self.store() as store:
            found = store.books.find(SEES_ALL, customer)
        assert found is not None
        return found.handle

    def raw(self, sent: bytes, seconds: float = 3.0) -> bytes:
        """Send bytes over a connection of their own, and return all that comes back."""
        got = b""
        address = ("127.0.0.1", self.port)
        with suppress(OSError), socket.create_connection(address, timeout=seconds) as connection:
            connection.sendall(sent)
            while part := connection.recv(65_536):
                got += part
        return got

    def workers(self) -> list[int]:
        """Return the numbers of the processes that answer."""
        return service_workers(self.parent.pid)

    def resident_mib(self) -> float:
        """Return the memory of the largest worker."""
        sizes = []
        for worker in self.workers():
            with suppress(OSError):
                status = Path(f"/proc/{worker}/status").read_text()
                sizes.append(int(re.findall(r"VmRSS:\s+(\d+)", status)[0]) / 1024)
        return max(sizes, default=0.0)

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def audit(self) -> list[dict[str, Any]]:
        """Return the audit, newest first, after all that waits was shipped."""
        time.sleep(1.5)
        with self.store() as store:
            return store.audit.read(100_000)


def _fill(target: Target) -> None:
    """Make the accounts, tokens, sessions, and a decision about each customer."""
    with target.store() as store:
        for role in Role:
            book, branch = (
                MANAGER if role is Role.MANAGER else None,
                "B" if role is Role.BRANCH_HEAD else None,
            )
            _, target.tokens[role] = store.tokens.create(
                role, role, clock(), manager_id=book, branch_id=branch
            )
            if role is Role.CHANNEL:
                continue
            user = User(role.value, role, book, branch_id=branch)
            store.users.create(user, PASSWORD)
            target.sessions[role] = begun(store, user)
        for customer in (OWN, FOREIGN):
            store.decisions.add([Decision(f"d{customer}", customer, MADE_AT, "token:x", RECORD)])


def begun(store: Store, user: User) -> Session:
    """Log a person in without a password."""
    secret = store.sessions.begin(user, clock())
    found = store.sessions.read(secret, clock())
    assert found is not None
    return Session(secret, found.csrf)


@contextmanager
def running_target(folder: Path, built_once: BuiltOnce) -> Iterator[Target]:
    """Start the service in an empty folder, and stop it afterwards.

    Args:
        folder: Of its project.
        built_once: Keeps the release, which is built once.
    """
    (folder / "vipreco.toml").write_text(SETTINGS)
    made = prepared(built_once, 0)
    (folder / "data").mkdir()
    shutil.copytree(made / "serving", folder / "data" / "serving")
    for path in made.glob("store.db*"):
        shutil.copy(path, folder / "data" / path.name)
    for path in (folder / "data").rglob("*"):  # as `vipreco prepare` leaves them
        path.chmod(0o700 if path.is_dir() else 0o600)
    target = Target(folder, "", None)  # type: ignore[arg-type]
    _fill(target)
    with served(folder) as (target.parent, target.url):
        yield target
    target.client.close()
