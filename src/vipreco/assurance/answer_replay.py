"""Replay of an answer of the service: the same model, tables and rules decide about the customer again."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from vipreco.assurance.receipts import ReceiptQuestion, receipt
from vipreco.columns import CHANCE_WITH_CONTACT, CHANCE_WITHOUT_CONTACT, PRODUCT_ID
from vipreco.history import View
from vipreco.recommender import Recommender

TOLERANCE: Final = 1e-6  # of a chance: answers keep 32 bits of it
CHANCES: Final = (CHANCE_WITHOUT_CONTACT, CHANCE_WITH_CONTACT)
MIN_TOP: Final = 10
SNAPSHOT: Final = "snapshot"


@dataclass(frozen=True)
class AnswerReplay:
    """Result of deciding an answer again.

    Args:
        identical: The same products in the same order, with the same chances.
        differences: What differs, in sentences.
        notes: Why an answer may differ although nothing is wrong.
        receipt: The decision, with every product and the rule that stopped it.
    """

    identical: bool
    differences: tuple[str, ...]
    notes: tuple[str, ...]
    receipt: dict[str, Any]


def replay_answer(
    record: Mapping[str, Any], recommender: Recommender, view: View, artifact_hash: str, currency: str
) -> AnswerReplay:
    """Decide again about the customer of an answer, and compare.

    Args:
        record: The answer, as the service keeps it.
        recommender: The model that it names, with the rules of the project.
        view: The tables that it names, as of the day of the answer.
        artifact_hash: Of the model.
        currency: Code of the currency of amounts in texts.
    """
    question = ReceiptQuestion(
        customer_id=record["customer_id"],
        as_of=view.date,
        channel=record["channel"],
        top=max(len(record["offers"]), MIN_TOP),
        language="en",
        currency=currency,
    )
    content = json.loads(receipt(recommender, view, question, artifact_hash, view.snapshot_id))
    differences = tuple(_differences(record["offers"], content["decision"]))
    notes = tuple(_notes(record, recommender, view.date))
    return AnswerReplay(not differences, differences, notes, content)


def _differences(offers: list[dict[str, Any]], decision: dict[str, Any]) -> list[str]:
    told = [offer[PRODUCT_ID] for offer in offers]
    again = decision["slate"][: len(told)] if told else decision["slate"]
    if told != again:
        return [f"answered: {', '.join(told) or 'no offer'}; decided again: {', '.join(again) or 'no offer'}"]
    rows = {row[PRODUCT_ID]: row for row in decision["candidates"]}
    return [
        f"{offer[PRODUCT_ID]}: {name} was {offer[name]:.6f}, is {rows[offer[PRODUCT_ID]][name]:.6f}"
        for offer in offers
        for name in CHANCES
        if not _is_same(offer.get(name), rows[offer[PRODUCT_ID]].get(name))
    ]


def _is_same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is None  # answers of before effects were known have none
    return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _notes(record: Mapping[str, Any], recommender: Recommender, day: date) -> list[str]:
    notes = []
    if record["policy_version"] != recommender.policy.version:
        notes.append(f"the rules were version {record['policy_version']}, now {recommender.policy.version}")
    if record["source"] != SNAPSHOT:
        notes.append("the answer used facts that the request brought; they are not kept")
    notes.append(f"what the store took after the tables of {day} counts in answers alone")
    return notes
