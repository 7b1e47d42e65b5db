"""Requests and answers about campaigns: file, plan, run, recheck, report, comparison."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from serving.api.models import Id, RequestBody
from serving.api.operations_models import JobAnswer, WorkAnswer
from serving.workspace.campaign_work import MAX_FILE_BYTES, CampaignState

JobName = Literal["plan", "run", "recheck", "report"]
Number = float | None


class CampaignFileRequest(RequestBody):
    """A campaign file."""

    file: Annotated[str, Field(min_length=1, max_length=MAX_FILE_BYTES)] = Field(
        description="Text of the file, in TOML, as `vipreco campaign example` writes one."
    )


class CampaignKeyAnswer(BaseModel):
    """The key of a campaign whose file was written."""

    campaign_id: str


class ArmsAnswer(BaseModel):
    """Customers in each arm of a campaign."""

    offered: int = Field(description="Get an offer.")
    explored: int = Field(description="Get a random offer, made to learn.")
    control: int = Field(description="Get none, so that the effect can be counted.")
    unallocated: int = Field(description="Get none: the limits left no room, or no offer was worth its cost.")


class CampaignBrief(BaseModel):
    """A campaign; its numbers are those of the run, before it those of the plan, else null."""

    campaign_id: str
    state: CampaignState
    finished: bool
    name: str | None = None
    start_date: date | None = None
    end_date: date | None = None
    customers: int | None = None
    arms: ArmsAnswer | None = None
    value_amount: Number = None
    gap_rate: Number = None


class CampaignsAnswer(BaseModel):
    """All campaigns: files that wait, then runs, by key."""

    campaigns: list[CampaignBrief]


class CampaignJobsAnswer(BaseModel):
    """State of each job of a campaign; null where it never ran, or was cut off."""

    plan: JobAnswer | None
    run: JobAnswer | None
    recheck: JobAnswer | None
    report: JobAnswer | None


class CampaignAnswer(BaseModel):
    """A campaign: its file, its run and the state of its jobs."""

    campaign_id: str
    state: CampaignState
    finished: bool
    outdated: bool = Field(description="The file was changed after its plan, which does not hold any more.")
    file: str | None = Field(description="Text of its file; null where a command ran it with another.")
    may_start: list[JobName] = Field(description="Jobs that may be started now.")
    jobs: CampaignJobsAnswer
    lists: list[str] = Field(description="Names of the lists of the run, to be downloaded.")
    manifest: dict[str, JsonValue] | None = Field(
        description="Of the run: audience, limits with their prices, arms, value, files; null until it is "
        "finished."
    )


class AudienceStepAnswer(BaseModel):
    """A condition of the audience, and the customers whom it leaves."""

    rule: str
    before: int
    fell: int
    left: int


class LimitAnswer(BaseModel):
    """A limit of a campaign, and what one more of it is worth."""

    limit: str = Field(description="`channel`, `manager`, `stock`, `budget`, `product` or `branch`.")
    group: str = Field(description="Name of the channel, manager, product or branch.")
    used: float
    min: Number = None
    max: Number = None
    price: float = Field(description="Shadow price: what one more unit of the limit would add, in currency.")
    meaning: str


class WhatIfAnswer(BaseModel):
    """Value gained or lost with a tenth more or fewer of a limit."""

    limit: str
    fewer: float
    now: float
    more: float
    value_of_fewer: Number
    value_of_more: Number


class PowerAnswer(BaseModel):
    """Chance to show the stated effect."""

    effect_rate: float = Field(description="Effect that shall be shown, as the file states it.")
    base_rate: float = Field(description="Acquisition rate without an offer.")
    treated: int
    control: int
    power_rate: float = Field(description="Chance to show the effect, 0 to 1; 0.8 is usual.")
    needed: int | None = Field(description="Such customers that are needed for a chance of 0.8.")


class PlanAnswer(BaseModel):
    """The plan of a campaign, by which nothing is decided; further fields say what it rests on."""

    model_config = ConfigDict(extra="allow")

    campaign_id: str
    campaign: dict[str, JsonValue] = Field(description="The settings of the file, with their defaults.")
    as_of_date: date
    snapshot_id: str
    policy_version: str
    customers: int = Field(description="Eligible customers.")
    arms: ArmsAnswer
    value_amount: float = Field(description="Expected value of the plan, in currency.")
    bound_amount: float = Field(description="No plan within the limits can be worth more.")
    gap_rate: float = Field(description="Proven distance to the best: at most this share is missing.")
    shortfall: dict[str, float] = Field(description="What minimums lack, by limit.")
    waterfall: list[AudienceStepAnswer]
    limits: list[LimitAnswer]
    what_if: list[WhatIfAnswer]
    power: PowerAnswer | None


class PlanWorkAnswer(WorkAnswer):
    """The last plan; null while it is made, or where that failed."""

    plan: PlanAnswer | None


class RunWorkAnswer(WorkAnswer):
    """The last run; what it came to stands in the manifest of the campaign."""

    text: str = Field(description="What the command wrote: arms, value, limits, and the number of lists.")


class RemovedOfferAnswer(BaseModel):
    """An offer that must not be made any more."""

    customer_id: str
    manager_id: str | None
    channel: str
    product_id: str
    reason_code: str
    reason: str


class RecheckWorkAnswer(WorkAnswer):
    """The last recheck; null while it runs, or where it failed; an empty list where all offers still hold."""

    removed: list[RemovedOfferAnswer] | None


class EstimateAnswer(BaseModel):
    """A number with its 95 % interval."""

    value: Number = Field(description="Null where the data do not support one.")
    low: Number
    high: Number
    lacks: str | None = Field(description="What the data lack for it: `acquisitions`, `spread`, ...")


class EffectAnswer(BaseModel):
    """Acquisitions of customers with an offer beside those of the control group."""

    treated: int
    control: int
    treated_acquired: int
    control_acquired: int
    lift: EstimateAnswer = Field(description="Difference of both acquisition rates.")
    adjusted: EstimateAnswer = Field(description="The same, adjusted by what was known before.")
    relative: EstimateAnswer
    extra: EstimateAnswer = Field(description="Acquisitions that the offers added.")
    value: EstimateAnswer
    extra_value: EstimateAnswer
    p: Number


class MoneyAnswer(BaseModel):
    """Value gained and cost, in currency."""

    cost_amount: Number
    value_amount: EstimateAnswer
    value_a_unit: EstimateAnswer


class CheckAnswer(BaseModel):
    """A check of whether the comparison is fair."""

    model_config = ConfigDict(extra="allow")

    check: str
    fine: bool


class ReportAnswer(BaseModel):
    """Effect of a campaign against its control group, without any customer, and further fields about it."""

    model_config = ConfigDict(extra="allow")

    campaign_id: str
    name: str
    start_date: date
    end_date: date
    until_date: date = Field(description="Last day of which outcomes are counted.")
    complete: bool = Field(description="False while the last days are not known: the numbers will change.")
    primary: EffectAnswer = Field(description="The comparison that was stated before the start.")
    campaign_products: EffectAnswer
    any_product: EffectAnswer
    money: MoneyAnswer
    checks: list[CheckAnswer]


class ReportWorkAnswer(WorkAnswer):
    """The last report; null while it is made, or where that failed."""

    report: ReportAnswer | None


class CompareRequest(RequestBody):
    """Keys of two campaigns that were planned."""

    one: Id
    other: Id


class PlanFigureAnswer(BaseModel):
    """A figure of two plans; null where a plan does not have it."""

    figure: str = Field(
        description="`customers`, an arm, `value_amount`, `gap_rate`, `power_rate` or `customers_needed`."
    )
    one: Number
    other: Number
    difference: Number = Field(description="Other less one.")


class PlanSettingAnswer(BaseModel):
    """A setting in which the files of two plans differ; null where one does not set it."""

    setting: str = Field(description="Its dotted path in the file, such as `channels.call.capacity`.")
    one: str | None
    other: str | None


class ComparedPlansAnswer(BaseModel):
    """Two plans side by side."""

    one: str
    other: str
    figures: list[PlanFigureAnswer]
    settings: list[PlanSettingAnswer]
