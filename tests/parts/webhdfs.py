"""HDFS as a stub of its REST interface (WebHDFS), with files in memory: what fsspec asks of a name node."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, unquote, urlsplit

ROOT = "/webhdfs/v1"
Answer = tuple[int, Any]


class Hdfs:
    """Files and folders by path."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.folders = {""}

    def make(self, path: str) -> None:
        """Make a folder and those above it."""
        while path not in self.folders:
            self.folders.add(path)
            path = path.rpartition("/")[0]

    def status(self, path: str, name: str = "") -> dict[str, Any]:
        """Return the status of a path, as the name node tells it."""
        kind = "FILE" if path in self.files else "DIRECTORY"
        size = len(self.files.get(path, b""))
        return {"type": kind, "length": size, "pathSuffix": name, "modificationTime": 0}

    def children(self, path: str) -> list[dict[str, Any]]:
        """Return the status of what lies directly in a folder, or of the file itself."""
        if path in self.files:
            return [self.status(path)]
        inside = [one for one in (*self.files, *self.folders) if one and one.rpartition("/")[0] == path]
        return [self.status(one, one.rpartition("/")[2]) for one in sorted(inside)]

    def remove(self, path: str) -> None:
        """Remove a path with all below it."""
        below = f"{path}/"
        self.files = {one: data for one, data in self.files.items() if one != path and below not in f"{one}/"}
        self.folders = {one for one in self.folders if one != path and not one.startswith(below)} | {""}


class Handler(BaseHTTPRequestHandler):
    """Answers requests about the files of `hdfs`."""

    hdfs: ClassVar[Hdfs]

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        path, query = self._asked()
        if path not in self.hdfs.files and path not in self.hdfs.folders:
            error = {"exception": "FileNotFoundException", "message": f"no {path}"}
            self._answer(404, {"RemoteException": error})
        elif query["op"] == "LISTSTATUS":
            self._answer(200, {"FileStatuses": {"FileStatus": self.hdfs.children(path)}})
        elif query["op"] == "GETFILESTATUS":
            self._answer(200, {"FileStatus": self.hdfs.status(path)})
        else:
            start = int(query.get("offset", 0))
            end = start + int(query.get("length", len(self.hdfs.files[path])))
            self._answer(200, self.hdfs.files[path][start:end])

    def do_PUT(self) -> None:
        path, query = self._asked()
        if query["op"] == "CREATE" and "written" not in query:
            self._elsewhere()
        elif query["op"] == "CREATE":
            self.hdfs.make(path.rpartition("/")[0])
            self.hdfs.files[path] = self._body()
            self._answer(201, {})
        else:
            self.hdfs.make(path)
            self._answer(200, {"boolean": True})

    def do_POST(self) -> None:
        path, query = self._asked()
        if "written" not in query:
            self._elsewhere()
            return
        self.hdfs.files[path] += self._body()
        self._answer(200, {})

    def do_DELETE(self) -> None:
        self.hdfs.remove(self._asked()[0])
        self._answer(200, {"boolean": True})

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        path = unquote(parts.path).removeprefix(ROOT).rstrip("/")
        return path, {name: values[0] for name, values in parse_qs(parts.query).items()}

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _elsewhere(self) -> None:
        """Send the client to the data node, which is here as well."""
        self._body()
        self.send_response(307)
        host, port = self.server.server_address[:2]
        self.send_header("Location", f"http://{host!s}:{port}{self.path}&written=1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, code: int, content: Any) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[int]:
    """Give the port of a server on this machine."""
    handler = type("OfFiles", (Handler,), {"hdfs": Hdfs()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
