"""The page over a small bank: in this process, and on loopback for a browser."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from serving.workspace.jobs import Jobs
from tests.page.browser import CHROMIUM, FLAGS
from tests.page.page_bank import PageBank, accounts, made
from tests.serving.loopback import on_loopback
from tests.shared import BuiltOnce


@pytest.fixture(scope="module")
def bank(built_once: BuiltOnce, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PageBank]:
    """The pages with an account for each role."""
    found = made(accounts(built_once), tmp_path_factory.mktemp("page"))
    yield found
    found.state.spool.close()
    found.state.store.close()


@pytest.fixture(scope="module")
def address(bank: PageBank) -> Iterator[str]:
    """The pages on loopback."""
    with on_loopback(bank.app) as found:
        yield found


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands that pages started; in tests none runs."""
    found: list[tuple[str, ...]] = []

    def start(self: Jobs, name: str, arguments: Sequence[str], actor: str) -> None:
        found.append((name, actor, *arguments))

    monkeypatch.setattr(Jobs, "start", start)
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Debian's browser, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
