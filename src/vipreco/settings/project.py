"""All of `vipreco.toml`: the project itself, the import, and the sections of the other modules."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vipreco.settings.arbitration import ArbitrationSettings, ContactEffectSettings
from vipreco.settings.assistant import AssistantSettings
from vipreco.settings.campaign import CampaignSettings
from vipreco.settings.engine import EngineSettings
from vipreco.settings.governance import GovernanceSettings
from vipreco.settings.kpi import KpiSettings
from vipreco.settings.lists import CallListSettings
from vipreco.settings.policy import PolicySettings
from vipreco.settings.section import Section
from vipreco.settings.service import ServingSettings
from vipreco.settings.signatures import SignatureSettings
from vipreco.settings.split import SplitSettings
from vipreco.settings.tiers import TierLadder

Rate = Annotated[float, Field(ge=0.0, le=1.0)]


class ProjectSettings(Section):
    """Section `[project]`: places, threads and the one seed."""

    name: str
    seed: int = 20260101
    threads: Annotated[int, Field(ge=1, le=256)] = 2
    tables: str = "data/tables"
    artifacts: str = "data/artifacts"
    tracking: str = "sqlite:///data/tracking.db"
    store: str = "sqlite:///data/store.db"
    model: str = "vipreco"
    currency: Annotated[str, Field(pattern="^([A-Z]{3})?$")] = ""  # without one lists count in "units"


class ImportSettings(Section):
    """Section `[import]`: shares (0 to 1) above which a whole file is rejected instead of single rows."""

    max_quarantined_rate: Rate = 0.02
    max_drop_rate: Rate = 0.30


class Settings(Section):
    """All sections of `vipreco.toml`."""

    project: ProjectSettings
    tiers: TierLadder = TierLadder()
    policy: PolicySettings | None = None
    arbitration: ArbitrationSettings | None = None
    contact_effects: ContactEffectSettings | None = None
    import_: ImportSettings = Field(default=ImportSettings(), alias="import")
    call_list: CallListSettings = CallListSettings()
    kpi: KpiSettings = KpiSettings()
    serving: ServingSettings = ServingSettings()
    assistant: AssistantSettings = AssistantSettings()
    signatures: SignatureSettings = SignatureSettings()
    campaign: CampaignSettings = CampaignSettings()
    engine: EngineSettings = EngineSettings()
    governance: GovernanceSettings = GovernanceSettings()
    split: SplitSettings | None = None
