"""Renewal of a project's copies of the rims after an upgrade; files that the bank changed stay."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Final

from vipreco.durable import sha256_of, write_json
from vipreco.errors import UsageError

ORIGIN: Final = ".vipreco-rims.json"
"""Record in a project of the version whose rims were copied, with the hash of each file."""
RIMS: Final = ("features", "training", "serving", "cluster")
NEW, BEFORE = ".new", ".before"


class Renewal(StrEnum):
    """Result of the renewal of a file."""

    RENEWED = "renewed"
    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    CONFLICT = "conflict"
    REPLACED = "replaced"


@dataclass(frozen=True)
class RenewedFile:
    """A file of a rim, and what became of it.

    Args:
        name: Path below the project.
        renewal: What became of it.
        note: What the reader should know; empty where nothing is to be done.
    """

    name: str
    renewal: Renewal
    note: str = ""


def rim_files(folder: Path) -> dict[str, str]:
    """Return the hash of each file of the rims below a folder, by its path."""
    return {
        str(path.relative_to(folder)): sha256_of(path)
        for rim in RIMS
        for path in sorted((folder / rim).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts
    }


def record_origin(root: Path, installed: dict[str, str]) -> None:
    """Record in a project which files it was made from."""
    write_json(root / ORIGIN, {"version": version("vipreco"), "files": installed})


def renewals(root: Path, source: Path, *, replace: bool = False) -> list[RenewedFile]:
    """Return what becomes of each file that is not the installed one, without changing anything.

    Args:
        root: Folder of the project.
        source: The installed reference project.
        replace: Replace what the bank changed too, and keep its file beside the new one.

    Raises:
        UsageError: The project has no record of what it was made from, and `replace` was not asked for.
    """
    own, installed = rim_files(root), rim_files(source)
    origin = _origin(root)
    if origin is None and not replace:
        raise UsageError(
            f"this project has no {ORIGIN}: it is not known which files the bank changed",
            where=str(root),
            remedy=f"--replace takes over what is installed and keeps each file of before as NAME{BEFORE}",
            code="no-origin",
        )
    names = sorted({*own, *installed, *(origin or {})})
    found = (_renewal(name, own, installed, origin or {}, replace) for name in names)
    return [one for one in found if one is not None]


def renew(root: Path, source: Path, found: list[RenewedFile]) -> None:
    """Carry out what `renewals` found, and record the version that the project has now."""
    for one in found:
        target = root / one.name
        if one.renewal is Renewal.REMOVED:
            target.unlink()
        elif one.renewal is Renewal.CONFLICT:
            _copy(source / one.name, target.with_name(target.name + NEW))
        elif one.renewal is not Renewal.KEPT:
            if one.renewal is Renewal.REPLACED:
                target.replace(target.with_name(target.name + BEFORE))
            _copy(source / one.name, target)
    record_origin(root, rim_files(source))


def changed_rims(found: list[RenewedFile]) -> Iterator[str]:
    """Yield the rims of which a file was changed."""
    left = {Renewal.KEPT, Renewal.CONFLICT}
    yield from sorted({Path(one.name).parts[0] for one in found if one.renewal not in left})


def _renewal(
    name: str, own: dict[str, str], installed: dict[str, str], origin: dict[str, str], replace: bool
) -> RenewedFile | None:
    mine, theirs, first = own.get(name), installed.get(name), origin.get(name)
    if mine == theirs or (theirs is None and first is None):
        return None  # the same, or a file of the bank alone
    if mine is None:
        removed = first is not None and not replace
        return RenewedFile(name, *((Renewal.KEPT, "you removed it") if removed else (Renewal.ADDED,)))
    if mine == first:
        return RenewedFile(name, Renewal.RENEWED if theirs else Renewal.REMOVED)
    return RenewedFile(name, *_of_changed(Path(name).name, theirs, first, replace))


def _of_changed(name: str, theirs: str | None, first: str | None, replace: bool) -> tuple[Renewal, str]:
    """Return what becomes of a file that the bank changed, and what the reader should know."""
    if theirs is None:
        return Renewal.KEPT, "you changed it; it is no longer installed"
    if replace:
        return Renewal.REPLACED, f"yours is {name}{BEFORE}"
    if theirs == first:
        return Renewal.KEPT, "you changed it; the installed one did not change"
    return Renewal.CONFLICT, f"you changed it; the installed one is {name}{NEW}"


def _origin(root: Path) -> dict[str, str] | None:
    try:
        found: dict[str, str] = json.loads((root / ORIGIN).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError):
        return None
    return found


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
