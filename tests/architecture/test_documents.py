"""Every room says in a page what it is, with names that exist."""

from __future__ import annotations

import re

import pytest

from tests.architecture.source import CORE, ROOT, modules, public_names

ROOMS = sorted(path.parent for path in (ROOT / CORE).glob("*/__init__.py"))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_has_a_page_with_names_that_exist(room) -> None:
    page = (room / "README.md").read_text("utf-8")
    names = {name for module in modules() for _, name in public_names(module)}
    missing = [name for name in re.findall(r"`([A-Z][a-z]+[A-Za-z]*)`", page) if name not in names]
    missing += [name for name in re.findall(r"`(\w+\.py)`", page) if not (room / name).is_file()]
    assert not missing


def test_the_architecture_lists_every_room() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rooms = [room.name for room in ROOMS] + [path.stem for path in (ROOT / CORE).glob("[a-z]*.py")]
    assert not [room for room in rooms if not re.search(rf"\b{room}\b", text)]


def test_every_decision_is_listed() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = (folder / "README.md").read_text("utf-8")
    assert not [path.name for path in folder.glob("[0-9]*.md") if f"({path.name})" not in listed]
