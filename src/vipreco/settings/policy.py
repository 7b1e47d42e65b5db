"""Rules in force: section `[policy]` of a recipe and of `vipreco.toml`."""

from __future__ import annotations

from pydantic import Field

from vipreco.settings.section import Section

ParameterValue = float | str | tuple[str, ...]


class PolicySettings(Section):
    """Rule packs and files, their parameters, and the names of the risk classes.

    Args:
        packs: Rule packs that come with vipreco: house, lending, china, eu, us; applied in this order.
        files: The bank's own rule files, from the project's root; applied after the packs.
        parameters: Other values for parameters that a pack or file declares.
        customer_risk_levels: Risk classes of customers, lowest risk tolerance first.
        product_risk_levels: Risk classes of products, lowest risk first.
    """

    packs: tuple[str, ...] = ("house",)
    files: tuple[str, ...] = ()
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    customer_risk_levels: tuple[str, ...] = ("C1", "C2", "C3", "C4", "C5")
    product_risk_levels: tuple[str, ...] = ("R1", "R2", "R3", "R4", "R5")
