"""No command is left out where commands are killed, starved and locked out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from typer.main import get_command

from tests.faults.commands import COMMANDS
from vipreco.cli.app import app

ELSEWHERE = {
    "demo": "runs new, simulate, import and train",
    "serve": "tests/serving kills its processes",
    "mcp": "answers as long as it is asked, as the service does",
    "bench oracle": "simulates banks in a temporary folder and trains on them",
    "split report": "a table, of a project with a split",
    "models describe": "prints",
    "campaign show": "prints",
    "replay": "prints",
    "parity": "prints",
    "policy audit": "prints",
    "audit verify": "prints",
    "audit decisions": "prints",
    "keys check": "prints",
}
"""Commands that write nothing of a bank but their record in the audit, or that consist of others."""


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    """Return the words of each command below a group of commands."""
    for name, one in getattr(command, "commands", {}).items():
        if hasattr(one, "commands"):
            yield from _commands(one, (*words, name))
        else:
            yield " ".join((*words, name))


def test_every_command_that_writes_is_tried() -> None:
    tried = {" ".join(one.arguments) for one in COMMANDS.values()}
    missing = {
        name
        for name in _commands(get_command(app))
        if not any(words == name or words.startswith(f"{name} ") for words in tried)
    }
    assert missing == set(ELSEWHERE)
