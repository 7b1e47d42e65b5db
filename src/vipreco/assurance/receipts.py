"""Decision receipts: all that was decided about one customer, and all that is needed to decide it again."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, ValidationError

from vipreco.artifact import LIBRARIES
from vipreco.columns import PRODUCT_ID, RANK
from vipreco.durable import canonical_json
from vipreco.errors import InputRejectedError
from vipreco.explanations import Explanation, ReasonCatalog, WhyNot, decide_one, explained
from vipreco.history import View
from vipreco.policy import Language, Policy
from vipreco.recommender import Decisions, Recommender
from vipreco.settings import ArbitrationSettings, Section

FORMAT: Literal[1] = 1
COLLABORATIVE = "collaborative"
MADE_BY = "made_by"  # which releases wrote it: told, not compared
ONCE = ("customer_id", "as_of_date", "policy_version", "personalised")


class ReceiptQuestion(Section):
    """The question that a receipt answers.

    Attributes:
        customer_id: The customer.
        as_of: Date whose knowledge was used.
        channel: Channel of the offers.
        top: Longest list.
        language: Of the texts.
        reason_weights: Share of its weight that a template of reasons keeps, by id, where not all.
        currency: Code of the currency of amounts in texts. Receipts that have neither keep their bytes.
    """

    customer_id: str
    as_of: date
    channel: str
    top: int
    language: Language
    reason_weights: dict[str, float] = Field(default_factory=dict)
    currency: str = ""


class Origin(Section):
    """The model, tables and rules that a receipt rests on.

    Attributes:
        artifact_hash: Hash of the model's artifact.
        snapshot_id: Fingerprint of the tables.
        feature_fingerprint: Fingerprint of the feature definitions.
        policy_version: Version of the rules.
        catalogue_hash: Hash of the catalogue of reasons.
    """

    artifact_hash: str
    snapshot_id: str
    feature_fingerprint: str
    policy_version: str
    catalogue_hash: str


class ReceiptHead(Section):
    """The part of a receipt from which the rest follows.

    Attributes:
        receipt: Format.
        question: What was asked.
        origin: Model, tables and rules.
        rules: Files of the rules.
        arbitration: Values, effects, context and levers in force; receipts of before effects were known have
            none.
        made_by: Libraries.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    receipt: Literal[1]
    question: ReceiptQuestion
    origin: Origin
    rules: dict[str, str]
    arbitration: ArbitrationSettings | None = None
    made_by: dict[str, str]

    def policy(self) -> Policy:
        """Return the rules that were in force.

        Raises:
            InputRejectedError: They are not those whose version the receipt names.
        """
        found = Policy.from_definition({name: text.encode() for name, text in self.rules.items()})
        if found.version != self.origin.policy_version:
            raise not_a_receipt("its rules are not those of the version that it names")
        return found


def receipt(
    recommender: Recommender, view: View, question: ReceiptQuestion, artifact_hash: str, snapshot_id: str
) -> bytes:
    """Decide about one customer and return the receipt: canonical JSON, the same for the same question.

    Args:
        recommender: The fitted recommender with the rules in force.
        view: What was known at the question's date.
        question: What is asked.
        artifact_hash: Hash of the artifact that `fitted` was read from.
        snapshot_id: Fingerprint of the tables of the view.

    Raises:
        InputRejectedError: The customer is not in the newest snapshot.
    """
    recommender = recommender.with_policy(recommender.policy.in_currency(question.currency))
    known, decisions = decide_one(recommender, view, question.customer_id, question.channel)
    catalogue = ReasonCatalog.shipped().weighted(question.reason_weights, question.currency)
    told = explained(recommender, known, decisions, question.top, question.language, catalogue)
    origin = Origin(
        artifact_hash=artifact_hash,
        snapshot_id=snapshot_id,
        feature_fingerprint=recommender.features.fingerprint,
        policy_version=recommender.policy.version,
        catalogue_hash=hashlib.sha256(ReasonCatalog.content()).hexdigest(),
    )
    return canonical_json(
        {
            "receipt": FORMAT,
            "question": question.model_dump(mode="json", exclude_defaults=True),
            "origin": origin.model_dump(mode="json"),
            "rules": {name: text.decode() for name, text in recommender.policy.definition.items()},
            "arbitration": json.loads(recommender.settings.arbitration.model_dump_json()),
            "decision": _decision(decisions, told, recommender.collaborative_part(known), question.top),
            MADE_BY: {name: version(name) for name in LIBRARIES},
        }
    )


