"""Slow clients in a process of their own, so that who measures beside them does not wait for Python's lock.

    python -m tests.serving.slow_clients < what.json

`what.json` has `port`, `trust` (file of a certificate, or null for no TLS), `count`, `head`, `tail` and
`seconds`: within how many seconds they come in. Each sends the head, then a byte of the tail a second; one
without a tail sends its head and never reads. The answer is JSON: after how many seconds each was closed.
Only this machine is asked.
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
from pathlib import Path
from typing import Any

LONGEST = 40.0


async def dribble(port: int, trust: ssl.SSLContext | None, head: bytes, tail: bytes) -> float:
    """Send a head, then a byte of the tail a second; return after how many seconds the other side closed."""
    began = time.monotonic()
    with suppress(OSError, TimeoutError):
        reader, writer = await asyncio.open_connection("localhost", port, ssl=trust)
        began = time.monotonic()
        writer.write(head)
        for byte in tail:
            await asyncio.sleep(1)
            writer.write(bytes([byte]))
            await writer.drain()
            if reader.at_eof() or reader._buffer:  # type: ignore[attr-defined]  # refused: the answer is there
                break
        writer.close()
        await asyncio.wait_for(writer.wait_closed(), 5)
    return time.monotonic() - began


async def never_read(port: int, trust: ssl.SSLContext | None, head: bytes) -> float:
    """Ask again and again without taking an answer; return after how many seconds the other side closed."""
    loop, began = asyncio.get_running_loop(), time.monotonic()
    with suppress(OSError, TimeoutError):
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(
            sock=raw, ssl=trust, server_hostname="localhost" if trust else None, limit=1024
        )  # a reader takes no more than that on its own
        began = time.monotonic()
        writer.write(head)
        mine = raw.getsockname()[1]
        while time.monotonic() - began < LONGEST and _holds(port, mine):
            await asyncio.sleep(0.5)
        writer.transport.abort()
        del reader
    return time.monotonic() - began


def _holds(port: int, mine: int) -> bool:
    """Whether the other side still holds a connection; from here it looks open while there is data on it."""
    server, client, established = f":{port:04X}", f":{mine:04X}", "01"
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    return any(
        line[1].endswith(server) and line[2].endswith(client) and line[3] == established for line in lines
    )


async def attack(what: dict[str, Any]) -> list[float]:
    """Let the clients come in, evenly, and wait for the end of each."""
    trust = None if what["trust"] is None else ssl.create_default_context(cafile=what["trust"])
    head, tail = what["head"].encode(), what["tail"].encode()

    async def one(number: int) -> float:
        await asyncio.sleep(what["seconds"] * number / what["count"])
        if tail:
            return await dribble(what["port"], trust, head, tail)
        return await never_read(what["port"], trust, head)

    return await asyncio.gather(*(one(number) for number in range(what["count"])))


if __name__ == "__main__":
    os.nice(19)  # others measure
    sys.stdout.write(json.dumps(asyncio.run(attack(json.load(sys.stdin)))))
