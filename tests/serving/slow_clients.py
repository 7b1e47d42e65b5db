"""Slow clients in a process of their own, so that who measures beside them does not wait for Python's lock.

    python -m tests.serving.slow_clients < what.json

`what.json` has `port`, `trust` (file of a certificate, or null for no TLS), `count`, `head`, `tail` and
`seconds`: within how many seconds they come in. Each sends the head, then a byte of the tail a second; with 0
seconds the tails begin when all heads are sent. One without a tail sends its head and never reads. The answer
is JSON, for each client an object of `Client`. Only this machine is asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

LONGEST = 40.0


@dataclass
class Client:
    """One slow client.

    Attributes:
        seconds: How long it was let in.
        sent: How many bytes of its tail it sent before it was answered or cut off.
        answered: True where an answer came before all was sent.
    """

    seconds: float = 0.0
    sent: int = 0
    answered: bool = False


class Attack:
    """Clients that come in together or one after the other."""

    def __init__(self, what: dict[str, Any]) -> None:
        self.port, self.count, self.within = what["port"], what["count"], what["seconds"]
        self.head, self.tail = what["head"].encode(), what["tail"].encode()
        self.trust = None if what["trust"] is None else ssl.create_default_context(cafile=what["trust"])
        self._missing, self._all_in = self.count, asyncio.Event()

    async def clients(self) -> list[Client]:
        """Let the clients come in, and wait for the end of each."""
        act = self._dribble if self.tail else self._never_read
        return await asyncio.gather(*(act(number) for number in range(self.count)))

    async def _dribble(self, number: int) -> Client:
        """Send the head, then a byte of the tail a second, until the other side answers or closes."""
        await asyncio.sleep(self.within * number / self.count)
        client, began = Client(), time.monotonic()
        with suppress(OSError, TimeoutError):
            try:
                reader, writer = await asyncio.open_connection("localhost", self.port, ssl=self.trust)
                began = time.monotonic()
                writer.write(self.head)
            finally:
                await self._others()
            for byte in self.tail:
                await asyncio.sleep(1)
                client.answered = bool(reader._buffer)  # type: ignore[attr-defined]
                if client.answered or reader.at_eof():
                    break
                writer.write(bytes([byte]))
                await writer.drain()
                client.sent += 1
            writer.close()
            await asyncio.wait_for(writer.wait_closed(), 5)
        client.seconds = time.monotonic() - began
        return client

    async def _others(self) -> None:
        """Wait until all have tried to come in, if they come in together."""
        self._missing -= 1
        if not self._missing:
            self._all_in.set()
        if not self.within:
            await self._all_in.wait()

    async def _never_read(self, number: int) -> Client:
        """Ask again and again without taking an answer, until the other side closes."""
        await asyncio.sleep(self.within * number / self.count)
        loop, began = asyncio.get_running_loop(), time.monotonic()
        with suppress(OSError, TimeoutError):
            raw = socket.socket()
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.setblocking(False)
            await loop.sock_connect(raw, ("127.0.0.1", self.port))
            reader, writer = await asyncio.open_connection(
                sock=raw, ssl=self.trust, server_hostname="localhost" if self.trust else None, limit=1024
            )  # a reader takes no more than that on its own
            began = time.monotonic()
            writer.write(self.head)
            mine = raw.getsockname()[1]
            while time.monotonic() - began < LONGEST and _holds(self.port, mine):
                await asyncio.sleep(0.5)
            writer.transport.abort()
            del reader
        return Client(time.monotonic() - began)


def _holds(port: int, mine: int) -> bool:
    """Return True while the other side holds a connection; here it looks open while there is data on it."""
    server, client, established = f":{port:04X}", f":{mine:04X}", "01"
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(
        line[1].endswith(server) and line[2].endswith(client) and line[3] == established for line in lines
    )


async def main() -> None:
    """Read an attack, make it, and print what became of its clients."""
    found = await Attack(json.load(sys.stdin)).clients()
    sys.stdout.write(json.dumps([asdict(client) for client in found]))


if __name__ == "__main__":
    os.nice(19)  # others measure
    asyncio.run(main())
