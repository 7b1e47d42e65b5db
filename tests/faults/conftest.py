"""One bank for all commands of these tests, and for each command what it does when nothing goes wrong."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.faults.commands import COMMANDS, PATIENCE, customers, made, paths, started, told, visible, words
from tests.shared import BuiltOnce

ALONE = threading.Lock()
"""For what belongs to the whole process: the folder in which a command runs, the address of MLflow."""


@dataclass(frozen=True)
class Expected:
    """A command that nobody disturbs.

    Args:
        arguments: Its words.
        before, after: What is visible of the bank.
        files: Files of the bank afterwards.
    """

    arguments: list[str]
    before: dict[str, Any]
    after: dict[str, Any]
    files: set[str]


@pytest.fixture(scope="session")
def bank(built_once: BuiltOnce) -> Path:
    """The bank that is copied; nobody changes it."""
    return made(built_once)


@pytest.fixture(scope="session")
def customer(bank: Path) -> str:
    """A customer who has a contact in the store."""
    return customers(bank)[0]


@cache
def ready(bank: Path, name: str) -> Path:
    """Return a folder with a copy of the bank on which a command can run; made once, for copying."""
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=bank.parents[1]))
    shutil.copytree(bank, place / "bank")
    (place / "practice").symlink_to(bank.parent / "practice")
    COMMANDS[name].before(place / "bank")
    return place


def copied(bank: Path, place: Path, name: str) -> Path:
    """Return a copy of the bank on which a command can run, with the bank's own files beside it."""
    with ALONE:
        source = ready(bank, name)
    shutil.copytree(source, place, symlinks=True, dirs_exist_ok=True)
    return place / "bank"


@pytest.fixture(scope="session")
def expected(
    bank: Path, customer: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Expected]:
    """Run a command once without a fault, and say what came of it."""
    known: dict[str, Expected] = {}

    def find(name: str) -> Expected:
        if name not in known:
            ours = copied(bank, tmp_path_factory.mktemp(name), name)
            arguments, before = words(COMMANDS[name], ours, customer), visible(ours)
            code = processes.ended(started(ours, arguments), PATIENCE)
            assert code in COMMANDS[name].codes, told(ours)
            known[name] = Expected(arguments, before, visible(ours), paths(ours))
        return known[name]

    return find
