"""The practice campaigns of a demo bank: one that was run and has its result, and one that is planned."""

from __future__ import annotations

import calendar
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vipreco.campaign import Bank, CampaignFolder
    from vipreco.cli.progress import Narrator
    from vipreco.history import History
    from vipreco.project import Project
    from vipreco.simulator import CampaignContacts
    from vipreco.store import Store

KEY, NEXT = "practice", "practice-next"
FILES: Final = "campaign-files"
JOBS: Final = "serving.workspace.jobs"
MONTHS_AGO: Final = 11  # before the months that the demo learns from: they stay like each other
PRODUCT: Final = "P001"
CHANNEL: Final = "call"
CONTROL_SHARE: Final = 0.3
TEXT: Final = """\
# A campaign to practise on: one product, offered by the call centre {months_ago} months ago. The control
# group was drawn by lot and got no such call, so that the report shows what the calls did.
key = "{key}"
name = "Practice: calls about bill direct debit"
start_date = {start}
end_date = {end}
products = ["{product}"]
control_share = {control_share}
effect_rate = 0.04

[channels.{channel}]
unit_cost_amount = 0.1
"""
NEXT_TEXT: Final = """\
# A campaign to practise on that was not run yet. Change a limit, plan again, and compare.
key = "{key}"
name = "Practice: to be planned and run"
start_date = {start}
end_date = {end}
audience = ["customer_age_years < 75"]
control_share = 0.2
effect_rate = 0.03

[channels.app]
capacity = 300
unit_cost_amount = 0.1
reach_rate = 0.6

[channels.call]
minutes = 10
unit_cost_amount = 8.0

[managers]
minutes = 120
"""


def contacts_of_campaign(project: Project, months: int) -> CampaignContacts:
    """Return the calls that the simulated bank makes to customers outside the control group."""
    from vipreco.campaign import in_control
    from vipreco.folds import salt_of
    from vipreco.simulator import CampaignContacts

    salt = salt_of(project.settings.campaign.control_salt, project.seed)
    return CampaignContacts(
        KEY, PRODUCT, CHANNEL, months - MONTHS_AGO, lambda ids: ~in_control(ids, salt, CONTROL_SHARE)
    )


def run_demo_campaigns(project: Project, narrator: Narrator) -> str:
    """Run the campaign of two months ago with its report, and plan the next one; return what it came to.

    Plans and report lie where the pages find those that a reader asks for.
    """
    from vipreco.campaign import OutcomeSources, make_report, open_run
    from vipreco.cli.project_inputs import open_history
    from vipreco.store import Store

    with Store.open(project.store_url) as store:
        if store.campaigns.read(KEY) is not None:
            return "exists already"
        history = open_history(project)
        now = _bank(project, store, history, narrator)
        then = replace(now, view=history.as_of(history.snapshot_dates[-1 - MONTHS_AGO]))
        narrator.say("plans")
        for key, text, bank in ((KEY, TEXT, then), (NEXT, NEXT_TEXT, now)):
            _plan(project, store, key, _write(project, key, text, bank.view.date), bank)
        narrator.say("the campaign of before")
        arms = _run(project, store, then)
        narrator.say("its report")
        run = open_run(store, _folder(project), KEY)
        sources = OutcomeSources(store)
        day = history.snapshot_dates[-1]
        report = make_report(run, history, day, seed=project.seed, sources=sources)
        _keep(project, "report", KEY, report.content("json"))
    return f"{arms['offered']:,} customers on its lists, {arms['control']:,} in the control group"


def _bank(project: Project, store: Store, history: History, narrator: Narrator) -> Bank:
    from vipreco.artifact import verify
    from vipreco.campaign import Bank
    from vipreco.cli.project_inputs import model_folder, open_model, open_tables
    from vipreco.folds import salt_of

    return Bank(
        open_model(project, None, narrator, history),
        verify(model_folder(project, None)).artifact_hash,
        history.as_of(history.snapshot_dates[-1]),
        salt_of(project.settings.campaign.control_salt, project.seed),
        project.seed,
        store.changes.in_tables(open_tables(project).snapshot_ids),
    )


def _run(project: Project, store: Store, bank: Bank) -> dict[str, int]:
    from vipreco.campaign import RunOptions, read_campaign, run
    from vipreco.cli.store_session import actor_named

    path = _path(project, KEY)
    order = RunOptions(str(path), actor_named(None), threads=project.threads)
    found: dict[str, int] = run(bank, read_campaign(path), store, _folder(project), order).manifest["arms"]
    return found


def _plan(project: Project, store: Store, key: str, path: Path, bank: Bank) -> None:
    from vipreco.campaign import RunOptions, StoreChanges, plan, read_campaign
    from vipreco.cli.store_session import actor_named
    from vipreco.durable import canonical_json

    since = StoreChanges.read(store, store.switches.read().products, bank.after)
    order = RunOptions(str(path), actor_named(None), threads=project.threads)
    found = plan(bank, read_campaign(path), since, order)
    _keep(project, "plan", key, canonical_json(found.record()))


def _keep(project: Project, work: str, key: str, content: bytes) -> None:
    jobs = project.import_rim(JOBS).Jobs(project.root)
    jobs.keep(f"campaign-{work}-{key}", ["campaign", work, key], content)


def _folder(project: Project) -> CampaignFolder:
    from vipreco.campaign import CampaignFolder

    return CampaignFolder(project.root / project.settings.campaign.folder)


def _path(project: Project, key: str) -> Path:
    return project.root / FILES / f"{key}.toml"


def _write(project: Project, key: str, text: str, day: date) -> Path:
    """Write the file of a campaign in the month after a day."""
    from vipreco.durable import write_bytes

    start = day + timedelta(days=1)
    end = start.replace(day=calendar.monthrange(start.year, start.month)[1])
    path = _path(project, key)
    content = text.format(
        key=key,
        start=start,
        end=end,
        months_ago=MONTHS_AGO,
        product=PRODUCT,
        channel=CHANNEL,
        control_share=CONTROL_SHARE,
    ).encode()
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_bytes(path, content)
    return path
