"""Reasons of listed offers: own facts, one a theme, each one lowers the score when it is taken away."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from vipreco.assurance.fact_check import CheckedReason, lowers
from vipreco.collaborative import SOURCES
from vipreco.explanations import (
    Explainer,
    FactBook,
    ListedOffers,
    RawTables,
    Reason,
    ReasonCatalog,
    check_facts,
    cited_frame,
    reasons_for,
    reasons_of_offers,
    select_reasons,
)
from vipreco.explanations.facts import Cells
from vipreco.explanations.reason_plan import ReasonPlan, Statement
from vipreco.explanations.selection import SelectedReasons
from vipreco.history import History
from vipreco.recommender import DecisionContext, Decisions, Recommender

from .conftest import MONTHS, frames

NOW = MONTHS[2]
CATALOGUE = ReasonCatalog.shipped()


@pytest.fixture(scope="module")
def known(recommender: Recommender, history: History) -> DecisionContext:
    return recommender.context(history.as_of(NOW))


@pytest.fixture(scope="module")
def chunks(recommender: Recommender, known: DecisionContext) -> list[Decisions]:
    return list(recommender.decisions(known))


@pytest.fixture(scope="module")
def lines(recommender: Recommender, known: DecisionContext, chunks: list[Decisions]) -> list[CheckedReason]:
    found, start = [], 0
    for decisions in chunks:
        rows, columns = decisions.listed(2)
        told = reasons_for(recommender, known, decisions, rows, columns)
        for row, column, reasons in zip(rows.tolist(), columns.tolist(), told, strict=True):
            product = decisions.product_ids[column]
            found += [CheckedReason(start + row, product, reason, False) for reason in reasons]
        start += len(decisions.customer_ids)
    return found


def test_what_a_customer_holds_is_told_beside_the_fund(recommender: Recommender, history: History):
    pairs = [("00000", "fund"), ("00003", "fund")]
    assert [
        one[0].text for one in Explainer(recommender).offer_reasons(history.as_of(NOW), pairs).reasons
    ] == [
        "holds Account, Card",
        "holds Card since 2023-07-01, as many holders of the offer do",
    ]
    assert [
        one[0].text
        for one in Explainer(recommender).offer_reasons(history.as_of(NOW), pairs, language="zh").reasons
    ] == [
        "现持有Account、Card",
        "自 2023-07-01 起持有Card，持有该产品的客户常选此项",
    ]


def test_reasons_come_in_the_order_of_the_pairs_and_are_the_same_alone_and_among_others(
    recommender: Recommender, history: History
):
    view = history.as_of(NOW)
    pairs = [("00007", "fund"), ("00003", "fund"), ("00002", "card"), ("00003", "loan")]
    together = Explainer(recommender).offer_reasons(view, pairs)
    alone = [Explainer(recommender).offer_reasons(view, [pair]) for pair in pairs]
    assert together.reasons == [one.reasons[0] for one in alone]
    assert together.cautions == [one.cautions[0] for one in alone]


def test_every_fact_is_the_customers_own_and_stored(lines: list[CheckedReason], known: DecisionContext):
    ids = [str(known.computed.customer_ids[line.place]) for line in lines for _ in line.reason.facts]
    cited = cited_frame(ids, [fact for line in lines for fact in line.reason.facts])
    assert cited.height > 150
    scans = {name: pl.DataFrame(frame).lazy() for name, frame in frames().items()}
    raw = RawTables.of(scans, NOW, sorted(set(ids)))
    assert check_facts(cited, raw, CATALOGUE)["equal"].all()
    assert cited["date"].max() <= NOW


def test_at_most_three_reasons_each_of_another_theme_stand_beside_an_offer(lines: list[CheckedReason]):
    of_offer: dict[tuple[int, str], list[str]] = {}
    for line in lines:
        of_offer.setdefault((line.place, line.product_id), []).append(line.reason.theme)
    assert max(map(len, of_offer.values())) <= 3
    assert all(len(set(themes)) == len(themes) for themes in of_offer.values())


def test_without_the_evidence_of_a_reason_the_score_is_lower(
    recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]
):
    told = [line for line in lines if line.reason.facts]
    assert sum(not line.reason.co_held for line in told) > 100
    assert all(lowers(recommender, known, told))


def test_a_reason_that_speaks_of_nothing_does_not_lower_the_score(
    recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]
):
    told = next(line for line in lines if line.reason.id == "portfolio")
    beside = replace(told, reason=replace(told.reason, subject="gold"))
    assert lowers(recommender, known, [beside]) == [False]


def test_a_holding_that_only_the_candidate_source_knows_is_tested_on_that_source(
    recommender: Recommender, known: DecisionContext
):
    source = SOURCES["item-item-cosine"]().fit(known.state)
    other = Recommender(replace(recommender.fitted, source=source))
    place = int(np.flatnonzero(known.state.held[:, 1])[0])
    line = CheckedReason(place, "fund", Reason("co-held", "", subject="card", co_held=True), False)
    assert lowers(other, known, [line]) == [True]
    assert lowers(other, known, [replace(line, reason=replace(line.reason, subject="gold"))]) == [False]


def test_who_refused_profiling_gets_a_neutral_sentence_and_no_fact(recommender: Recommender):
    history = History.from_frames(frames(frozenset({"00003"})))
    told = Explainer(recommender).offer_reasons(history.as_of(NOW), [("00003", "fund"), ("00005", "fund")])
    assert [(item.id, item.text, item.facts) for item in told.reasons[0]] == [
        ("neutral", "often acquired by customers of the bank", ())
    ]
    assert told.cautions[0] is None
    assert told.reasons[1][0].facts


def test_a_product_with_few_acquisitions_comes_with_that_caution(
    recommender: Recommender, known: DecisionContext, chunks: list[Decisions]
):
    thin = replace(chunks[0], thin_evidence=np.ones(len(known.catalog), bool))
    told = reasons_of_offers(recommender, known, thin, np.array([3]), np.array([2]))
    assert told.cautions[0] is not None
    assert told.cautions[0].id == "thin-evidence"


# Choosing, on numbers that can be followed by hand.


def plan(*evidence: tuple[str, str, int]) -> ReasonPlan:
    """Return a plan with one reason a column: (reason, subject, column)."""
    groups = [(CATALOGUE.entry(reason).theme, subject) for reason, subject, _ in evidence]
    membership = np.zeros((len(evidence), len(evidence)), bool)
    for number, (_, _, column) in enumerate(evidence):
        membership[column, number] = True
    statements = tuple(
        Statement(CATALOGUE.entry(reason), subject, (column,), number)
        for number, (reason, subject, column) in enumerate(evidence)
    )
    names = tuple(f"column_{number}" for number in range(len(evidence)))
    return ReasonPlan(CATALOGUE, names, statements, tuple(groups), membership)


def book(plan: ReasonPlan, absent: tuple[str, ...] = ()) -> FactBook:
    cells = {
        key: Cells(
            np.array([date(2024, 1, 31)], object),
            np.array([None if key[0] in absent else f"{key[0]} {key[1]}"], object),
            np.array([key[1] or None], object),
            np.array([key[0] not in absent]),
        )
        for key in plan.keys
    }
    return FactBook(CATALOGUE, np.array(["1"]), cells)


def chosen(
    plan: ReasonPlan, moved: list[float], weights: list[float], preferred: int = -1, absent=()
) -> SelectedReasons:
    values = np.ones((1, len(moved)), np.float32)
    listed = ListedOffers(values, np.array([0]), np.array([0]), np.array([moved]), np.array([preferred]))
    share = np.array(weights)
    return select_reasons(
        plan, book(plan, absent), listed, lambda rows, _: 0.1 + rows @ share, np.zeros(len(moved), np.float32)
    )


FIVE = plan(("holds", "card", 0), ("holds", "fund", 1), ("assets", "", 2), ("tier", "", 3), ("joined", "", 4))


def names(plan: ReasonPlan, found: SelectedReasons) -> list[tuple[str, str]]:
    return [(plan.statements[place].entry.id, plan.statements[place].subject) for place in found.statement]


def test_the_strongest_reason_of_each_theme_is_told_and_three_at_most():
    found = chosen(FIVE, [0.3, 0.5, 0.2, 0.4, 0.1], [0.2, 0.2, 0.2, 0.2, 0.1])
    assert names(FIVE, found) == [("holds", "fund"), ("tier", ""), ("assets", "")]
    assert found.drop == pytest.approx([0.2] * 3)


def test_a_reason_whose_absence_does_not_lower_the_chance_is_not_told():
    found = chosen(FIVE, [0.3, 0.5, 0.2, 0.4, 0.1], [0.4, 0.0, 0.3, -0.1, 0.004])
    assert names(FIVE, found) == [("holds", "card"), ("assets", "")]


def test_what_speaks_against_an_offer_or_has_no_fact_is_no_reason():
    found = chosen(FIVE, [0.3, -0.5, 0.2, 0.4, 0.1], [0.2] * 5, absent=("tier", "assets"))
    assert names(FIVE, found) == [("holds", "card"), ("joined", "")]


@pytest.mark.parametrize(("own", "told"), [(0.3, "card"), (0.2, "fund")])
def test_the_holding_of_the_candidate_source_goes_first_if_it_adds_at_least_half(own: float, told: str):
    found = chosen(FIVE, [own, 0.5, 0.0, 0.0, 0.0], [0.2] * 5, preferred=0)
    assert names(FIVE, found) == [("holds", told)]
