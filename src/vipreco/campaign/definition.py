"""The campaign file: what a marketer decides, checked before anything is read of a customer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal

from pydantic import Field, ValidationInfo, field_validator

from vipreco.settings import Section

MOST = 10_000_000
Key = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Seats = Annotated[int, Field(ge=1, le=MOST)]
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
        capacity: Most customers that are reached by it; without it, any number.
        unit_cost_amount: What reaching one customer costs, whatever comes of it.
        minutes: Minutes of the relationship manager that it takes; 0 where no manager is needed.
        reach_rate: Share of a product's chance that is realised in this channel.
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
    """Least and most offers."""

    least: Count = 0
    most: Count | None = None

    @field_validator("most")
    @classmethod
    def _not_below_least(cls, most: int | None, known: ValidationInfo) -> int | None:
        if most is not None and most < known.data.get("least", 0):
            raise ValueError("is below the least")
        return most


class LimitsPart(Section):
    """Least and most offers by product and by branch, by id."""

    products: Mapping[Name, Bounds] = Field(default={})
    branches: Mapping[Name, Bounds] = Field(default={})


class LeversPart(Section):
    """Weights of this campaign alone, beside those of the bank: factors of what an offer is worth."""

    products: Mapping[Name, Weight] = Field(default={})
    families: Mapping[Name, Weight] = Field(default={})


class Campaign(Section):
    """A campaign.

    Args:
        key: Stands for the campaign for good: folder, store and outcomes know it by this.
        name: For people.
        start_date: First day.
        end_date: Last day.
        products: What is offered; without any, everything that is on offer.
        audience: Conditions over the facts about customers; all must be true.
        channels: How customers are reached.
        managers: Time of the relationship managers.
        stock: Places of a product, by id.
        budget_amount: What reaching all customers may cost.
        limits: Least and most offers.
        levers: Weights.
        control_share: Share of the customers who get no offer, so that the effect can be counted.
        exploration_share: Share of the others who get a random allowed offer, so that it can be learnt from.
        effect_rate: Effect that shall be found: acquisition rate with an offer less the rate without.
        formats: Of the lists.
        language: Of the reasons.
        told_offers: Offers of calls and talks, the most valuable first, that get up to three proven reasons
            and a caution; the others get one fact each. A thousand take some seconds.
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
    told_offers: Annotated[int, Field(ge=0, le=20_000)] = 300

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
