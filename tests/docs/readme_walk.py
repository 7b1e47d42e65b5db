"""A walk: the commands of a document's ```console blocks, run in order in a shell like the reader's.

A block holds commands after `$ `; the lines below one are a sample of what it prints and are not compared. A
command that ends in `# exit code 4` must end with that code, any other with 0.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.docs.program_server import program

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```console(?P<mark>[^\n]*)\n(?P<body>.*?)^```", re.MULTILINE | re.DOTALL)
STATED = re.compile(r"# exit code (\d+)\s*$")


@dataclass(frozen=True)
class Command:
    """One command of the README and the exit code that it states."""

    text: str

    @property
    def code(self) -> int:
        stated = STATED.search(self.text)
        return int(stated[1]) if stated else 0


def commands(*marks: str) -> list[Command]:
    """Return the commands of the README's blocks with one of some marks behind `console`, in order."""
    bodies = [block["body"] for block in BLOCK.finditer(README) if block["mark"].strip() in marks]
    joined = "".join(bodies).replace("\\\n", " ")
    return [Command(line[2:]) for line in joined.splitlines() if line.startswith("$ ")]


class Shell:
    """A shell that remembers its folder from one command to the next."""

    def __init__(self, home: Path, programs: Path) -> None:
        self.home = home
        self.path = f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.folder = str(home)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        script = f'{text}\ncode=$?\npwd > "{self.home}/.folder"\nexit $code'
        finished = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": self.path},
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )
        self.folder = (self.home / ".folder").read_text().strip()
        return finished


def run_all(listed: list[Command], home: Path) -> None:
    """Run commands in order in a folder, and end a service that they started and did not come to end."""
    with tempfile.TemporaryDirectory() as folder, program(Path(folder)) as programs:
        shell = Shell(home, programs)
        try:
            for command in listed:
                finished = shell.run(command.text)
                report = f"$ {command.text}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
                assert finished.returncode == command.code, report
        finally:
            _end_services(home)


def _end_services(home: Path) -> None:
    for written in home.rglob("serve.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(written.read_text()), signal.SIGTERM)
