"""The practice campaign of a demo bank: it was run two months ago, and its result is known today."""

from __future__ import annotations

import calendar
from datetime import timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from vipreco.cli.progress import Narrator
    from vipreco.project import Project

KEY: Final = "practice"
FILES: Final = "campaign-files"
MONTHS_AGO: Final = 2
TEXT: Final = """\
# A campaign to practise on. Nobody was contacted, so the report shows what chance alone does.
key = "{key}"
name = "Practice: nobody was contacted"
start_date = {start}
end_date = {end}
audience = ["customer_age_years < 75"]
control_share = 0.3
effect_rate = 0.02

[channels.app]
unit_cost_amount = 0.1

[channels.call]
minutes = 10

[managers]
minutes = 2400
"""


def run_demo_campaign(project: Project, narrator: Narrator) -> str:
    """Run the campaign as of two months ago, unless it was; return what it came to."""
    from vipreco.artifact import verify
    from vipreco.campaign import Bank, CampaignFolder, RunOptions, parse_campaign, run, salt_of
    from vipreco.cli.project_inputs import model_folder, open_history, open_model, open_tables
    from vipreco.cli.store_session import actor_named
    from vipreco.durable import write_bytes
    from vipreco.store import Store

    settings, history = project.settings.campaign, open_history(project)
    day = history.snapshot_dates[-1 - MONTHS_AGO]
    start = day + timedelta(days=1)
    end = start.replace(day=calendar.monthrange(start.year, start.month)[1])
    path, text = project.root / FILES / f"{KEY}.toml", TEXT.format(key=KEY, start=start, end=end)
    with Store.open(project.store_url) as store:
        if store.campaigns.read(KEY) is not None:
            return "exists already"
        bank = Bank(
            open_model(project, None, narrator, history),
            verify(model_folder(project, None)).artifact_hash,
            history.as_of(day),
            salt_of(settings.control_salt, project.seed),
            project.seed,
            store.changes.in_tables(open_tables(project).snapshot_ids),
        )
        path.parent.mkdir(mode=0o700, exist_ok=True)
        write_bytes(path, text.encode())
        order = RunOptions(str(path), actor_named(None), threads=project.threads, say=narrator.say)
        folder = CampaignFolder(project.root / settings.folder)
        arms = run(bank, parse_campaign(text.encode(), str(path)), store, folder, order).manifest["arms"]
    return f"{arms['offered']:,} customers on its lists, {arms['control']:,} in the control group"
