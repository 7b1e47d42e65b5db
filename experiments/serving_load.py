"""Ask a service on this machine, in a process of its own: open loop (a rate) or closed loop (a number of
askers).

    python experiments/serving_load.py < what.json      # used by bench_serving.py

What is asked comes as JSON on standard input: `port`, `seconds`, `requests` (each a list of method, path,
headers and body), and `rate` (open loop) or `askers` (closed loop). In an open loop a request is due at its
own moment whatever became of those before, and its time counts from that moment: a service that stalls is
charged for all who waited. The answer is JSON: status, milliseconds and place of the request of each
answer, with `keep` the bodies, and `paused`: seconds in which the whole machine stood still, as a virtual
one may for minutes; they count for nobody. Only 127.0.0.1 is asked, by no more than 4,096 connections, for no
longer than five minutes.
"""

from __future__ import annotations

import contextlib
import json
import select
import socket
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MOST_CONNECTIONS, MOST_SECONDS = 4_096, 300.0
GIVEN_UP, FAILED = 15.0, 0
LOOK_SECONDS = 0.5
PAUSE_SECONDS = 5.0  # not to have run for so long is no load of other programs: it is the machine that stood


@dataclass(eq=False)
class Connection:
    """One keep-alive connection with at most one request on its way."""

    opened: socket.socket
    place: int = 0
    due: float = 0.0
    sent: float = 0.0
    is_fresh: bool = True
    buffer: bytes = b""

    def answer(self) -> tuple[int, bytes] | None:
        """Return status and body, when all of it is there.

        Raises:
            ConnectionError: The other side closed it.
        """
        data = self.opened.recv(65536)
        if not data:
            raise ConnectionResetError
        self.buffer = data = self.buffer + data if self.buffer else data
        end = data.find(b"\r\n\r\n")
        if end < 0:
            return None
        start = data.find(b"content-length:", 0, end)
        length = int(data[start + 15 : data.find(b"\r", start)]) if start >= 0 else 0
        if len(data) < end + 4 + length:
            return None
        self.buffer = b""
        return int(data[9:12]), data[end + 4 :]


@dataclass
class Load:
    """One run; no task, no callback: what it costs to ask is taken from who is asked.

    Args:
        port: Of the service.
        raws: Requests as they go out; asked in turn.
        keep: Whether the bodies are kept.
    """

    port: int
    raws: list[bytes]
    keep: bool = False
    answers: list[tuple[int, float, int]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)
    poll: select.epoll = field(default_factory=select.epoll)
    free: list[Connection] = field(default_factory=list)
    busy: dict[int, Connection] = field(default_factory=dict)
    waiting: deque[tuple[int, float]] = field(default_factory=deque)
    asked: deque[tuple[float, int]] = field(default_factory=deque)
    paused: float = 0.0
    looked: float = field(default_factory=time.perf_counter)

    def now(self) -> float:
        """Return the seconds of a clock that stands still while the machine does."""
        moment = time.perf_counter()
        if moment - self.looked > PAUSE_SECONDS:
            self.paused += moment - self.looked
        self.looked = moment
        return moment - self.paused

    def open_loop(self, rate: float, seconds: float) -> None:
        """Ask at a rate; the time counts from the moment at which a request is due."""
        began, count = self.now(), int(rate * seconds)
        number = 0
        while number < count or self.busy or self.waiting:
            now = self.now()
            while number < count and (due := began + number / rate) <= now:
                self.ask(number % len(self.raws), due)
                number += 1
            pause = began + number / rate - self.now() if number < count else LOOK_SECONDS
            for _ in self.gathered(pause):
                if self.waiting and self.free:
                    self.ask(*self.waiting.popleft())

    def closed_loop(self, askers: int, seconds: float) -> None:
        """Ask by a number of askers who each wait for their answer."""
        until = self.now() + seconds
        for number in range(askers):
            self.ask(number % len(self.raws), self.now())
        while self.busy:
            for place in self.gathered(LOOK_SECONDS):
                if self.now() < until:
                    self.ask((place + askers) % len(self.raws), self.now())

    def ask(self, place: int, due: float) -> None:
        """Ask, if there is a connection to ask by; else when one is free."""
        if not self.free and len(self.busy) >= MOST_CONNECTIONS:
            self.waiting.append((place, due))
            return
        connection = self.free.pop() if self.free else self._connected()
        self._send(connection, place, due)

    def gathered(self, pause: float) -> list[int]:
        """Take in the answers that come within a pause, and return whose places they were."""
        found = []
        for number, _ in self.poll.poll(min(max(pause, 0.0), LOOK_SECONDS)):
            connection = self.busy.get(number)
            if connection is None:
                self._drop(next(each for each in self.free if each.opened.fileno() == number))
            elif self._taken(connection):
                found.append(connection.place)
        found += self._given_up()
        return found

    def _taken(self, connection: Connection) -> bool:
        """Take an answer in; return whether it is all there. Who lost a kept connection asks once more."""
        try:
            answer = connection.answer()
        except OSError:
            self._drop(connection)
            if connection.is_fresh:
                self._note(connection, FAILED, b"")
                return True
            self._send(self._connected(), connection.place, connection.due)
            return False
        if answer is None:
            return False
        del self.busy[connection.opened.fileno()]
        connection.is_fresh = False
        self.free.append(connection)
        self._note(connection, *answer)
        return True

    def _note(self, connection: Connection, status: int, body: bytes) -> None:
        took = (self.now() - connection.due) * 1000
        self.answers.append((status, took, connection.place))
        if self.keep:
            self.bodies.append(body.decode())

    def _send(self, connection: Connection, place: int, due: float) -> None:
        connection.place, connection.due, connection.sent = place, due, self.now()
        self.busy[connection.opened.fileno()] = connection
        self.asked.append((connection.sent + GIVEN_UP, connection.opened.fileno()))
        with contextlib.suppress(OSError):  # it is closed: that is read where its answer should be
            connection.opened.send(self.raws[place])

    def _connected(self) -> Connection:
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=GIVEN_UP)
        self.looked = time.perf_counter()  # to wait for a connection is no pause
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poll.register(opened, select.EPOLLIN)
        return Connection(opened)

    def _given_up(self) -> list[int]:
        """Fail those that wait for too long, and return whose places they were."""
        found, now = [], self.now()
        while self.asked and self.asked[0][0] <= now:
            connection = self.busy.get(self.asked.popleft()[1])
            if connection is not None and connection.sent + GIVEN_UP <= now:
                self._drop(connection)
                self._note(connection, FAILED, b"")
                found.append(connection.place)
        return found

    def _drop(self, connection: Connection) -> None:
        number = connection.opened.fileno()
        self.busy.pop(number, None)
        if connection in self.free:
            self.free.remove(connection)
        self.poll.unregister(number)
        connection.opened.close()


def raw(port: int, request: list[Any]) -> bytes:
    """Return a request as bytes."""
    method, path, headers, body = request
    sent = body.encode()
    given = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(sent)), **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode() + sent


def main() -> None:
    """Run what standard input says."""
    what = json.load(sys.stdin)
    seconds = min(float(what["seconds"]), MOST_SECONDS)
    load = Load(what["port"], [raw(what["port"], each) for each in what["requests"]], what.get("keep", False))
    began = time.perf_counter()
    if "rate" in what:
        load.open_loop(what["rate"], seconds)
    else:
        load.closed_loop(what["askers"], seconds)
    took = time.perf_counter() - began - load.paused
    json.dump(
        {"answers": load.answers, "bodies": load.bodies, "seconds": took, "paused": load.paused}, sys.stdout
    )


if __name__ == "__main__":
    main()
