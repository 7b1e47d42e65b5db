"""What a recipe may say about the order of offers, in `[recommender.arbitration]`.

The same in `[arbitration]` of `vipreco.toml` takes the place of what a model was trained with: weights change
without a new training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, field_validator

from vipreco.settings.section import Section

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(gt=0.0, le=100.0)]
Rule = Annotated[str, Field(min_length=1)]


class ValueSettings(Section):
    """What an acquisition, a customer who stays and a customer who rises are worth; all are estimates.

    The defaults are those that past contacts of a simulated bank show (experiments/005-decisions); a bank
    replaces them by its own: margins from its controlling, effects from campaigns with a control group.

    Args:
        annual_margin_rate: Margin that the bank earns on assets, share of the assets a year.
        years: Years for which assets that are kept or brought in count.
        share_at_risk: Share of the assets of a customer who leaves that goes with them.
        contact_keeps: Share by which a call lowers the attrition probability (0.25: from 8 % to 6 %).
        acquisition_keeps: Share by which one more product lowers the attrition probability.
        contact_lifts: Share by which a call raises the chance to reach the next tier.
        acquisition_lifts: Share by which an acquisition that brings in assets raises that chance.
        asset_families: Families of products whose acquisition brings in assets.
    """

    annual_margin_rate: Rate = 0.01
    years: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    share_at_risk: Rate = 1.0
    contact_keeps: Rate = 0.015
    acquisition_keeps: Rate = 0.015
    contact_lifts: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
    acquisition_lifts: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
    asset_families: tuple[str, ...] = ()


class ContextRule(Section):
    """A situation that makes some offers weigh more, or less, right now.

    Args:
        name: Stable name, shown beside the weight.
        when: Condition in SQL over the customer's situation (its columns: `arbitration.context`); where it
            is not true, or a value in it is unknown, the weight is 1.
        weight: Factor of the priority where the condition is true.
        families: Families of products that it is about.
        actions: Calls without a product that it is about: `keep`, `develop`. Without families and actions it
            is about all products.
    """

    name: Rule
    when: Rule
    weight: Weight
    families: tuple[str, ...] = ()
    actions: tuple[Literal["keep", "develop"], ...] = ()

    @field_validator("when")
    @classmethod
    def _is_a_condition(cls, when: str) -> str:
        import polars as pl  # noqa: PLC0415  a project without such rules reads its settings without it

        try:
            pl.sql_expr(when)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"is no condition in SQL: {error}") from error
        return when


class LeverSettings(Section):
    """Business weights: what the bank wants to push or to hold back, as factors of the priority.

    Args:
        products: By product id.
        families: By family of products.
        tiers: By tier of the customer.
        actions: By action of a call without a product: `keep`, `develop`.
    """

    products: Mapping[str, Weight] = Field(default={})
    families: Mapping[str, Weight] = Field(default={})
    tiers: Mapping[str, Weight] = Field(default={})
    actions: Mapping[Literal["keep", "develop"], Weight] = Field(default={})


class SlateSettings(Section):
    """What a customer's list of offers may look like.

    Args:
        per_family: Most offers of one family; 0 means any number.
        least_priority: Offers below it are not worth a call. In currency where the value is `money`.
    """

    per_family: Annotated[int, Field(ge=0, le=100)] = 0
    least_priority: Annotated[float, Field(ge=0.0)] = 0.0


class ArbitrationSettings(Section):
    """What offers are ordered by, and how many of what kind a customer is shown.

    Args:
        value: `money` counts the margin of an acquisition, the assets kept and the lift of the tier;
            `unit_value` the margin alone; `none` orders by propensity, context and levers.
        values: Figures behind `money`.
        context: Situations, in order; their weights are multiplied.
        levers: Business weights.
        slate: Shape of a customer's list.
    """

    value: Literal["none", "unit_value", "money"] = "money"
    values: ValueSettings = ValueSettings()
    context: tuple[ContextRule, ...] = ()
    levers: LeverSettings = LeverSettings()
    slate: SlateSettings = SlateSettings()
