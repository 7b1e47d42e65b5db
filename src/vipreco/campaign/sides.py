"""Sides of a campaign: each model assigns offers to its own customers, within its share of every limit.

Were the limits common, a model that promises too much would take the seats of the other side, and whoever is
contacted more acquires more: the comparison would favour what promises most. So each side has its share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from vipreco.arbitration import Limit
from vipreco.campaign.assignment import Allocate, Assignment, assign
from vipreco.campaign.assignment_table import assignment_table
from vipreco.campaign.audience import conditions_of
from vipreco.campaign.bank import Bank
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import CampaignInputs, gather_inputs, options_of
from vipreco.campaign.explained_offers import explained
from vipreco.campaign.limits import CampaignLimit, limits_of, within
from vipreco.campaign.references import check_references
from vipreco.campaign.store_changes import StoreChanges
from vipreco.campaign.waterfall import COLUMNS
from vipreco.catalog import Catalog
from vipreco.explanations import Explainer
from vipreco.policy import Language
from vipreco.recommender import CHALLENGER_SIDE, SIDE, Recommender, Step, silent

Floats = NDArray[np.float64]
CUSTOMER = "customer_id"


@dataclass(frozen=True)
class SideInputs:
    """Customers of one model, with what it says of them.

    Args:
        name: Champion or challenger.
        recommender: The model.
        inputs: Its eligible customers.
    """

    name: str
    recommender: Recommender
    inputs: CampaignInputs


@dataclass(frozen=True)
class Side(SideInputs):
    """Customers of one model with the offers that it assigns to them."""

    assigned: Assignment

    def table(self, campaign: Campaign) -> pl.DataFrame:
        """Return the rows of its eligible customers, ordered by id."""
        return assignment_table(self.inputs.eligible, campaign, self.assigned)


@dataclass(frozen=True)
class Sides:
    """All customers of a campaign.

    Args:
        parts: The sides; one where no challenger takes part.
        limits: The whole limits of the campaign, by groups of all its customers.
        share: Of the challenger; 0 without one.
    """

    parts: tuple[Side, ...]
    limits: tuple[CampaignLimit, ...]
    share: float

    @property
    def customers(self) -> int:
        """Number of eligible customers."""
        return sum(len(side.inputs.eligible) for side in self.parts)

    @property
    def waterfall(self) -> pl.DataFrame:
        """Rows rule, before, fell, left over all sides."""
        return summed_waterfall([side.inputs.waterfall for side in self.parts])

    @property
    def used(self) -> tuple[Floats, ...]:
        """Amount of each limit that each group uses, over all sides."""
        parts = zip(*(side.assigned.used for side in self.parts), strict=True)
        return tuple(np.sum(amounts, axis=0) for amounts in parts)

    @property
    def prices(self) -> dict[str, Floats]:
        """Worth of one more unit of each limit, of which each side would have its share."""
        weights = [self._weight(side) for side in self.parts]
        return {
            one.limit.name: np.sum(
                [
                    weight * side.assigned.allocation.prices[one.limit.name]
                    for weight, side in zip(weights, self.parts, strict=True)
                ],
                axis=0,
            )
            for one in self.limits
        }

    def table(self, campaign: Campaign) -> pl.DataFrame:
        """Return the assignments of everybody, ordered by id; with a challenger, by whom each was decided."""
        if not self.share:
            return self.parts[0].table(campaign)
        tables = [side.table(campaign).with_columns(pl.lit(side.name).alias(SIDE)) for side in self.parts]
        return pl.concat(tables).sort(CUSTOMER)

    def _weight(self, side: Side) -> float:
        if len(self.parts) == 1:
            return 1.0
        return self.share if side.name == CHALLENGER_SIDE else 1.0 - self.share


def explained_by(bank: Bank, side: SideInputs, language: Language) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Return what gives reasons and cautions of the offers of a side."""
    if bank.parts is None:
        explainer = Explainer(side.recommender)
        return lambda offers: explained(explainer, bank.view, offers, language)
    parts = bank.parts
    return lambda offers: parts.reasons(side.name, offers, language)


def gather_sides(
    bank: Bank, campaign: Campaign, changes: StoreChanges, where: str, say: Step = silent
) -> list[SideInputs]:
    """Return the eligible customers of each side, after checking all that the campaign names.

    Raises:
        UsageError: The campaign names what is not there, or a condition is wrong.
    """
    catalog, found = Catalog.from_view(bank.view), []
    check_references(campaign, bank.view, catalog, where)
    for name, recommender, view in bank.sides():
        conditions = conditions_of(campaign, recommender.policy, where)
        if bank.parts is None:
            eligible, counts = gather_inputs(recommender, view, campaign, conditions, changes, say)
        else:
            options = options_of(campaign, catalog)
            eligible, counts = bank.parts.inputs(name, campaign, changes, options)
        inputs = CampaignInputs(eligible, counts.table(campaign.audience, recommender.policy))
        found.append(SideInputs(name, recommender, inputs))
    return found


def assign_sides(given: Sequence[SideInputs], bank: Bank, campaign: Campaign, solve: Allocate) -> Sides:
    """Return the offers of every side, each within its share of the limits."""
    share = bank.challenger.split.share if bank.challenger else 0.0
    options = given[0].inputs.eligible.options
    limits = limits_of(campaign, options, pl.concat(side.inputs.eligible.customers for side in given))
    parts = []
    for side, own in zip(given, _own_limits(given, limits, share), strict=True):
        assigned = assign(side.inputs.eligible, campaign, bank.salt, solve, own)
        parts.append(Side(side.name, side.recommender, side.inputs, assigned))
    return Sides(tuple(parts), limits, share)


def _own_limits(
    given: Sequence[SideInputs], limits: tuple[CampaignLimit, ...], share: float
) -> Iterator[tuple[CampaignLimit, ...]]:
    """Give the limits of each side, by groups of all customers."""
    start, nothing = 0, [np.zeros(len(one.groups)) for one in limits]
    for side in given:
        rows = np.arange(start, start + len(side.inputs.eligible))
        start += len(rows)
        whole = [
            replace(one, limit=left) for one, left in zip(limits, within(limits, nothing, rows), strict=True)
        ]
        alone = len(given) == 1
        yield tuple(whole if alone else (replace(one, limit=_share(one.limit, side, share)) for one in whole))


def _share(limit: Limit, side: SideInputs, share: float) -> Limit:
    rest, part = limit.split(share)
    return part if side.name == CHALLENGER_SIDE else rest


def summed_waterfall(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Return one waterfall of several: who fell at a rule on any side, and who was left after it."""
    if len(tables) == 1:
        return tables[0]
    fell = pl.concat(tables).group_by("rule", maintain_order=True).agg(pl.col("fell").sum())
    before = sum(int(table["before"][0]) for table in tables)
    left = before - fell["fell"].cum_sum()
    return fell.select(
        pl.col("rule"), (left + fell["fell"]).alias("before"), pl.col("fell"), left.alias("left")
    ).cast(dict(COLUMNS.items()))
