"""The engine of a project, and its tables in as many parts as the memory asks for."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from vipreco.cli.progress import Narrator

if TYPE_CHECKING:
    from vipreco.engines import Engine, Plan
    from vipreco.parts import CustomerParts
    from vipreco.project import Project

SPARK = "cluster.spark"
RUN, LOCK = ".run-", "lock"


@contextmanager
def open_engine(project: Project, narrator: Narrator) -> Iterator[tuple[Engine, CustomerParts]]:
    """Give the engine of `[engine]`, and the tables of the project in parts.

    Raises:
        UsageError: Nothing was imported, or the settings name a storage that cannot be read.
        IntegrityError: The tables are not what was imported.
        DependencyDownError: The storage does not answer.
    """
    from vipreco.engines import planned
    from vipreco.parts import Limits, lay_out

    settings = project.settings.engine
    plan = planned(settings, _customers(project), project.threads)
    limits = Limits(project.threads, settings.memory)
    address = storage_address(project)
    tables = lay_out(project.tables, address, plan.parts, limits, project.signatures, narrator.count)
    if plan.parts > 1 or settings.kind == "spark":
        yield _engine(project, address, plan, narrator), tables
        return
    with _own_folder(project.root / "data") as folder:  # a run of one part is not taken up again
        yield _engine(project, str(folder), plan, narrator), tables


def storage_address(project: Project) -> str:
    """Return the storage of `[engine]`; a folder is meant from the root of the project."""
    storage = project.settings.engine.storage
    return storage if "://" in storage else str(project.root / storage)


def _customers(project: Project) -> int:
    """Return the number of customers, where the number of parts depends on it."""
    from vipreco.cli.project_inputs import open_history

    return open_history(project).customers if project.settings.engine.parts == "auto" else 0


def _engine(project: Project, address: str, plan: Plan, narrator: Narrator) -> Engine:
    from vipreco.engines import LocalEngine

    if project.settings.engine.kind == "spark":
        engine: Engine = project.import_rim(SPARK).SparkEngine(address, plan.threads, plan.memory)
        return engine
    return LocalEngine(address, plan.workers, plan.threads, plan.memory, narrator.say)


@contextmanager
def _own_folder(data: Path) -> Iterator[Path]:
    """Give a folder that goes afterwards; those that killed commands left behind go as well."""
    for path in data.glob(f"{RUN}*"):
        with suppress(OSError), (path / LOCK).open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(path)
    with TemporaryDirectory(prefix=RUN, dir=data) as folder, Path(folder, LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(folder)
