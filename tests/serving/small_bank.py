"""A service in this process: a real store, and a release of three customers that is written out here."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import httpx
import polars as pl

from serving.api.application import create_app
from serving.http.app_state import AppState, Slate, SlateLine
from serving.processes.audit_shipper import AuditFiles, ship
from tests.shared import BuiltOnce, new_store
from vipreco.errors import IntegrityError
from vipreco.kpi import FIGURES, FigureRows
from vipreco.kpi.rows import OWNER_SCHEMA, ROW_SCHEMA
from vipreco.lists import Moved
from vipreco.online import ShownSheet
from vipreco.recommender import ProductEvidence
from vipreco.settings import ServingSettings
from vipreco.store import Keys, Role, Store, User

OWN, FOREIGN, NOBODY = "0001", "0002", "9999"
MANAGER, OTHER_MANAGER, NEW_MANAGER = "M1", "M2", "M3"  # the last one has no customers yet
BRANCH, OTHER_BRANCH = "B", "B2"
PASSWORD = "correct horse battery"
DAY = date(2025, 12, 31)
TOKENS = "tokens.json"


@dataclass
class Prepared:
    """A release whose answers are known: product number one is the best for everybody."""

    model_version: str = "0123456789abcdef"
    snapshot_id: str = "snapshot-1"
    snapshot_date: date = DAY
    policy_version: str = "policy-1"
    warnings: tuple[str, ...] = ()
    customers: frozenset[str] = frozenset({OWN, FOREIGN})
    product_ids: frozenset[str] = frozenset(f"P{number}" for number in range(1, 10))
    refreshed: int = 0
    changed_file: str = ""
    facts: list[Mapping[str, Any]] = field(default_factory=list)
    rows: FigureRows | None = None

    @property
    def evidence(self) -> Mapping[str, ProductEvidence]:
        return {"P1": ProductEvidence(0.1, 240, False), "P2": ProductEvidence(0.05, 3, True)}

    def knows(self, customer_id: str) -> bool:
        return customer_id in self.customers

    def decided_on(self, customer_ids: Iterable[str]) -> dict[str, Any]:
        del customer_ids
        return {}

    def cached_offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate | None:
        return self.offers(customer_id, channel, limit, moment) if customer_id == OWN else None

    def offers(self, customer_id: str, channel: str, limit: int, moment: datetime) -> Slate:
        del customer_id, channel, moment
        lines = [SlateLine(f"P{n}", f"Product {n}", 0.5 / n, 100.0 * n, ("POPULAR",)) for n in range(1, 6)]
        return Slate(tuple(lines[:limit]), personalised=True, source="snapshot")

    def with_facts(
        self, customer_id: str | None, facts: Mapping[str, Any], channel: str, limit: int, moment: datetime
    ) -> Slate:
        self.facts.append({"customer_id": customer_id, **facts})
        slate = self.offers("", channel, limit, moment)
        return Slate(slate.lines, personalised=True, source="facts")

    def popular(self, segment: str, channel: str, limit: int) -> Slate:
        del segment, channel
        return Slate((SlateLine("P9", "Product 9", None, None, ()),)[:limit], False, "cold_start")

    def sheet(
        self, customer_id: str, language: str, moment: datetime, manager_id: str | None = None
    ) -> ShownSheet:
        del moment
        who = [["customer", customer_id], *([["manager", manager_id]] if manager_id else [])]
        return ShownSheet({"who": who, "language": language})

    def figures(self, branch: str | None, manager: str | None, moved: Moved) -> FigureRows | None:
        """Return what was given, else a VIP customer in each book, and in each branch."""
        if self.rows is not None:
            return self.rows.handed_over(moved).of(branch, manager)
        rows = [
            ("vip_customers", DAY, OWN, 300.0, None, None, MANAGER, BRANCH, "GOLD"),
            ("vip_customers", DAY, FOREIGN, 500.0, None, None, OTHER_MANAGER, OTHER_BRANCH, "GOLD"),
        ]
        schema = {**ROW_SCHEMA, **OWNER_SCHEMA}
        missing = {key: "contacts" for key in FIGURES if key != "vip_customers"}
        frame = pl.DataFrame(rows, schema=schema, orient="row")
        return FigureRows(frame, DAY, (DAY,), 2, 3, missing).handed_over(moved).of(branch, manager)

    def refresh(self) -> None:
        self.refreshed += 1

    def check_files(self) -> None:
        if self.changed_file:
            raise IntegrityError(
                "was changed after it was prepared", where=self.changed_file, code="prepared-changed"
            )


@dataclass
class Bank:
    """The running service with a token and a log-in for each role."""

    state: AppState
    app: Any
    tokens: dict[Role, str]
    release: Prepared

    def ask(self, method: str, path: str, role: Role | None = None, **given: Any) -> httpx.Response:
        """Send one request, with the token of a role."""
        headers = dict(given.pop("headers", {}))
        if role is not None:
            headers["Authorization"] = f"Bearer {self.tokens[role]}"
        return asyncio.run(self._ask(method, path, headers, given))

    async def _ask(self, method: str, path: str, headers: dict[str, str], given: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers, **given)

    def offers(self, role: Role | None = Role.CHANNEL, **body: Any) -> httpx.Response:
        """Ask for the offers of the customer of the manager's book."""
        sent = {"customer_id": OWN, "channel": "app", **body}
        return self.ask("POST", "/v1/offers", role, json=sent)

    def audit(self) -> list[dict[str, Any]]:
        """Return the audit, the oldest record first."""
        self.state.spool.flush()
        ship(self.state.root / "spool", self.state.store)
        return self.state.store.audit.read(1_000)[::-1]


