"""Managers whose hours a campaign needs most, for whoever moves minutes between books."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from serving.http.app_state import AppState
from serving.workspace.jobs import Jobs
from vipreco.campaign import manager_hours, newest_with_hours

PLAN_JOB: Final = "campaign-plan-"


@dataclass(frozen=True)
class HoursAdvice:
    """Worth of one more hour of each manager in a campaign.

    Args:
        name: Of the campaign.
        planned: It was planned and not run yet.
        rows: Managers with used and available minutes and the worth of one more hour, the most first.
    """

    name: str
    planned: bool
    rows: tuple[dict[str, Any], ...]


def hours_advice(state: AppState, managers: Collection[str]) -> HoursAdvice | None:
    """Return the advice for some managers, from the campaign that begins last; None without any."""
    runs = {run.campaign_id: run.manifest for run in state.store.campaigns.all()}
    records = [manifest for manifest in runs.values() if manifest]
    found = newest_with_hours([*records, *_plans(state, runs.keys())])
    if found is None:
        return None
    rows = tuple(row for row in manager_hours(found).to_dicts() if row["manager_id"] in managers)
    campaign, key = found["campaign"], str(found["campaign_id"])
    return HoursAdvice(campaign.get("name") or key, key not in runs, rows) if rows else None


def _plans(state: AppState, run: Collection[str]) -> Iterator[Mapping[str, Any]]:
    """Yield the plans of campaigns that were not run."""
    jobs = Jobs(state.root)
    for path in sorted(jobs.folder.glob(f"{PLAN_JOB}*.json")):
        job = jobs.last(path.stem)
        content = job.content if job else None
        if isinstance(content, dict) and content["campaign_id"] not in run:
            yield content
