"""A PostgreSQL server for the tests: Debian's programs, a folder of its own, a socket and no port.

All processes of one test run share it: the first that needs it starts it, the last that ends stops it.
"""

from __future__ import annotations

import fcntl
import json
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROGRAMS = Path("/usr/lib/postgresql")
QUICK = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=16MB"
ACCOUNTS = ("postgres", "nobody")


@dataclass(frozen=True)
class Server:
    """A running server by the folder that holds its socket."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql+psycopg://tester@/{database}?host={self.folder}"


def missing() -> str:
    """Return why there can be no server here, or nothing."""
    if not _programs():
        return f"PostgreSQL is not installed under {PROGRAMS} (Debian: postgresql)"
    if os.getuid() == 0 and not (shutil.which("setpriv") and _account()):
        return "PostgreSQL refuses to run as root, and there is no setpriv or no account to give it to"
    try:
        import psycopg  # noqa: F401
    except ImportError:
        return "the driver is not installed: pip install 'vipreco[postgresql]'"
    return ""


@contextmanager
def shared(common: Path) -> Iterator[Server]:
    """Give the server of this test run; `common` is a folder that all its processes share."""
    folder = _join(common)
    try:
        yield Server(folder)
    finally:
        _leave(common)


def _join(common: Path) -> Path:
    with _state(common) as state:
        if not state:
            state.update(folder=str(_made()), users=0)
        if state["users"] == 0:
            _control(Path(state["folder"]), "start")
        state["users"] += 1
        return Path(state["folder"])


def _leave(common: Path) -> None:
    with _state(common) as state:
        state["users"] -= 1
        if state["users"] == 0:
            folder = Path(state["folder"])
            _control(folder, "stop")
            shutil.rmtree(folder)
            state.clear()


@contextmanager
def _state(common: Path) -> Iterator[dict[str, Any]]:
    path = common / "postgresql.json"
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        state = json.loads(file.read() or "{}")
        yield state
        file.seek(0)
        file.truncate()
        json.dump(state, file)


def _made() -> Path:
    """Make an empty cluster outside of pytest's folders, which the server's account cannot enter."""
    folder = Path(tempfile.mkdtemp(prefix="vipreco-pg-"))
    account = _account() if os.getuid() == 0 else None
    if account:
        os.chown(folder, account.pw_uid, account.pw_gid)
    options = ["--username=tester", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"]
    _run([str(_programs() / "initdb"), *options, "--pgdata", str(folder / "data")])
    return folder


def _control(folder: Path, what: str) -> None:
    given = f"-k {folder} -c listen_addresses= {QUICK}"
    start = ["-o", given, "-l", str(folder / "log")] if what == "start" else ["-m", "immediate"]
    _run([str(_programs() / "pg_ctl"), what, "-w", "-t", "30", "-D", str(folder / "data"), *start])


def _run(command: list[str]) -> None:
    if os.getuid() == 0:
        account = _account()
        ids = [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}"] if account else []
        command = ["setpriv", *ids, "--clear-groups", "--", *command]
    finished = subprocess.run(
        command, check=False, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    if finished.returncode != 0:
        raise RuntimeError(f"{command[-3:]} failed: {finished.stderr}")


def _programs() -> Path | None:
    found = sorted(PROGRAMS.glob("*/bin/initdb"), key=lambda path: int(path.parent.parent.name))
    return found[-1].parent if found else None


def _account() -> pwd.struct_passwd | None:
    for name in ACCOUNTS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    return None
