"""A command that a document names exists, with the options that it is named with."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.architecture.source import ROOT
from vipreco.cli.app import app

SPAN = re.compile(r"`vipreco ([a-z][^`]*)`|^ {4}(?:\S+=\S+ )?vipreco ([a-z].*)$", re.MULTILINE)
FENCE = re.compile(r"^```[^\n]*\n.*?^```", re.MULTILINE | re.DOTALL)
HISTORY = "CHANGELOG.md"  # names what once was
DOCUMENTS = sorted(
    path
    for folder in (".", "docs/**", "training/**", "serving/**", "features/**", "cluster/**", "src/**")
    for path in ROOT.glob(f"{folder}/*.md")
    if path.name != HISTORY
)
EVERYWHERE = {"--help", "--debug", "--version"}
COMMANDS: Any = typer.main.get_command(app)


def named(text: str) -> Iterator[list[str]]:
    """Give the words of each command that a document names."""
    for found in SPAN.finditer(FENCE.sub("", text)):
        yield (found[1] or found[2]).replace("\\\n", " ").split()


def wrong(words: list[str]) -> str:
    """Say what is wrong with a command; empty where nothing is."""
    command, context = COMMANDS, None
    rest = list(words)
    while hasattr(command, "get_command"):
        context = command.context_class(command, parent=context)
        found = command.get_command(context, re.split(r"[|\[]", rest[0])[0]) if rest else None
        if found is None:
            return f"{' '.join(words)}: no command" if rest else f"{' '.join(words)}: a group of commands"
        command, rest = found, rest[1:]
    known = {one for option in command.params for one in (*option.opts, *option.secondary_opts)} | EVERYWHERE
    unknown = [
        word for word in rest if word.startswith("--") and word.split("=")[0].rstrip("],.") not in known
    ]
    return f"{' '.join(words)}: no option {unknown[0]}" if unknown else ""


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_a_document_exist(path: Path) -> None:
    assert not [told for words in named(path.read_text("utf-8")) if (told := wrong(words))]


def test_a_wrong_command_would_be_found() -> None:
    assert wrong(["audit"]) == "audit: a group of commands"
    assert wrong(["audit", "list"]) == "audit list: no command"
    assert wrong(["retrain", "--as-off", "DATE"]) == "retrain --as-off DATE: no option --as-off"
    assert not wrong(["models", "show", "VERSION", "--all"])