def accounts(built_once: BuiltOnce) -> Path:
    """Return a folder with a store, its keys, and a token for each role; made once a run, to be copied."""

    def build(folder: Path) -> None:
        Keys.open(folder / "keys")
        shutil.copy(new_store(built_once), folder / "store.db")
        with Store.open(f"sqlite:///{folder}/store.db") as store:
            members = {
                "customer_id": [OWN, FOREIGN],
                "manager_id": [MANAGER, OTHER_MANAGER],
                "branch_id": [BRANCH, OTHER_BRANCH],
            }
            store.books.replace("snapshot-1", pl.DataFrame(members))
            now = datetime.now(UTC).replace(tzinfo=None)
            books = {role: MANAGER if role is Role.MANAGER else None for role in Role}
            branches = {role: BRANCH if role is Role.BRANCH_HEAD else None for role in Role}
            tokens = {
                role: store.tokens.create(role, role, now, manager_id=books[role], branch_id=branches[role])[
                    1
                ]
                for role in Role
            }
            store.users.create(User("ann", Role.MANAGER, MANAGER), PASSWORD)
            store.users.create(User("new", Role.MANAGER, NEW_MANAGER, branch_id=BRANCH), PASSWORD)
        (folder / TOKENS).write_text(json.dumps(tokens), encoding="utf-8")

    return built_once("serving-accounts", build)


def made(template: Path, folder: Path, settings: ServingSettings) -> Bank:
    """Make a service in a folder out of a copy of its `accounts`."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    store = Store.open(f"sqlite:///{folder}/store.db")
    tokens = {Role(role): text for role, text in json.loads((folder / TOKENS).read_text("utf-8")).items()}
    release = Prepared()
    state = AppState(
        folder, settings, store, AuditFiles(folder / "spool", store), Keys.open(folder / "keys"), release
    )
    app = create_app(state)
    app.lag.note = _take_no_note
    return Bank(state, app, tokens, release)


def _take_no_note(seconds: float) -> None:
    """Let a busy machine that runs tests be late: that is told apart from overload in `test_overload`."""
    del seconds
