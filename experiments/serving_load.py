"""Ask a service on this machine, in a process of its own: open loop (a rate) or closed loop (a number of
askers).

    python experiments/serving_load.py < what.json      # used by bench_serving.py

What is asked comes as JSON on standard input: `port`, `seconds`, `requests` (each a list of method, path,
headers and body), and `rate` (open loop) or `askers` (closed loop). In an open loop a request is due at its
own moment whatever became of those before, and its time counts from that moment: a service that stalls is
charged for all who waited. The answer is JSON: status, milliseconds and place of the request of each
answer, and with `keep` the bodies. Only 127.0.0.1 is asked, by no more than 512 connections, for no longer
than five minutes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

MOST_CONNECTIONS, MOST_SECONDS, FIRST = 512, 300.0, 64
GIVEN_UP, FAILED = 15.0, 0


class Connection(asyncio.Protocol):
    """One keep-alive connection with at most one request on its way."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.waiting: asyncio.Future[tuple[int, bytes]] | None = None
        self.buffer = bytearray()
        self.closed = False

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def connection_lost(self, error: Exception | None) -> None:
        self.closed = True
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_exception(error or ConnectionResetError())

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self.buffer[:end]).lower()
        start = head.find(b"content-length:")
        length = int(head[start + 15 :].split(b"\r\n", 1)[0]) if start >= 0 else 0
        if len(self.buffer) < end + 4 + length:
            return
        body = bytes(self.buffer[end + 4 : end + 4 + length])
        del self.buffer[: end + 4 + length]
        if b"connection: close" in head:
            self.closed = True
        if self.waiting is not None and not self.waiting.done():
            self.waiting.set_result((int(head[9:12]), body))

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        self.waiting = asyncio.get_running_loop().create_future()
        self.transport.write(raw)
        return await asyncio.wait_for(self.waiting, GIVEN_UP)


@dataclass
class Load:
    """One run.

    Args:
        port: Of the service.
        raws: Requests as they go out; asked in turn.
        keep: Whether the bodies are kept.
    """

    port: int
    raws: list[bytes]
    keep: bool = False
    free: deque[Connection] = field(default_factory=deque)
    seats: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(MOST_CONNECTIONS))
    answers: list[tuple[int, float, int]] = field(default_factory=list)
    bodies: list[str] = field(default_factory=list)

    async def connection(self) -> Connection:
        """Return a connection that is free, or a new one."""
        while self.free:
            found = self.free.pop()
            if not found.closed:
                return found
        loop = asyncio.get_running_loop()
        _, made = await loop.create_connection(Connection, "127.0.0.1", self.port)
        return made

    async def one(self, place: int, due: float) -> None:
        """Ask once, when there is a connection to ask by; the time counts from when it was due."""
        status, body = FAILED, b""
        async with self.seats:
            with contextlib.suppress(OSError, TimeoutError):
                status, body = await self._answer(self.raws[place])
        self.answers.append((status, (time.perf_counter() - due) * 1000, place))
        if self.keep:
            self.bodies.append(body.decode())

    async def _answer(self, raw: bytes) -> tuple[int, bytes]:
        connection = await self.connection()
        try:
            found = await connection.ask(raw)
        except ConnectionError:  # a kept connection that the other side had closed: asked once more
            connection = await self.connection()
            found = await connection.ask(raw)
        self.free.append(connection)
        return found

    async def open_loop(self, rate: float, seconds: float) -> None:
        """Ask at a rate."""
        running: set[asyncio.Task[None]] = set()
        await self._warm(min(FIRST, int(rate)))
        began = time.perf_counter()
        for number in range(int(rate * seconds)):
            due = began + number / rate
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            task = asyncio.ensure_future(self.one(number % len(self.raws), due))
            running.add(task)
            task.add_done_callback(running.discard)
        await asyncio.gather(*running)

    async def closed_loop(self, askers: int, seconds: float) -> None:
        """Ask by a number of askers who each wait for their answer."""
        until = time.perf_counter() + seconds

        async def asker(number: int) -> None:
            place = number
            while time.perf_counter() < until:
                await self.one(place % len(self.raws), time.perf_counter())
                place += askers

        await asyncio.gather(*(asker(number) for number in range(askers)))

    async def _warm(self, connections: int) -> None:
        self.free.extend(await asyncio.gather(*(self.connection() for _ in range(connections))))


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
        running = load.open_loop(what["rate"], seconds)
    else:
        running = load.closed_loop(what["askers"], seconds)
    try:
        import uvloop  # noqa: PLC0415  not on every system

        uvloop.run(running)
    except ImportError:
        asyncio.run(running)
    took = time.perf_counter() - began
    json.dump({"answers": load.answers, "bodies": load.bodies, "seconds": took}, sys.stdout)


if __name__ == "__main__":
    main()
