"""Reasons and cautions of listed offers, from a fitted recommender and what is known of its customers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.collaborative import strongest_holdings
from vipreco.explanations.catalogue import Catalogue
from vipreco.explanations.cautions import Minded, caution_keys, cautions
from vipreco.explanations.choosing import Chances, Chosen, Listed, audible, choose
from vipreco.explanations.contributions import offer_contributions
from vipreco.explanations.facts import FactBook, Key
from vipreco.explanations.plan import Plan, plan_reasons
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.policy import Language
from vipreco.recommender import Decisions, Fitted, Situation

Places: TypeAlias = NDArray[np.intp]
HOLDS, CO_HELD = "holds", "co-held"


@dataclass(frozen=True)
class Told:
    """What is told beside m offers.

    Args:
        reasons: Up to three of each offer; for customers who refused profiling the neutral one.
        cautions: One of each offer, or None.
    """

    reasons: list[list[Reason]]
    cautions: list[Reason | None]


@dataclass(frozen=True)
class Asked:
    """The offers of personalised customers whose products the fit knows, and their customers.

    Args:
        offers: Their places among all offers, shape (m,).
        places: Places of their customers in the situation, each once, ascending, shape (n,).
        rows: Place in `places` of each offer's customer, shape (m,).
        columns: Place of each offer's product in the catalogue, shape (m,).
    """

    offers: Places
    places: Places
    rows: Places
    columns: Places


def reasons_for(
    fitted: Fitted,
    known: Situation,
    decisions: Decisions,
    rows: Places,
    columns: Places,
    language: Language = "en",
) -> list[list[Reason]]:
    """Return up to three reasons of each of m offers, the strongest first.

    Args:
        fitted: The fitted recommender.
        known: What is known of the customers.
        decisions: Decisions about some or all of them.
        rows: Place in `decisions` of each offer's customer, shape (m,).
        columns: Place of its product in the catalogue, shape (m,).
        language: Of the texts.
    """
    return told_for(fitted, known, decisions, rows, columns, language).reasons


def told_for(
    fitted: Fitted,
    known: Situation,
    decisions: Decisions,
    rows: Places,
    columns: Places,
    language: Language = "en",
) -> Told:
    """Return reasons and caution of each of m offers; arguments as of `reasons_for`."""
    catalogue = Catalogue.shipped()
    speaker = Speaker(catalogue, _product_names(known), language)
    neutral = [Reason("neutral", catalogue.neutral.in_(language))]
    told = Told([list(neutral) for _ in rows], [None] * len(rows))
    asked = _asked(fitted, known, decisions, rows, columns)
    if not len(asked.offers):
        return told
    plan = plan_of(fitted, known)
    product_ids = tuple(known.catalog.product_ids[column] for column in asked.columns)
    listed = _listed(fitted, known, asked, plan)
    spoken_of = plan.keys_of(np.flatnonzero(audible(plan, listed)).tolist())
    book = _book(known, asked, [*spoken_of, *caution_keys(catalogue, product_ids)], catalogue)
    chosen = choose(plan, book, listed, chances_of(fitted), blank_of(fitted, known))
    found = spoken(plan, book, listed, chosen, speaker)
    minded = _minded(known, decisions, asked, rows[asked.offers], product_ids)
    warned = cautions(book, minded, speaker)
    for place, offer in enumerate(asked.offers.tolist()):
        told.reasons[offer] = found[place] or _fallback(plan, book, listed, place, speaker) or neutral
        told.cautions[offer] = warned[place]
    return told


def plan_of(fitted: Fitted, known: Situation) -> Plan:
    """Return what a fit can give reasons for, on the tables of a situation."""
    definition = fitted.features
    return plan_reasons(
        Catalogue.shipped(), fitted.names, definition.dictionary, known.view.columns, definition.prohibited
    )


def blank_of(fitted: Fitted, known: Situation) -> NDArray[np.float32]:
    """Return what the boosters see of a customer of whom nothing is known, shape (k,)."""
    return known.computed.blank[fitted.kept]


def _asked(fitted: Fitted, known: Situation, decisions: Decisions, rows: Places, columns: Places) -> Asked:
    scored = np.isin(np.array(known.catalog.product_ids), np.array(fitted.product_ids))
    offers = np.flatnonzero(decisions.personalised[rows] & scored[columns])
    there = np.searchsorted(known.computed.customer_ids, decisions.customer_ids[rows[offers]])
    places, own = np.unique(there, return_inverse=True)
    return Asked(offers, places, own.astype(np.intp), columns[offers])


def _book(known: Situation, asked: Asked, keys: Sequence[Key], catalogue: Catalogue) -> FactBook:
    ids = known.computed.customer_ids[asked.places]
    everybody = len(ids) == len(known.computed)
    view = known.view if everybody else known.view.of(pa.array(ids.tolist(), pa.string()))
    return FactBook.of(view, ids, keys, catalogue)


def _listed(fitted: Fitted, known: Situation, asked: Asked, plan: Plan) -> Listed:
    matrix = known.computed.take(asked.places).matrix()
    values = np.ascontiguousarray(fitted.columns_of(matrix))
    numbers = {product: number for number, product in enumerate(fitted.product_ids)}
    ids = known.catalog.product_ids
    products = np.array([numbers[ids[column]] for column in asked.columns.tolist()], np.intp)
    moved = offer_contributions(fitted.model, values, asked.rows, products)
    state = known.state.take(asked.places[asked.rows])
    because = strongest_holdings(fitted.source, state, asked.columns).tolist()
    holds = [plan.place(HOLDS, ids[column]) if column >= 0 else None for column in because]
    preferred = np.array([-1 if place is None else place for place in holds], np.intp)
    return Listed(values, asked.rows, products, moved, preferred)


def chances_of(fitted: Fitted) -> Chances:
    """Return what gives the chance of one product for each row of columns."""

    def chances(values: NDArray[np.float32], products: Places) -> NDArray[np.float64]:
        return fitted.model.propensities(values)[np.arange(len(values)), products]

    return chances


def spoken(
    plan: Plan, book: FactBook, listed: Listed, chosen: Chosen, speaker: Speaker
) -> list[list[Reason]]:
    """Return the chosen reasons of each listed row, in words, with the facts that they cite."""
    found: list[list[Reason]] = [[] for _ in listed.rows]
    for offer, place, drop in zip(
        chosen.offer.tolist(), chosen.telling.tolist(), chosen.drop.tolist(), strict=True
    ):
        item = plan.tellings[place]
        facts = tuple(book.fact(kind, item.subject, int(listed.rows[offer])) for kind in item.entry.facts)
        text = speaker.sentence(item.entry.words, facts, item.subject)
        found[offer].append(Reason(item.entry.id, text, facts, item.entry.theme, item.subject, drop))
    return found


def _fallback(plan: Plan, book: FactBook, listed: Listed, offer: int, speaker: Speaker) -> list[Reason]:
    """Return "because you hold X" where the model of acquisitions gives no reason that can be proven."""
    place, row = int(listed.preferred[offer]), int(listed.rows[offer])
    if place < 0:
        return []
    item = plan.tellings[place]
    if not book.there(item.entry.facts, item.subject)[row]:
        return []
    facts = tuple(book.fact(kind, item.subject, row) for kind in item.entry.facts)
    text = speaker.sentence(speaker.catalogue.co_held, facts, item.subject)
    return [Reason(CO_HELD, text, facts, item.entry.theme, item.subject, co_held=True)]


def _minded(
    known: Situation, decisions: Decisions, asked: Asked, rows: Places, product_ids: tuple[str, ...]
) -> Minded:
    facts = decisions.facts
    own = facts.customers["customer_risk_rank"].to_numpy().astype(np.float64)[rows]
    product = facts.products["product_risk_rank"].to_numpy().astype(np.float64)[asked.columns]
    return Minded(
        as_of=known.view.date,
        rows=asked.rows,
        product_ids=product_ids,
        rated=~np.isnan(product),
        at_limit=own == product,
        thin=decisions.thin_evidence[asked.columns],
    )


def _product_names(known: Situation) -> dict[str, str]:
    return dict(zip(known.catalog.product_ids, known.catalog.names, strict=True))
