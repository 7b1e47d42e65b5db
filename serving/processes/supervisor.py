"""One circus arbiter for the workers, the audit shipper and the champion watcher of a service.

circus comes with BentoML (distribution `kantoku`) and starts, restarts and stops the processes. Four things
stay ours; a test of `tests/serving/test_supervisor.py` or `test_worker_faults.py` fails without each of them:
the reason and exit code of a failed start (`readiness`), the pause before another start, a stop signal that
is not lost, and workers that end with a killed parent (`parent_death_signal`).
"""

from __future__ import annotations

import os
import shlex
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from circus.arbiter import Arbiter
from circus.exc import ConflictError
from circus.process import Process
from circus.watcher import Watcher

from serving.http import logs, metrics
from serving.http.shared_limits import RUN_FOLDER
from serving.processes import readiness
from serving.processes.parent_death_signal import PARENT
from serving.processes.start_pause import PAUSE
from vipreco.errors import ResourcesError, UsageError, VipRecoError
from vipreco.scratch_folder import scratch_folder

WORKERS = "workers"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DRAIN_SECONDS, CHECK_SECONDS, RETRY_STOP_SECONDS = 9.0, 0.2, 0.05
CRASHES, CRASH_SECONDS = 3, 60.0
MAX_STARTS = 4  # in a row, before any worker answers; between them one pause, two, four ...
PAUSE_SECONDS, MAX_PAUSE_SECONDS = 0.5, 30.0
BACKLOG = 2048
# One heap for all threads (the interpreter lets one work at a time), for Arrow too. Memory that a request
# frees is kept for the next one instead of being requested again. Without glibc only the last line has an
# effect.
HEAP = {"arena_max": 1, "tcache_count": 500, "mmap_threshold": 32 << 20, "trim_threshold": 64 << 20}
MEMORY = {
    "GLIBC_TUNABLES": ":".join(f"glibc.malloc.{name}={value}" for name, value in HEAP.items()),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}


