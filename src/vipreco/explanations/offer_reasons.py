"""Reasons and cautions of listed offers, from a recommender and what is known of its customers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.explanations.cautions import CautionInput, caution_keys, cautions
from vipreco.explanations.co_held import CoHeldReasons, co_held_reasons
from vipreco.explanations.facts import FactBook, Key
from vipreco.explanations.qualification import Background, compared, qualified
from vipreco.explanations.reason_catalog import ReasonCatalog
from vipreco.explanations.reason_plan import ReasonPlan, plan_reasons
from vipreco.explanations.selection import SHARED, ListedOffers, SelectedReasons, select_reasons
from vipreco.explanations.sentences import Reason, Speaker
from vipreco.explanations.talk_catalog import TalkCatalog
from vipreco.policy import ASSESSMENT_AGES, Language
from vipreco.recommender import DecisionContext, Decisions, Recommender

Indices: TypeAlias = NDArray[np.intp]
BOOK_CUSTOMERS = 1_000  # a decision context of at most so many is read as a whole
ASSESSMENT_COLUMNS = ASSESSMENT_AGES | {"customer_risk_rank"}
OFFERS_AT_ONCE = 15_000  # bounds the memory of the options and facts; each time a view is opened


@dataclass(frozen=True)
class OfferReasons:
    """Reasons and cautions beside m offers.

    Args:
        reasons: Up to three of each offer, none where none qualifies; for customers who opted out of
            profiling the neutral one.
        cautions: One of each offer, or None.
    """

    reasons: list[list[Reason]]
    cautions: list[Reason | None]


@dataclass(frozen=True)
class OfferRequest:
    """Offers to personalised customers whose products the fit knows, and their customers.

    Args:
        own: Place of each offer's customer in the decisions, shape (m,).
        customers: Places of their customers in the decision context, each once, ascending, shape (n,).
        rows: Place in `customers` of each offer's customer, shape (m,).
        columns: Place of each offer's product in the catalogue, shape (m,).
        order: Ascending in each customer's list; what is in no list comes last, shape (m,).
    """

    own: Indices
    customers: Indices
    rows: Indices
    columns: Indices
    order: Indices


def reasons_of_offers(
    recommender: Recommender,
    known: DecisionContext,
    decisions: Decisions,
    rows: Indices,
    columns: Indices,
    language: Language = "en",
    *,
    catalogue: ReasonCatalog | None = None,
) -> OfferReasons:
    """Return reasons and caution of each of m offers, the strongest reason first.

    The offers of a customer's list are looked at together, asked for or not, so that none of their reasons is
    said twice and an offer has the same reasons wherever it is shown: the first three share the reasons, and
    later ones get what is left.

    Args:
        recommender: The fitted recommender.
        known: What is known of the customers.
        decisions: Decisions about some or all of them.
        rows: Place in `decisions` of each offer's customer, shape (m,).
        columns: Place of its product in the catalogue, shape (m,).
        language: Of the texts.
        catalogue: Reasons with their weights; None for those that come with vipreco.
    """
    catalogue = catalogue or ReasonCatalog.shipped()
    neutral = Reason("neutral", catalogue.neutral.in_(language))
    personal = decisions.personalised[rows].tolist()
    found = OfferReasons([[] if one else [neutral] for one in personal], [None] * len(rows))
    plan = reason_plan_of(recommender, known, catalogue)
    speaker = Speaker(catalogue, background_of(recommender, known).names, language)
    explained: dict[tuple[int, int], tuple[list[Reason], Reason | None]] = {}
    for request in _requests(recommender, known, decisions, rows, columns):
        pairs = zip(request.own.tolist(), request.columns.tolist(), strict=True)
        told = _explained(recommender, known, decisions, request, (plan, speaker))
        explained.update(zip(pairs, zip(*told, strict=True), strict=True))
    for place, pair in enumerate(zip(rows.tolist(), columns.tolist(), strict=True)):
        if pair in explained:
            found.reasons[place], found.cautions[place] = explained[pair]
    return found


def reason_plan_of(
    recommender: Recommender, known: DecisionContext, catalogue: ReasonCatalog | None = None
) -> ReasonPlan:
    """Return what a fit can give reasons for, on the tables of a decision context."""
    definition = recommender.features
    return plan_reasons(
        catalogue or ReasonCatalog.shipped(),
        recommender.names,
        definition.dictionary,
        known.view.columns,
        definition.prohibited,
    )


def background_of(recommender: Recommender, known: DecisionContext) -> Background:
    """Return families and names of the products of a decision context, and the lines of the tiers."""
    ids, catalog = known.catalog.product_ids, known.catalog
    return Background(
        dict(zip(ids, catalog.families, strict=True)),
        dict(zip(ids, catalog.names, strict=True)),
        recommender.features.ladder.thresholds(known.view.date),
    )


def fact_book(known: DecisionContext, customers: Indices, keys: Sequence[Key]) -> FactBook:
    """Look up facts of some customers of a decision context."""
    ids = known.computed.customer_ids[customers]
    # A narrower view is a database of its own (40-60 ms of CPU): a book is read as a whole.
    few = len(known.computed) <= BOOK_CUSTOMERS
    view = known.view if few else known.view.of(pa.array(ids.tolist(), pa.string()))
    return FactBook.of(view, ids, keys, ReasonCatalog.shipped())


def _requests(
    recommender: Recommender, known: DecisionContext, decisions: Decisions, rows: Indices, columns: Indices
) -> Iterator[OfferRequest]:
    """Give the offers and those that share a list with them, in parts of whole customers."""
    scored = np.isin(np.array(known.catalog.product_ids), np.array(recommender.product_ids))
    wanted = np.zeros(decisions.verdict.shape, bool)
    wanted[rows, columns] = True
    last = np.maximum(np.where(wanted, decisions.rank, 0).max(axis=1, initial=0), SHARED)
    ranks, with_offers = decisions.rank, np.asarray(wanted.any(axis=1))[:, None]
    wanted |= (ranks > 0) & (ranks <= last[:, None]) & with_offers
    own, products = np.nonzero(wanted & scored & decisions.personalised[:, None])
    _, starts = np.unique(own, return_index=True)
    ends = [*starts[np.diff(starts // OFFERS_AT_ONCE, prepend=0) > 0].tolist(), len(own)]
    first = 0
    for end in ends:
        if end > first:
            yield _request(known, decisions, own[first:end], products[first:end])
        first = end


def _request(known: DecisionContext, decisions: Decisions, own: Indices, columns: Indices) -> OfferRequest:
    there = np.searchsorted(known.computed.customer_ids, decisions.customer_ids[own])
    customers, rows = np.unique(there, return_inverse=True)
    ranks = decisions.rank[own, columns].astype(np.intp)
    beside = np.where(ranks > 0, ranks, len(decisions.product_ids) + 1)
    by_rank = np.lexsort((columns, -decisions.priority[own, columns], beside, rows))
    order = np.empty(len(own), np.intp)
    order[by_rank] = np.arange(len(own))
    return OfferRequest(own, customers, rows.astype(np.intp), columns, order)


def _explained(
    recommender: Recommender,
    known: DecisionContext,
    decisions: Decisions,
    request: OfferRequest,
    said: tuple[ReasonPlan, Speaker],
) -> tuple[list[list[Reason]], list[Reason | None]]:
    plan, speaker = said
    ids, families = known.catalog.product_ids, known.catalog.families
    product_ids = tuple(ids[column] for column in request.columns.tolist())
    background = background_of(recommender, known)
    options = relevance(plan, [families[column] for column in request.columns.tolist()])
    options &= about_the_offer(plan, product_ids, background)
    spoken_of = np.flatnonzero(options.any(axis=0)).tolist()
    others = co_held_reasons(recommender, known, request.customers[request.rows], product_ids)
    keys = [*plan.keys_of(spoken_of), *others.keys, *caution_keys(plan.catalogue, product_ids)]
    book = fact_book(known, request.customers, keys)
    for place in spoken_of:
        flags = qualified(plan.statements[place], book, background, known.view.date)
        options[:, place] &= flags[request.rows]
    numbers = {product: number for number, product in enumerate(recommender.product_ids)}
    listed = ListedOffers(
        values=np.ascontiguousarray(recommender.columns_of(known.computed.take(request.customers).matrix())),
        rows=request.rows,
        products=np.array([numbers[product] for product in product_ids], np.intp),
        options=options,
        co_held=others.clearer,
        co_held_pair=others.pair,
        order=request.order,
    )
    selected = select_reasons(
        plan, listed, recommender.model.propensities, recommender.blank_of(known.computed)
    )
    warned = cautions(book, _caution_input(known, decisions, request, product_ids), speaker)
    return stated(plan, book, listed, selected, (speaker, background), others), warned


def relevance(plan: ReasonPlan, families: Sequence[str]) -> NDArray[np.bool_]:
    """Return which reasons may stand beside offers of these families, shape (m, T)."""
    themes, places = plan.themes
    speaks = {
        family: np.array([plan.catalogue.speaks_for(theme, family) for theme in themes], bool)[places]
        for family in set(families)
    }
    return np.array([speaks[family] for family in families], bool).reshape(len(families), len(places))


def about_the_offer(
    plan: ReasonPlan, product_ids: Sequence[str], background: Background
) -> NDArray[np.bool_]:
    """Return which reasons are about what they have to be about beside an offer, shape (m, T)."""
    families, subjects = background.families, plan.subjects
    of_subjects = np.array([families.get(subject, "") for subject in subjects.tolist()], np.str_)
    of_offer, of_family = plan.about == "offer", plan.about == "family"

    def fits(product: str) -> NDArray[np.bool_]:
        same = subjects == product
        other = np.where(of_family, of_subjects == families[product], ~same)
        return np.asarray(np.where(of_offer, same, other), bool)

    known = {product: fits(product) for product in set(product_ids)}
    shape = (len(product_ids), len(plan.statements))
    return np.array([known[product] for product in product_ids], bool).reshape(shape)


def stated(
    plan: ReasonPlan,
    book: FactBook,
    listed: ListedOffers,
    selected: SelectedReasons,
    words: tuple[Speaker, Background],
    others: CoHeldReasons | None = None,
) -> list[list[Reason]]:
    """Return the selected reasons of each offer, in words, with the facts that they cite."""
    (speaker, background), talk = words, TalkCatalog.shipped()
    found: list[list[Reason]] = [[] for _ in listed.rows]
    for offer, place, drop in zip(
        selected.offer.tolist(), selected.statement.tolist(), selected.drop.tolist(), strict=True
    ):
        row = int(listed.rows[offer])
        if place < 0:
            reason = others.reason(book, offer, row, speaker) if others else None
            found[offer] += [reason] if reason else []
            continue
        item = plan.statements[place]
        facts = tuple(book.fact(kind, item.subject, row) for kind in item.entry.facts)
        more = compared(item.entry, facts, background)
        text, opening = (
            speaker.sentence(words, facts, item.subject, more=more)
            for words in (item.entry.words, talk.reason[item.entry.id])
        )
        reason = Reason(item.entry.id, text, facts, item.entry.theme, item.subject, drop, opening=opening)
        found[offer].append(reason)
    return found


def _caution_input(
    known: DecisionContext,
    decisions: Decisions,
    request: OfferRequest,
    product_ids: tuple[str, ...],
) -> CautionInput:
    facts, pairs = decisions.facts, (request.own, request.columns)
    own = facts.customers["customer_risk_rank"].to_numpy().astype(np.float64)[request.own]
    product = facts.products["product_risk_rank"].to_numpy().astype(np.float64)[request.columns]
    assessed = decisions.policy.concerned(facts, ASSESSMENT_COLUMNS)[pairs]
    return CautionInput(
        as_of=known.view.date,
        rows=request.rows,
        product_ids=product_ids,
        assessed=assessed,
        at_limit=(own == product) & assessed,
    )
