"""Demo: from nothing to the call list of a relationship manager, in the steps of a real bank."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from vipreco.cli import demo_screen
from vipreco.cli.progress import Narrator, narrated
from vipreco.cli.project_inputs import CHAMPION, REGISTRY, open_model, open_tables, open_view

if TYPE_CHECKING:
    from vipreco.project import Project

MONTHS = 20
SEED = 20260101
RECIPE = "quick"
STEPS = 6
TODAY = 'business_date = "snapshot"'
SIMULATION = "simulation.json"
T = TypeVar("T")


@dataclass
class Walk:
    """Steps of the demo; each prints its result, and whether it existed already."""

    folder: Path
    customers: int
    number: int = 0

    @property
    def raw_bank(self) -> Path:
        """Folder of the bank's raw files."""
        return self.folder / "practice"

    def step(self, title: str, work: Callable[[Narrator], T], describe: Callable[[T], str]) -> T:
        """Do one step, and print its result and duration."""
        self.number += 1
        started = time.monotonic()
        with narrated(title) as narrator:
            result = work(narrator)
        seconds = time.monotonic() - started
        typer.echo(f"[{self.number}/{STEPS}] {title}: {describe(result)} ({seconds:.0f} s)")
        return result


def run(folder: Path, customers: int) -> None:
    """Make a project in `folder` (or use the existing one), and print the screen of a branch manager."""
    walk = Walk(folder, customers, STEPS - 1)
    project = make_bank(folder, customers)
    screen = walk.step("Offers", lambda narrator: _decide(project, narrator), lambda made: made.summary)
    typer.echo(screen.text(folder))


def make_bank(folder: Path, customers: int) -> Project:
    """Make a project with a bank, a champion and practice campaigns; what is there already is reused."""
    from vipreco.cli.demo_campaign import run_demo_campaigns

    walk = Walk(folder, customers)
    project = walk.step("A project", lambda _: _project(folder), lambda made: f"{made.root}")
    walk.step("A bank's raw files", lambda narrator: _simulate(walk, project, narrator), str)
    walk.step("Import", lambda narrator: _import(walk, project, narrator), str)
    walk.step("Training and backtest", lambda narrator: _train(project, narrator), str)
    walk.step("Practice campaigns", lambda narrator: run_demo_campaigns(project, narrator), str)
    return project


def make_list(project: Project) -> None:
    """Make the call list of the largest book, so that an auditor's pages have a decision to show."""
    Walk(project.root, 0, STEPS - 1).step("A call list", lambda _: _list_of_today(project), str)


def _list_of_today(project: Project) -> str:
    """Write the call list of the largest book by its command, which keeps the decision for an auditor."""
    target = project.root / demo_screen.LIST_FILES[0]
    if target.is_file():
        return "exists already"
    manager = demo_screen.largest_book(open_view(project, None), project.settings.tiers.vip)
    command = [sys.executable, "-m", "vipreco.cli", "calllist", "--manager", manager, "--out", str(target)]
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)  # noqa: S603 - our own command
    return f"{manager}, {target.name}"


def _project(folder: Path) -> Project:
    from vipreco.new_project import create
    from vipreco.project import PROJECT_FILE, Project

    if not (folder / PROJECT_FILE).is_file():
        create(folder)
    _use_snapshot_date(folder / PROJECT_FILE)
    return Project.find(folder)


def _use_snapshot_date(settings: Path) -> None:
    """Make the newest snapshot's date the business date of the demo bank."""
    text = settings.read_text(encoding="utf-8")
    if "[serving]" not in text:
        settings.write_text(f"{text.rstrip()}\n\n[serving]\n{TODAY}\n", encoding="utf-8")


def _simulate(walk: Walk, project: Project, narrator: Narrator) -> str:
    from vipreco.cli.demo_campaign import contacts_of_campaign
    from vipreco.simulator import simulate

    written = walk.raw_bank / SIMULATION
    if written.is_file():
        known = json.loads(written.read_text(encoding="utf-8"))["report"]
        return f"exists already, {known['customers']:,} customers until {known['last_snapshot']}"
    campaign = contacts_of_campaign(project, MONTHS)
    report = simulate(walk.customers, MONTHS, SEED, walk.raw_bank, progress=narrator.count, campaign=campaign)
    return f"{report.customers:,} customers, {MONTHS} months, {report.acquisitions:,} acquisitions"


def _import(walk: Walk, project: Project, narrator: Narrator) -> str:
    from vipreco.tables import import_

    sources = sorted(path for path in (walk.raw_bank / "raw").iterdir() if path.is_file())
    mapping = walk.raw_bank / "mapping.toml"
    report = import_(project.tables, mapping, sources, project.settings, progress=narrator.rows)
    if report.already_ingested:
        return "exists already, nothing new"
    read, accepted, quarantined = (
        sum(getattr(file, name) for file in report.files) for name in ("read", "accepted", "quarantined")
    )
    return f"{read:,} rows read, {accepted:,} accepted, {quarantined:,} quarantined with a reason"


def _train(project: Project, narrator: Narrator) -> str:
    champion = _champion(project)
    if champion is not None:
        return f"exists already, version {champion.version} was trained on these tables"
    flow, fitting = project.import_rim("training.flow"), project.import_rim("training.model_fit")
    published = flow.train(
        project, recipe=RECIPE, promote=True, say=narrator.say, fit=fitting.fit_and_backtest
    )
    return f"version {published.version} is {'champion' if published.champion else 'challenger'}"


def _champion(project: Project) -> Any:
    """Return the champion if it was fitted on the tables as they are, else None."""
    snapshot = open_tables(project).snapshot_id
    versions = project.import_rim(REGISTRY).list_versions(project, metrics=True)
    fitting = (item for item in versions if item.snapshot_id == snapshot and CHAMPION in item.aliases)
    return next(fitting, None)


def _decide(project: Project, narrator: Narrator) -> demo_screen.Screen:
    from vipreco.documents import write_document
    from vipreco.explanations import Explainer
    from vipreco.lists import (
        Audience,
        Wording,
        call_list,
        call_list_document,
        customer_day,
        customer_sheet,
        plan_day,
        sheet_document,
    )

    view, explainer = open_view(project, None), Explainer(open_model(project, None, narrator))
    vip, settings, say = (
        project.settings.tiers.vip,
        project.settings.call_list,
        Wording("en", currency=project.settings.project.currency),
    )
    manager = demo_screen.largest_book(view, vip)
    day = plan_day(explainer, Audience(manager=manager).of(view), vip, settings, step=narrator.say)
    listed = call_list_document(call_list(day, manager, CHAMPION, say), say)
    for name in demo_screen.LIST_FILES:
        write_document(listed, project.root / name, Path(name).suffix.removeprefix("."))
    first = str(day.calls["customer_id"][0] if day.today.is_empty() else day.today["customer_id"][0])
    alone = customer_day(explainer, view, first, vip, settings)
    return demo_screen.Screen(
        manager=manager,
        customer=first,
        call_list=listed,
        sheet=sheet_document(customer_sheet(alone, CHAMPION, say), say),
        metrics=_champion(project).metrics,
    )
