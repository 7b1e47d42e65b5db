"""Two versions of a real registry, approved and rolled back by clicks; not by who trained them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.http.app_state import clock
from serving.workspace.jobs import Jobs
from tests.page.browser import CHROMIUM, Visit
from tests.page.page_bank import PageBank, accounts, made
from tests.shared import BuiltOnce
from tests.simulated_bank import tracking_database
from tests.training.conftest import make_fit, make_job, make_project
from training import flow
from vipreco.actors import account_name
from vipreco.store import AuditQuery, Role, User

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)"),
]
ROOT = Path(__file__).parents[2]
PATIENCE = 120_000  # milliseconds, for a command that loads MLflow on a busy machine
START = Jobs.start


@pytest.fixture(scope="module")
def bank(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageBank]:
    """A project with two versions that nobody approved yet, and the pages over it."""
    root = tmp_path_factory.mktemp("models")
    project = make_project(root, governance="")
    with (root / "vipreco.toml").open("a") as settings:
        settings.write('\n[serving]\nbusiness_date = "snapshot"\n')
    text = (root / "vipreco.toml").read_text().replace("[project]", '[project]\nstore = "sqlite:///store.db"')
    (root / "vipreco.toml").write_text(text)
    (root / "data").mkdir()
    shutil.copy(tracking_database(built_once), root / "data" / "tracking.db")
    for rim in ("training", "serving"):
        shutil.copytree(ROOT / rim, root / rim, ignore=shutil.ignore_patterns("__pycache__"))
    found = made(accounts(built_once), root)
    project = type(project).find(root)
    for content, value in (("one", 0.80), ("two", 0.90)):
        flow.run(make_job(project), make_fit(content, map_at_7=value))
    trainer = User(account_name(), Role.APPROVER)
    found.state.store.users.create(trainer, "correct horse battery staple")
    yield found
    found.state.spool.close()
    found.state.store.close()


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here the commands that pages start do run."""
    monkeypatch.setattr(Jobs, "start", START)


def approve(page: Any, address: str, version: str, verdict: str) -> str:
    """Approve a version by clicks; return what the page says about it."""
    page.goto(f"{address}/models/{version}")
    page.wait_for_selector("text=It passes its gates", timeout=PATIENCE)
    page.click("summary:has-text('Approve')")
    page.click("text=Approve this version")
    page.wait_for_selector(f"details.notice.{verdict}", timeout=PATIENCE)
    return str(page.locator("details.notice").inner_text())


def champion(page: Any, address: str) -> str:
    """Return the version that the list shows as the one in force."""
    page.goto(f"{address}/models")
    page.wait_for_selector("table.data .badge.good", timeout=PATIENCE)
    page.wait_for_selector("[data-running]", state="detached", timeout=PATIENCE)
    return str(page.locator("tr:has(.badge.good) th a").first.inner_text())


def test_a_second_person_approves_and_rolls_back_by_clicks(
    chromium: Any, address: str, bank: PageBank
) -> None:
    """B107: on the page as on the command line, nobody approves what they trained."""
    own = Visit(chromium, address, bank)
    page = own.enter("/models", Role.APPROVER)
    own.context.clear_cookies()
    secret = bank.state.store.sessions.begin(User(account_name(), Role.APPROVER), clock())
    own.context.add_cookies([{"name": "vipreco_session", "value": secret, "url": address}])
    refused = approve(page, address, "1", "bad")
    assert f"{account_name()} trained this version" in refused
    own.context.close()

    other = Visit(chromium, address, bank)
    page = other.enter("/models", Role.APPROVER)
    approve(page, address, "1", "good")
    assert champion(page, address) == "Version 1"
    approve(page, address, "2", "good")
    assert champion(page, address) == "Version 2"
    other.keep("models-two-versions")
    page.click("summary:has-text('Roll back')")
    page.click("text=Roll back now")
    page.wait_for_selector("pre:has-text('1 is champion again')", timeout=PATIENCE)
    assert champion(page, address) == "Version 1"
    assert [url for url in other.asked if not url.startswith(f"{address}/")] == []
    assert other.complaints == []
    other.context.close()
    records = [
        (row["actor"], row["result"])
        for row in bank.state.store.audit.find(AuditQuery(action="model.promote"), 9)
    ]
    assert records == [
        ("user:approver-1", "ok"),
        ("user:approver-1", "ok"),
        (f"user:{account_name()}", "denied"),
    ]
