"""Campaigns for the marketer: file, plan, run, lists, recheck and report.

The pages write campaign files and start the commands `vipreco campaign ...` in a process of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from starlette.responses import Response

from serving.http.operation import HttpRequest, Operation, people
from serving.http.problems import not_found
from serving.page.campaign_charts import plan_charts, report_charts, waterfall
from serving.page.campaign_form import CHANNELS, DEFAULTS, campaign_text
from serving.page.responses import XLSX, file_answer, note, redirect, say_of, show
from serving.workspace.book_service import FindAnswers
from serving.workspace.jobs import Job, Jobs
from vipreco.campaign import CampaignFolder, parse_campaign
from vipreco.durable import write_bytes
from vipreco.errors import IntegrityError, VipRecoError
from vipreco.project import Project
from vipreco.store import Role

MARKETERS = people(Role.MARKETING)
FILES: Final = "campaign-files"
KEY: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MAX_FILE_BYTES: Final = 60_000
MAX_FORM_FIELDS: Final = 2_000  # a box for each product
WORKS: Final[Mapping[str, tuple[str, ...]]] = {
    "plan": ("campaign", "plan", "{file}", "--format", "json"),
    "run": ("campaign", "run", "{file}"),
    "recheck": ("campaign", "recheck", "{key}", "--format", "json"),
    "report": ("campaign", "report", "{key}", "--format", "json"),
}
KINDS: Final = {"csv": "text/csv", "xlsx": XLSX}
BYTES: Final = "application/octet-stream"
MAX_SHOWN: Final = 50


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
            Operation(get, "/campaigns/new", self.form, MARKETERS),
            Operation(get, "/campaigns/compare", self.compare, MARKETERS),
            Operation(get, one, self.campaign, MARKETERS),
            Operation(post, f"{one}/file", self.save, MARKETERS, form=True),
            Operation(post, f"{one}/work", self.work, MARKETERS, form=True),
            Operation(get, f"{one}/list", self.list_file, MARKETERS),
        )

    def campaigns(self, request: HttpRequest) -> Response:
        """Show all campaigns: files that wait, runs that were finished."""
        state = request.state
        runs = {run.campaign_id: run for run in state.store.campaigns.all()}
        files = {path.stem for path in _folder(state.root).glob("*.toml")}
        note(request, "campaigns.read", "campaigns")
        keys = sorted({*runs, *files}, key=lambda key: (key in runs, key))
        jobs = Jobs(state.root)
        rows = [(key, runs.get(key), jobs.last(f"campaign-plan-{key}")) for key in keys]
        planned = [key for key, _, job in rows if job and job.succeeded]
        return show(request, "campaigns.html", {**self._words(request), "rows": rows, "planned": planned})

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
            key = parse_campaign(text.encode(), "form").key
        except VipRecoError as error:
            return self.form(request, _told(error), request.form)
        target = _folder(request.state.root) / f"{key}.toml"
        if target.exists() or request.state.store.campaigns.read(key) is not None:
            return self.form(request, say_of(request)("campaigns.taken", key=key), request.form)
        _write(target, text)
        note(request, "campaign.file", key)
        return redirect(f"/campaigns/{key}")

    def campaign(self, request: HttpRequest, problem: str = "", text: str = "") -> Response:
        """Show a campaign: its file, and the plan, the run and the report where they were made."""
        key, state = _key(request), request.state
        run, path, jobs = (
            state.store.campaigns.read(key),
            _folder(state.root) / f"{key}.toml",
            Jobs(state.root),
        )
        if run is None and not path.is_file():
            raise not_found()
        found = {name: jobs.last(f"campaign-{name}-{key}") for name in WORKS}
        manifest = run.manifest if run else None
        say = self._words(request)["say"]
        plan, report = (_content(found[name]) for name in ("plan", "report"))
        answers = self.answers(state)
        steps, products = waterfall(manifest or plan, answers.policy, say), answers.product_names
        note(request, "campaign.read", key)
        values = {
            **self._words(request),
            "key": key,
            "run": run,
            "manifest": manifest,
            "summary": manifest or plan,
            "plan": plan,
            "report": report,
            "removed": _content(found["recheck"]),
            "max_shown": MAX_SHOWN,
            "jobs": found,
            "lists": _lists(manifest),
            "text": text or (path.read_text(encoding="utf-8") if path.is_file() else ""),
            "has_file": path.is_file(),
            "problem": problem,
            "steps": steps,
            "charts": plan_charts(steps, plan, say) | report_charts(report, products, say),
        }
        return show(request, "campaign.html", values, 422 if problem else 200)

    def save(self, request: HttpRequest) -> Response:
        """Save the file of a campaign that was not run yet; its key stays."""
        key, text = _key(request), request.form.get("text", "").replace("\r\n", "\n")
        if request.state.store.campaigns.read(key) is not None or len(text.encode()) > MAX_FILE_BYTES:
            raise not_found()
        try:
            found = parse_campaign(text.encode(), f"{key}.toml")
        except VipRecoError as error:
            return self.campaign(request, _told(error), text)
        if found.key != key:
            return self.campaign(request, say_of(request)("campaigns.key_stays", key=key), text)
        _write(_folder(request.state.root) / f"{key}.toml", text)
        note(request, "campaign.file", key)
        return redirect(f"/campaigns/{key}")

    def work(self, request: HttpRequest) -> Response:
        """Plan, run, recheck or report a campaign, by the command of that name."""
        key, name = _key(request), request.form.get("work", "")
        path = _folder(request.state.root) / f"{key}.toml"
        if name not in WORKS or ("{file}" in WORKS[name] and not path.is_file()):
            raise not_found()
        arguments = [part.format(file=path, key=key) for part in WORKS[name]]
        Jobs(request.state.root).start(f"campaign-{name}-{key}", arguments, request.known.actor)
        note(request, f"campaign.{name}", key)
        return redirect(f"/campaigns/{key}")

    def compare(self, request: HttpRequest) -> Response:
        """Show two plans side by side."""
        query, jobs = request.http.query_params, Jobs(request.state.root)
        keys = [query.get(name, "") for name in ("one", "other")]
        if not all(KEY.fullmatch(key) for key in keys):
            raise not_found()
        plans = [_content(jobs.last(f"campaign-plan-{key}")) for key in keys]
        if None in plans:
            raise not_found()
        note(request, "campaigns.compare", " ".join(keys))
        return show(request, "campaigns_compare.html", {**self._words(request), "keys": keys, "plans": plans})

    def list_file(self, request: HttpRequest) -> Response:
        """Send one list of a run."""
        key, name = _key(request), request.http.query_params.get("name", "")
        run = request.state.store.campaigns.read(key)
        if run is None or name not in _lists(run.manifest):
            raise not_found()
        project = Project.find(request.state.root)
        folder = CampaignFolder(project.root / project.settings.campaign.folder).path_of(key)
        content = _verified(folder / "lists" / name, run.manifest)
        note(request, "campaign.export", f"{key}/{name}")
        return file_answer(
            content, Path(name).name, KINDS.get(Path(name).suffix[1:], "application/octet-stream")
        )

    def _words(self, request: HttpRequest) -> dict[str, Any]:
        return {"say": say_of(request, self.answers(request.state).currency)}


def _key(request: HttpRequest) -> str:
    key: str = request.http.path_params["key"]
    if KEY.fullmatch(key) is None:
        raise not_found()
    return key


def _folder(root: Path) -> Path:
    return root / FILES


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(mode=0o700, exist_ok=True)
    write_bytes(target, text.encode())


def _verified(path: Path, manifest: Mapping[str, Any] | None) -> bytes:
    """Return the bytes of a list.

    Raises:
        IntegrityError: They are not what the run wrote.
    """
    content = path.read_bytes() if path.is_file() else b""
    entry = {} if manifest is None else manifest["files"][f"lists/{path.name}"]
    if sha256(content).hexdigest() != entry.get("sha256"):
        raise IntegrityError("is not the list that the run wrote", where=path.name, code="campaign-changed")
    return content


def _told(error: VipRecoError) -> str:
    return "; ".join([error.what, *error.examples])


def _content(job: Job | None) -> Any:
    return None if job is None else job.content


def _lists(manifest: Mapping[str, Any] | None) -> list[str]:
    names = () if manifest is None else manifest["files"]
    return sorted(name.removeprefix("lists/") for name in names if name.startswith("lists/"))