def listen(host: str, port: int, behind_proxy: bool) -> socket.socket:
    """Open the port.

    Raises:
        UsageError: The address is open to others without a proxy, or the port is taken.
    """
    if host not in LOOPBACK and not behind_proxy:
        raise UsageError(
            "the service would be open to others without a proxy in front of it",
            where=f"serving.host = {host}",
            remedy="put the proxy of serving/proxy in front and say --i-have-a-proxy, or use 127.0.0.1",
            code="open-address",
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    opened = socket.socket(family, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        opened.bind((host, port))
    except OSError as error:
        opened.close()
        raise UsageError(
            f"cannot listen here: {error.strerror}",
            where=f"{host}:{port}",
            remedy="choose another port with --port",
            code="port",
        ) from error
    opened.listen(BACKLOG)
    opened.set_inheritable(True)
    return opened


class _Arbiter(Arbiter):  # type: ignore[misc]
    """An arbiter that leaves out a check for which it is busy, instead of logging an exception."""

    def manage_watchers(self) -> Any:
        """Replace processes that ended, unless something else is being done with them."""
        try:
            return super().manage_watchers()
        except ConflictError:
            return None


@dataclass(frozen=True)
class _Start:
    """A process and the moment of its start, in seconds of the monotonic clock."""

    process: Process
    at: float


@dataclass
class Supervisor:
    """Keeps a number of workers and some sidecars alive.

    Args:
        command: Starts one worker; `{socket}` stands for the descriptor of the port.
        listening: The port.
        folder: Working directory of the processes.
        workers: Number of workers.
        sidecars: Modules that run beside the workers, with the seconds to wait before another start.
        on_crashes: Called when several workers in a row died of a segmentation fault: the model may be why.

    Attributes:
        failures: Failed starts of workers in a row.
    """

    command: Sequence[str]
    listening: socket.socket
    folder: Path
    workers: int
    sidecars: Mapping[str, float] = field(default_factory=dict)
    on_crashes: Callable[[], None] = lambda: None
    failures: int = field(default=0, init=False)
    _arbiter: _Arbiter | None = field(default=None, init=False)
    _reports: Path = field(default=Path(), init=False)
    _started: dict[int, _Start] = field(default_factory=dict, init=False)
    _is_stopping: bool = field(default=False, init=False)
    _crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES), init=False)
    _failed_at: float = field(default=0.0, init=False)
    _error: VipRecoError | None = field(default=None, init=False)

    def run(self) -> None:
        """Keep the processes alive until a signal says stop; then let the workers finish and end.

        Raises:
            VipRecoError: Worker after worker ended before it answered and no other answers; with the reason
                that the last one reported.
        """
        # The control sockets of circus take commands from whoever reaches them, so they are files in a folder
        # of our own instead of ports, which every user of the machine reaches.
        with scratch_folder("service") as folder:
            self._reports = folder
            endpoints = [f"ipc://{folder}/{name}" for name in ("control", "events")]
            self._arbiter = arbiter = _Arbiter(self._watchers(), *endpoints, check_delay=CHECK_SECONDS)
            handlers = arbiter.ctrl.sys_hdl
            # Without this circus takes SIGHUP as "start the workers again", and outlives its terminal.
            for name in ("term", "int", "quit", "hup"):
                setattr(handlers, f"handle_{name}", self.stop)
            try:
                arbiter.start().result()
            except RuntimeError as error:  # circus failed to start a process five times, or may start none
                if not self._is_stopping:
                    raise _no_process() from error
        logs.write("stopped")
        if self._error is not None:
            raise self._error

    def stop(self) -> None:
        """Begin to stop; may be called from a signal handler or another thread."""
        if self._arbiter is not None:
            self._arbiter.loop.asyncio_loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        """Stop the arbiter; circus refuses to, and forgets it, while it looks after its watchers.

        Workers that die again and again would keep it busy: none is started any more.
        """
        arbiter = self._arbiter
        if arbiter is None:
            return
        self._is_stopping = True
        for watcher in arbiter.watchers:
            watcher.respawn = False
        try:
            arbiter.stop()
        except ConflictError:
            arbiter.loop.call_later(RETRY_STOP_SECONDS, self._stop)

    def _watchers(self) -> list[Watcher]:
        descriptor = self.listening.fileno()
        worker = Watcher(
            WORKERS,
            shlex.quote(self.command[0]),
            args=[part.format(socket=descriptor) for part in self.command[1:]],
            numprocesses=self.workers,
            use_sockets=True,
            graceful_timeout=DRAIN_SECONDS,
            hooks={
                "after_spawn": (self._worker_started, False),
                "after_reap": (self._worker_ended, True),
                "before_stop": (self._close_port, True),
            },
            **self._common(),
        )
        return [worker, *(self._sidecar(module, pause) for module, pause in self.sidecars.items())]

    def _sidecar(self, module: str, pause: float) -> Watcher:
        def ended(watcher: Watcher, exit_code: int, **_: Any) -> None:
            if not watcher.is_stopping():
                logs.write("sidecar-ended", module=module, code=exit_code)
                watcher.env[PAUSE] = str(pause)

        command = shlex.quote(sys.executable)
        hooks = {"after_reap": (ended, True)}
        return Watcher(module, command, args=["-m", module], singleton=True, hooks=hooks, **self._common())

    def _common(self) -> dict[str, Any]:
        own = {PARENT: str(os.getpid()), RUN_FOLDER: str(self._reports)}
        return {"working_dir": str(self.folder), "env": {**MEMORY, **os.environ, **own}}

    def _worker_started(self, watcher: Watcher, pid: int, **_: Any) -> bool:
        # circus drops a worker that dies between two of its looks, without the hook; only we still hold it.
        for missed in set(self._started) - set(watcher.processes):
            self._ended(watcher, missed, self._started[missed].process.poll())
        self._started[pid] = _Start(watcher.processes[pid], time.monotonic())
        logs.write("worker-started", worker=pid)
        return True

    def _worker_ended(self, watcher: Watcher, process_pid: int, exit_code: int | None, **_: Any) -> None:
        self._ended(watcher, process_pid, exit_code)

    def _ended(self, watcher: Watcher, process: int, exit_code: int | None) -> None:
        code = 1 if exit_code is None else exit_code
        start = self._started.pop(process, None)
        started = start.at if start else 0.0
        report = readiness.read_report(self._reports, process)
        readiness.remove_report(self._reports, process)
        logs.write("worker-ended", worker=process, code=code)
        metrics.forget(process)
        is_ready = "ready" in report
        if is_ready or self._any_ready():
            self.failures, watcher.env[PAUSE] = 0, "0"
        if watcher.is_stopping():
            return
        now = time.monotonic()
        self._crashes.append(now)
        if code == -signal.SIGSEGV and self._crashed_often():
            self._crashes.clear()
            self.on_crashes()
        if not is_ready:
            self._count_failure(watcher, started, now, lambda: readiness.start_error(report, code))
        elif self._crashed_often():
            watcher.env[PAUSE] = "1"

    def _count_failure(
        self, watcher: Watcher, started: float, now: float, error: Callable[[], VipRecoError]
    ) -> None:
        """Wait longer before the next start each time; workers that were started together count once."""
        if started < self._failed_at:
            return
        self.failures, self._failed_at = self.failures + 1, now
        watcher.env[PAUSE] = str(min(PAUSE_SECONDS * 2 ** (self.failures - 1), MAX_PAUSE_SECONDS))
        if self.failures >= MAX_STARTS and not self._any_ready():
            self._error = error()
            self.stop()

    def _any_ready(self) -> bool:
        return any("ready" in readiness.read_report(self._reports, process) for process in self._started)

    def _crashed_often(self) -> bool:
        return len(self._crashes) == CRASHES and self._crashes[-1] - self._crashes[0] < CRASH_SECONDS

    def _close_port(self, **_: Any) -> None:
        """Close our copy of the port: connections would wait in it for workers that take no more."""
        self.listening.close()


def _no_process() -> ResourcesError:
    return ResourcesError(
        "the system cannot start a process for the service",
        remedy="see the lines above; give the machine more memory, or raise `ulimit -u`",
        code="no-process",
    )


def worker_command(service: str) -> list[str]:
    """Return how a worker of a service is started."""
    module = "serving.processes.worker"
    return [sys.executable, "-m", module, "--socket", "{socket}", "--service", service]
