"""From a fitted recommender and a view to decisions, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from vipreco.arbitration import CustomerEconomics, Customers, SlateRules, context_of, priority_factors
from vipreco.catalog import Catalog
from vipreco.collaborative import HoldingState, holding_state
from vipreco.contact_effect import PastContacts
from vipreco.features import ComputedFeatures, FeatureMatrix
from vipreco.history import View
from vipreco.policy import PolicyFacts, gather_facts
from vipreco.recommender.decisions import Decisions
from vipreco.recommender.fitted import Fitted
from vipreco.recommender.past_contacts import past_contacts
from vipreco.recommender.relations import Chances, Relations, relations_of

DEFAULT_CHANNEL = "branch"


@dataclass(frozen=True)
class DecisionContext:
    """Everything known about the customers of a view before they are scored.

    Args:
        view: The as-of view.
        catalog: Products known at that date.
        computed: Features in the columns of the fit, customers in order of their ids.
        state: Holdings of the catalogue's products, in the same order of customers.
        relations: Their tiers and assets, and who can leave or rise.
        customers: What arbitration knows of them.
        facts: What the rules ask about them, in the channel of the offers.
    """

    view: View
    catalog: Catalog
    computed: ComputedFeatures
    state: HoldingState
    relations: Relations
    customers: Customers
    facts: PolicyFacts


def decision_context(
    fitted: Fitted, view: View, channel: str = DEFAULT_CHANNEL, ruled: View | None = None
) -> DecisionContext:
    """Compute features, holdings and the rules' facts of all customers of a view.

    Args:
        fitted: The recommender.
        view: What was known at a date.
        channel: Of the offers.
        ruled: The same customers on the day at which the rules look; None: on that of the view.
    """
    catalog = Catalog.from_view(view)
    computed = fitted.features.compute(view, fitted.product_ids).encoded(fitted.vocabulary)
    state = holding_state(view, catalog.product_ids, fitted.segments)
    relations = relations_of(view, fitted.features.ladder)
    customers = _customers(fitted, view, catalog, relations)
    scored = np.isin(np.array(catalog.product_ids), np.array(fitted.product_ids))
    held = state.held if ruled is None else None
    facts = gather_facts(ruled or view, catalog, fitted.policy, channel, held, scored)
    return DecisionContext(view, catalog, computed, state, relations, customers, facts)


def _customers(fitted: Fitted, view: View, catalog: Catalog, relations: Relations) -> Customers:
    unknown = CustomerEconomics.unknown(len(relations.aum))
    return Customers(
        economics=replace(unknown, aum=relations.aum, next_line=relations.next_line),
        context=context_of(view, catalog.families, fitted.settings.arbitration.context),
        tiers=relations.tiers,
        personalised=~relations.opted_out,
    )


def decide(fitted: Fitted, known: DecisionContext) -> Iterator[Decisions]:
    """Give the decision frame in chunks of customers, in the order of their ids."""
    start = 0
    for matrix in known.computed.chunks(fitted.settings.chunk_customers):
        rows = slice(start, start + len(matrix.customer_ids))
        yield _decide_chunk(fitted, known, matrix, rows)
        start = rows.stop


def _decide_chunk(fitted: Fitted, known: DecisionContext, matrix: FeatureMatrix, rows: slice) -> Decisions:
    catalog, relations, facts = known.catalog, known.relations.take(rows), known.facts.rows(rows)
    values, customers = fitted.columns_of(matrix), known.customers.take(rows)
    scored = fitted.model.propensities(values)
    scored[relations.opted_out] = fitted.base_rates
    chances = Chances.of(fitted.relationship, values, relations)
    economics = replace(
        customers.economics,
        attrition_probability=chances.attrition_probability,
        tier_upgrade_probability=chances.tier_upgrade_probability,
        kinds=chances.kinds,
    )
    propensity = in_columns(scored, fitted.product_ids, catalog.product_ids)
    effects = fitted.contact_effects
    past = _past(fitted, values, catalog) if effects.reads_past else None
    thin = in_columns(fitted.model.thin_evidence[None, :], fitted.product_ids, catalog.product_ids)[0]
    weighed = priority_factors(
        propensity,
        catalog.unit_values,
        catalog.product_ids,
        catalog.families,
        replace(customers, economics=economics, past=past),
        fitted.settings.arbitration,
        contact=(effects, facts.channel),
    )
    return Decisions(
        as_of=known.view.date,
        customer_ids=matrix.customer_ids,
        product_ids=catalog.product_ids,
        propensity=propensity,
        priority=weighed.priority,
        factors=weighed,
        slate_rules=slate_rules(fitted, catalog),
        verdict=fitted.policy.judge(facts),
        policy=fitted.policy,
        facts=facts,
        thin_evidence=thin.astype(bool),
        personalised=~relations.opted_out,
        attrition_probability=chances.attrition_probability,
        tier_upgrade_probability=chances.tier_upgrade_probability,
    )


def _past(fitted: Fitted, values: NDArray[np.float32], catalog: Catalog) -> PastContacts:
    """Return the earlier contacts of some customers about the products of a catalogue."""
    found = past_contacts(values, fitted.names, fitted.product_ids)
    declined = in_columns(found.declined, fitted.product_ids, catalog.product_ids)
    return replace(found, declined=declined)


def slate_rules(fitted: Fitted, catalog: Catalog) -> SlateRules:
    """Return what a slate of a catalogue may look like by the recipe."""
    shape = fitted.settings.arbitration.slate
    return SlateRules.of(catalog.families, catalog.exclusions, shape.per_family, shape.min_priority)


def in_columns(
    values: NDArray[np.generic], have: tuple[str, ...], want: tuple[str, ...]
) -> NDArray[np.float64]:
    """Return `values` (n, have) in the columns `want`; a product that is not there gets 0."""
    place = {product: column for column, product in enumerate(have)}
    found = np.zeros((len(values), len(want)))
    known = [column for column, product in enumerate(want) if product in place]
    found[:, known] = values[:, [place[want[column]] for column in known]]
    return found
