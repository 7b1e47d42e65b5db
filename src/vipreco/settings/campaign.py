"""Section `[campaign]` of `vipreco.toml`."""

from __future__ import annotations

from vipreco.settings.section import Section


class CampaignSettings(Section):
    """Folder of the campaigns, and the salt of their control group.

    Args:
        folder: Folder of the runs, from the project's root.
        control_salt: Secret that decides who is in the control group of every campaign. Another salt draws
            another group and ends what the old one showed. Default: the project's seed.
    """

    folder: str = "data/campaigns"
    control_salt: str = ""
