"""Bodies of requests and answers: strict types, closed lists of fields, bounded lengths."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, WithJsonSchema, model_validator

MAX_OFFERS, MAX_CUSTOMERS, MAX_ROWS = 50, 500, 200


def _local(moment: datetime) -> datetime:
    """Return the moment; one with a time zone is refused, because the bank's tables hold local time."""
    if moment.tzinfo is not None:
        raise ValueError("local time")
    return moment


Outcome = Literal[
    "accepted", "declined", "postponed", "unreachable", "complaint", "do_not_contact", "unknown"
]  # fmt: skip
# Control characters name nobody, and no table of ours holds them.
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Channel = Literal["app", "branch", "call", "sms"]
# Listed, because to a schema 3.0 is an integer too, and to us it is not.
Limit = Annotated[int, Field(ge=1, le=MAX_OFFERS, json_schema_extra={"enum": list(range(1, MAX_OFFERS + 1))})]
# Days that every month has, so that whatever fits is a date; the others are taken as well.
MOMENT = r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
Moment = Annotated[
    datetime, AfterValidator(_local), WithJsonSchema({"type": "string", "pattern": MOMENT, "maxLength": 19})
]
Text = Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")]
Scalar = Text | bool | Annotated[int, Field(ge=-(2**53), le=2**53)] | float | None


def _may_be_left_out(schema: dict[str, Any]) -> None:
    """Change the schema of a field: it may be left out, but is not null."""
    schema.pop("default", None)
    given = [part for part in schema.pop("anyOf", []) if part.get("type") != "null"]
    for part in given:
        schema.update({name: value for name, value in part.items() if name not in schema})


def optional(description: str = "", **rules: Any) -> Any:
    """Return a field that may be left out, and is not null when it is given."""
    return Field(default=None, description=description or None, json_schema_extra=_may_be_left_out, **rules)


def _closed(schema: dict[str, Any]) -> None:
    """Change the schema of a row: only names of columns are accepted."""
    schema["additionalProperties"] = False


Row = Annotated[dict[Name, Scalar], Field(max_length=100, json_schema_extra=_closed)]


class RequestBody(BaseModel):
    """A body: unknown fields are refused, nothing is converted, numbers are finite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Facts(RequestBody):
    """Facts about a customer that override those of the bank's snapshot.

    Rows have the columns of the bank's tables (`customers`, `holdings`, `contacts`), ids as text and dates as
    YYYY-MM-DD.
    """

    attributes: Row = Field(default={}, description="Columns of `customers`.")
    holdings: list[Row] = optional(
        "All products held; without it, those of the snapshot.", max_length=MAX_ROWS
    )
    reasons: bool = Field(
        default=False,
        description="Whether the first three offers come with their reasons, which takes longer.",
    )


class OffersRequest(RequestBody):
    """Request for the offers of one customer in a channel."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"required": [name]} for name in ("customer_id", "facts", "segment")]}
    )

    customer_id: Id = optional("Without it, `facts` or `segment` is needed.")
    channel: Channel
    limit: Limit = 3
    facts: Facts = optional("Facts that override the snapshot, or stand in for it.")
    segment: str = optional(
        "For an unknown customer: segment whose popular products are offered; empty for all.",
        max_length=64,
    )

    @model_validator(mode="after")
    def _somebody(self) -> OffersRequest:
        if not self.model_fields_set & {"customer_id", "facts", "segment"}:
            raise ValueError("customer_id, facts or segment")
        return self


class BatchRequest(RequestBody):
    """Request for the offers of several customers."""

    customer_ids: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=MAX_CUSTOMERS)
    channel: Channel
    limit: Limit = 3


class OutcomeRequest(RequestBody):
    """Outcome of a contact with a customer."""

    customer_id: Id
    channel: Channel
    outcome: Outcome
    contacted_at: Moment = optional("Local time of the bank, as 2026-01-31T15:00:00; default: now.")
    product_id: Id = optional()
    next_date: date = optional()
    campaign_id: Id = optional()
    decision_id: Id = optional()
    note: Annotated[str, Field(max_length=500)] = ""


class FeedbackRequest(RequestBody):
    """An offer, or one of its reasons, that was not useful, and why."""

    customer_id: Id
    product_id: Id
    reason_id: str = optional(
        "Reason code as the offer named it; without it the offer itself is meant.",
        min_length=1,
        max_length=64,
        pattern=r"^[a-z][a-z0-9-]*$",
    )
    cause: Literal[
        "wrong", "irrelevant", "known", "delicate", "unsuitable", "price", "elsewhere", "no_means", "other"
    ] = Field(
        description="Not true; nothing to do with the product; known already; not to be said to the "
        "customer; the product does not suit; price or yield; has it at another bank; no free means; "
        "another cause."
    )


