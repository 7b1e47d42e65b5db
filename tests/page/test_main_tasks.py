"""Each role does its main task in a browser: desk, tablet, phone, English, Chinese; every page is judged."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from serving.page.languages import wording
from serving.workspace.campaign_work import FILES
from serving.workspace.jobs import Jobs
from tests.page.browser import CHROMIUM, Visit
from tests.page.page_bank import MANAGER, OTHER_MANAGER, PageBank, accounts, customer_ids, made
from tests.page.test_accessibility import DESK, OVERFLOW, PHONE, TABLET, violations
from tests.serving.loopback import on_loopback
from tests.serving.small_bank import PASSWORD
from tests.shared import BuiltOnce
from vipreco.campaign import CampaignFolder
from vipreco.campaign.folder import write_manifest
from vipreco.store import OF_A_LIST, Decision, Role, Scope
from vipreco.store.campaigns import MEMBER_COLUMNS

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)"),
]
WINDOWS = {"desk": DESK, "tablet": TABLET, "phone": PHONE}
LANGUAGES = {"en": "en-GB", "zh": "zh-CN"}
IDS = customer_ids()
SEES_ALL = Scope("test", Role.CHANNEL)

DATES = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
PLAN: dict[str, Any] = {
    "arms": {"offered": 30, "explored": 0, "control": 8, "unallocated": 2},
    "value_amount": 100.0,
    "gap_rate": 0.01,
    "customers": 40,
    "waterfall": [{"rule": "in the newest snapshot", "before": 50, "fell": 10, "left": 40}],
    "limits": [{"limit": "channel", "group": "call", "used": 30, "min": 0, "max": 30, "price": 5.5}],
    "what_if": [{"limit": "channel call", "value_of_fewer": -9.0, "value_of_more": 7.5}],
    "power": {"effect_rate": 0.02, "base_rate": 0.1, "power_rate": 0.25, "needed": 900},
}


class Walk:
    """One role in one window and language; every page that it looks at is judged."""

    def __init__(self, visit: Visit, role: Role, view: str, language: str) -> None:
        self.visit, self.page, self.view = visit, visit.enter("/", role), f"{view}-{language}"
        self.say = wording("zh" if language == "zh" else "en")
        self.wrong: dict[str, Any] = {}

    @property
    def bank(self) -> PageBank:
        assert self.visit.bank is not None
        return self.visit.bank

    def look(self, name: str) -> None:
        """Judge the page that is open, and keep what it looks like."""
        assert self.page.locator("h1").count() == 1, self.page.url
        found = violations(self.page)
        wide = self.page.evaluate(OVERFLOW)
        if found or wide:
            self.wrong[name] = (found, wide)
        self.visit.keep(f"task-{name}-{self.view}")

    def go(self, path: str, name: str) -> None:
        self.page.goto(f"{self.visit.address}{path}")
        self.look(name)

    def press(self, selector: str, name: str = "") -> None:
        """Press something that leads to another page."""
        with self.page.expect_navigation():
            self.page.click(selector)
        if name:
            self.look(name)

    def open_menu(self, key: str) -> None:
        self.page.click(f"summary:has-text('{self.say(key)}')")


def manager(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """From the list to a recorded outcome, and on to the next customer."""
    walk.look("today")
    walk.press("a.button.primary", "sheet")
    first = str(walk.page.locator("h1 bdi").last.inner_text())
    walk.page.click("label.unreachable")
    walk.press("#record button.primary", "recorded")
    assert walk.page.locator(".notice.good").count() == 1
    made = walk.bank.state.store.contacts.of(SEES_ALL, [first])
    assert made[-1].outcome == "unreachable"
    walk.go("/week", "week")
    walk.go("/book?sort=assets", "book")


def branch_head(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """From a figure to its customers and to the sheet of one; then a customer and a leave are handed over."""
    walk.look("branch")
    walk.press("dl.tiles a >> nth=0", "figure")
    walk.press("tbody th a >> nth=0", "customer")
    walk.go("/branch-covers", "covers")
    hand_over = "form[action='/branch-covers/hand-over']"
    for giver, taker in ((MANAGER, OTHER_MANAGER), (OTHER_MANAGER, MANAGER)):
        walk.page.select_option(f"{hand_over} [name=manager]", giver)
        walk.page.select_option(f"{hand_over} [name=to]", taker)
        walk.page.fill(f"{hand_over} [name=customers]", IDS[7])
        walk.press(f"{hand_over} button", "handed-over" if taker == OTHER_MANAGER else "")
    cover = "form[action='/branch-covers']"
    walk.page.select_option(f"{cover} [name=deputy]", OTHER_MANAGER)
    walk.page.select_option(f"{cover} [name=manager]", MANAGER)
    walk.page.fill(f"{cover} [name=until_date]", "2027-03-02")
    walk.press(f"{cover} button", "cover")
    walk.press("form[action='/branch-covers/end'] button")
    assert walk.bank.state.store.books.covers() == []


def marketer(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """A form writes the file of a campaign, which is planned; two plans are compared; lists are looked at."""
    walk.look("campaigns")
    key = f"walk-{walk.view}"
    walk.press("a[href='/campaigns/files/new']", "campaign-form")
    for name, value in (("key", key), ("start_date", "2026-03-01"), ("end_date", "2026-03-31")):
        walk.page.fill(f"[name={name}]", value)
    walk.press("main form button.primary", "campaign")
    text = (walk.bank.state.root / FILES / f"{key}.toml").read_text(encoding="utf-8")
    assert f'key = "{key}"' in text
    walk.press("button[value=plan]")
    assert started[-1][0] == f"campaign-plan-{key}"
    keep_plans(walk.bank, key, f"{key}-b")
    walk.go(f"/campaigns/{key}", "campaign-planned")
    walk.go(f"/campaigns/plans/compare?one={key}&other={key}-b", "plans-compared")
    finish(walk.bank, f"{key}-c")
    walk.go(f"/campaigns/{key}-c", "campaign-run")
    with walk.page.expect_download() as sent:
        walk.page.click("a[download] >> nth=1")
    assert sent.value.suggested_filename == f"{key}-c-call-M1.csv"


def keep_plans(bank: PageBank, *keys: str) -> None:
    """Leave plans as the command writes them, with settings that differ."""
    for number, key in enumerate(keys):
        settings = {"key": key, "name": "", "audience": [f"customer_age_years < {70 + number}"], **DATES}
        content = json.dumps({**PLAN, "customers": 40 + number, "campaign": settings}).encode()
        Jobs(bank.state.root).keep(f"campaign-plan-{key}", ["campaign", "plan"], content)
        (bank.state.root / FILES / f"{key}.toml").touch()


def finish(bank: PageBank, key: str) -> None:
    """Leave a run that is finished, with a list of a channel and one of a manager."""
    (bank.state.root / "vipreco.toml").write_text('[project]\nname = "page"\n')
    folder = CampaignFolder(bank.state.root / "data" / "campaigns").path_of(key)
    for name in ("call.csv", "call/M1.csv", "call/M1.xlsx"):
        path = folder / "lists" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("customer_id\n")
    bank.state.store.campaigns.begin("user:ann", key, {}, "0")
    manifest = write_manifest(folder, {**PLAN, "campaign": {"name": "", **DATES}})
    members = pl.DataFrame(schema=dict.fromkeys(MEMBER_COLUMNS, pl.String))
    bank.state.store.campaigns.finish(key, manifest, members)


def scientist(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """A product is switched off with its reason, and on again."""
    walk.look("models")
    walk.go("/models/1", "model")
    walk.go("/models/compare?one=1&other=2", "models-compared")
    walk.go("/switches", "switches")
    off = "form:has([value=product])"
    walk.page.select_option(f"{off} select", "loan")
    walk.page.fill(f"{off} [name=reason]", "recalled by the issuer")
    walk.press(f"{off} button", "switched-off")
    assert walk.bank.state.store.switches.read().products == {"loan"}
    walk.press("form[action='/switches/on'] button")
    assert walk.bank.state.store.switches.read().products == frozenset()


def approver(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """A version is approved by a second person; the rules are read."""
    walk.go("/models/1", "approval")
    walk.open_menu("models.promote")
    walk.look("approval-asked")
    walk.press(f"text={walk.say('models.promote_yes')}")
    assert ("models", "promote", "1") in [one[2:] for one in started]
    walk.go("/rules", "rules")
    walk.go("/rules/compare", "rules-compared")


def auditor(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """A record is searched, the chain is verified, a decision is opened and decided again."""
    decision = f"{abs(hash(walk.view)):032x}"[:32]
    record = (
        '{"kind": "page_list", "question": {"customers": ["00001"], "channel": "call"}, "artifact_hash": "a",'
        ' "snapshot_id": "s", "policy_version": "p", "basis": "b", "day": "2025-12-31", "total": 1,'
        ' "rows": [["00001", "", 1, [12.5, 10.0]]]}'
    )
    kept = Decision(decision, OF_A_LIST, walk.bank.state.now(), "user:x", record)
    walk.bank.state.store.decisions.add([kept])
    walk.go("/audit", "audit")
    walk.page.fill("[name=customer]", "00001")
    walk.press("form[role=search] button.primary", "audit-searched")
    assert re.search(r"object=[0-9a-f]{16}", walk.page.url)
    walk.press("form[action='/audit/verify'] button", "audit-verified")
    assert walk.page.locator(".notice.good").count() == 1
    walk.go("/decisions", "decisions")
    walk.press(f"a[href='/decisions/{decision}']", "decision")
    walk.press("button.primary")
    assert started[-1][2:4] == ("replay", "--decision")


def admin(walk: Walk, started: list[tuple[str, ...]]) -> None:
    """An account and a token are made, the store is backed up."""
    walk.look("users")
    name = f"walk-{walk.view}"
    new = "form[action='/users']"
    walk.page.fill(f"{new} [name=user]", name)
    walk.page.select_option(f"{new} [name=role]", "auditor")
    walk.page.fill(f"{new} [name=password]", PASSWORD)
    walk.press(f"{new} button", "user-made")
    assert name in [user.user_id for user in walk.bank.state.store.users.all()]
    walk.go("/tokens", "tokens")
    walk.page.fill("form[action='/tokens'] [name=name]", name)
    walk.press("form[action='/tokens'] button", "token-made")
    assert walk.page.locator(".notice.good pre").inner_text().startswith("vpr_")
    walk.go("/covers", "books")
    walk.go("/store", "store")
    walk.press("form[action='/store/backup'] button")
    assert started[-1][2:4] == ("store", "backup")


Task = Callable[[Walk, list[tuple[str, ...]]], None]
TASKS: dict[Role, Task] = {
    Role.MANAGER: manager,
    Role.BRANCH_HEAD: branch_head,
    Role.MARKETING: marketer,
    Role.SCIENTIST: scientist,
    Role.APPROVER: approver,
    Role.AUDITOR: auditor,
    Role.ADMIN: admin,
}


@pytest.fixture
def bank(built_once: BuiltOnce, tmp_path: Path) -> Iterator[PageBank]:
    """A bank of its own for each walk: a call that one records is missing on the list of the next."""
    found = made(accounts(built_once), tmp_path)
    yield found
    found.state.spool.close()
    found.state.store.close()


@pytest.fixture
def address(bank: PageBank) -> Iterator[str]:
    with on_loopback(bank.app) as found:
        yield found


@pytest.fixture
def visit(chromium: Any, address: str, bank: PageBank, request: pytest.FixtureRequest) -> Iterator[Visit]:
    view, language = request.param
    found = Visit(chromium, address, bank, viewport=WINDOWS[view], locale=LANGUAGES[language])
    yield found
    found.context.close()


@pytest.mark.parametrize(
    "visit", [(view, language) for view in WINDOWS for language in LANGUAGES], indirect=True, ids="-".join
)
@pytest.mark.parametrize("role", TASKS)
def test_each_role_does_its_main_task_and_every_page_on_the_way_is_sound(
    visit: Visit, role: Role, started: list[tuple[str, ...]], request: pytest.FixtureRequest
) -> None:
    view, language = request.node.callspec.params["visit"]
    walk = Walk(visit, role, view, language)
    TASKS[role](walk, started)
    foreign = [url for url in visit.asked if not url.startswith(f"{visit.address}/")]
    assert (walk.wrong, foreign, visit.complaints) == ({}, [], [])
