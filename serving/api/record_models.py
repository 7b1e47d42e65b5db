"""Requests and answers about books, covers, the audit and the rules."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, Field, JsonValue

from serving.api.models import Id, RequestBody, TextAnswer, optional


class BookLineAnswer(BaseModel):
    """A customer of a book; what is unknown or does not apply is null."""

    customer_id: str
    tier: str
    assets: float | None
    attrition: float | None
    tier_upgrade: float | None
    kind: str = Field(description="Purpose of a call; empty where there is no reason to call.")
    duty: str
    deadline: date | None
    overdue: bool
    promise_date: date | None
    promise_product: str
    maturing_amount: float | None
    maturing_date: date | None
    expected_value: float | None
    reached_date: date | None
    blocked: str = Field(
        description="Why the customer must not be called today; empty where a call is allowed."
    )


class CallListAnswer(BaseModel):
    """The call list of a manager for a day."""

    manager_id: str
    date: date
    model_version: str
    decision_id: str = Field(description="In the decision log, from which the list is decided again.")
    call_list: dict[str, JsonValue] = Field(description="The parts that `vipreco calllist` writes as JSON.")


class BookAnswer(BaseModel):
    """The book of a manager."""

    manager_id: str
    model_version: str
    currency: str
    customers: list[BookLineAnswer]


class CoverRequest(RequestBody):
    """A leave cover: the deputy sees the manager's book from the first to the last day."""

    manager_id: Id
    deputy_id: Id
    from_date: date
    until_date: date


class CoverAnswer(BaseModel):
    """A leave cover that was granted."""

    cover_id: int
    manager_id: str
    deputy_id: str
    from_date: date
    until_date: date
    granted_by: str


class CoversAnswer(BaseModel):
    """Leave covers, the newest first."""

    covers: list[CoverAnswer]


class CoverGrantedAnswer(BaseModel):
    """The number of a leave cover."""

    cover_id: int


class HandOverRequest(RequestBody):
    """Customers who move from one manager's book to another's."""

    from_manager_id: Id
    to_manager_id: Id
    customer_ids: list[Id] = optional("These alone; without it the whole book.", min_length=1)


class HandOverAnswer(BaseModel):
    """Customers whom one manager handed over to another."""

    from_manager_id: str = Field(description="Whose they are by the bank's tables.")
    to_manager_id: str
    customers: int
    made_by: str
    made_date: date


class HandOversAnswer(BaseModel):
    """Hand-overs in force, the newest first."""

    hand_overs: list[HandOverAnswer]


class HandedOverAnswer(BaseModel):
    """The number of customers who were handed over."""

    customers: int


class SwitchRequest(RequestBody):
    """A product, by id, or a model, by version."""

    kind: Literal["product", "model"]
    name: Id


class SwitchOffRequest(SwitchRequest):
    """A product or the model that is served, and why it must not be offered."""

    reason: Annotated[str, Field(min_length=1, max_length=500, pattern=r"\S")]


class SwitchedAnswer(BaseModel):
    """The product or model that was switched."""

    kind: str
    name: str


class SwitchAnswer(SwitchedAnswer):
    """A product or model that is switched off."""

    reason: str
    actor: str
    at: datetime


class SwitchesAnswer(BaseModel):
    """All that is switched off."""

    switches: list[SwitchAnswer]


class ChainAnswer(BaseModel):
    """The audit against its chain."""

    intact: bool
    sequence: int = Field(description="Of the last record; 0 where the audit does not match.")
    hash: str
    against_heads: bool = Field(
        description="Signed heads were there to compare with; without them a cut tail goes unnoticed."
    )
    broken: str = Field(description="Where the audit does not match its chain; empty where it does.")


class DecisionSearch(RequestBody):
    """Decisions that are asked for."""

    customer_id: Id = optional("Those about this customer; without it all.")


class DecisionBriefAnswer(BaseModel):
    """A decision in a list of them."""

    decision_id: str
    customer_id: str = Field(description="The customer by pseudonym; empty for a list of many.")
    made_at: datetime
    actor: str
    kind: str = Field(description="Of a list; empty for an answer of the service.")
    channel: str
    rows: int = Field(description="Number of offers, or of rows of a list.")


class DecisionsAnswer(BaseModel):
    """Decisions, the newest first."""

    decisions: list[DecisionBriefAnswer]


class AuditRecordAnswer(BaseModel):
    """A record of the audit."""

    sequence: int
    at: str
    actor: str
    action: str
    object: str
    result: str
    purpose: str
    model_version: str
    hash: str


class AuditHeadAnswer(BaseModel):
    """The last record of the chain."""

    sequence: int
    hash: str


class AuditAnswer(BaseModel):
    """Records of the audit, newest first."""

    records: list[AuditRecordAnswer]
    older: int | None = Field(description="`before` of the next page; null on the last one.")
    head: AuditHeadAnswer


class RuleAnswer(BaseModel):
    """A rule of the policy."""

    rule: str
    stage: str
    reason_code: str
    law: bool
    text: TextAnswer
    source: str
    valid_from: date | None
    valid_until: date | None
    owner: str
    concerns: str = Field(description="Condition on the rows that the rule is about.")
    requires: str = Field(description="Condition that must hold; else the product is stopped.")


class RulesAnswer(BaseModel):
    """The rules in force."""

    policy_version: str
    rules: list[RuleAnswer]
