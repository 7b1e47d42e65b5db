"""Section `[governance]` of `vipreco.toml`: approval of models."""

from __future__ import annotations

from vipreco.settings.section import Section


class GovernanceSettings(Section):
    """The rule about approvals.

    Args:
        single_person: Whoever trained a model may also put it in force, as a project of one person has to.
            Otherwise somebody else approves it with `vipreco models promote`.
    """

    single_person: bool = False
