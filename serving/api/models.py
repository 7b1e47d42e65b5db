"""What callers send and are sent: strict types, closed lists of fields, bounded lengths."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

MOST_OFFERS, MOST_CUSTOMERS, MOST_ROWS = 50, 500, 200
Outcome = Literal["accepted", "declined", "postponed", "unreachable", "do_not_contact", "unknown"]
# Control characters name nobody, and no table of ours holds them.
Id = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")]
Channel = Annotated[str, Field(min_length=1, max_length=32, pattern=r"^[a-z0-9_-]+$")]
Limit = Annotated[int, Field(ge=1, le=MOST_OFFERS)]
Name = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]
Scalar = str | bool | int | float | None


class Asked(BaseModel):
    """A body: unknown fields are refused, nothing is converted, numbers are finite."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Facts(Asked):
    """What the caller knows of the customer, over what the bank's snapshot says.

    Rows have the columns of the bank's tables (`customers`, `holdings`, `contacts`), ids as text and dates as
    YYYY-MM-DD.
    """

    attributes: dict[Name, Scalar] = Field(default={}, max_length=100, description="Columns of `customers`.")
    holdings: list[dict[Name, Scalar]] | None = Field(
        default=None, max_length=MOST_ROWS, description="All products held; without it those of the snapshot."
    )


class OffersRequest(Asked):
    """Whose offers, in which channel, how many."""

    customer_id: Id | None = Field(default=None, description="Without it, `facts` or `segment` is needed.")
    channel: Channel
    limit: Limit = 3
    facts: Facts | None = Field(
        default=None, description="What is known beside, or instead of, the snapshot."
    )
    segment: Annotated[str, Field(max_length=64)] | None = Field(
        default=None,
        description="For a customer whom nobody knows: what is popular in it; empty for everybody.",
    )

    @model_validator(mode="after")
    def _somebody(self) -> OffersRequest:
        if self.customer_id is None and self.facts is None and self.segment is None:
            raise ValueError("customer_id, facts or segment")
        return self


class BatchRequest(Asked):
    """Whose offers, for several customers."""

    customer_ids: list[Annotated[str, Field(max_length=64)]] = Field(min_length=1, max_length=MOST_CUSTOMERS)
    channel: Channel
    limit: Limit = 3


class OutcomeRequest(Asked):
    """What came of an approach to a customer."""

    customer_id: Id
    channel: Channel
    outcome: Outcome
    contacted_at: datetime | None = Field(
        default=None, description="Local time of the bank, without a zone; now, where none is given."
    )
    product_id: Id | None = None
    next_date: date | None = None
    campaign_id: Id | None = None
    decision_id: Id | None = None
    note: Annotated[str, Field(max_length=500)] = ""

    @model_validator(mode="after")
    def _local(self) -> OutcomeRequest:
        if self.contacted_at is not None and self.contacted_at.tzinfo is not None:
            raise ValueError("local time")
        return self


class Offer(BaseModel):
    """One offer of a list."""

    rank: int
    product_id: str
    product: str
    propensity: float | None = Field(description="Chance that the customer acquires it within the horizon.")
    value: float | None = Field(description="What an acquisition is worth, in currency.")
    reason_codes: list[str]


class OffersAnswer(BaseModel):
    """Offers of a customer, the best first, and what they stand on."""

    decision_id: str = Field(description="Name it in the outcome.")
    customer_id: str | None
    channel: str
    offers: list[Offer]
    personalised: bool = Field(description="False for who opted out of profiling, and for popular lists.")
    stale: bool = Field(description="The snapshot is older than it should be.")
    source: str = Field(description="`snapshot`, `facts`, or `cold_start` for a popular list.")
    model_version: str
    snapshot_id: str
    snapshot_date: date
    policy_version: str


class BatchItem(BaseModel):
    """The answer for one customer of several: 200 with offers, or 404."""

    customer_id: str
    status: int
    answer: OffersAnswer | None


class BatchAnswer(BaseModel):
    """One answer for each customer, in the order of the request; who is named twice is answered once."""

    answers: list[BatchItem]


class OutcomeAnswer(BaseModel):
    """The record of an outcome."""

    contact_id: str
    sequence: int
    again: bool = Field(description="The same was recorded before; nothing changed.")


class SheetAnswer(BaseModel):
    """The sheet of a customer: sections of facts, offers with reasons, and what is not offered and why."""

    customer_id: str
    sheet: dict[str, JsonValue]
    model_version: str
    snapshot_id: str
    policy_version: str
    stale: bool


class DecisionAnswer(BaseModel):
    """A decision as it was answered."""

    decision_id: str
    customer_id: str
    made_at: datetime
    record: dict[str, JsonValue]
