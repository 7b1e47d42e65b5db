"""Eligible customers of a campaign, and the expected value of each of their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.campaign.audience import Condition, Mask, chosen
from vipreco.campaign.definition import Campaign
from vipreco.campaign.references import products_of
from vipreco.campaign.store_changes import StoreChanges
from vipreco.campaign.waterfall import Fell, Waterfall
from vipreco.catalog import Catalog
from vipreco.history import View
from vipreco.policy import ALLOWED, PolicyFacts, gather_facts
from vipreco.recommender import DecisionContext, Decisions, Recommender, Step, silent
from vipreco.uplift import incremental

Singles = NDArray[np.float32]
Indices = NDArray[np.intp]
CHUNK = 65_536


@dataclass(frozen=True)
class Options:
    """Options of a campaign: product p by channel c, all products of the first channel first.

    Args:
        products: Ids, shape (P,).
        names: For people, shape (P,).
        channels: Names, shape (C,).
    """

    products: tuple[str, ...]
    names: tuple[str, ...]
    channels: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.products) * len(self.channels)

    @property
    def product(self) -> Indices:
        """Place of the product of each option."""
        return np.tile(np.arange(len(self.products)), len(self.channels))

    @property
    def channel(self) -> Indices:
        """Place of the channel of each option."""
        return np.repeat(np.arange(len(self.channels)), len(self.products))


@dataclass(frozen=True)
class EligibleCustomers:
    """Eligible customers, in the order of their ids, and the expected value of each option.

    Args:
        customers: Columns customer_id, tier, branch_id, manager_id.
        options: The options.
        propensity: Chance that the customer acquires the product, shape (n, P).
        value: Value of the acquisition, shape (n, P).
        net: Expected value of each option less its cost; -inf where it is not allowed, shape (n, options).
        without: Chance of the acquisition without a contact, shape (n, P).
        gain: Chance that each option adds to it, reach of the channel included, shape (n, options).
    """

    customers: pl.DataFrame
    options: Options
    propensity: Singles
    value: Singles
    net: Singles
    without: Singles
    gain: Singles

    def __len__(self) -> int:
        return self.customers.height

    @property
    def allowed(self) -> Mask:
        """Which options may be taken, shape (n, options)."""
        return np.asarray(self.net > -np.inf)


@dataclass(frozen=True)
class CampaignInputs:
    """Eligible customers of a campaign, and the waterfall that led to them."""

    eligible: EligibleCustomers
    waterfall: pl.DataFrame


def gather_inputs(
    recommender: Recommender,
    view: View,
    campaign: Campaign,
    conditions: tuple[Condition, ...] = (),
    changes: StoreChanges | None = None,
    say: Step = silent,
) -> tuple[EligibleCustomers, Waterfall]:
    """Return the eligible customers of a view with their options, and who fell where.

    Args:
        recommender: With the rules and weights in force.
        view: What is known of all customers, or of those of a part.
        campaign: The campaign.
        conditions: Of its audience.
        changes: Changes in the store since the tables were imported.
        say: Called with each step as it begins.
    """
    say("audience")
    asked, people, audience = _audience(recommender, view, conditions)
    say("features")
    known = recommender.context(asked, sorted(campaign.channels)[0])
    options = options_of(campaign, known.catalog)
    say("scores")
    scored = _scored(recommender, known, campaign, options)
    net = scored.net
    say("rules")
    customers = _customers(asked)
    fallen = _judge(recommender, known, campaign, options, net)
    steps = _exclude(net, customers, campaign, options, changes or StoreChanges())
    eligible = steps[-1]
    stopped = dict(Counter(fallen[~steps[0]].tolist()))
    later = tuple(int((before & ~after).sum()) for before, after in pairwise(steps))
    waterfall = Waterfall(people, audience, stopped, later, int(eligible.sum()))
    keep = np.flatnonzero(eligible)
    if len(keep) < len(net):
        scored = _Scored(*(part[keep] for part in scored))
    who = EligibleCustomers(
        customers=customers[keep],
        options=options,
        propensity=scored.propensity,
        value=scored.value,
        net=scored.net,
        without=scored.without,
        gain=scored.gain,
    )
    return who, waterfall


def _audience(
    recommender: Recommender, view: View, conditions: tuple[Condition, ...]
) -> tuple[View, int, tuple[Fell, ...]]:
    """Return the view of those who meet the conditions, how many there were, and how many fell at which."""
    ids = view.population()["customer_id"].cast(pa.string()).combine_chunks()
    if not conditions:
        return view, len(ids), ()
    catalog = Catalog.from_view(view)
    nothing = np.zeros((len(ids), len(catalog)), bool)
    facts = gather_facts(view, catalog, recommender.policy, "branch", nothing)
    met, fell = chosen(conditions, facts, recommender.policy)
    return view if met.all() else view.of(ids.filter(pa.array(met))), len(ids), fell


def options_of(campaign: Campaign, catalog: Catalog) -> Options:
    """Return the options of a campaign: its products by its channels."""
    products = products_of(campaign, catalog)
    names = dict(zip(catalog.product_ids, catalog.names, strict=True))
    return Options(products, tuple(names[product] for product in products), tuple(sorted(campaign.channels)))


def _customers(view: View) -> pl.DataFrame:
    sql = "SELECT customer_id, tier, branch_id, manager_id FROM customers_now ORDER BY customer_id"
    return pl.DataFrame(view.query(sql)).with_columns(pl.all().cast(pl.String))


class _Scored(NamedTuple):
    """Numbers of n customers: by product, shape (n, P), and of each option, shape (n, options)."""

    propensity: Singles
    value: Singles
    without: Singles
    net: Singles
    gain: Singles

    @classmethod
    def empty(cls, customers: int, options: Options) -> _Scored:
        """Return arrays to be filled."""
        products, pairs = len(options.products), len(options)
        return cls(*(np.empty((customers, width), np.float32) for width in (*[products] * 3, pairs, pairs)))


def _scored(
    recommender: Recommender, known: DecisionContext, campaign: Campaign, options: Options
) -> _Scored:
    """Return the numbers of the campaign's products and options, whether a rule stops them or not.

    Where a training proved what an offer of a campaign adds to whom, that counts, and not the effect of a
    contact in general. The campaign's reach rate of a channel counts in both, but not where the effect of the
    channel was learnt from contacts: those that reached nobody are among them.
    """
    columns, found = _columns(known, options), _Scored.empty(len(known.computed), options)
    levers, start = _levers(campaign, known.catalog, columns), 0
    for decisions in recommender.decisions(known):
        rows = slice(start, start + len(decisions.customer_ids))
        found.propensity[rows] = decisions.propensity[:, columns]
        found.value[rows] = decisions.factors.value()[:, columns]
        found.without[rows] = decisions.factors.chances.without[:, columns]
        added, weight = _added(recommender, known, rows, decisions, options), levers
        if added is not None:
            weight = decisions.factors.weight()[:, columns] * levers
        for place, name in enumerate(options.channels):
            channel, weighed = campaign.channel(name), decisions.factors.through(name)
            block = rows, slice(place * len(columns), (place + 1) * len(columns))
            gain = weighed.chances.gain[:, columns] if added is None else added
            counted = weighed.priority[:, columns] if added is None else added
            has_reach = weighed.effects.learnt[columns] & (added is None)
            reach = np.where(has_reach, 1.0, channel.reach_rate)
            found.gain[block] = gain * reach
            found.net[block] = counted * weight * reach - channel.unit_cost_amount
        start = rows.stop
    return found


def _added(
    recommender: Recommender, known: DecisionContext, rows: slice, decisions: Decisions, options: Options
) -> NDArray[np.float64] | None:
    """Return what an offer of a campaign adds, shape (n, P); None where no training proved it."""
    if recommender.uplift is None:
        return None
    values = recommender.columns_of(known.computed.matrix(rows.start, rows.stop))
    chance = decisions.propensity[:, known.catalog.indices(options.products)].astype(np.float32)
    return incremental(recommender.uplift, values, chance, options.products, decisions.personalised)


def _columns(known: DecisionContext, options: Options) -> Indices:
    return known.catalog.indices(options.products).astype(np.intp)


def _levers(campaign: Campaign, catalog: Catalog, columns: Indices) -> NDArray[np.float64]:
    own = [campaign.levers.products.get(catalog.product_ids[column], 1.0) for column in columns]
    families = [campaign.levers.families.get(catalog.families[column], 1.0) for column in columns]
    return np.array(own, np.float64) * np.array(families, np.float64)


def _judge(
    recommender: Recommender, known: DecisionContext, campaign: Campaign, options: Options, net: Singles
) -> NDArray[np.int16]:
    """Take away the options that a rule stops; return the last such rule of each customer, shape (n,)."""
    columns, last = _columns(known, options), np.zeros(len(net), np.int16)
    for place, name in enumerate(options.channels):
        facts = _facts(recommender, known, name)
        block = net[:, place * len(columns) : (place + 1) * len(columns)]
        for rows in _chunks(len(net)):
            verdict = recommender.policy.judge(facts.rows(rows))[:, columns]
            block[rows][verdict != ALLOWED] = -np.inf
            last[rows] = np.maximum(last[rows], verdict.max(axis=1, initial=0))
    return last


def _facts(recommender: Recommender, known: DecisionContext, channel: str) -> PolicyFacts:
    if channel == known.facts.channel:
        return known.facts
    scored = known.facts.products["product_scored"].to_numpy()
    return gather_facts(known.view, known.catalog, recommender.policy, channel, known.state.held, scored)


def _chunks(customers: int) -> Iterator[slice]:
    return (slice(start, min(start + CHUNK, customers)) for start in range(0, customers, CHUNK))


def _exclude(
    net: Singles, customers: pl.DataFrame, campaign: Campaign, options: Options, changes: StoreChanges
) -> list[Mask]:
    """Take away options for the reasons `LATER`, and return who was left before and after each."""
    left = [_has_option(net)]
    _drop_without_manager(net, customers, campaign, options)
    left.append(_has_option(net))
    _drop_since(net, customers, options, changes)
    left.append(_has_option(net))
    return left


def _has_option(net: Singles) -> Mask:
    return np.asarray((net > -np.inf).any(axis=1))


def _drop_without_manager(
    net: Singles, customers: pl.DataFrame, campaign: Campaign, options: Options
) -> None:
    nobody = np.flatnonzero(customers["manager_id"].is_null().to_numpy())
    taking = [campaign.channel(name).minutes > 0 for name in options.channels]
    columns = np.flatnonzero(np.array(taking)[options.channel])
    net[np.ix_(nobody, columns)] = -np.inf


def _drop_since(net: Singles, customers: pl.DataFrame, options: Options, changes: StoreChanges) -> None:
    off = np.isin(np.array(options.products), np.array(sorted(changes.products), np.str_))
    net[:, off[options.product]] = -np.inf
    numbered = customers.select("customer_id").with_row_index("row")
    for row, channel, product in (
        changes.removed.join(numbered, on="customer_id").select("row", "channel", "product_id").iter_rows()
    ):
        hit = np.ones(len(options), bool)
        if channel is not None:
            hit &= np.array(options.channels)[options.channel] == channel
        if product is not None:
            hit &= np.array(options.products)[options.product] == product
        net[row, hit] = -np.inf
