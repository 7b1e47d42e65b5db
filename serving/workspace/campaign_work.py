"""Campaigns as people and programs work on them: file, plan, run, lists, recheck and report.

The commands `vipreco campaign ...` do the work, in a process of their own, with the reader as their actor.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Final

from serving.http.problems import not_found
from serving.workspace.jobs import Job
from serving.workspace.reader_work import ReaderWork
from vipreco.campaign import CampaignFolder, lists_of, parse_campaign
from vipreco.durable import write_bytes
from vipreco.errors import BusyError, UsageError
from vipreco.project import Project
from vipreco.store import Run

FILES: Final = "campaign-files"
KEY: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
MAX_FILE_BYTES: Final = 60_000
COMMANDS: Final[Mapping[str, tuple[str, ...]]] = {
    "plan": ("campaign", "plan", "{file}", "--format", "json"),
    "run": ("campaign", "run", "{file}"),
    "recheck": ("campaign", "recheck", "{key}", "--format", "json"),
    "report": ("campaign", "report", "{key}", "--format", "json"),
}
"""Arguments of each job of a campaign; the file is named from the folder of the project."""
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PART_BYTES: Final = 1 << 20
BYTES: Final = "application/octet-stream"
MEDIA_TYPES: Final = {".csv": "text/csv", ".xlsx": XLSX}
BEFORE_RUN: Final = ("plan", "run")
AFTER_RUN: Final = ("recheck", "report")
REFUSALS: Final = frozenset({"campaign-exists", "campaign-was-run", "not-run", "no-file", "not-planned"})
"""Codes that say how far a campaign is, or that its key is taken."""


class CampaignState(StrEnum):
    """State of a campaign: its file waits, it was planned, its run has to be finished, it was run."""

    DRAFT = "draft"
    PLANNED = "planned"
    UNFINISHED = "unfinished"
    FINISHED = "finished"


@dataclass(frozen=True)
class CampaignRecord:
    """A campaign: its file, its run, and the last run of each of its jobs.

    Args:
        key: Its key.
        file: Path of its file, which need not be there.
        run: Its run in the store; None where it was not run.
        jobs: Jobs by name; None where one never ran, or was cut off.
    """

    key: str
    file: Path
    run: Run | None
    jobs: Mapping[str, Job | None]

    @property
    def manifest(self) -> dict[str, Any] | None:
        """Manifest of the run; None until it is finished."""
        return self.run.manifest if self.run else None

    @cached_property
    def plan(self) -> dict[str, Any] | None:
        """The last plan."""
        found: dict[str, Any] | None = self._content("plan")
        return found

    @property
    def report(self) -> dict[str, Any] | None:
        """The last report."""
        found: dict[str, Any] | None = self._content("report")
        return found

    @property
    def removed(self) -> list[dict[str, Any]] | None:
        """Offers that must not be made any more, by the last recheck."""
        found: list[dict[str, Any]] | None = self._content("recheck")
        return found

    @property
    def summary(self) -> dict[str, Any] | None:
        """Audience, arms, limits and value of the run; of the plan where it was not run."""
        return self.manifest or self.plan

    @property
    def lists(self) -> list[str]:
        """Names of the lists of the run."""
        return lists_of(self.manifest)

    @property
    def has_file(self) -> bool:
        """True where it has a file."""
        return self.file.is_file()

    @property
    def text(self) -> str:
        """Text of its file; empty without one."""
        return self.file.read_text(encoding="utf-8") if self.has_file else ""

    @property
    def state(self) -> CampaignState:
        """State of the campaign."""
        if self.run is not None:
            return CampaignState.UNFINISHED if self.manifest is None else CampaignState.FINISHED
        return CampaignState.DRAFT if self.plan is None else CampaignState.PLANNED

    @property
    def is_outdated(self) -> bool:
        """True where the file was changed after it was planned."""
        if self.plan is None or self.run is not None or not self.has_file:
            return False
        try:
            settings = parse_campaign(self.file.read_bytes(), "file").record()
        except UsageError:
            return True
        return bool(settings != self.plan["campaign"])

    @property
    def may_start(self) -> tuple[str, ...]:
        """Jobs that may be started: plan and run of a file until it was run, then recheck and report."""
        if self.manifest is not None:
            return AFTER_RUN
        return BEFORE_RUN if self.has_file else ()

    def _content(self, name: str) -> Any:
        job = self.jobs[name]
        return None if job is None else job.content


@dataclass(frozen=True)
class ListFile:
    """A list of a run, open to be read once.

    Args:
        content: Its bytes.
        file_name: Name under which it is saved.
        media_type: Of the bytes.
    """

    content: BinaryIO
    file_name: str
    media_type: str

    @property
    def headers(self) -> dict[str, str]:
        """Headers of an answer that sends it."""
        size = os.fstat(self.content.fileno()).st_size
        return {
            "Content-Disposition": f'attachment; filename="{self.file_name}"',
            "Content-Length": str(size),
        }

    def parts(self) -> Iterator[bytes]:
        """Yield its bytes in parts: a list of a million customers does not fit beside a worker's release."""
        with self.content:
            while part := self.content.read(PART_BYTES):
                yield part


