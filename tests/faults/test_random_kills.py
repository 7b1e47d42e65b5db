"""Every command that writes, killed at random moments: nothing half done is seen, a rerun completes it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests import processes
from tests.faults.commands import COMMANDS, PATIENCE, begun, paths, started, told, visible
from tests.faults.conftest import ALONE, Expected, copied

pytestmark = pytest.mark.long
KILLS = int(os.environ.get("VIPRECO_KILLS", "50"))
IN_A_ROW = 10  # kills of one bank before a run may end: leftovers of one are there for the next


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_a_command_that_is_stopped_at_random_shows_the_old_or_the_new_and_a_rerun_completes_it(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path, name: str, number: signal.Signals
) -> None:
    """F01-F04, and B90 with Ctrl-C: 130, no partial file, locks are free."""
    right = expected(name)
    kills = KILLS if number == signal.SIGKILL else max(KILLS // 5, 3)
    rows = [min(IN_A_ROW, kills - start) for start in range(0, kills, IN_A_ROW)]

    def row(place: int) -> int:
        moments = random.Random(f"{name}-{number}-{place}")
        length = _seconds(bank, right, tmp_path / f"timed-{place}", name)  # beside the others, as the kills
        pauses = (moments.uniform(0.0, 1.0) * length for _ in range(rows[place]))
        return _row(bank, right, tmp_path / f"killed-{place}", name, number, list(pauses))

    with ThreadPoolExecutor(len(rows)) as pool:  # each has a bank of its own
        assert sum(pool.map(row, range(len(rows)))) > 0


def _row(
    bank: Path, right: Expected, place: Path, name: str, number: signal.Signals, pauses: list[float]
) -> int:
    """Stop a command after each of these times, on one bank as long as its work is not done.

    Return how often it was stopped before its end.
    """
    stopped = 0
    while pauses:
        ours = copied(bank, place, name)
        while pauses:
            stopped += _stopped(ours, right, name, number, pauses.pop())
            if _is_done(name, ours, right):
                break
        else:
            code = processes.ended(started(ours, right.arguments), PATIENCE)
            assert code in COMMANDS[name].codes, told(ours)
        with ALONE:
            assert visible(ours) == right.after
        assert paths(ours) <= right.files
        shutil.rmtree(ours.parent)
    return stopped


def _stopped(bank: Path, right: Expected, name: str, number: signal.Signals, seconds: float) -> bool:
    """Run a command and stop it after a time; what is seen is old or new. Return whether it was stopped."""
    process = begun(bank, right.arguments)
    time.sleep(seconds)
    with suppress(ProcessLookupError):  # it was quicker
        os.kill(process.pid or 0, number)
    code = processes.ended(process, PATIENCE)
    assert code in {-number, 130, *COMMANDS[name].codes}, told(bank)
    assert "Traceback" not in told(bank)
    with ALONE:
        seen = visible(bank, COMMANDS[name].parts)
    for part, found in _parts(name, seen).items():
        assert found in (_parts(name, right.before)[part], _parts(name, right.after)[part]), part
    return code in {-signal.SIGKILL, 130}


def _parts(name: str, seen: Mapping[str, Any]) -> dict[str, Any]:
    """Return what must be old or new, each for itself.

    An erasure takes the customer out of the store before it begins with the tables, so that the service
    knows nobody of that name at once: tables of the store may be old and new then.
    """
    if name != "erase":
        return dict(seen)
    tables = {f"store: {table}": rows for table, rows in seen["store"].items()}
    return {**{part: found for part, found in seen.items() if part != "store"}, **tables}


def _seconds(bank: Path, right: Expected, place: Path, name: str) -> float:
    """Return how long the command takes now; what it is forked from has everything loaded."""
    ours = copied(bank, place, name)
    process, start = begun(ours, right.arguments), time.monotonic()
    processes.ended(process, PATIENCE)
    return time.monotonic() - start


def _is_done(name: str, bank: Path, right: Expected) -> bool:
    """Return whether a further run would be refused, or add a row, because one has done all."""
    command = COMMANDS[name]
    if command.repeatable:
        return False
    with ALONE:
        seen = visible(bank, command.parts)
    return all(seen[part] == right.after[part] for part in command.parts)