def _decision(
    decisions: Decisions, told: Explanation, filtering: Mapping[str, Any], top: int
) -> dict[str, Any]:
    """Return the decision frame of one customer as JSON values, every product in it."""
    offers = {offer.product_id: offer for offer in told.offers}
    stopped = {item.product_id: item for item in told.not_offered}
    rows = decisions.frame(top).drop(ONCE, strict=False).to_dicts()
    candidates = []
    for row in rows:
        offer = offers.get(row[PRODUCT_ID])
        candidates.append(
            {
                **{name: _plain(value) for name, value in row.items()},
                "reasons": [reason.record() for reason in offer.reasons] if offer else [],
                "caution": offer.caution.record() if offer and offer.caution else None,
                "why_not": _rule(stopped.get(row[PRODUCT_ID])),
                COLLABORATIVE: filtering.get(row[PRODUCT_ID]),
            }
        )
    listed = sorted((row for row in rows if row[RANK]), key=lambda row: int(row[RANK]))
    return {
        "personalised": told.personalised,
        "leaving_probability": _plain(float(decisions.attrition_probability[0])),
        "rising_probability": _plain(float(decisions.tier_upgrade_probability[0])),
        "slate": [row[PRODUCT_ID] for row in listed],
        "candidates": candidates,
    }


def _rule(found: WhyNot | None) -> dict[str, str] | None:
    if found is None:
        return None
    return {
        "rule_id": found.rule_id,
        "reason_code": found.reason_code,
        "legal_reference": found.legal_reference,
        "text": found.text,
        "unlock": found.unlock,
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON knows it; a number that nobody knows becomes null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value.isoformat() if isinstance(value, date) else value


def read_receipt(path: Path) -> tuple[bytes, ReceiptHead]:
    """Read a receipt from a file: its bytes, and the part from which the rest follows.

    Raises:
        InputRejectedError: It cannot be read or is no receipt.
    """
    try:
        content = path.read_bytes()
        return content, ReceiptHead.model_validate(json.loads(content), strict=False)
    except OSError as error:
        raise not_a_receipt(error.strerror or "it cannot be read", str(path)) from error
    except (ValueError, ValidationError) as error:
        raise not_a_receipt("it is not what `vipreco explain --receipt` writes", str(path)) from error


def not_a_receipt(what: str, where: str = "") -> InputRejectedError:
    """Return the error for a file that is no receipt."""
    return InputRejectedError(
        f"this is not a decision receipt: {what}",
        where=where,
        remedy="give a file that `vipreco explain CUSTOMER --receipt FILE` wrote, unchanged",
        code="receipt",
    )


def first_difference(one: Any, other: Any, path: str = "$") -> str | None:
    """Return where two JSON values differ first, as a path; None where they are equal.

    >>> first_difference({"a": [1, 2]}, {"a": [1, 3]})
    '$.a[1]'
    """
    if type(one) is not type(other):
        return path
    mine, yours = _parts(one), _parts(other)
    if mine is None or yours is None:
        return None if one == other else path
    for name in dict.fromkeys([*mine, *yours]):
        if name not in mine or name not in yours:
            return path + name
        found = first_difference(mine[name], yours[name], path + name)
        if found is not None:
            return found
    return None


def _parts(value: Any) -> dict[str, Any] | None:
    """Return the parts of a JSON object or list by how a path names them; None for any other value."""
    if isinstance(value, dict):
        return {f".{name}": part for name, part in sorted(value.items())}
    return {f"[{place}]": part for place, part in enumerate(value)} if isinstance(value, list) else None
