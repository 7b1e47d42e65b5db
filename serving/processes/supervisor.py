"""The parent of the workers: opens the port, starts them, replaces who dies, and stops them in peace."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from serving.http import logs, metrics
from serving.processes.readiness import DESCRIPTOR, Told
from vipreco.errors import UsageError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DRAIN_SECONDS, TICK_SECONDS = 9.0, 0.1
CRASHES, CRASH_SECONDS = 3, 60.0
MAX_STARTS = 4  # in a row, before anybody answers; between them one pause, two, four ...
PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
BACKLOG = 2048
# One heap for all threads (the interpreter lets one work at a time), for Arrow too. What a request gives back
# is kept for the next one instead of being asked for anew. Without glibc only the last line says anything.
HEAP = {"arena_max": 1, "tcache_count": 500, "mmap_threshold": 32 << 20, "trim_threshold": 64 << 20}
MEMORY = {
    "GLIBC_TUNABLES": ":".join(f"glibc.malloc.{name}={value}" for name, value in HEAP.items()),
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def listen(host: str, port: int, behind_proxy: bool) -> socket.socket:
    """Open the port.

    Raises:
        UsageError: The address is open to others and no proxy was promised, or the port is taken.
    """
    if host not in LOOPBACK and not behind_proxy:
        raise UsageError(
            "the service would be open to others without a proxy before it",
            where=f"serving.host = {host}",
            remedy="put the proxy of serving/proxy before it and say --i-have-a-proxy, or use 127.0.0.1",
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
            f"cannot be listened on: {error.strerror}",
            where=f"{host}:{port}",
            remedy="choose another port with --port",
            code="port",
        ) from error
    opened.listen(BACKLOG)
    opened.set_inheritable(True)
    return opened


@dataclass
class Worker:
    """One process that answers, or soon will.

    Args:
        process: The process.
        told: What it told of its beginning.
        began: When it was started.
    """

    process: subprocess.Popen[bytes]
    told: Told
    began: float = field(default_factory=time.monotonic)


@dataclass
class Supervisor:
    """Keeps a number of workers alive.

    Args:
        command: How one worker is started; `{socket}` stands for the descriptor of the port.
        listening: The port.
        folder: Where the workers run.
        workers: How many.
        on_crashes: Called when several workers in a row died of a signal: the model may be at fault.
        beside: Called again and again while all is well: what else there is to look after.
    """

    command: Sequence[str]
    listening: socket.socket
    folder: Path
    workers: int
    on_crashes: Callable[[], None] = lambda: None
    beside: Callable[[], object] = lambda: None
    running: list[Worker] = field(default_factory=list)
    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES))
    failures: int = 0
    stopping: bool = False
    _failed_at: float = 0.0
    _not_before: float = 0.0

    def run(self) -> None:
        """Keep the workers alive until a signal says stop; then let them finish and end.

        Raises:
            VipRecoError: Worker after worker ended before it answered, and nobody else answers; what they
                said of it.
        """
        previous = {number: signal.signal(number, self._stop) for number in STOPPING}
        try:
            while not self.stopping:
                self._replace_dead()
                self.beside()
                time.sleep(TICK_SECONDS)
        finally:
            self.end()
            for number, handler in previous.items():
                signal.signal(number, handler)

    def end(self) -> None:
        """Ask the workers to finish, and end those that do not within nine seconds."""
        self.listening.close()
        for worker in self.running:
            worker.process.terminate()
        latest = time.monotonic() + DRAIN_SECONDS
        for worker in self.running:
            _wait(worker.process, latest)
            worker.told.close()
        self.running.clear()
        logs.write("stopped")

    def _replace_dead(self) -> None:
        for worker in self.running:
            worker.told.look()
        for worker in [worker for worker in self.running if worker.process.poll() is not None]:
            self.running.remove(worker)
            worker.told.close()
            process, code = worker.process.pid, int(worker.process.returncode)
            logs.write("worker-ended", worker=process, code=code)
            metrics.forget(process)
            self._count(worker, code)
        if any(worker.told.is_ready for worker in self.running):
            self.failures = 0
        while len(self.running) < self.workers and not self.stopping and self._not_before <= time.monotonic():
            self.running.append(self._start())

    def _count(self, worker: Worker, code: int) -> None:
        now = time.monotonic()
        self.crashes.append(now)
        if code == -signal.SIGSEGV and self._crashed_often():
            self.crashes.clear()
            self.on_crashes()
        elif not worker.told.is_ready:
            self._count_failure(worker, code, now)
        elif self._crashed_often():
            self._not_before = now + 1.0

    def _count_failure(self, worker: Worker, code: int, now: float) -> None:
        """Wait longer before the next start each time; those that were started together count once.

        Raises:
            VipRecoError: It was the last try.
        """
        if worker.began < self._failed_at:
            return
        self.failures, self._failed_at = self.failures + 1, now
        self._not_before = now + min(PAUSE_SECONDS * 2 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
        if self.failures >= MAX_STARTS and not any(other.told.is_ready for other in self.running):
            raise worker.told.error(code)

    def _crashed_often(self) -> bool:
        return len(self.crashes) == CRASHES and self.crashes[-1] - self.crashes[0] < CRASH_SECONDS

    def _start(self) -> Worker:
        descriptor, told = self.listening.fileno(), Told()
        command = [part.format(socket=descriptor) for part in self.command]
        own = {"VIPRECO_PARENT": str(os.getpid()), DESCRIPTOR: str(told.pipe[1])}
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command,
            cwd=self.folder,
            pass_fds=[descriptor, told.pipe[1]],
            env={**MEMORY, **os.environ, **own},
            start_new_session=True,
        )
        told.started()
        logs.write("worker-started", worker=process.pid)
        return Worker(process, told)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stopping = True


def worker_command(service: str) -> list[str]:
    """Return how a worker of a service is started."""
    return [sys.executable, "-m", "serving.processes.worker", "--socket", "{socket}", "--service", service]


def _wait(process: subprocess.Popen[bytes], latest: float) -> None:
    try:
        process.wait(max(latest - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
