"""Settings of arbitration, in `[recommender.arbitration]` of a recipe.

`[arbitration]` of `vipreco.toml` replaces the settings that a model was trained with, so weights change
without a new training.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import AliasChoices, Field, field_validator

from vipreco.settings.section import Section

Rate = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(gt=0.0, le=100.0)]
LogHazard = Annotated[float, Field(ge=-5.0, le=5.0)]
Rule = Annotated[str, Field(min_length=1)]


class ValueSettings(Section):
    """Value of an acquisition, of a kept customer and of a tier upgrade; all are estimates.

    The defaults are those that past contacts of a simulated bank show (experiments/005-decisions); a bank
    replaces them by its own: margins from its controlling, effects from campaigns with a control group.

    Args:
        annual_margin_rate: Margin that the bank earns on assets, share of the assets a year.
        years: Years for which assets that are kept or brought in count.
        share_at_risk: Share of the assets that is lost on attrition.
        contact_keeps: Share by which a call lowers the attrition probability (0.25: from 8 % to 6 %); it
            counts for models that tell attrition as one chance.
        contact_keeps_closure: The same for the chance that a customer closes or empties.
        contact_keeps_outflow: The same for the chance that a customer moves money out.
        contact_keeps_dip: The same for the chance that a customer dips below the line of the tier.
        acquisition_keeps: Share by which one more product lowers that chance.
        contact_lifts: Share by which a call raises the chance of a tier upgrade.
        acquisition_lifts: Share by which an acquisition that brings in assets raises that chance.
        asset_families: Families of products whose acquisition brings in assets.
    """

    annual_margin_rate: Rate = 0.01
    years: Annotated[float, Field(gt=0.0, le=10.0)] = 1.0
    share_at_risk: Rate = 1.0
    contact_keeps: Rate = 0.015
    contact_keeps_closure: Rate = 0.1
    contact_keeps_outflow: Rate = 0.02
    contact_keeps_dip: Rate = 0.01
    acquisition_keeps: Rate = 0.015
    contact_lifts: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
    acquisition_lifts: Annotated[float, Field(ge=0.0, le=10.0)] = 0.02
    asset_families: tuple[str, ...] = ()

    @property
    def call_keeps(self) -> tuple[float, float, float]:
        """Share by which a call lowers the chance of closure, outflow and dip."""
        return self.contact_keeps_closure, self.contact_keeps_outflow, self.contact_keeps_dip


class ContactEffectSettings(Section):
    """Effect of a contact on the log-hazard of acquiring the product that it is about.

    0.7 doubles a small chance. The defaults are assumptions, no measurements. The reach of a channel is part
    of its effect: a call that is not answered counts as one.

    Args:
        channels: Effect by channel.
        other_channels: Effect of a channel that is not named.
        families: Added for a family of products, by channel.
        tiers: Added for a tier of the customer.
        learnt_channels: Channels whose figures `vipreco effects --write` wrote: they are in force whatever a
            model learnt. Of other channels, what the model learnt comes before these figures.
        reach: Share of the contacts that reach the customer, by channel of `learnt_channels`; 1 without.
        spread: How differently customers respond in these channels: squared coefficient of variation of the
            factor on the hazard; 0 = all alike.
        fatigue: What each contact of the last 90 days takes off the effect in these channels.
    """

    channels: Mapping[str, LogHazard] = Field(default={"branch": 0.7, "call": 0.7, "app": 0.3, "sms": 0.2})
    other_channels: LogHazard = 0.2
    families: Mapping[str, Mapping[str, LogHazard]] = Field(default={})
    tiers: Mapping[str, LogHazard] = Field(default={})
    learnt_channels: tuple[str, ...] = ()
    reach: Mapping[str, Annotated[float, Field(gt=0.0, le=1.0)]] = Field(default={})
    spread: Annotated[float, Field(ge=0.0, le=100.0)] = 0.0
    fatigue: Annotated[float, Field(ge=0.0, le=5.0)] = 0.0


class ContextRule(Section):
    """Condition on the customer under which some offers weigh more, or less.

    Args:
        name: Stable name, shown beside the weight.
        when: Condition in SQL over the columns of `arbitration.context`; if it is false, or a value in it is
            unknown, the weight is 1.
        weight: Factor of the priority if the condition is true.
        families: Families of products that it applies to.
        actions: Calls without a product that it applies to: `keep`, `develop`. Without families and actions
            it applies to all products.
    """

    name: Rule
    when: Rule
    weight: Weight
    families: tuple[str, ...] = ()
    actions: tuple[Literal["keep", "develop"], ...] = ()

    @field_validator("when")
    @classmethod
    def _is_a_condition(cls, when: str) -> str:
        import polars as pl  # noqa: PLC0415  only projects with such rules need it

        try:
            pl.sql_expr(when)
        except pl.exceptions.PolarsError as error:
            raise ValueError(f"this is not a condition in SQL: {error}") from error
        return when


class LeverSettings(Section):
    """Business weights: factors of the priority that the bank sets.

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
    """Limits of a customer's list of offers.

    Args:
        per_family: Maximum of offers of one family; 0 means any number.
        min_priority: Offers below it are left out; in currency if the value is `money`. Artifacts of before
            call it `least_priority`.
    """

    per_family: Annotated[int, Field(ge=0, le=100)] = 0
    min_priority: Annotated[
        float, Field(ge=0.0, validation_alias=AliasChoices("min_priority", "least_priority"))
    ] = 0.0


class ArbitrationSettings(Section):
    """Order of offers, and limits of a customer's list.

    Args:
        value: `money` counts the margin of an acquisition, the assets kept and the tier upgrade; `unit_value`
            counts the margin alone; `none` orders by propensity, context and levers.
        order: `gain` orders offers by what the contact is expected to add; `chance` by the chance of an
            acquisition whether there is a contact or not, as before effects were known.
        values: Figures behind `money`.
        contact_effects: Effects of contacts.
        context: Context rules, in order; their weights are multiplied.
        levers: Business weights.
        slate: Limits of a customer's list.
    """

    value: Literal["none", "unit_value", "money"] = "money"
    order: Literal["gain", "chance"] = "gain"
    values: ValueSettings = ValueSettings()
    contact_effects: ContactEffectSettings = ContactEffectSettings()
    context: tuple[ContextRule, ...] = ()
    levers: LeverSettings = LeverSettings()
    slate: SlateSettings = SlateSettings()
