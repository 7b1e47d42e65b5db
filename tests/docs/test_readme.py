"""Every command that the README shows is run, in order, in a shell like the reader's.

A ```console block holds commands after `$ `; the lines below one are a sample of what it prints and are not
compared. A command that ends in `# exit code 4` must end with that code, any other with 0. A block marked
```console real-data needs the public data beside the project.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHARED = (ROOT / ".." / "shared").resolve()
SANTANDER = SHARED / "data" / "santander"
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


def commands(mark: str) -> list[Command]:
    bodies = [block["body"] for block in BLOCK.finditer(README) if block["mark"].strip() == mark]
    joined = "".join(bodies).replace("\\\n", " ")
    return [Command(line[2:]) for line in joined.splitlines() if line.startswith("$ ")]


class Shell:
    """A shell that remembers its folder from one command to the next."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = str(home)

    def run(self, text: str) -> subprocess.CompletedProcess[str]:
        script = f'{text}\ncode=$?\npwd > "{self.home}/.folder"\nexit $code'
        finished = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=1500,
        )
        self.folder = (self.home / ".folder").read_text().strip()
        return finished


def run_all(listed: list[Command], home: Path) -> None:
    shell = Shell(home)
    try:
        for command in listed:
            finished = shell.run(command.text)
            report = f"$ {command.text}\n{finished.stdout[-3000:]}\n{finished.stderr[-3000:]}"
            assert finished.returncode == command.code, report
    finally:
        end_services(home)


def end_services(home: Path) -> None:
    """End a service that a walk started and did not come to end."""
    for written in home.rglob("serve.pid"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(written.read_text()), signal.SIGTERM)


@pytest.mark.slow
def test_the_commands_of_the_readme_work_in_order(tmp_path: Path) -> None:
    run_all(commands(""), tmp_path)


@pytest.mark.slow
@pytest.mark.real_data
@pytest.mark.skipif(not SANTANDER.is_dir(), reason="the Santander files are not in ../shared/data/santander")
def test_the_commands_of_the_santander_section_work_in_order(tmp_path: Path) -> None:
    """The commands name files of the checkout and beside it; the results must stay out of both."""
    root = tmp_path / "checkout"
    shutil.copytree(ROOT / "experiments" / "santander", root / "experiments" / "santander")
    grow_less(root / "experiments" / "santander" / "recipe.toml")
    (tmp_path / "shared").symlink_to(SHARED)
    run_all(commands("real-data"), root)


def grow_less(recipe: Path) -> None:
    """Let a recipe fit three small models where it fits eighteen: how good they are is measured elsewhere."""
    text = recipe.read_text(encoding="utf-8")
    for usual, small in {
        "bags = 3": "bags = 1",
        "rounds = 120": "rounds = 20",
        "folds = 5": "folds = 2",
    }.items():
        assert usual in text
        text = text.replace(usual, small)
    recipe.write_text(text, encoding="utf-8")


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= targets


def test_every_path_that_the_readme_links_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_shows_commands() -> None:
    assert commands("")
