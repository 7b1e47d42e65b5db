from .arbitration import (
    ArbitrationSettings as ArbitrationSettings,
    ContactEffectSettings as ContactEffectSettings,
    ContextRule as ContextRule,
    LeverSettings as LeverSettings,
    ValueSettings as ValueSettings,
)
from .assistant import AssistantSettings as AssistantSettings
from .campaign import CampaignSettings as CampaignSettings
from .engine import EngineSettings as EngineSettings
from .governance import GovernanceSettings as GovernanceSettings
from .kpi import KpiSettings as KpiSettings
from .lists import (
    Absence as Absence,
    CallKind as CallKind,
    CallListSettings as CallListSettings,
    CallMinutes as CallMinutes,
    WorkingDays as WorkingDays,
)
from .policy import ParameterValue as ParameterValue, PolicySettings as PolicySettings
from .project import (
    ImportSettings as ImportSettings,
    ProjectSettings as ProjectSettings,
    Settings as Settings,
)
from .section import Section as Section
from .service import OidcSettings as OidcSettings, ServingSettings as ServingSettings
from .signatures import SignatureSettings as SignatureSettings
from .split import SplitSettings as SplitSettings
from .tiers import UNKNOWN as UNKNOWN, TierLadder as TierLadder
