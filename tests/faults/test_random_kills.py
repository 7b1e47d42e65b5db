"""Every command that writes, killed at random moments: nothing half done is seen, a rerun completes it."""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from tests import processes
from tests.faults.commands import COMMANDS, PATIENCE, paths, started, told, visible
from tests.faults.conftest import Expected, copied

pytestmark = pytest.mark.long
KILLS = int(os.environ.get("VIPRECO_KILLS", "50"))


@pytest.mark.parametrize("name", sorted(COMMANDS))
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def test_a_command_that_is_stopped_at_random_shows_the_old_or_the_new_and_a_rerun_completes_it(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path, name: str, number: signal.Signals
) -> None:
    """F01-F04, and B90 with Ctrl-C: 130, no partial file, locks are free."""
    right, moments = expected(name), random.Random(f"{name}-{number}")
    length, stopped = _seconds(bank, right, tmp_path / "timed", name), 0
    for trial in range(KILLS if number == signal.SIGKILL else max(KILLS // 5, 3)):
        place = tmp_path / str(trial)
        ours = copied(bank, place, name)
        process = started(ours, right.arguments)
        time.sleep(moments.uniform(0.05, 1.0) * length)
        with suppress(ProcessLookupError):  # it was quicker
            os.kill(process.pid or 0, number)
        code = processes.ended(process, PATIENCE)
        stopped += code in {-signal.SIGKILL, 130}
        assert code in {-number, 130, *COMMANDS[name].codes}, told(ours)
        assert "Traceback" not in told(ours)
        seen = visible(ours)
        for part, found in seen.items():
            assert found in (right.before[part], right.after[part]), part
        if not _is_done(name, ours, seen, right):
            assert processes.ended(started(ours, right.arguments), PATIENCE) in COMMANDS[name].codes, told(
                ours
            )
        assert visible(ours) == right.after
        assert paths(ours) <= right.files
        shutil.rmtree(place)
    assert stopped > 0


def _seconds(bank: Path, right: Expected, place: Path, name: str) -> float:
    """Return how long the command takes now; what it is forked from has everything loaded."""
    ours = copied(bank, place, name)
    begun = time.monotonic()
    processes.ended(started(ours, right.arguments), PATIENCE)
    return time.monotonic() - begun


def _is_done(name: str, bank: Path, seen: dict[str, object], right: Expected) -> bool:
    """Whether a second run would be refused because the first has done all: a backup overwrites nothing."""
    return name in {"backup", "erase"} and seen == right.after and bool(bank)
