"""Replay of a decision of the store: an answer of the service, or a list."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from vipreco.cli.progress import narrated

if TYPE_CHECKING:
    from vipreco.assurance import AnswerReplay, ServiceInputs
    from vipreco.project import Project
    from vipreco.store import Decision, Store


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


def decided_again(project: Project, store: Store, found: Decision) -> DecidedAgain:
    """Decide again what was answered or listed, and compare.

    Raises:
        UsageError: Model, tables or rules are not in the project any more.
    """
    record: dict[str, Any] = json.loads(found.record)
    if "question" in record:
        return _list_again(project, store, record)
    receipt = _answer_again(project, record, found.made_at.date())
    if not record.get("decided_on", {}).get("basis"):  # answers of before
        return DecidedAgain(receipt.identical, receipt.differences, receipt.notes, receipt.receipt)
    from vipreco.assurance import MadeList, answer_again, differing_rows, rows_of_answer

    with narrated("Replaying"):
        inputs = _service_inputs(project, store, record["model_version"], record)
        again = answer_again(inputs, record, found.made_at)
    told = tuple(differing_rows(MadeList(rows_of_answer(record)).rows, again.rows))
    return DecidedAgain(not told, told, (), receipt.receipt)


def _service_inputs(
    project: Project, store: Store, artifact_hash: str, told: dict[str, Any], basis: str = ""
) -> ServiceInputs:
    from vipreco.artifact import verify
    from vipreco.assurance import ServiceInputs, read_basis
    from vipreco.cli.project_inputs import folder_of_hash
    from vipreco.history import History
    from vipreco.recommender import open_model

    folder = folder_of_hash(project, artifact_hash)
    return ServiceInputs(
        open_model(folder, verify(folder).artifact_hash, project.threads, checked=True),
        folder,
        History.open(project.tables, project.threads, told["snapshot_id"], signatures=project.signatures),
        read_basis(project.root, basis or told["decided_on"]["basis"]),
        store,
    )


def _list_again(project: Project, store: Store, told: dict[str, Any]) -> DecidedAgain:
    from vipreco.assurance import ListRecord, differences, service_list_again
    from vipreco.cli.list_replay import made_again

    record = ListRecord.model_validate_json(json.dumps(told))
    with narrated("Replaying"):
        if record.overlay is None:
            again = made_again(project, record)
        else:
            inputs = _service_inputs(project, store, record.artifact_hash, told, record.basis)
            again = service_list_again(inputs, record)
        found = tuple(differences(record, again))
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
