"""Definition of a campaign: the settings of its file, checked before any customer data is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, ValidationInfo, field_validator

from vipreco.settings import Section

MAX_COUNT = 10_000_000
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=MAX_COUNT)]
Seats = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Amount = Annotated[float, Field(ge=0.0, lt=1e12, allow_inf_nan=False)]
Budget = Annotated[float, Field(gt=0.0, lt=1e12, allow_inf_nan=False)]
Weight = Annotated[float, Field(gt=0.0, le=100.0, allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, lt=1.0, allow_inf_nan=False)]
Minutes = Annotated[int, Field(ge=0, le=600)]
ChannelName = Literal["branch", "call", "sms", "app"]
FormatName = Literal["csv", "xlsx", "parquet"]


class ChannelPart(Section):
    """One way to reach customers.

    Args:
        capacity: Maximum of customers that are reached by it; without it, any number.
        unit_cost_amount: Cost of reaching one customer, whatever the outcome.
        minutes: Minutes of the relationship manager that it takes; 0 where no manager is needed.
        reach_rate: Share of a product's chance that is realised in this channel; what a contact adds is
            lowered by it unless that was learnt from contacts, which have their reach in them.
    """

    capacity: Seats | None = None
    unit_cost_amount: Amount = 0.0
    minutes: Minutes = 0
    reach_rate: Annotated[float, Field(gt=0.0, le=1.0, allow_inf_nan=False)] = 1.0


class ManagersPart(Section):
    """Minutes that relationship managers have for the whole campaign.

    Args:
        minutes: Of each manager; without it, any number.
        each: Of single managers, by id.
    """

    minutes: Count | None = None
    each: Mapping[Name, Count] = Field(default={})


class Bounds(Section):
    """Minimum and maximum of offers; runs of before call them least and most, in their keys as well."""

    min: Annotated[
        Count, Field(validation_alias=AliasChoices("min", "least"), serialization_alias="least")
    ] = 0
    max: Annotated[
        Count | None, Field(validation_alias=AliasChoices("max", "most"), serialization_alias="most")
    ] = None

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, maximum: int | None, known: ValidationInfo) -> int | None:
        if maximum is not None and maximum < known.data.get("min", 0):
            raise ValueError("is below min")
        return maximum


class LimitsPart(Section):
    """Minimum and maximum of offers by product and by branch, by id."""

    products: Mapping[Name, Bounds] = Field(default={})
    branches: Mapping[Name, Bounds] = Field(default={})


class LeversPart(Section):
    """Weights of this campaign alone, beside those of the bank: factors of the value of an offer."""

    products: Mapping[Name, Weight] = Field(default={})
    families: Mapping[Name, Weight] = Field(default={})


class Campaign(Section):
    """A campaign, as its file defines it.

    Args:
        key: Permanent name of the campaign in folder, store and outcomes.
        name: For people.
        start_date: First day.
        end_date: Last day.
        products: Offered products; without any, all products on offer.
        audience: Conditions over the facts about customers; all must be true.
        channels: Channels by which customers are reached.
        managers: Time of the relationship managers.
        stock: Indices of a product, by id.
        budget_amount: Maximum cost of reaching all customers.
        limits: Minimum and maximum of offers.
        levers: Weights.
        control_share: Share of the customers who get no offer, so that the effect can be counted.
        exploration_share: Share of the others who get a random allowed offer, so that it can be learnt from.
        effect_rate: Effect that shall be found: acquisition rate with an offer less the rate without.
        formats: Of the lists.
        language: Of the reasons.
        explained_offers: Offers of calls and meetings, the most valuable first, that get up to three proven
            reasons and a caution; the others get one fact each. A thousand take some seconds.
    """

    key: Key
    name: str = ""
    start_date: date
    end_date: date
    products: tuple[Name, ...] = ()
    audience: tuple[Annotated[str, Field(min_length=1, max_length=4_000)], ...] = ()
    channels: Annotated[Mapping[ChannelName, ChannelPart], Field(min_length=1)]
    managers: ManagersPart = ManagersPart()
    stock: Mapping[Name, Count] = Field(default={})
    budget_amount: Budget | None = None
    limits: LimitsPart = LimitsPart()
    levers: LeversPart = LeversPart()
    control_share: Share = 0.1
    exploration_share: Share = 0.0
    effect_rate: Annotated[float, Field(gt=0.0, lt=1.0, allow_inf_nan=False)] = 0.01
    formats: Annotated[tuple[FormatName, ...], Field(min_length=1)] = ("csv", "xlsx", "parquet")
    language: Literal["en", "zh"] = "en"
    explained_offers: Annotated[
        int,
        Field(
            ge=0,
            le=20_000,
            validation_alias=AliasChoices("explained_offers", "told_offers"),
            serialization_alias="told_offers",
        ),
    ] = 300

    def record(self) -> dict[str, Any]:
        """Return it as JSON values under the names that its first runs were stored with."""
        content: dict[str, Any] = json.loads(self.model_dump_json(by_alias=True))
        return content

    def channel(self, name: str) -> ChannelPart:
        """Return one of its channels."""
        return {str(known): part for known, part in self.channels.items()}[name]

    @field_validator("audience", mode="before")
    @classmethod
    def _one_or_more(cls, audience: object) -> object:
        if isinstance(audience, str):
            return (audience,)
        return tuple(audience) if isinstance(audience, list) else audience

    @field_validator("end_date")
    @classmethod
    def _after_the_start(cls, end_date: date, known: ValidationInfo) -> date:
        if "start_date" in known.data and end_date <= known.data["start_date"]:
            raise ValueError("is not after start_date")
        return end_date

    @field_validator("products", "formats")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("names something twice")
        return names

    @field_validator("exploration_share")
    @classmethod
    def _leaves_some(cls, share: float, known: ValidationInfo) -> float:
        if share + known.data.get("control_share", 0.0) >= 1:
            raise ValueError("leaves nobody beside the control group")
        return share


def flat_settings(name: str, value: object) -> dict[str, str]:
    """Return the settings below a name as texts, by their dotted path.

    >>> flat_settings("a", {"b": {"c": 1}, "d": "x"})
    {'a.b.c': '1', 'a.d': 'x'}
    """
    if isinstance(value, Mapping) and value:
        parts = [flat_settings(f"{name}.{key}", value[key]) for key in sorted(value)]
        return {key: text for part in parts for key, text in part.items()}
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}
