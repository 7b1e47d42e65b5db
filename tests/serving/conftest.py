"""A service in this process, made anew for each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from serving.workspace.jobs import Jobs
from tests.serving.loopback import on_loopback
from tests.serving.running_service import Running, started, until
from tests.serving.small_bank import Bank, accounts, made
from tests.shared import BuiltOnce
from vipreco.settings import ServingSettings


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """Commands that programs started; in tests none runs."""
    found: list[tuple[str, ...]] = []

    def start(self: Jobs, name: str, arguments: Sequence[str], actor: str) -> None:
        found.append((name, actor, *arguments))

    monkeypatch.setattr(Jobs, "start", start)
    return found


@pytest.fixture(scope="session")
def template(built_once: BuiltOnce) -> Path:
    """Store, keys and tokens of a service, to be copied."""
    return accounts(built_once)


@pytest.fixture
def make_bank(tmp_path: Path, template: Path) -> Iterator[Callable[..., Bank]]:
    """Make a service with other settings."""
    opened: list[Bank] = []

    def make(**changed: Any) -> Bank:
        bank = made(template, tmp_path, ServingSettings(**{"business_date": "snapshot", **changed}))
        opened.append(bank)
        return bank

    yield make
    for bank in opened:
        bank.state.spool.close()
        bank.state.store.close()


@pytest.fixture
def bank(make_bank: Callable[..., Bank]) -> Bank:
    """A service with two books of one customer each."""
    return make_bank()


@pytest.fixture
def address(bank: Bank) -> Iterator[str]:
    """The service on loopback."""
    with on_loopback(bank.app) as found:
        yield found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two workers that answer, under their supervisor."""
    running = started(tmp_path_factory.mktemp("service"))
    until(lambda: running.offers().status_code == 200)
    until(lambda: len(running.workers()) == 2)
    yield running
    running.parent.terminate()
    running.parent.wait(60)