class Offer(BaseModel):
    """One offer of a list."""

    rank: int
    product_id: str
    product: str
    propensity: float | None = Field(description="Chance that the customer acquires it within the horizon.")
    value: float | None = Field(description="What an acquisition is worth, in currency.")
    chance_without_contact: float | None = Field(
        description="The chance if nobody approaches the customer about it."
    )
    chance_with_contact: float | None = Field(description="The chance if somebody does, in this channel.")
    expected_gain: float | None = Field(
        description="What the contact is expected to add, in currency: difference of both chances x value."
    )
    effect_basis: Literal["assumed", "learnt"] | None = Field(
        description="What the effect of a contact rests on: a figure of the settings, or the bank's contacts."
    )
    times_usual: float | None = Field(
        description="`propensity` as a multiple of the chance of all customers; null where it is that chance."
    )
    acquisitions: int | None = Field(description="Acquisitions of the product that the chance rests on.")
    thin_evidence: bool | None = Field(description="These are few: the chance is a low-confidence estimate.")
    reason_codes: list[str]


class OffersAnswer(BaseModel):
    """Offers of a customer, the best first, with the versions behind them."""

    decision_id: str = Field(description="Name it in the outcome.")
    customer_id: str | None
    channel: str
    offers: list[Offer]
    cause: str | None = Field(
        description="Where there is no offer: code of the rule that stops most products, `SWITCHED_OFF`, or "
        "`BELOW_FLOOR`."
    )
    personalised: bool = Field(description="False for who opted out of profiling, and for popular lists.")
    stale: bool = Field(description="The snapshot is older than it should be.")
    source: str = Field(description="`snapshot`, `facts`, or `cold_start` for a popular list.")
    store_available: bool = Field(
        description="False while the store is away: contacts and switches since then do not count yet."
    )
    model_version: str
    snapshot_id: str
    snapshot_date: date
    policy_version: str
    warnings: list[str] = Field(
        description="Gates that the model does not pass: use its chances with care. Empty: it passes all."
    )


class BatchItem(BaseModel):
    """The answer for one customer of several: 200 with offers, or 404."""

    customer_id: str
    status: int
    answer: OffersAnswer | None


class BatchAnswer(BaseModel):
    """One answer for each customer, in the order of the request; a repeated customer is answered once."""

    answers: list[BatchItem]


class OutcomeAnswer(BaseModel):
    """The record of an outcome."""

    contact_id: str
    sequence: int
    again: bool = Field(description="The same was recorded before; nothing changed.")
    ignored: list[str] = Field(
        default=[], description="Wrong fields of a refusal, which is recorded without them."
    )


class FeedbackAnswer(BaseModel):
    """The record of feedback; the newest one of a person about the same thing counts."""

    recorded_date: date


class PersonAnswer(BaseModel):
    """Name, salutation, phone and preferred hours of the customer."""

    name: str
    salutation: str
    phone: str
    preferred_hours: str


class SheetAnswer(BaseModel):
    """The sheet of a customer: facts, offers with reasons, and products not offered with the reason."""

    customer_id: str
    person: PersonAnswer | None = Field(description="Entry of the directory, if there is one.")
    sheet: dict[str, JsonValue]
    decision_id: str | None = Field(description="In the decision log, from which the sheet is decided again.")
    model_version: str
    snapshot_id: str
    policy_version: str
    stale: bool
    warnings: list[str] = Field(
        description="Gates that the model does not pass: use its chances with care. Empty: it passes all."
    )


class DecisionAnswer(BaseModel):
    """A decision as it was answered."""

    decision_id: str
    customer_id: str
    made_at: datetime
    record: dict[str, JsonValue]


class TextAnswer(BaseModel):
    """A text in English and Chinese."""

    en: str
    zh: str


class NumberAnswer(BaseModel):
    """The number of a figure in a month."""

    month_date: date = Field(description="Last day of the month, or of the window or period that ends in it.")
    rows: int = Field(description="Rows behind the number.")
    customers: int = Field(description="Different customers that the list of the figure has.")
    number: float | None = Field(
        description="Count, mean, share (0 to 1) or expected count, as `shows` says."
    )
    number_low: float | None = Field(description="Lower limit of what chance alone explains, at 95 %.")
    number_high: float | None
    total_amount: float | None = Field(description="Sum of the amounts, in currency.")
    low_amount: float | None
    high_amount: float | None


class FigureAnswer(BaseModel):
    """A figure with its definition and its numbers, newest first."""

    figure: str
    group: str
    shows: Literal["customers", "amount", "mean", "rate", "expected"]
    each: Literal["month_end", "month", "window", "period", "ahead"]
    name: TextAnswer
    definition: TextAnswer
    missing: str | None = Field(
        description="Code of what the bank does not bring; there are no numbers then."
    )
    numbers: list[NumberAnswer]


class FiguresAnswer(BaseModel):
    """All figures of a branch, or of a book."""

    branch_id: str | None
    manager_id: str | None
    as_of: date
    model_version: str
    snapshot_id: str
    figures: list[FigureAnswer]


class FigureCustomersAnswer(BaseModel):
    """The customers behind a figure; the columns are those of `vipreco kpi FIGURE --customers`."""

    figure: str
    branch_id: str | None
    manager_id: str | None
    as_of: date
    model_version: str
    snapshot_id: str
    customers: list[dict[str, JsonValue]]
