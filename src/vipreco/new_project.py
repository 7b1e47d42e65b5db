"""A project of one's own: a copy of the reference project that travels inside the wheel."""

from __future__ import annotations

import json
import shutil
from importlib.metadata import version
from pathlib import Path

import vipreco
from vipreco.durable import is_disk_full, write_bytes
from vipreco.errors import UsageError
from vipreco.project import PROJECT_FILE, Project
from vipreco.project_upgrade import RIMS, record_origin, rim_files

REFERENCE = "reference"
PART = ".vipreco-new"
"""Ending of the folder beside a new project, or name of that inside an empty folder, in which it is made."""
NAME_LINE = f'name = "{REFERENCE}"'
# What a bank imports and fits must never get into a repository by accident.
IGNORED = "data/\n__pycache__/\n"
# Nor into what `bentoml build` packs: code and settings travel, the `data` folder is mounted where it runs.
BENTO_IGNORED = "data/\npractice/\n__pycache__/\n"
BENTOFILE = """\
service: "serving.service:VipReco"
include: ["vipreco.toml", "features/", "training/", "serving/"]
python:
  packages: ["vipreco[serving,training,postgresql]"]
  lock_packages: false
"""


def create(folder: Path) -> Project:
    """Make a project in `folder`: settings, feature definitions and the training flow, to be changed at will.

    It is there as a whole or not at all; a further call completes one that was cut off.

    Raises:
        UsageError: `folder` exists and is not empty, or cannot be made; nothing was written.
    """
    _check_empty(folder)
    source = reference_folder()
    is_there = folder.is_dir()
    part = folder / PART if is_there else folder.parent / f".{folder.name}{PART}"
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise UsageError(f"cannot be made: {error.strerror}", where=str(folder), code="no-folder") from error
    for name in RIMS:
        if (source / name).is_dir():
            shutil.copytree(source / name, part / name, ignore=shutil.ignore_patterns("__pycache__"))
    record_origin(part, rim_files(source))
    write_bytes(part / ".gitignore", IGNORED.encode(), mode=0o644)
    write_bytes(part / ".bentoignore", BENTO_IGNORED.encode(), mode=0o644)
    write_bytes(part / "bentofile.yaml", BENTOFILE.encode(), mode=0o644)
    write_bytes(part / PROJECT_FILE, _settings(source, folder.resolve().name).encode(), mode=0o644)
    if is_there:
        _move_up(part, folder)
    else:
        part.replace(folder)
    return Project.find(folder)


def _move_up(part: Path, folder: Path) -> None:
    """Move everything into a folder that may be the current one, the settings last: they make a project."""
    for each in sorted(part.iterdir(), key=lambda path: path.name == PROJECT_FILE):
        if (folder / each.name).is_dir():  # of a call that was cut off while it moved
            shutil.rmtree(folder / each.name)
        each.replace(folder / each.name)
    part.rmdir()


def other_copy(root: Path, rim: str) -> str:
    """Return one line about a project's copy of a rim folder that is not the installed one; empty if it is.

    Files of the project's own beside those that are installed make no difference.

    Args:
        root: Folder of the project.
        rim: `serving` or another that `create` copies.
    """
    own, installed = root / rim, reference_folder() / rim
    if not own.is_dir() or own.samefile(installed):
        return ""
    names = sorted(
        str(path.relative_to(installed))
        for path in installed.rglob("*")
        if path.is_file() and path.parent.name != "__pycache__"
    )
    different = [name for name in names if not _same(own / name, installed / name)]
    if not different:
        return ""
    return (
        f"{rim}/ is not that of vipreco {version('vipreco')}: {len(different)} files differ, first "
        f"{different[0]}. To take over the installed one: vipreco upgrade"
    )


def _same(own: Path, installed: Path) -> bool:
    return own.is_file() and own.read_bytes() == installed.read_bytes()


def reference_folder() -> Path:
    """Return the reference project: inside the installed package, or the root of a source checkout.

    Raises:
        UsageError: Neither is there, so the installation is not whole.
    """
    package = Path(vipreco.__file__).parent
    for folder in (package / REFERENCE, package.parents[1]):
        if (folder / PROJECT_FILE).is_file():
            return folder
    raise UsageError(
        "the reference project is missing from the installation",
        where=str(package),
        remedy="install vipreco again",
        code="no-reference",
    )


def _check_empty(folder: Path) -> None:
    is_unfinished = (folder / PART).is_dir() and not (folder / PROJECT_FILE).exists()
    if folder.exists() and not is_unfinished and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(
            "exists already and is not an empty folder",
            where=str(folder),
            remedy="choose another name; nothing was changed",
            code="not-empty",
        )


def _settings(source: Path, name: str) -> str:
    text = (source / PROJECT_FILE).read_text(encoding="utf-8")
    name = name.encode(errors="replace").decode()  # a folder's name may be no UTF-8
    return text.replace(NAME_LINE, f"name = {json.dumps(name, ensure_ascii=False)}", 1)
