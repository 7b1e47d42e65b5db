"""Every number of the simulated bank that is not a product's own, in frozen dataclasses.

`MECHANISMS.md` beside this module says what each one does and where its figure comes from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

TIERS = ("BASIC", "SILVER", "GOLD", "PLATINUM", "DIAMOND", "PRIVATE")
"""Tiers from the lowest to the highest; a position in this tuple is a tier's code."""

VIP_TIERS = ("GOLD", "PLATINUM", "DIAMOND", "PRIVATE")
"""Tiers that have a relationship manager."""

FIRST_VIP_TIER = TIERS.index(VIP_TIERS[0])

CHANNELS = ("call", "sms", "app")
"""Ways to approach a customer; a position in this tuple is a channel's code."""


@dataclass(frozen=True)
class TierLadder:
    """Thresholds of monthly-average assets, valid from a date on.

    Args:
        valid_from: First snapshot date that these thresholds hold for.
        thresholds: Lower bound in yuan of each tier above the lowest; infinity closes a tier.
    """

    valid_from: date
    thresholds: tuple[float, float, float, float, float]


@dataclass(frozen=True)
class AssetParameters:
    """Level and monthly movement of a customer's assets (yuan; logarithms are natural)."""

    body_median: float = 8_000.0
    body_sigma: float = 1.5
    tail_share: float = 0.036
    tail_minimum: float = 150_000.0
    tail_exponent: float = 1.1
    maximum: float = 300_000_000.0
    age_correlation: float = 0.30
    reversion: float = 0.08
    volatility: float = 0.10
    drift: float = 0.0015
    average_noise: float = 0.02
    ladders: tuple[TierLadder, ...] = (
        TierLadder(date(2000, 1, 1), (50e3, 200e3, 1e6, float("inf"), 8e6)),
        TierLadder(date(2025, 7, 1), (50e3, 200e3, 1e6, 6e6, 8e6)),
    )


@dataclass(frozen=True)
class BranchParameters:
    """Branches and relationship managers."""

    customers_a_branch: int = 4_000
    size_exponent: float = 0.5
    vip_customers_a_manager: int = 150
    manager_skill_sigma: float = 0.25


@dataclass(frozen=True)
class AcquisitionParameters:
    """Hazard of acquiring a product in a month, on the scale of its logarithm."""

    products_a_customer_month: float = 0.038
    need_scale: float = 1.5
    engagement_persistence: float = 0.75
    engagement_sigma: float = 0.85
    reacquisition_factor: float = 2.8
    reacquisition_months: float = 10.0
    held_before_months: int = 18
    expired_assessment: float = -1.0
    elderly_high_risk: float = -1.5
    maximum_probability: float = 0.9


@dataclass(frozen=True)
class DropParameters:
    """Closing of products that have no term."""

    need_slope: float = -0.25
    engagement_slope: float = -0.15


@dataclass(frozen=True)
class ContactParameters:
    """Logging policy of past contacts, and what a contact does (channels in the order of `CHANNELS`)."""

    vip_probability: float = 0.22
    other_probability: float = 0.025
    random_share: float = 0.30
    control_share: float = 0.10
    vip_channels: tuple[float, float, float] = (0.60, 0.15, 0.25)
    other_channels: tuple[float, float, float] = (0.02, 0.48, 0.50)
    effect_mean: tuple[float, float, float] = (2.1, 0.6, 1.0)
    effect_sigma: tuple[float, float, float] = (0.6, 0.3, 0.4)
    put_off_share: float = 0.15
    put_off_effect: float = -2.6
    fatigue: float = 0.45
    fatigue_persistence: float = 0.6
    value_weight: float = 0.4
    popularity_weight: float = 0.6
    interest_probability: float = 0.18
    refusal_probability: float = 0.10
    no_answer_probability: tuple[float, float, float] = (0.35, 0.0, 0.0)
    outcome_unknown_probability: float = 0.04
    contact_days: float = 1.0


@dataclass(frozen=True)
class RecordFlagParameters:
    """Records that the rules of the policy ask for."""

    qualified_assets: float = 3_000_000.0
    qualified_income: float = 500_000.0
    free_share: float = 0.9
    limited_capacity: float = 0.001
    frail_age: float = 85.0
    procedure_share: float = 0.5
    blocked: float = 0.003
    missing: float = 0.005


@dataclass(frozen=True)
class AttritionParameters:
    """Hazard of attrition in a month, on the scale of its logarithm."""

    monthly_rate: float = 0.004
    neglect: float = 0.7
    neglect_months: int = 6
    complaint: float = 1.6
    maturity: float = 0.9
    competitor: float = 1.4
    holding: float = -0.18
    engagement: float = -0.35
    contact: float = -0.9
    contact_put_off: float = 0.5


@dataclass(frozen=True)
class EventParameters:
    """Monthly probabilities of life events, and how long their effect lasts."""

    salary_rise: float = 0.012
    house: float = 0.003
    child: float = 0.003
    retirement: float = 0.012
    inheritance: float = 0.0008
    competitor: float = 0.012
    complaint: float = 0.006
    persistence: float = 0.6


@dataclass(frozen=True)
class RecordParameters:
    """Gaps and delays in the bank's records."""

    income_missing: float = 0.35
    birth_date_missing: float = 0.004
    never_assessed: float = 0.25
    assessment_renewed: float = 0.06
    consent_missing: float = 0.01
    consent_given: tuple[float, float, float] = (0.82, 0.88, 0.75)
    profiling_opt_out: float = 0.03
    activity_missing: float = 0.02
    holding_late: float = 0.04
    late_days: int = 50
    contact_late: float = 0.05


@dataclass(frozen=True)
class DriftParameters:
    """Changes of the bank's world; the reference bank has none but seasons and the ladder of tiers.

    Args:
        rate_sigma: Standard deviation of a month's change of a product's log-hazard, of all customers alike.
        need_sigma: Of each weight of a need: a product is wanted by other customers than before.
        launches: Product and first month (`2025-05`) in which it is sold; nobody holds it before.
    """

    rate_sigma: float = 0.0
    need_sigma: float = 0.0
    launches: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Parameters:
    """The whole simulated bank. The defaults are the reference bank of the demo and the tests."""

    last_month: str = "2025-12"
    truth_months: int = 3
    joining_share: float = 0.06
    rows_a_block: int = 32_768
    calibration_rows: int = 65_536
    assets: AssetParameters = field(default_factory=AssetParameters)
    branches: BranchParameters = field(default_factory=BranchParameters)
    acquisitions: AcquisitionParameters = field(default_factory=AcquisitionParameters)
    drops: DropParameters = field(default_factory=DropParameters)
    contacts: ContactParameters = field(default_factory=ContactParameters)
    attrition: AttritionParameters = field(default_factory=AttritionParameters)
    events: EventParameters = field(default_factory=EventParameters)
    records: RecordParameters = field(default_factory=RecordParameters)
    record_flags: RecordFlagParameters = field(default_factory=RecordFlagParameters)
    drift: DriftParameters = field(default_factory=DriftParameters)
