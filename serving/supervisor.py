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

from serving import logs, metrics
from vipreco.errors import UsageError

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
DRAIN_SECONDS, TICK_SECONDS = 9.0, 0.1
CRASHES, CRASH_SECONDS = 3, 60.0
BACKLOG = 2048
ARENAS = {"MALLOC_ARENA_MAX": "2"}  # each thread's own would keep what it once held
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
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    crashes: deque[float] = field(default_factory=lambda: deque(maxlen=CRASHES))
    stopping: bool = False

    def run(self) -> None:
        """Keep the workers alive until a signal says stop; then let them finish and end."""
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
            worker.terminate()
        latest = time.monotonic() + DRAIN_SECONDS
        for worker in self.running:
            _wait(worker, latest)
        self.running.clear()
        logs.write("stopped")

    def _replace_dead(self) -> None:
        for worker in [worker for worker in self.running if worker.poll() is not None]:
            self.running.remove(worker)
            logs.write("worker-ended", worker=worker.pid, code=worker.returncode)
            metrics.forget(worker.pid)
            self._count(worker.returncode)
        while len(self.running) < self.workers and not self.stopping:
            self.running.append(self._start())

    def _count(self, code: int) -> None:
        self.crashes.append(time.monotonic())
        if code == -signal.SIGSEGV and self._crashed_often():
            self.crashes.clear()
            self.on_crashes()
        elif self._crashed_often():
            time.sleep(1.0)  # what cannot start is not started as fast as the machine can

    def _crashed_often(self) -> bool:
        return len(self.crashes) == CRASHES and self.crashes[-1] - self.crashes[0] < CRASH_SECONDS

    def _start(self) -> subprocess.Popen[bytes]:
        descriptor = self.listening.fileno()
        command = [part.format(socket=descriptor) for part in self.command]
        environment = {**ARENAS, **os.environ, "VIPRECO_PARENT": str(os.getpid())}
        worker = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command, cwd=self.folder, pass_fds=[descriptor], env=environment, start_new_session=True
        )
        logs.write("worker-started", worker=worker.pid)
        return worker

    def _stop(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        self.stopping = True


def worker_command(service: str) -> list[str]:
    """Return how a worker of a service is started."""
    return [sys.executable, "-m", "serving.worker", "--socket", "{socket}", "--service", service]


def _wait(worker: subprocess.Popen[bytes], latest: float) -> None:
    try:
        worker.wait(max(latest - time.monotonic(), 0.1))
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
