"""Commands with little memory, few file handles, no home and no name: they work, or say clearly why not."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import processes
from tests.faults.commands import COMMANDS, PATIENCE, Limits, started, told, visible
from tests.faults.conftest import Expected, copied
from vipreco.cli.store_session import actor_named

pytestmark = pytest.mark.long
MEGABYTE = 1 << 20
CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
/* Moves the clock by CLOCK_JUMP seconds, at every second question if CLOCK_JUMPS is set. */
static long jump(void) {
    static int asked = 0;
    long by = atol(getenv("CLOCK_JUMP"));
    return getenv("CLOCK_JUMPS") && asked++ % 2 ? 0 : by;
}
int clock_gettime(clockid_t id, struct timespec *now) {
    int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
    int found = real(id, now);
    if (id == CLOCK_REALTIME) now->tv_sec += jump();
    return found;
}
time_t time(time_t *where) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (where) *where = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *now, void *zone) {
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    now->tv_sec = found.tv_sec;
    now->tv_usec = found.tv_nsec / 1000;
    return 0;
}
"""
DAYS = 86_400


@pytest.mark.parametrize("name", ["calllist", "campaign", "import", "offers", "prepare", "train"])
@pytest.mark.parametrize("megabytes", [4, 32, 128, 1024])
def test_a_command_without_memory_ends_with_7_says_what_to_do_and_leaves_nothing_half_done(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path, name: str, megabytes: int
) -> None:
    """F26: what it may have beyond what its libraries took. Arrow and LightGBM abort where they get none."""
    right = expected(name)
    ours = copied(bank, tmp_path, name)
    code = processes.ended(started(ours, right.arguments, Limits(memory=megabytes * MEGABYTE)), PATIENCE)
    assert code in {7, *COMMANDS[name].codes}, told(ours)
    assert code != 7 or "memory" in told(ours)
    seen = visible(ours)
    for part, found in seen.items():
        assert found in (right.before[part], right.after[part]), part


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_a_command_with_few_file_handles_works_or_says_so(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path, name: str
) -> None:
    """F33: 64 handles, of which the process that runs the test already holds some."""
    right = expected(name)
    ours = copied(bank, tmp_path, name)
    code = processes.ended(started(ours, right.arguments, Limits(handles=64)), PATIENCE)
    assert code in {7, *COMMANDS[name].codes}, told(ours)
    if code == 7:
        assert "ulimit -n" in told(ours)
    seen = visible(ours)
    for part, found in seen.items():
        assert found in (right.before[part], right.after[part]), part


@pytest.mark.parametrize("name", ["calllist", "prepare"])
def test_a_command_without_a_home_works(
    bank: Path, expected: Callable[[str], Expected], tmp_path: Path, name: str
) -> None:
    """F33: as in a container whose account has neither."""
    right = expected(name)
    ours = copied(bank, tmp_path, name)
    limits = Limits(environment={"HOME": "", "USER": "", "LOGNAME": ""})
    code = processes.ended(started(ours, right.arguments, limits), PATIENCE)
    assert code in COMMANDS[name].codes, told(ours)
    assert visible(ours) == right.after


def test_an_account_without_a_name_is_in_the_audit_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """F33."""

    def nameless(_: int) -> pwd.struct_passwd:
        raise KeyError

    monkeypatch.setattr(pwd, "getpwuid", nameless)
    assert actor_named(None) == f"os:uid-{os.getuid()}"


@pytest.fixture(scope="module")
def clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that moves the clock of a program."""
    if shutil.which("cc") is None:
        pytest.skip("no C compiler is here, which makes the library that moves the clock")
    folder = tmp_path_factory.mktemp("clock")
    (folder / "clock.c").write_text(CLOCK)
    command = ["cc", "-shared", "-fPIC", "-o", str(folder / "clock.so"), str(folder / "clock.c"), "-ldl"]
    subprocess.run(command, check=True)
    return folder / "clock.so"


@pytest.mark.parametrize("name", ["offers", "prepare"])
@pytest.mark.parametrize(
    "moved",
    [
        {"CLOCK_JUMP": str(2 * DAYS)},
        {"CLOCK_JUMP": str(-2 * DAYS)},
        {"CLOCK_JUMP": str(-2 * DAYS), "CLOCK_JUMPS": "1"},
        {"CLOCK_JUMP": "0", "TZ": "Antarctica/Troll"},  # two hours of summer time
    ],
)
def test_a_clock_that_is_wrong_or_jumps_changes_no_offer_and_no_order_of_the_audit(
    bank: Path,
    expected: Callable[[str], Expected],
    tmp_path: Path,
    clock: Path,
    name: str,
    moved: dict[str, str],
) -> None:
    """F30: the business date is that of the snapshot; records of the audit follow one another by number."""
    right = expected(name)
    ours = copied(bank, tmp_path, name)
    environment = {**os.environ, "LD_PRELOAD": str(clock), **moved}
    done = subprocess.run(
        [sys.executable, "-m", "vipreco.cli", *right.arguments],
        cwd=ours,
        env={**environment, "PYTHONPATH": processes.SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in COMMANDS[name].codes, done.stderr
    assert visible(ours) == right.after  # which verifies the audit
