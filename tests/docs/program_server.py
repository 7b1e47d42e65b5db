"""`vipreco` as forks of one process that has the libraries loaded, for walks of dozens of commands.

    python -m tests.docs.program_server SOCKET

A program that loads Polars, LightGBM and MLflow anew takes seconds of a processor, a fork hundredths.
`program` writes what stands on the PATH instead: it hands over arguments, folder, environment and streams.
The program itself, as it is installed, is tested in `tests/packaging`.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.processes import LOADED, ROOT

REAL = Path(sys.executable).parent / "vipreco"
FOREGROUND_ONLY = "serve"  # its process id is taken, and its signals count: this one is the program itself
CLIENT = """#!{python} -IS
import json, os, socket, sys
if sys.argv[1:2] == ["{foreground}"]:
    os.execv("{real}", ["{real}", *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as server:
    server.connect("{socket}")
    request = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n"
    socket.send_fds(server, [request], [0, 1, 2])
    code = server.recv(1)
sys.exit(code[0] if code else 1)
"""
LIBRARIES = (
    "pandas",
    "reportlab.platypus",
    "scipy.optimize",
    "scipy.special",
    "xlsxwriter",
    "alembic.command",
)


@contextmanager
def program(folder: Path) -> Iterator[Path]:
    """Give a folder for the PATH with a quick `vipreco`; the folder's name must be short, for its socket."""
    address, client = folder / "socket", folder / "bin" / "vipreco"
    client.parent.mkdir()
    words = {"python": sys.executable, "foreground": FOREGROUND_ONLY, "real": REAL, "socket": address}
    client.write_text(CLIENT.format(**words))
    client.chmod(0o700)
    command = [sys.executable, "-m", "tests.docs.program_server", str(address)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL) as server:
        try:
            while not address.exists():
                assert server.poll() is None
                time.sleep(0.05)
            yield client.parent
        finally:
            server.terminate()


def serve(address: str) -> None:
    """Load the libraries, then run `vipreco` in a fork for whoever connects; returns in the forks alone."""
    for name in (*LIBRARIES, *LOADED, *_modules("vipreco")):
        importlib.import_module(name)
    sys.path[:] = [path for path in sys.path if path not in {"", str(ROOT)}]  # a project brings its own rims
    gc.freeze()  # a collection in a fork would copy all of this
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks here
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{address}.new")
        listener.listen()
        Path(f"{address}.new").rename(address)
        while True:
            client, _ = listener.accept()
            if os.fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                break
            client.close()
    _attend(client)


def _attend(client: socket.socket) -> None:
    """Take over what a client hands over in a fork, and send back the code with which that ended."""
    request, streams, _, _ = socket.recv_fds(client, 1 << 16, 3)
    while not request.endswith(b"\n"):
        request += client.recv(1 << 16)
    arguments, folder, environment = json.loads(request)
    worker = os.fork()
    if worker:
        _, status = os.waitpid(worker, 0)
        client.sendall(bytes([os.waitstatus_to_exitcode(status) % 256]))
        os._exit(0)
    client.close()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    sys.stdin, sys.stdout, sys.stderr = map(os.fdopen, range(3), "rww")
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["vipreco", *arguments]


def _modules(package: str) -> Iterator[str]:
    """Name all modules of a package but those that run when they are imported."""
    places = importlib.import_module(package).__path__
    for found in pkgutil.walk_packages(places, f"{package}."):
        if not found.name.endswith("__main__") and ".migrations." not in found.name:
            yield found.name


if __name__ == "__main__":
    serve(sys.argv[1])
    from vipreco.cli.entry import main

    code = main()
    sys.stderr.flush()
    os._exit(code)  # to take down all that is loaded takes a second
