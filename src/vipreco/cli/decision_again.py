"""Replay of a decision of the store: an answer of the service, or a list."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from vipreco.cli.progress import narrated

if TYPE_CHECKING:
    from vipreco.assurance import AnswerReplay
    from vipreco.project import Project
    from vipreco.store import Decision


@dataclass(frozen=True)
class DecidedAgain:
    """Result of deciding again.

    Args:
        identical: Whether everything is as it was.
        differences: Where it is not, in sentences.
        notes: Sentences about the comparison.
        receipt: The decision about one customer with every product and the rule that stopped it; empty for
            lists, which are about many.
    """

    identical: bool
    differences: tuple[str, ...]
    notes: tuple[str, ...] = ()
    receipt: dict[str, Any] = field(default_factory=dict)


def decided_again(project: Project, found: Decision) -> DecidedAgain:
    """Decide again what was answered or listed, and compare.

    Raises:
        UsageError: Model, tables or rules are not in the project any more.
    """
    record: dict[str, Any] = json.loads(found.record)
    if "question" in record:
        return _list_again(project, record)
    told = _answer_again(project, record, found.made_at.date())
    return DecidedAgain(told.identical, told.differences, told.notes, told.receipt)


def _list_again(project: Project, told: dict[str, Any]) -> DecidedAgain:
    from vipreco.assurance import ListRecord, differences
    from vipreco.cli.list_replay import made_again

    record = ListRecord.model_validate_json(json.dumps(told))
    with narrated("Replaying"):
        found = tuple(differences(record, made_again(project, record)))
    notes = [f"{record.kind}: {record.total:,} rows of {record.day}"]
    notes += [f"{record.erased} rows of erased customers are left out"] if record.erased else []
    if record.total and not record.rows:
        notes.append("the rows were too many to be kept: hashes are compared")
    return DecidedAgain(not found, found, tuple(notes))


def _answer_again(project: Project, record: dict[str, Any], day: date) -> AnswerReplay:
    from vipreco.artifact import verify
    from vipreco.assurance import replay_answer
    from vipreco.cli.project_inputs import folder_of_hash, open_model
    from vipreco.history import History

    folder = folder_of_hash(project, record["model_version"])
    with narrated("Replaying") as narrator:
        view = History.open(
            project.tables, project.threads, record["snapshot_id"], signatures=project.signatures
        ).as_of(max(day, date.fromisoformat(record["snapshot_date"])))
        recommender = open_model(project, str(folder), narrator)
        artifact_hash, currency = verify(folder).artifact_hash, project.settings.project.currency
        return replay_answer(record, recommender, view, artifact_hash, currency)
