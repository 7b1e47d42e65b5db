"""A room is imported by its face alone, and a face offers what there is."""

from __future__ import annotations

import ast
import importlib
from types import ModuleType

import pytest

from tests.architecture.source import CORE, ROOT, Module, imports, modules

ROOMS = sorted(path.parent for path in (ROOT / CORE).glob("*/__init__.pyi"))


def past_a_face(module: Module) -> list[str]:
    rooms = {f"vipreco.{room.name}" for room in ROOMS}
    found = []
    for line, name in imports(module):
        room = ".".join(name.split(".")[:2])
        if room in rooms and room not in (name, module.room):
            found.append(f"{module.place}:{line} imports {name}; take it from {room}")
    return found


def test_outsiders_import_a_room_by_its_face_only() -> None:
    shipped = (*modules(), *modules("experiments"))
    assert not [line for module in shipped for line in past_a_face(module)]


def test_an_import_past_a_face_is_found() -> None:
    tree = ast.parse("from vipreco.history.cuts import Cut\nfrom vipreco.history import History\n")
    guilty = Module("vipreco.lists.sheet", ROOT / CORE / "lists" / "sheet.py", tree)
    assert past_a_face(guilty) == [
        "src/vipreco/lists/sheet.py:1 imports vipreco.history.cuts; take it from vipreco.history"
    ]


def names_that_are_not_there(module: Module) -> list[str]:
    """A benchmark is run once in a while, and no type checker reads it: what moved is noticed here."""
    offered = {
        f"vipreco.{room.name}": {*face_of(room.name).__all__, *(path.name for path in room.glob("*/"))}
        for room in ROOMS
    }
    offered["vipreco.cli"] = {path.stem for path in (ROOT / CORE / "cli").glob("*.py")}
    return [
        f"{module.place}:{node.lineno} imports {name.name} from {node.module}"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module in offered
        for name in node.names
        if name.name not in offered[node.module]
    ]


def face_of(room: str) -> ModuleType:
    return importlib.import_module(f"vipreco.{room}")


def test_benchmarks_import_what_is_there() -> None:
    scripts = modules("experiments", "tests/attack")
    assert not [line for module in scripts for line in names_that_are_not_there(module)]


def test_an_import_of_what_moved_is_found() -> None:
    tree = ast.parse("from vipreco.cli import plan_of\nfrom vipreco.campaign import Bank, salt_of\n")
    guilty = Module("experiments.bench", ROOT / "experiments" / "bench.py", tree)
    assert names_that_are_not_there(guilty) == [
        "experiments/bench.py:1 imports plan_of from vipreco.cli",
        "experiments/bench.py:2 imports salt_of from vipreco.campaign",
    ]


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_face_offers_what_there_is(room) -> None:
    """A name that equals a module would be the module for whoever imports it second."""
    package = face_of(room.name)
    files = {path.stem for path in room.glob("*.py")} | {
        path.name for path in room.iterdir() if path.is_dir()
    }
    assert not files & set(package.__all__)
    assert all(getattr(package, name) is not None for name in package.__all__)


def test_every_room_of_several_modules_has_a_face() -> None:
    rooms = [path.parent for path in (ROOT / CORE).glob("*/__init__.py") if path.parent.name != "cli"]
    assert sorted(rooms) == ROOMS
