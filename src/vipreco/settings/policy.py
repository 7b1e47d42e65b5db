"""Which rules are in force: the part of a recipe, and of `vipreco.toml`, that is about policy."""

from __future__ import annotations

from pydantic import Field

from vipreco.settings.section import Section

ParameterValue = float | str | tuple[str, ...]


class PolicySettings(Section):
    """Which rules say what may be offered, and how risk classes are written.

    Args:
        packs: Rule packs that come with vipreco: house, china, eu, us. Their rules are asked in this order.
        files: The bank's own rule files, from the project's root; they are asked after the packs.
        parameters: Other values for parameters that a pack or file declares.
        customer_risk_levels: Risk classes of customers, the most careful first.
        product_risk_levels: Risk classes of products, the safest first.
    """

    packs: tuple[str, ...] = ("house",)
    files: tuple[str, ...] = ()
    parameters: dict[str, ParameterValue] = Field(default_factory=dict)
    customer_risk_levels: tuple[str, ...] = ("C1", "C2", "C3", "C4", "C5")
    product_risk_levels: tuple[str, ...] = ("R1", "R2", "R3", "R4", "R5")
