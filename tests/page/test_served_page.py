"""The page of a real `vipreco serve`: its workers, its release, its store."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page.browser import CHROMIUM, Visit, customers
from tests.page.page_bank import LADDER, MANAGER, USERS, frames, trained
from tests.serving.running_service import served
from tests.serving.small_bank import PASSWORD
from vipreco.history import History
from vipreco.online import NightlyBuild, Releases
from vipreco.online.nightly import publish
from vipreco.store import Role, Scope, Store, User

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)"),
]
SETTINGS = """
[project]
name = "small"

[tiers]
vip = ["GOLD", "TOP"]

[serving]
business_date = "snapshot"
"""
SEES_ALL = Scope("test", Role.CHANNEL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose answers are prepared, with a manager who has a book."""
    found = tmp_path_factory.mktemp("served")
    (found / "vipreco.toml").write_text(SETTINGS)
    recommender, view = trained()
    recommender.save(found / "artifact", {}, view)
    with Store.open(f"sqlite:///{found}/data/store.db") as store:
        work = NightlyBuild(
            recommender,
            found / "artifact",
            History.from_frames(frames()),
            view,
            LADDER.vip,
            ("branch", "call"),
        )
        publish(Releases(found / "data" / "serving"), store, work)
        store.users.create(User(USERS[Role.MANAGER], Role.MANAGER, MANAGER), PASSWORD)
    return found


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    """The service, when it is ready."""
    with served(folder) as (_, found):
        yield found


def test_a_manager_logs_in_opens_a_sheet_records_an_outcome_and_the_list_moves_on(
    chromium: Any, address: str, folder: Path
) -> None:
    visit = Visit(chromium, address)
    page = visit.log_in()
    first, second = customers(page)[:2]
    visit.keep("served-list")
    page.click("text=Start with the first call")
    assert page.locator("h1").inner_text() == first
    assert page.locator(".offer").count() > 0
    visit.keep("served-sheet")
    page.click("label.declined")
    page.click("text=Save, next")
    page.wait_for_selector(".notice.good")
    assert page.locator("h1").inner_text() == second
    page.goto(f"{address}/")
    assert customers(page)[0] == second
    assert customers(page)[-1] == first
    with Store.open(f"sqlite:///{folder}/data/store.db") as store:
        (contact,) = store.contacts.of(SEES_ALL, [first])
    assert (contact.outcome, contact.channel) == ("declined", "call")
    assert [url for url in visit.asked if not url.startswith(f"{address}/")] == []
    assert visit.complaints == []
    visit.context.close()
