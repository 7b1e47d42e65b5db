"""Approval of models: a record of the audit comes first, the alias of the registry is only its effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from training.gates import Finding, require
from training.registry import CHAMPION, PREVIOUS, Registry, Version, use
from training.storage import Storage
from training.tracker import FOUR_EYES_TAG, VERDICT_HASH_TAG
from vipreco.actors import READER, current_actor, current_person
from vipreco.errors import UsageError
from vipreco.project import Project, sqlite_file
from vipreco.store import AuditQuery, Event, Store

PROMOTE, ROLL_BACK, RETIRE = "model.promote", "model.rollback", "model.retire"
TRAIN: Final = "model.train"
MADE_BY: Final = {"user": ("user.create", "user.password"), "token": ("token.create",)}
"""Actions by which somebody gets the name of an approver into their hands, by the kind of the name."""
ACTIONS: Final = (PROMOTE, ROLL_BACK, RETIRE)
REFUSED: Final = "denied"
READ_LIMIT: Final = 1_000
STORE_SECONDS: Final = 30.0
"""For opening the store, which makes its tables the first time."""


@dataclass(frozen=True)
class Approval:
    """A decision about a version, as the audit has it.

    Args:
        at: Moment in UTC.
        actor: Who decided.
        action: model.promote, model.rollback or model.retire.
        result: ok, or denied.
        verdict_hash: Hash of the verdict that was signed; empty for versions from before verdicts.
        artifact_hash: What was decided about.
    """

    at: str
    actor: str
    action: str
    result: str
    verdict_hash: str
    artifact_hash: str

    def __str__(self) -> str:
        verdict = f", verdict {self.verdict_hash[:16]}" if self.verdict_hash else ""
        return f"{self.action} by {self.actor} at {self.at}: {self.result}{verdict}"


def promote(project: Project, reference: str, approver: str | None = None) -> list[Finding]:
    """Make a version champion if it passes its gates and somebody else trained it; return the findings.

    Args:
        project: The project.
        reference: Alias or number of the version.
        approver: Who decides; default is the user who runs this.

    Raises:
        UsageError: No such version, a gate refuses it, with both numbers, or the approver trained it.
        BusyError: Another process is writing to the registry.
        DependencyDownError: The registry does not answer; the champion is unchanged.
    """
    decider = approver or current_person()

    def write(registry: Registry) -> list[Finding]:
        found = registry.version(reference)
        tags = registry.run_tags(found)
        verdict = tags.get(VERDICT_HASH_TAG, "")
        registry.expect(STORE_SECONDS)
        try:
            _check_lasting(found)
            _check_approver(project, found, tags, decider)
            findings = registry.findings(found)
            require(findings, f"version {found.version}")
        except UsageError:
            record(project, PROMOTE, found, verdict, actor=decider, result=REFUSED)
            raise
        registry.fetch(found)
        record(project, PROMOTE, found, verdict, actor=decider)
        registry.crown(found.version)
        return findings

    with Storage(project.artifacts).exclusive():
        return use(project, write)


def roll_back(project: Project) -> Version:
    """Make the previous champion champion again, without a gate and by anybody, and return it.

    Raises:
        UsageError: There is no previous champion.
        DependencyDownError: The registry does not answer; the champion is unchanged.
    """

    def write(registry: Registry) -> Version:
        found = registry.version(PREVIOUS)
        _check_lasting(found)
        registry.fetch(found)
        verdict = registry.verdict_hash(found)
        registry.expect(STORE_SECONDS)
        record(project, ROLL_BACK, found, verdict)
        registry.crown(found.version)
        return registry.version(CHAMPION)

    with Storage(project.artifacts).exclusive():
        return use(project, write)


def retire(project: Project, reference: str) -> Version:
    """Take a version out of use for good: it keeps its files and its run, and nobody may promote it.

    Raises:
        UsageError: No such version, or it is the champion.
        DependencyDownError: The registry does not answer; nothing is changed.
    """

    def write(registry: Registry) -> Version:
        found = registry.version(reference)
        if CHAMPION in found.aliases:
            raise UsageError(
                f"version {found.version} is the champion",
                remedy="promote another version or run `vipreco models rollback` first",
                code="is-champion",
            )
        verdict = registry.verdict_hash(found)
        registry.expect(STORE_SECONDS)
        record(project, RETIRE, found, verdict)
        registry.retire(found, datetime.now(UTC).date().isoformat())
        return registry.version(found.version)

    with Storage(project.artifacts).exclusive():
        return use(project, write)


def record(
    project: Project, action: str, found: Version, verdict: str, *, actor: str = "", result: str = "ok"
) -> None:
    """Write a decision about a version into the audit chain.

    Raises:
        VipRecoError: The store does not take the record: nothing may be decided.
    """
    decider = _named(actor or current_person())
    event = Event(decider, action, f"version {found.version}", result, verdict, found.artifact_hash)
    file = sqlite_file(project.store_url)
    # A file that exists is not checked as a whole: that takes long, and only a line is added to it.
    with Store.open(project.store_url, checked=file is None or file.exists()) as store:
        store.audit.append([event])


def record_training(project: Project, found: Version, verdict: str, trainer: str) -> None:
    """Write who trained a version into the audit chain, where there is a store: a tag of a run can be edited.

    Raises:
        VipRecoError: The store does not take the record.
    """
    file = sqlite_file(project.store_url)
    if file is None or file.is_file():
        record(project, TRAIN, found, verdict, actor=trainer)


def _named(person: str) -> str:
    """Return how the audit names who decides: by the account of the pages, where it was decided there."""
    return current_actor() if current_person() == person else f"os:{person}"


def approvals(project: Project, version: Version) -> list[Approval]:
    """Return the decisions about a version, newest first; none where there is no store yet."""
    return [found for found in _recorded(project, version) if found.action in ACTIONS]


def _recorded(project: Project, version: Version) -> list[Approval]:
    file = sqlite_file(project.store_url)
    if file is not None and not file.is_file():
        return []
    with Store.open(project.store_url, checked=True) as store:
        return [_approval(row) for row in store.audit.read(READ_LIMIT, f"version {version.version}")]


def check_trainer(trained_by: str, approver: str) -> None:
    """Do nothing when somebody else approves than trained.

    Raises:
        UsageError: It is the same person.
    """
    if approver == trained_by:
        raise UsageError(
            f"{approver} trained this version and cannot approve it",
            remedy="let somebody else run `vipreco models promote`; a project of one person sets "
            "`single_person = true` under [governance] of vipreco.toml (and no `four_eyes` in the recipe)",
            code="four-eyes",
        )


def _check_approver(project: Project, found: Version, tags: dict[str, str], approver: str) -> None:
    by_recipe = tags.get(FOUR_EYES_TAG) == "true"
    if by_recipe or not project.settings.governance.single_person:
        trainers = {found.trained_by, *_audited_trainers(project, found)}
        for trainer in trainers:
            check_trainer(trainer, approver)
        for trainer in trainers & _makers(project, approver):
            raise UsageError(
                f"{trainer} trained this version, and made the account or token of {approver}",
                remedy="let somebody approve whose account or token another person made",
                code="four-eyes",
            )


def _makers(project: Project, approver: str) -> set[str]:
    """Return who made the token of a program, or a reader's account or password on a page or over the API."""
    kind, _, name = _named(approver).partition(":")
    actions = MADE_BY.get(kind)
    if actions is None:
        return set()
    with Store.open(project.store_url, checked=True) as store:
        queries = (AuditQuery(object=name, action=action, result="ok") for action in actions)
        rows = [row for query in queries for row in store.audit.find(query, READ_LIMIT)]
    actors = [str(row["actor"]).partition(":") for row in rows]
    # Accounts are made on the machine by the account of the service too, which may train each night.
    return {made_by for how, _, made_by in actors if kind == "token" or f"{how}:" == READER}


def _audited_trainers(project: Project, found: Version) -> set[str]:
    """Return who trained a version by the audit; a tag of the tracking server can be edited."""
    records = [one for one in _recorded(project, found) if one.action == TRAIN]
    return {one.actor.partition(":")[2] for one in records if one.artifact_hash == found.artifact_hash}


def _check_lasting(found: Version) -> None:
    if found.retired:
        raise UsageError(
            f"version {found.version} was retired on {found.retired}",
            remedy="train again: an equal artifact stays retired, a new one is judged anew",
            code="retired",
        )


def _approval(row: dict[str, Any]) -> Approval:
    return Approval(
        at=str(row["at"]),
        actor=str(row["actor"]),
        action=str(row["action"]),
        result=str(row["result"]),
        verdict_hash=str(row["purpose"]),
        artifact_hash=str(row["model_version"]),
    )
