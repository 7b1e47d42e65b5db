"""Section `[kpi]` of `vipreco.toml`: what the figures of a branch cannot know from the tables."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from vipreco.settings.section import Section


class KpiSettings(Section):
    """Inputs of the figures of a branch.

    Args:
        flow_months: Months of one window of the asset flow; as far ahead as the column of maturing amounts
            (`maturing_column` of `[call_list]`) looks.
        asset_families: Families of products that a customer buys for money; openings of others are not flow.
    """

    flow_months: Annotated[int, Field(ge=1, le=12)] = 2
    asset_families: tuple[str, ...] = (
        "deposit",
        "wealth",
        "fund",
        "insurance",
        "pension",
        "precious metal",
        "private placement",
    )
