"""Names use the words of GLOSSARY.md, and none that it forbids."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import click
import pytest
import typer

from tests.architecture.source import ROOT, modules, public_names
from vipreco import columns
from vipreco.cli.app import app

GLOSSARY = ROOT / "GLOSSARY.md"
# Names that others give: laws, libraries and file formats that must stay readable.
ALLOWED = {
    "most_frequent": "the statistic",
    "behind_proxy": "where a service stands",
    "candidate": "a model that is tried before it is in force",
}
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def words(name: str) -> str:
    """Return a name as words between underscores.

    >>> words("MaxTellings2")
    '_max_tellings_2_'
    """
    return "_" + "_".join(word.lower() for word in WORDS.findall(name)) + "_"


def forbidden() -> set[str]:
    rows = [line for line in GLOSSARY.read_text("utf-8").splitlines() if line.startswith("| ")]
    return {word for row in rows for word in re.findall(r"`(\w+)`", row.split("|")[4])}


def faults(names: Iterable[tuple[str, str]]) -> list[str]:
    """Return place, name and word of each name with a forbidden word."""
    terms = sorted(forbidden() - ALLOWED.keys())
    found = []
    for place, name in names:
        spaced = words(name)
        for allowed in ALLOWED:
            spaced = spaced.replace(f"_{allowed}_", "_")
        found += [f"{place} {name}: {term}" for term in terms if f"_{term}_" in spaced]
    return found


def names_in_code() -> Iterator[tuple[str, str]]:
    for module in modules():
        yield from ((f"{module.place}:{line}", name) for line, name in public_names(module))


def commands(command: click.Command, path: str = "vipreco") -> Iterator[tuple[str, click.Command]]:
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, f"{path} {name}")


def names_in_cli() -> Iterator[tuple[str, str]]:
    for path, command in commands(typer.main.get_command(app)):
        yield path, path.rpartition(" ")[2]
        yield from ((path, option) for parameter in command.params for option in parameter.opts)


def names_of_columns() -> Iterator[tuple[str, str]]:
    for name, value in vars(columns).items():
        if name.isupper() and isinstance(value, str):
            yield f"columns.{name}", value


@pytest.mark.parametrize(
    "names", [names_in_code, names_in_cli, names_of_columns], ids=lambda names: names.__name__
)
def test_names_use_no_forbidden_word(names) -> None:
    assert not faults(names())


def test_modules_are_named_by_nouns() -> None:
    """An activity says nothing of what a module holds; these nouns of the field end alike."""
    nouns = {"load_shedding", "monitoring", "rating", "serving", "training"}
    names = [(module.place, module.name.rpartition(".")[2]) for module in modules()]
    assert not [place for place, name in names if name.endswith("ing") and name not in nouns]


def test_no_function_is_named_get() -> None:
    names = [f"{place} {name}" for place, name in names_in_code() if name.startswith("get_")]
    assert not [line for line in names if not line.endswith(" get_response")]  # BentoML's own name


def test_no_docstring_opens_with_a_riddle() -> None:
    """The first line says what a user gets."""
    import ast

    riddles = re.compile(r"^(What|Who|Whom|How|Whether|Whose|Where|Why)\b")
    found = []
    for module in modules():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.get_docstring(node) or ""
                if riddles.match(text):
                    found.append(f"{module.place}:{getattr(node, 'lineno', 1)} {text.splitlines()[0]}")
    assert not found


def test_a_forbidden_word_is_found() -> None:
    assert faults([("here", "ReleaseDoor"), ("there", "max_offers"), ("a", "most_frequent")]) == [
        "here ReleaseDoor: door"
    ]
