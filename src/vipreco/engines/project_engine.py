"""The engine of a project, and its tables in as many parts as the memory asks for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vipreco.engines.engine import Engine, Progress, no_progress
from vipreco.engines.local import LocalEngine
from vipreco.engines.plan import Plan, planned
from vipreco.engines.task import Step, silent
from vipreco.history import History
from vipreco.parts import CustomerParts, Limits, lay_out
from vipreco.project import Project
from vipreco.scratch_folder import scratch_folder

SPARK = "cluster.spark"


@contextmanager
def open_engine(
    project: Project, history: History, progress: Progress = no_progress, step: Step = silent
) -> Iterator[tuple[Engine, CustomerParts]]:
    """Give the engine of `[engine]`, and the tables of the project in parts.

    Args:
        project: The project.
        history: Of its tables: how many customers there are decides the number of parts.
        progress: Is told how many batches of the tables are laid out.
        step: Is told what a task does that runs in this process.

    Raises:
        UsageError: The settings name a storage that cannot be read.
        IntegrityError: The tables are not what was imported.
        DependencyDownError: The storage does not answer.
    """
    plan, address = plan_of(project, history), storage_address(project)
    tables = _laid_out(project, history, plan, progress)
    if _takes_up(project, plan):
        yield _engine(project, address, plan, step), tables
        return
    with scratch_folder("run", project.root / "data") as folder:  # a run of one part is not taken up again
        yield _engine(project, str(folder), plan, step), tables


def spread_engine(
    project: Project, history: History, progress: Progress = no_progress, *, for_memory: bool = False
) -> tuple[Engine, CustomerParts] | None:
    """Return engine and parts as `open_engine`; None where one part in this process is all there is.

    Args:
        project: As of `open_engine`.
        history: As of `open_engine`.
        progress: As of `open_engine`.
        for_memory: Take parts only where the memory asks for them: the work keeps the cores busy by itself.

    Raises:
        UsageError: As `open_engine`.
        IntegrityError: As `open_engine`.
        DependencyDownError: As `open_engine`.
    """
    plan = plan_of(project, history, spread=not for_memory)
    if not _takes_up(project, plan):
        return None
    tables = _laid_out(project, history, plan, progress)
    return _engine(project, storage_address(project), plan, silent), tables


def plan_of(project: Project, history: History, *, spread: bool = True) -> Plan:
    """Return over how many parts and workers of this machine the work on all customers is spread."""
    settings = project.settings.engine
    # Where the project says how many parts there are, nobody is counted.
    customers = history.customers if settings.parts == "auto" else 0
    return planned(settings, customers, project.threads, spread=spread)


def storage_address(project: Project) -> str:
    """Return the storage of `[engine]`; a folder is meant from the root of the project."""
    storage = project.settings.engine.storage
    return storage if "://" in storage else str(project.root / storage)


def _takes_up(project: Project, plan: Plan) -> bool:
    return plan.parts > 1 or project.settings.engine.kind == "spark"


def _laid_out(project: Project, history: History, plan: Plan, progress: Progress) -> CustomerParts:
    if plan.parts == 1:
        return CustomerParts.whole(project.tables, history.snapshot_id)
    limits = Limits(project.threads, project.settings.engine.memory)
    return lay_out(
        project.tables,
        storage_address(project),
        plan.parts,
        limits,
        project.signatures,
        progress,
        snapshot_id=history.snapshot_id,
    )


def _engine(project: Project, address: str, plan: Plan, step: Step) -> Engine:
    if project.settings.engine.kind == "spark":
        engine: Engine = project.import_rim(SPARK).SparkEngine(address, plan.threads, plan.memory)
        return engine
    return LocalEngine(address, plan.workers, plan.threads, plan.memory, step)
