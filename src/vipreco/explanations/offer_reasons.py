"""Reasons and cautions of listed offers, from a recommender and what is known of its customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.collaborative import strongest_holdings
from vipreco.explanations.cautions import CautionInput, caution_keys, cautions
from vipreco.explanations.contributions import offer_contributions
from vipreco.explanations.facts import FactBook, Key
from vipreco.explanations.reason_catalog import ReasonCatalog
from vipreco.explanations.reason_plan import ReasonPlan, plan_reasons
from vipreco.explanations.selection import Chances, ListedOffers, SelectedReasons, select_reasons, statable
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.policy import Language
from vipreco.recommender import DecisionContext, Decisions, Recommender

Indices: TypeAlias = NDArray[np.intp]
HOLDS, CO_HELD = "holds", "co-held"


@dataclass(frozen=True)
class OfferReasons:
    """Reasons and cautions beside m offers.

    Args:
        reasons: Up to three of each offer; for customers who refused profiling the neutral one.
        cautions: One of each offer, or None.
    """

    reasons: list[list[Reason]]
    cautions: list[Reason | None]


@dataclass(frozen=True)
class OfferRequest:
    """The offers of personalised customers whose products the fit knows, and their customers.

    Args:
        offers: Their indices among all offers, shape (m,).
        positions: Positions of their customers in the decision context, each once, ascending, shape (n,).
        rows: Index in `positions` of each offer's customer, shape (m,).
        columns: Place of each offer's product in the catalogue, shape (m,).
    """

    offers: Indices
    positions: Indices
    rows: Indices
    columns: Indices


def reasons_for(
    recommender: Recommender,
    known: DecisionContext,
    decisions: Decisions,
    rows: Indices,
    columns: Indices,
    language: Language = "en",
) -> list[list[Reason]]:
    """Return up to three reasons of each of m offers, the strongest first.

    Args:
        recommender: The fitted recommender.
        known: What is known of the customers.
        decisions: Decisions about some or all of them.
        rows: Place in `decisions` of each offer's customer, shape (m,).
        columns: Place of its product in the catalogue, shape (m,).
        language: Of the texts.
    """
    return reasons_of_offers(recommender, known, decisions, rows, columns, language).reasons


def reasons_of_offers(
    recommender: Recommender,
    known: DecisionContext,
    decisions: Decisions,
    rows: Indices,
    columns: Indices,
    language: Language = "en",
) -> OfferReasons:
    """Return reasons and caution of each of m offers; arguments as of `reasons_for`."""
    catalogue = ReasonCatalog.shipped()
    speaker = Speaker(catalogue, _product_names(known), language)
    neutral = [Reason("neutral", catalogue.neutral.in_(language))]
    told = OfferReasons([list(neutral) for _ in rows], [None] * len(rows))
    request = _request(recommender, known, decisions, rows, columns)
    if not len(request.offers):
        return told
    plan = reason_plan_of(recommender, known)
    product_ids = tuple(known.catalog.product_ids[column] for column in request.columns)
    listed = _listed(recommender, known, request, plan)
    spoken_of = plan.keys_of(np.flatnonzero(statable(plan, listed)).tolist())
    book = _book(known, request, [*spoken_of, *caution_keys(catalogue, product_ids)], catalogue)
    chosen = select_reasons(plan, book, listed, chances_of(recommender), recommender.blank_of(known.computed))
    found = spoken(plan, book, listed, chosen, speaker)
    caution_input = _caution_input(known, decisions, request, rows[request.offers], product_ids)
    warned = cautions(book, caution_input, speaker)
    for place, offer in enumerate(request.offers.tolist()):
        told.reasons[offer] = found[place] or _fallback(plan, book, listed, place, speaker) or neutral
        told.cautions[offer] = warned[place]
    return told


def reason_plan_of(recommender: Recommender, known: DecisionContext) -> ReasonPlan:
    """Return what a fit can give reasons for, on the tables of a decision context."""
    definition = recommender.features
    return plan_reasons(
        ReasonCatalog.shipped(),
        recommender.names,
        definition.dictionary,
        known.view.columns,
        definition.prohibited,
    )


def _request(
    recommender: Recommender, known: DecisionContext, decisions: Decisions, rows: Indices, columns: Indices
) -> OfferRequest:
    scored = np.isin(np.array(known.catalog.product_ids), np.array(recommender.product_ids))
    offers = np.flatnonzero(decisions.personalised[rows] & scored[columns])
    there = np.searchsorted(known.computed.customer_ids, decisions.customer_ids[rows[offers]])
    positions, own = np.unique(there, return_inverse=True)
    return OfferRequest(offers, positions, own.astype(np.intp), columns[offers])


def _book(
    known: DecisionContext, request: OfferRequest, keys: Sequence[Key], catalogue: ReasonCatalog
) -> FactBook:
    ids = known.computed.customer_ids[request.positions]
    everybody = len(ids) == len(known.computed)
    view = known.view if everybody else known.view.of(pa.array(ids.tolist(), pa.string()))
    return FactBook.of(view, ids, keys, catalogue)


def _listed(
    recommender: Recommender, known: DecisionContext, request: OfferRequest, plan: ReasonPlan
) -> ListedOffers:
    matrix = known.computed.take(request.positions).matrix()
    values = np.ascontiguousarray(recommender.columns_of(matrix))
    numbers = {product: number for number, product in enumerate(recommender.product_ids)}
    ids = known.catalog.product_ids
    products = np.array([numbers[ids[column]] for column in request.columns.tolist()], np.intp)
    moved = offer_contributions(recommender.model, values, request.rows, products)
    state = known.state.take(request.positions[request.rows])
    because = strongest_holdings(recommender.source, state, request.columns).tolist()
    holds = [plan.place(HOLDS, ids[column]) if column >= 0 else None for column in because]
    preferred = np.array([-1 if place is None else place for place in holds], np.intp)
    return ListedOffers(values, request.rows, products, moved, preferred)


def chances_of(recommender: Recommender) -> Chances:
    """Return what gives the chance of one product for each row of columns."""

    def chances(values: NDArray[np.float32], products: Indices) -> NDArray[np.float64]:
        return recommender.model.propensities(values)[np.arange(len(values)), products]

    return chances


def spoken(
    plan: ReasonPlan, book: FactBook, listed: ListedOffers, chosen: SelectedReasons, speaker: Speaker
) -> list[list[Reason]]:
    """Return the chosen reasons of each listed row, in words, with the facts that they cite."""
    found: list[list[Reason]] = [[] for _ in listed.rows]
    for offer, place, drop in zip(
        chosen.offer.tolist(), chosen.statement.tolist(), chosen.drop.tolist(), strict=True
    ):
        item = plan.statements[place]
        facts = tuple(book.fact(kind, item.subject, int(listed.rows[offer])) for kind in item.entry.facts)
        text = speaker.sentence(item.entry.words, facts, item.subject)
        found[offer].append(Reason(item.entry.id, text, facts, item.entry.theme, item.subject, drop))
    return found


def _fallback(
    plan: ReasonPlan, book: FactBook, listed: ListedOffers, offer: int, speaker: Speaker
) -> list[Reason]:
    """Return "because you hold X" where the model of acquisitions gives no reason that can be proven."""
    place, row = int(listed.preferred[offer]), int(listed.rows[offer])
    if place < 0:
        return []
    item = plan.statements[place]
    if not book.there(item.entry.facts, item.subject)[row]:
        return []
    facts = tuple(book.fact(kind, item.subject, row) for kind in item.entry.facts)
    text = speaker.sentence(speaker.catalogue.co_held, facts, item.subject)
    return [Reason(CO_HELD, text, facts, item.entry.theme, item.subject, co_held=True)]


def _caution_input(
    known: DecisionContext,
    decisions: Decisions,
    request: OfferRequest,
    rows: Indices,
    product_ids: tuple[str, ...],
) -> CautionInput:
    facts = decisions.facts
    own = facts.customers["customer_risk_rank"].to_numpy().astype(np.float64)[rows]
    product = facts.products["product_risk_rank"].to_numpy().astype(np.float64)[request.columns]
    return CautionInput(
        as_of=known.view.date,
        rows=request.rows,
        product_ids=product_ids,
        rated=~np.isnan(product),
        at_limit=own == product,
        thin=decisions.thin_evidence[request.columns],
    )


def _product_names(known: DecisionContext) -> dict[str, str]:
    return dict(zip(known.catalog.product_ids, known.catalog.names, strict=True))
