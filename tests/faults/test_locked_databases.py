"""Commands while another process holds the store or the tracking database: they end and lose nothing."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests import processes
from tests.faults.commands import COMMANDS, PATIENCE, started, told, visible
from tests.faults.conftest import Expected, copied
from tests.faults.store_commands import STORE_COMMANDS
from training.registry import Version, list_versions
from vipreco.project import Project

pytestmark = pytest.mark.long
LOCKED_SECONDS = 60
LONGEST = {"backtest", "retrain", "train", "tune"}  # read no store, or only at their beginning
NEEDING = {*STORE_COMMANDS, "calllist", "hand-over", "sheet", "user-password"} - {
    "anchor",
    "keys-create",
    "keys-sign",
}


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Hold a database as another program would that writes for long."""
    with closing(sqlite3.connect(database, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield


def ended(bank: Path, *arguments: str) -> int:
    return processes.ended(started(bank, list(arguments)), PATIENCE)


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - LONGEST))
def test_a_command_before_a_locked_store_ends_with_5_changes_nothing_and_works_afterwards(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path, name: str
) -> None:
    """F12: those that need no store work."""
    right, parts = expected(name), COMMANDS[name].parts
    ours = copied(bank, tmp_path, name)
    with locked(ours / "data" / "store.db"):
        code = ended(ours, *right.arguments)
        said = told(ours)
    assert "Traceback" not in said
    assert code in ({5} if name in NEEDING else {5, *COMMANDS[name].codes}), said
    if code != 5:
        assert visible(ours) == right.after
        return
    assert visible(ours, parts) == {part: right.before[part] for part in parts}
    assert ended(ours, *right.arguments) in COMMANDS[name].codes, told(ours)
    assert visible(ours) == right.after


def test_a_training_before_a_tracking_database_that_is_locked_for_a_minute_loses_no_number(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path
) -> None:
    """F21: exit 8 while it is held, kept on this machine, and all of it there after `vipreco sync`."""
    right = expected("train")
    ours = copied(bank, tmp_path, "train")
    calm = copied(bank, tmp_path / "calm", "train")
    assert ended(calm, *right.arguments) == 0, told(calm)
    free = threading.Event()
    with locked(ours / "data" / "tracking.db"):
        threading.Timer(LOCKED_SECONDS, free.set).start()
        assert ended(ours, *right.arguments) == 8, told(ours)
        assert "vipreco sync" in told(ours)
        assert ended(ours, "models", "promote", "2") == 8, told(ours)
        free.wait()
    assert visible(ours, {"champion"}) == {"champion": right.before["champion"]}
    assert ended(ours, "sync") == 0, told(ours)
    assert visible(ours, {"champion"}) == {"champion": right.after["champion"]}
    synced, kept = newest(ours), newest(calm)
    assert (synced.artifact_hash, synced.metrics.keys()) == (kept.artifact_hash, kept.metrics.keys())


def newest(bank: Path) -> Version:
    return max(list_versions(Project.find(bank), metrics=True), key=lambda version: int(version.version))
