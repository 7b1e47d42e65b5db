"""A command that dies as no program can catch has an exit code and advice; signals reach it as before."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.processes import SOURCES

SCRIPT = """
import os, signal, sys, time
from pathlib import Path
from vipreco.cli.watched_command import watched

def run():
    try:
        Path("child").write_text(str(os.getpid()))
        {work}
    except KeyboardInterrupt:
        print("interrupted", flush=True)
        time.sleep(0.3)  # a second one would come now
        return 130
    return 4

sys.exit(watched(run))
"""
SLEEP = "time.sleep(60)"


def started(folder: Path, work: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT.format(work=work)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def child_of(folder: Path) -> int:
    while not (folder / "child").exists() or not (folder / "child").read_text():
        time.sleep(0.02)
    return int((folder / "child").read_text())


@pytest.mark.parametrize(
    ("work", "code", "words"),
    [
        ("pass", 4, ""),
        ("os.abort()", 7, "SIGABRT"),
        ("os._exit(127)", 7, "for want of memory"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", 7, "memory_gb"),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL, "was killed"),
        ("os.kill(os.getpid(), signal.SIGTERM)", -signal.SIGTERM, ""),
        ("os.kill(os.getppid(), signal.SIGINT); time.sleep(60)", 130, ""),
        ("os.kill(os.getppid(), signal.SIGTERM); time.sleep(60)", -signal.SIGTERM, ""),
    ],
)
def test_the_end_of_a_command_is_told(tmp_path: Path, work: str, code: int, words: str) -> None:
    """F26."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    process = started(tmp_path, work)
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, err
    assert words in err
    assert out.count("interrupted") == (code == 130)
    assert not list(tmp_path.glob("core*"))


def test_a_command_ends_with_the_process_that_watches_it(tmp_path: Path) -> None:
    process = started(tmp_path, SLEEP)
    child = child_of(tmp_path)
    process.kill()
    process.communicate(timeout=60)
    until = time.monotonic() + 30
    while is_alive(child) and time.monotonic() < until:
        time.sleep(0.02)
    assert not is_alive(child)


def test_ctrl_c_at_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    """B90: the terminal signals the whole group, so the watching process passes nothing on."""
    import pty

    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(tmp_path)
        os.environ["PYTHONPATH"] = SOURCES
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT.format(work=SLEEP)])
    child_of(tmp_path)
    os.write(terminal, b"\x03")
    told = b""
    while b"interrupted" not in told:
        told += os.read(terminal, 1_000)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    assert os.waitstatus_to_exitcode(status) == 130