@dataclass(frozen=True)
class CampaignWork(ReaderWork):
    """All campaigns for a reader, and what a reader may do with them."""

    def records(self) -> list[CampaignRecord]:
        """Return all campaigns: files that wait, then runs, by key."""
        runs = {run.campaign_id: run for run in self.state.store.campaigns.all()}
        files = {path.stem for path in self._folder.glob("*.toml") if KEY.fullmatch(path.stem)}
        self.note("campaigns.read", "campaigns")
        keys = sorted({*runs, *files}, key=lambda key: (key in runs, key))
        return [self._record(key, runs.get(key)) for key in keys]

    def record(self, key: str) -> CampaignRecord:
        """Return a campaign.

        Raises:
            Problem: There is none.
        """
        found = self._found(key, "campaign.read")
        self.note("campaign.read", key)
        return found

    def create(self, text: str) -> str:
        """Write the file of a new campaign and return its key.

        Raises:
            UsageError: It is no campaign file; each finding names its line.
            BusyError: There is a campaign of this key.
        """
        key, content = checked_file(text)
        with self.state.store.database.writing():  # two at the same moment are one after the other
            if self._path(key).exists() or self.state.store.campaigns.read(key) is not None:
                raise BusyError(
                    f"there is a campaign {key} already",
                    where="key",
                    remedy="choose another key",
                    code="campaign-exists",
                )
            self._write(key, content)
        return key

    def replace(self, key: str, text: str) -> None:
        """Write the changed file of a campaign that was not run yet.

        Raises:
            Problem: There is no such campaign.
            UsageError: It is no campaign file, or one of another key.
            BusyError: It was run, or is being run.
        """
        found = self._found(key, "campaign.file")
        if found.run is not None or self.jobs.is_running(_job(key, "run")):
            raise BusyError(
                "this campaign was run, and its file stays what it was",
                where="key",
                remedy="give the changed campaign a key of its own",
                code="campaign-was-run",
            )
        other, content = checked_file(text)
        if other != key:
            raise UsageError(
                f"the key must stay {key}: folder, store and outcomes know the campaign by it",
                where="key",
                remedy=f'write key = "{key}", or create a new campaign',
                code="key-stays",
            )
        self._write(key, content)

    def start(self, key: str, name: str) -> None:
        """Plan, run, recheck or report a campaign, by the command of that name.

        Raises:
            Problem: There is no such campaign or job.
            BusyError: The campaign is not so far, or too far; or too many jobs run.
        """
        action = f"campaign.{name}"
        if name not in COMMANDS:
            raise not_found()
        found = self._found(key, action)
        if name not in found.may_start:
            raise _too_early_or_late(found, name)
        file = found.file.relative_to(self.state.root)
        arguments = [part.format(file=file, key=key) for part in COMMANDS[name]]
        with self.state.store.database.writing():  # no record of what was not started
            self.note(action, key)
            self.jobs.start(_job(key, name), arguments, self.actor)

    def plans(self, one: str, other: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the plans of two campaigns.

        Raises:
            Problem: There is no such campaign.
            BusyError: One of them was not planned.
        """
        found = [self._found(key, "campaigns.compare").plan for key in (one, other)]
        self.note("campaigns.compare", f"{one} {other}")
        first, second = found
        if first is None or second is None:
            raise BusyError(
                "this campaign has no plan",
                where="one" if first is None else "other",
                remedy="plan it, and wait until the plan is made",
                code="not-planned",
            )
        return first, second

    def list_file(self, key: str, name: str) -> ListFile:
        """Return a list of a run, compared with what the run wrote.

        Raises:
            Problem: There is no such campaign or list.
            IntegrityError: The bytes are others.
        """
        manifest = self._found(key, "campaign.export").manifest
        if manifest is None or name not in lists_of(manifest):
            raise not_found()
        project = Project.find(self.state.root)
        folder = CampaignFolder(project.root / project.settings.campaign.folder)
        content = folder.open_list(key, manifest, name)
        self.note("campaign.export", f"{key}/{name}")
        return ListFile(content, f"{key}-{name.replace('/', '-')}", MEDIA_TYPES.get(Path(name).suffix, BYTES))

    @property
    def _folder(self) -> Path:
        return self.state.root / FILES

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.toml"

    def _found(self, key: str, action: str) -> CampaignRecord:
        run = self.state.store.campaigns.read(key) if KEY.fullmatch(key) else None
        if run is None and not (KEY.fullmatch(key) and self._path(key).is_file()):
            self.note(action, "unknown")
            raise not_found()
        return self._record(key, run)

    def _record(self, key: str, run: Run | None) -> CampaignRecord:
        jobs = {name: self.jobs.last(_job(key, name)) for name in COMMANDS}
        return CampaignRecord(key, self._path(key), run, jobs)

    def _write(self, key: str, content: bytes) -> None:
        with self.state.store.database.writing():  # no file without its record
            self.note("campaign.file", key)
            self._folder.mkdir(mode=0o700, exist_ok=True)
            write_bytes(self._path(key), content)


def checked_file(text: str) -> tuple[str, bytes]:
    """Return key and content of a campaign file.

    Raises:
        UsageError: It is none, or too large; each finding names its line.
    """
    content = text.encode("utf-8", "surrogatepass")
    if len(content) > MAX_FILE_BYTES:
        raise UsageError(
            f"a campaign file has at most {MAX_FILE_BYTES:,} bytes, this one {len(content):,}",
            where="file",
            remedy="name products and branches only where they have a limit",
            code="too-large",
        )
    return parse_campaign(content, "file").key, content


def _job(key: str, name: str) -> str:
    return f"campaign-{name}-{key}"


def _too_early_or_late(found: CampaignRecord, name: str) -> BusyError:
    if name in AFTER_RUN:
        return BusyError(
            "this campaign was not run to its end", where="key", remedy="run it first", code="not-run"
        )
    if found.manifest is not None:
        return BusyError(
            "this campaign was run, and is not run or planned again",
            where="key",
            remedy="create a campaign with a key of its own",
            code="campaign-was-run",
        )
    return BusyError(
        "this campaign was run by a command and has no file here",
        where="key",
        remedy="run it again by the command, with the file that it was run with",
        code="no-file",
    )
