"""Limits of a campaign for the allocation, and their prices in plain words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import Limit
from vipreco.campaign.definition import Bounds, Campaign
from vipreco.campaign.eligibility import Options

Floats = NDArray[np.float64]
NO_GROUP = "(none)"
SEATS = {"call": "call", "sms": "text message", "app": "app message", "branch": "meeting in the branch"}
HOUR = 60.0
TABLE = {
    "limit": pl.String(),
    "group": pl.String(),
    "min": pl.Float64(),
    "max": pl.Float64(),
    "used": pl.Float64(),
    "price": pl.Float64(),
    "meaning": pl.String(),
}


@dataclass(frozen=True)
class CampaignLimit:
    """A limit with the names of its groups.

    Args:
        kind: channel, manager, product, branch or budget.
        groups: Name of each group.
        limit: As the allocation knows it.
        unit: Units of the limit that a price refers to.
    """

    kind: str
    groups: tuple[str, ...]
    limit: Limit
    unit: float = 1.0

    def meaning(self, place: int, price: float, currency_free: float) -> str:
        """Return the meaning of a price of one group in plain words."""
        what = self._what(self.groups[place])
        if price < 0:
            return f"each {what} required by the minimum costs {_money(-price * self.unit)}"
        if price * self.unit < currency_free:
            return f"one more {what} would add nothing: the limit is not reached"
        return f"one more {what} is worth {_money(price * self.unit)}"

    def _what(self, group: str) -> str:
        words = {
            "channel": SEATS.get(group, group),
            "manager": f"hour of {group}",
            "product": f"place in {group}",
            "branch": f"offer in branch {group}",
        }
        return words.get(self.kind, "unit of the budget")


def limits_of(campaign: Campaign, options: Options, customers: pl.DataFrame) -> tuple[CampaignLimit, ...]:
    """Return the limits of a campaign for its customers."""
    return tuple(
        limit
        for part in (_channels, _managers, _products, _branches)
        for limit in part(campaign, options, customers)
    ) + tuple(_budget(campaign, options))


def within(
    limits: Sequence[CampaignLimit], used: Sequence[Floats], rows: NDArray[np.intp]
) -> tuple[Limit, ...]:
    """Return the limits that are left for some of the customers when a part is used already."""
    return tuple(_left(one.limit, gone, rows) for one, gone in zip(limits, used, strict=True))


def limit_table(
    limits: Sequence[CampaignLimit], used: Sequence[Floats], prices: dict[str, Floats], free: float
) -> pl.DataFrame:
    """Return a row for each limited group: min, max, used, price of one unit, and its meaning.

    Args:
        limits: The limits.
        used: What each group uses.
        prices: Price of each group by name of the limit.
        free: Prices below it count as nothing.
    """
    rows = [
        (
            one.kind,
            group,
            lowest,
            highest if np.isfinite(highest) else None,
            gone,
            price * one.unit,
            one.meaning(place, price, free),
        )
        for one, amounts in zip(limits, used, strict=True)
        for place, (group, lowest, highest, gone, price) in enumerate(
            zip(
                one.groups,
                one.limit.minimum.tolist(),
                one.limit.capacity.tolist(),
                amounts.tolist(),
                prices[one.limit.name].tolist(),
                strict=True,
            )
        )
        if (np.isfinite(highest) or lowest > 0) and group != NO_GROUP
    ]
    return pl.DataFrame(rows, TABLE, orient="row")


def _left(limit: Limit, gone: Floats, rows: NDArray[np.intp]) -> Limit:
    return replace(
        limit,
        capacity=np.maximum(limit.capacity - gone, 0.0),
        minimum=np.maximum(limit.minimum - gone, 0.0),
        group=None if limit.group is None else limit.group[rows],
    )


def _channels(campaign: Campaign, options: Options, _: pl.DataFrame) -> Iterator[CampaignLimit]:
    for place, name in enumerate(options.channels):
        capacity = campaign.channel(name).capacity
        if capacity is not None:
            use = options.channel == place
            yield CampaignLimit("channel", (name,), Limit.of(f"channel {name}", use, float(capacity)))


def _managers(campaign: Campaign, options: Options, customers: pl.DataFrame) -> Iterator[CampaignLimit]:
    part = campaign.managers
    minutes = np.array([campaign.channel(name).minutes for name in options.channels])[options.channel]
    if not minutes.any() or (part.minutes is None and not part.each):
        return
    names, group = _groups(customers["manager_id"])
    default = np.inf if part.minutes is None else float(part.minutes)
    capacity = np.array([float(part.each.get(name, default)) for name in names])
    yield CampaignLimit("manager", names, Limit.of("managers", minutes, capacity, group), HOUR)


def _products(campaign: Campaign, options: Options, _: pl.DataFrame) -> Iterator[CampaignLimit]:
    for place, product in enumerate(options.products):
        bounds = campaign.limits.products.get(product, Bounds())
        highest = min(
            float(campaign.stock.get(product, np.inf)), np.inf if bounds.max is None else float(bounds.max)
        )
        if np.isfinite(highest) or bounds.min:
            lowest = min(float(bounds.min), highest)
            limit = Limit.of(f"product {product}", options.product == place, highest, minimum=lowest)
            yield CampaignLimit("product", (product,), limit)


def _branches(campaign: Campaign, options: Options, customers: pl.DataFrame) -> Iterator[CampaignLimit]:
    branches = campaign.limits.branches
    if not branches:
        return
    names, group = _groups(customers["branch_id"])
    bounds = [branches.get(name, Bounds()) for name in names]
    highest = np.array([np.inf if one.max is None else float(one.max) for one in bounds])
    lowest = np.array([float(one.min) for one in bounds])
    limit = Limit.of("branches", np.ones(len(options)), highest, group, lowest)
    yield CampaignLimit("branch", names, limit)


def _budget(campaign: Campaign, options: Options) -> Iterator[CampaignLimit]:
    costs = np.array([campaign.channel(name).unit_cost_amount for name in options.channels])
    if campaign.budget_amount is not None:
        yield CampaignLimit(
            "budget", ("all",), Limit.of("budget", costs[options.channel], campaign.budget_amount)
        )


def _groups(names: pl.Series) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return the names in order, and the place of each customer's; who has none is a group of their own."""
    filled = names.fill_null(NO_GROUP)
    there = filled.unique().sort()
    places = filled.replace_strict(there, pl.Series(range(len(there)), dtype=pl.Int32))
    return tuple(there.to_list()), places.to_numpy()


def _money(amount: float) -> str:
    return f"{amount:,.2f}"
