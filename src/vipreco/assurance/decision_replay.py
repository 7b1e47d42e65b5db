"""Replay of decision receipts: the same model, tables and rules must give the same bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from vipreco.artifact import LIBRARIES, verify
from vipreco.assurance.receipts import COLLABORATIVE, MADE_BY, ReceiptHead, first_difference, receipt
from vipreco.columns import CHANCE_WITH_CONTACT, CHANCE_WITHOUT_CONTACT, EFFECT_BASIS, EXPECTED_GAIN
from vipreco.durable import canonical_json
from vipreco.errors import IntegrityError
from vipreco.history import History
from vipreco.recommender import Recommender
from vipreco.tables import Tables

FORMER_NAMES: Final = {
    "attrition_probability": "attrition_probability",
    "tier_upgrade_probability": "tier_upgrade_probability",
}
"""Names that receipts of before have for parts of a decision."""
ADDED: Final = frozenset((CHANCE_WITHOUT_CONTACT, CHANCE_WITH_CONTACT, EFFECT_BASIS, EXPECTED_GAIN))
"""Columns that receipts of before effects were known do not have."""
LATER_PARTS: Final = (COLLABORATIVE,)
"""Parts of a pair that receipts of before do not have."""


@dataclass(frozen=True)
class ReplayInputs:
    """Folders and threads of a replay.

    Args:
        artifact: Folder of the model's artifact.
        tables: Folder of the imported tables.
        threads: Threads for queries and scoring.
    """

    artifact: Path
    tables: Path
    threads: int


def replay(content: bytes, head: ReceiptHead, inputs: ReplayInputs) -> None:
    """Decide again what a receipt says, and compare byte for byte.

    Args:
        content: The receipt.
        head: What was asked, and what answered.
        inputs: Model and tables.

    Raises:
        InputRejectedError: The tables never were the receipt's snapshot, or its rules were changed.
        IntegrityError: A stored file is damaged, the artifact is another one, or the decision differs; the
            first place that differs is named.
    """
    tables = Tables.open(inputs.tables, head.origin.snapshot_id)
    tables.verify()
    artifact_hash = verify(inputs.artifact, head.origin.artifact_hash).artifact_hash
    recommender = _as_then(Recommender.load(inputs.artifact, inputs.threads), head)
    view = History.open(inputs.tables, inputs.threads, head.origin.snapshot_id).as_of(head.question.as_of)
    told = json.loads(content)
    again = json.loads(receipt(recommender, view, head.question, artifact_hash, tables.snapshot_id))
    again[MADE_BY] = head.made_by
    again["decision"] = _in_words_of(told.get("decision"), again["decision"])
    if head.arbitration is None:
        again = _before_effects(again)
    if canonical_json(again) != content:
        raise _different(told, again, head.made_by)


def _as_then(recommender: Recommender, head: ReceiptHead) -> Recommender:
    """Return the recommender with rules and weights of a receipt; the whole chance counted in the first."""
    former = recommender.settings.arbitration.model_copy(update={"order": "chance"})
    return recommender.with_policy(head.policy()).arbitrated(head.arbitration or former)


def _before_effects(found: dict[str, Any]) -> dict[str, Any]:
    """Return a receipt without what was not known of contacts then."""
    decision = found["decision"]
    rows = [
        {name: value for name, value in row.items() if name not in ADDED} for row in decision["candidates"]
    ]
    kept = {name: value for name, value in found.items() if name != "arbitration"}
    return {**kept, "decision": {**decision, "candidates": rows}}


def _in_words_of(told: Any, again: dict[str, Any]) -> dict[str, Any]:
    """Return a decision under the names that the receipt has for its parts."""
    former = {new: old for new, old in FORMER_NAMES.items() if isinstance(told, dict) and old in told}
    pairs = [_without_later_parts(told, pair) for pair in again["candidates"]]
    return {former.get(name, name): value for name, value in {**again, "candidates": pairs}.items()}


def _without_later_parts(told: Any, pair: dict[str, Any]) -> dict[str, Any]:
    """Leave out of a pair what receipts came to hold later, where none of the receipt's own pairs has it."""
    known = told.get("candidates") if isinstance(told, dict) else None
    pairs = [one for one in known or [] if isinstance(one, dict)]
    missing = {part for part in LATER_PARTS if pairs and not any(part in one for one in pairs)}
    return {name: value for name, value in pair.items() if name not in missing}


def _different(told: object, again: object, made_by: Mapping[str, str]) -> IntegrityError:
    place = first_difference(told, again) or "the spelling of the file, not its content"
    here = {name: version(name) for name in LIBRARIES}
    others = sorted(name for name in made_by if made_by[name] != here.get(name))
    return IntegrityError(
        f"the decision differs from the receipt; the first difference is at {place}",
        where="replay",
        remedy="the receipt was changed, or one of the releases named above decides differently",
        code="replay-differs",
        examples=[f"{name} was {made_by[name]}, here it is {here.get(name, 'missing')}" for name in others],
    )
