"""What `vipreco.toml` may say about campaigns, under `[campaign]`."""

from __future__ import annotations

from vipreco.settings.section import Section


class CampaignSettings(Section):
    """Where campaigns are kept, and what decides who is in the control group of every one of them.

    Args:
        folder: Folder of the runs, from the project's root.
        control_salt: Whoever knows it can tell who is in the control group; another one draws another group,
            and what was learnt from the old one ends. Without it the project's seed takes its place.
    """

    folder: str = "data/campaigns"
    control_salt: str = ""
