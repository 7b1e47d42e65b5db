"""Answers about models, prices of rules, replays, the store and a branch."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

Number = float | None


class StartedAnswer(BaseModel):
    """Work that was started beside the service."""

    location: str = Field(description="Address that tells its state and what it gave.")


class JobAnswer(BaseModel):
    """State of a command that runs beside the service."""

    state: Literal["running", "succeeded", "failed"]
    step: str = Field(description="What the command is at while it runs; empty before and after.")
    started_at: datetime | None
    finished_at: datetime | None = Field(description="In UTC: the moment as of which the content holds.")
    seconds: Number
    exit_code: int | None
    said: str = Field(description="End of what the command told about its work, or why it failed.")


class WorkAnswer(BaseModel):
    """Work that ran as a command, or runs."""

    job: JobAnswer


class VersionAnswer(BaseModel):
    """A registered version of the model."""

    version: str
    aliases: list[str]
    as_of_date: date | None
    recipe: str
    trained_by: str
    snapshot_id: str
    artifact_hash: str


class ModelsAnswer(WorkAnswer):
    """The registered versions, newest first; null while they are read, or where that failed."""

    versions: list[VersionAnswer] | None


class GateAnswer(BaseModel):
    """A gate that does not hold."""

    metric: str
    bound: str
    numbers: list[Number]
    sentence: str


class ApprovalAnswer(BaseModel):
    """A decision about a version, as the audit has it."""

    at: str
    actor: str
    action: str
    result: str
    verdict_hash: str
    artifact_hash: str


class BesideAnswer(BaseModel):
    """A number of a version beside simple rules; null where a rule has none."""

    metric: str
    ours: Number
    popularity: Number = None
    held_before: Number = None
    distance_to_line: Number = None


class BinAnswer(BaseModel):
    """Expected and observed rate of a tenth of the chances."""

    bin: int
    rows: Number
    expected_rate: Number
    observed_rate: Number
    low: Number
    high: Number


class DescribedAnswer(VersionAnswer):
    """Everything about a version."""

    run_id: str
    retired: str | None
    passes: bool
    verdict: list[str]
    broken: list[GateAnswer]
    cases: Number
    approved: list[ApprovalAnswer]
    numbers: list[BesideAnswer]
    calibration: list[BinAnswer]
    mlflow: str = Field(description="Address in MLflow; empty where the tracking is no server.")


class ModelVersionAnswer(WorkAnswer):
    """A version; null while it is read, or where that failed."""

    model: DescribedAnswer | None


class ModelComparisonAnswer(BaseModel):
    """Two versions."""

    one: ModelVersionAnswer | None
    other: ModelVersionAnswer | None


class FindingAnswer(BaseModel):
    """A finding of the monitoring."""

    severity: str
    code: str
    subject: str
    what: str
    effect: Number
    tolerance: Number
    psi: Number
    assumption: str
    owner: str
    page: str


class FindingsAnswer(WorkAnswer):
    """Findings about the newest snapshot; null while they are made, or where that failed."""

    findings: list[FindingAnswer] | None


class DecidedAnswer(WorkAnswer):
    """The last promotion or roll-back."""

    command: list[str]
    text: str = Field(description="What the command wrote.")


class RulePriceAnswer(BaseModel):
    """Customers and value that a rule stops: as first rule, as only rule, and in all."""

    rule: str
    stage: str
    reason_code: str
    law: bool
    first_customers: int
    first_pairs: int
    first_value: float
    alone_customers: int
    alone_pairs: int
    alone_value: float
    all_customers: int
    all_pairs: int
    all_value: float
    relaxing_opens_value: Number = Field(description="Null for a rule of the law.")


class RulePricesAnswer(WorkAnswer):
    """Customers and value that each rule stops in calls; null while it is measured, or where that failed."""

    rules: list[RulePriceAnswer] | None


class PolicyVersionsAnswer(BaseModel):
    """Versions of the rules on this machine."""

    in_force: str
    versions: list[str]


class FieldChangeAnswer(BaseModel):
    """A field of a rule that differs; empty where it has none."""

    name: str
    before: str
    after: str


class RuleChangeAnswer(BaseModel):
    """A rule that differs."""

    rule: str
    change: Literal["added", "removed", "changed"]
    law: bool
    fields: list[FieldChangeAnswer]


class RuleChangesAnswer(BaseModel):
    """The difference of two versions of the rules."""

    before: str
    after: str
    changes: list[RuleChangeAnswer]


class ReplayedAnswer(BaseModel):
    """A decision that was decided again."""

    identical: bool
    differences: list[str]
    notes: list[str]
    receipt: dict[str, JsonValue] = Field(
        description="The decision with every product and the rule that stopped it; empty for lists."
    )


class ReplayAnswer(WorkAnswer):
    """The replay of a decision; null while it runs, or where it failed."""

    replay: ReplayedAnswer | None


class BackupRecordAnswer(BaseModel):
    """The last backup by the audit."""

    at: str
    actor: str


class ReleaseAnswer(BaseModel):
    """A release on this machine: the work of a night."""

    name: str
    made: datetime
    in_force: bool
    as_of: date
    snapshot_id: str
    model_version: str
    policy_version: str


class RefusedReleaseAnswer(BaseModel):
    """The model whose release was refused last, and why."""

    model: str
    what: str


class StoreAnswer(BaseModel):
    """State of the store and of the night's work."""

    name: str
    version: str
    size_bytes: int | None = Field(description="Null where the store is no file.")
    rows: dict[str, int]
    pending: int = Field(description="Records that could not be brought into the tables.")
    backup: BackupRecordAnswer | None
    backup_job: JobAnswer | None = Field(description="The last backup that a page or a program started.")
    releases: list[ReleaseAnswer] = Field(description="Newest first.")
    refused: RefusedReleaseAnswer | None
    night_job: JobAnswer | None = Field(
        description="The last work of a night that a page or a program started."
    )


class WrittenAnswer(WorkAnswer):
    """Work for the store, with what the command wrote."""

    text: str


class ManagerHourAnswer(BaseModel):
    """Worth of one more hour of a manager: it would add this to the value of a campaign."""

    manager_id: str
    used_minutes: float
    max_minutes: float
    hour_amount: float


class ManagerHoursAnswer(BaseModel):
    """Managers of the branch whose hours the campaign that begins last needs most."""

    campaign: str
    planned: bool = Field(description="It was planned, and not run yet.")
    managers: list[ManagerHourAnswer]


class RefusedOfferAnswer(BaseModel):
    """A cause for which offers of a product were refused."""

    product_id: str
    cause: str
    customers: int


class RefusedOffersAnswer(BaseModel):
    """Offers to customers of the branch that were refused in the last year, the most customers first."""

    offers: list[RefusedOfferAnswer]
