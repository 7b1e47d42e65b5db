"""Campaigns that were run: what each came to, without any customer."""

from __future__ import annotations

from typing import Any

from pydantic_core import to_json
from starlette.responses import Response

from serving.api.record_models import CampaignAnswer, CampaignsAnswer
from serving.http.operation import HttpRequest, Operation, programs_and_people
from serving.http.problems import ProblemDocument, not_found
from vipreco.store import Event, Role

BRIEF = ("customers", "arms", "value_amount", "gap_rate")


def campaigns(request: HttpRequest) -> Response:
    """Answer with all runs, by key."""
    request.state.note_at_once(Event(request.known.actor, "campaigns.read", "campaigns"))
    runs = request.state.store.campaigns.all()
    found = [_brief(run.campaign_id, run.manifest) for run in runs]
    return Response(to_json({"campaigns": found}), media_type="application/json")


def campaign(request: HttpRequest) -> Response:
    """Answer with the manifest of a run: audience, limits with their prices, arms, value."""
    key = request.http.path_params["key"]
    run = request.state.store.campaigns.read(key)
    request.state.note_at_once(Event(request.known.actor, "campaign.read", key if run else "unknown"))
    if run is None:
        raise not_found()
    answer = {"campaign_id": key, "finished": run.manifest is not None, "manifest": run.manifest}
    return Response(to_json(answer), media_type="application/json")


def _brief(key: str, manifest: Any) -> dict[str, Any]:
    if manifest is None:
        return {"campaign_id": key, "finished": False}
    asked = manifest["campaign"]
    dates = {name: asked[name] for name in ("name", "start_date", "end_date")}
    numbers = {name: manifest[name] for name in BRIEF}
    return {"campaign_id": key, "finished": True, **dates, **numbers}


READERS = programs_and_people(Role.MARKETING)
OPERATIONS = (
    Operation(
        "GET",
        "/v1/campaigns",
        campaigns,
        READERS,
        answers={200: CampaignsAnswer},
        summary="The campaigns that were run, by key.",
    ),
    Operation(
        "GET",
        "/v1/campaigns/{key}",
        campaign,
        READERS,
        answers={200: CampaignAnswer, 404: ProblemDocument},
        summary="A run: its audience, limits with their prices, arms and value.",
    ),
)
