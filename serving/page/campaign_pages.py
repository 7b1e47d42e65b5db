"""Campaigns for the marketer: file, plan, run, lists, recheck and report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response, StreamingResponse

from serving.http.operation import HttpRequest, Operation, people
from serving.page.campaign_charts import plan_charts, report_charts, waterfall
from serving.page.campaign_form import CHANNELS, DEFAULTS, campaign_text
from serving.page.html import HEADERS
from serving.page.responses import redirect, say_of, show
from serving.workspace.book_service import FindAnswers
from serving.workspace.campaign_work import CampaignWork
from vipreco.campaign import compare_plans
from vipreco.errors import MAX_EXAMPLES, BusyError, UsageError, VipRecoError
from vipreco.store import Role

MARKETERS = people(Role.MARKETING)
MAX_FORM_FIELDS: Final = 2_000  # a box for each product
MAX_SHOWN: Final = 50
WORDS: Final = {"campaign-exists": "campaigns.taken", "key-stays": "campaigns.key_stays"}
"""Refusals that have words in both languages."""


@dataclass
class CampaignPages:
    """The handlers.

    Args:
        answers: Finds the answers that are in force, for products and tiers.
    """

    answers: FindAnswers

    def operations(self) -> tuple[Operation, ...]:
        """Return what is at each address."""
        get, post, one = "GET", "POST", "/campaigns/{key}"
        return (
            Operation(get, "/campaigns", self.campaigns, MARKETERS),
            Operation(post, "/campaigns", self.create, MARKETERS, form=True, max_fields=MAX_FORM_FIELDS),
            Operation(get, "/campaigns/files/new", self.form, MARKETERS),
            Operation(get, "/campaigns/plans/compare", self.compare, MARKETERS),
            Operation(get, one, self.campaign, MARKETERS),
            Operation(post, f"{one}/file", self.save, MARKETERS, form=True),
            Operation(post, f"{one}/work", self.work, MARKETERS, form=True),
            Operation(get, f"{one}/list", self.list_file, MARKETERS),
        )

    def campaigns(self, request: HttpRequest) -> Response:
        """Show all campaigns: files that wait, runs that were finished."""
        records = _work(request).records()
        planned = [record.key for record in records if record.plan is not None]
        return show(
            request, "campaigns.html", {**self._words(request), "records": records, "planned": planned}
        )

    def form(
        self, request: HttpRequest, problem: str = "", given: Mapping[str, str] | None = None
    ) -> Response:
        """Show the form of a new campaign."""
        answers = self.answers(request.state)
        values = {
            **self._words(request),
            "tiers": answers.vip,
            "products": answers.product_names,
            "channels": CHANNELS,
            "given": given or {**DEFAULTS, **{f"tier.{tier}": "1" for tier in answers.vip}},
            "problem": problem,
            "today": request.state.today(),
        }
        return show(request, "campaign_new.html", values, 422 if problem else 200)

    def create(self, request: HttpRequest) -> Response:
        """Write the file of a new campaign."""
        answers = self.answers(request.state)
        text = campaign_text(request.form, answers.vip, tuple(answers.product_names))
        try:
            key = _work(request).create(text)
        except (UsageError, BusyError) as error:
            return self.form(request, _told(request, error, request.form.get("key", "")), request.form)
        return redirect(f"/campaigns/{key}")

    def campaign(self, request: HttpRequest, problem: str = "", text: str = "") -> Response:
        """Show a campaign: its file, and the plan, the run and the report where they were made."""
        record = _work(request).record(_key(request))
        words, answers = self._words(request), self.answers(request.state)
        say, plan = words["say"], record.plan
        steps = waterfall(record.summary, answers.policy, say)
        values = {
            **words,
            "record": record,
            "key": record.key,
            "manifest": record.manifest,
            "summary": record.summary,
            "plan": plan,
            "report": record.report,
            "removed": record.removed,
            "max_shown": MAX_SHOWN,
            "lists": _lists(record.lists),
            "text": text or record.text,
            "problem": problem,
            "steps": steps,
            "charts": plan_charts(steps, plan, say)
            | report_charts(record.report, answers.product_names, say),
        }
        return show(request, "campaign.html", values, 422 if problem else 200)

    def save(self, request: HttpRequest) -> Response:
        """Save the file of a campaign that was not run yet; its key stays."""
        key, text = _key(request), request.form.get("text", "").replace("\r\n", "\n")
        try:
            _work(request).replace(key, text)
        except (UsageError, BusyError) as error:
            return self.campaign(request, _told(request, error, key), text)
        return redirect(f"/campaigns/{key}")

    def work(self, request: HttpRequest) -> Response:
        """Plan, run, recheck or report a campaign, by the command of that name."""
        key = _key(request)
        _work(request).start(key, request.form.get("work", ""))
        return redirect(f"/campaigns/{key}")

    def compare(self, request: HttpRequest) -> Response:
        """Show two plans side by side."""
        query = request.http.query_params
        keys = [query.get(name, "") for name in ("one", "other")]
        found = compare_plans(*_work(request).plans(*keys))
        values = {
            "keys": keys,
            "rows": {row["figure"]: row for row in found.figures.to_dicts()},
            "settings": found.settings.to_dicts(),
        }
        return show(request, "campaigns_compare.html", {**self._words(request), **values})

    def list_file(self, request: HttpRequest) -> Response:
        """Send one list of a run."""
        name = request.http.query_params.get("name", "")
        found = _work(request).list_file(_key(request), name)
        return StreamingResponse(
            found.parts(), headers={**HEADERS, **found.headers}, media_type=found.media_type
        )

    def _words(self, request: HttpRequest) -> dict[str, Any]:
        return {"say": say_of(request, self.answers(request.state).currency)}


def _work(request: HttpRequest) -> CampaignWork:
    return CampaignWork(request.state, request.known.actor)


def _key(request: HttpRequest) -> str:
    return str(request.http.path_params["key"])


def _lists(names: Iterable[str]) -> list[dict[str, Any]]:
    """Return a row a list, with its files by format; the list of all managers comes first."""
    rows: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name in names:
        path = Path(name)
        channel, manager = (path.parent.name, path.stem) if path.parent.name else (path.stem, "")
        rows.setdefault((channel, manager), []).append((name, path.suffix[1:]))
    return [{"channel": one, "manager": other, "files": rows[one, other]} for one, other in sorted(rows)]


def _told(request: HttpRequest, error: VipRecoError, key: str) -> str:
    words = WORDS.get(error.code)
    return (
        say_of(request)(words, key=key) if words else "; ".join([error.what, *error.examples[:MAX_EXAMPLES]])
    )
