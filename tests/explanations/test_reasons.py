"""Reasons of listed offers: own facts, relevant, compared, said once, and proven by their absence."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from tests.explanations.reason_bank import NOW, OPTED_OUT, fitted, frames
from vipreco.assurance.fact_check import CheckedReason, lowers
from vipreco.explanations import (
    Explainer,
    RawTables,
    ReasonCatalog,
    check_facts,
    cited_frame,
    holds_true,
    offer_reasons,
)
from vipreco.explanations.fact_cells import Cells
from vipreco.explanations.facts import FactBook, key_of
from vipreco.explanations.offer_reasons import OfferRequest
from vipreco.explanations.qualification import Background, qualified
from vipreco.explanations.reason_plan import ReasonPlan, Statement
from vipreco.explanations.selection import ListedOffers, select_reasons
from vipreco.history import History
from vipreco.policy import Policy
from vipreco.recommender import DecisionContext, Recommender
from vipreco.settings import PolicySettings

CATALOGUE = ReasonCatalog.shipped()
FUND, LOAN = "00005", "00002"  # number 5 and 2 of a sixth: they acquire in the month after NOW


@pytest.fixture(scope="module")
def history() -> History:
    return History.from_frames(frames())


@pytest.fixture(scope="module")
def recommender(history: History) -> Recommender:
    return fitted(history)


@pytest.fixture(scope="module")
def known(recommender: Recommender, history: History) -> DecisionContext:
    return recommender.context(history.as_of(NOW))


@pytest.fixture(scope="module")
def lines(recommender: Recommender, known: DecisionContext) -> list[CheckedReason]:
    found, start = [], 0
    for decisions in recommender.decisions(known):
        rows, columns = decisions.listed(3)
        said = Explainer(recommender).reasons_in(known, decisions, rows, columns).reasons
        for row, column, reasons in zip(rows.tolist(), columns.tolist(), said, strict=True):
            product = decisions.product_ids[column]
            found += [CheckedReason(start + row, product, reason, False) for reason in reasons]
        start += len(decisions.customer_ids)
    return found


def texts(
    recommender: Recommender, history: History, pair: tuple[str, str], language: str = "en"
) -> list[str]:
    found = Explainer(recommender).offer_reasons(
        history.as_of(NOW),
        [pair],
        language=language,  # type: ignore[arg-type]
    )
    return [reason.text for reason in found.reasons[0]]


def test_what_a_customer_did_of_late_is_compared_with_what_is_usual(
    recommender: Recommender, history: History
):
    assert "2,333 a month came in over the last three, 2.3 times the usual 1,000" in texts(
        recommender, history, ("00027", "fund")
    )
    assert "read 12 pages on loans in three months, 100 % of the year's" in texts(
        recommender, history, (LOAN, "loan")
    )
    assert "近三个月浏览贷款页面 12 次，占全年 100%" in texts(recommender, history, (LOAN, "loan"), "zh")


def test_the_opening_of_a_talk_says_the_same_fact_and_no_other_number(lines: list[CheckedReason]):
    told = [line.reason for line in lines if line.reason.id != "neutral"]
    assert {"inflow-rose", "loan-pages", "co-held"} <= {reason.id for reason in told}
    for reason in told:
        assert reason.opening
        assert set(re.findall(r"\d[\d,.]*\d|\d", reason.opening)) <= set(
            re.findall(r"\d[\d,.]*\d|\d", reason.text)
        ), reason
    assert {reason.opening for reason in told if reason.id == "loan-pages"} == {
        "You looked at our loans lately: are you planning something larger?"
    }
    assert not any(line.reason.opening for line in lines if line.reason.id == "neutral")


def test_a_fact_speaks_only_for_families_of_the_table_of_relevance(lines: list[CheckedReason]):
    assert {line.reason.id for line in lines if line.product_id == "loan"} <= {
        "loan-pages",
        "co-held",
        "co-held-pair",
        "neutral",
    }
    assert {line.product_id for line in lines if line.reason.id == "loan-pages"} == {"loan"}
    assert "logins" not in {line.reason.subject for line in lines}


def test_nothing_is_said_twice_in_a_list_nor_two_things_of_a_theme_beside_an_offer(
    lines: list[CheckedReason],
):
    of_list: dict[int, list[str]] = {}
    of_offer: dict[tuple[int, str], list[str]] = {}
    for line in lines:
        if line.reason.facts:
            of_list.setdefault(line.place, []).append(line.reason.id)
            of_offer.setdefault((line.place, line.product_id), []).append(line.reason.theme)
    assert all(len(set(said)) == len(said) for said in of_list.values())
    assert all(len(set(said)) == len(said) <= 3 for said in of_offer.values())


def test_every_fact_is_stored_is_no_zero_and_says_what_the_words_say(
    lines: list[CheckedReason], known: DecisionContext
):
    ids = [str(known.computed.customer_ids[line.place]) for line in lines for _ in line.reason.facts]
    cited = cited_frame(ids, [fact for line in lines for fact in line.reason.facts])
    assert cited.height > 100
    raw = RawTables.of({name: pl.DataFrame(frame).lazy() for name, frame in frames().items()}, NOW, ids)
    assert check_facts(cited, raw, CATALOGUE)["equal"].all()
    assert not cited["value"].is_in(["0", "0.0", "0.00"]).any()
    told = [line.reason for line in lines if line.reason.facts and not line.reason.co_held]
    assert all(holds_true(CATALOGUE.entry(reason.id), reason.facts) for reason in told)


def test_without_the_evidence_of_a_reason_the_score_is_lower(
    recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]
):
    told = [line for line in lines if line.reason.facts]
    assert sum(not line.reason.co_held for line in told) > 50
    assert all(lowers(recommender, known, told))


def test_counts_of_holders_are_those_of_the_tables(
    recommender: Recommender, known: DecisionContext, lines: list[CheckedReason]
):
    told = [line for line in lines if line.reason.id == "co-held"]
    assert told
    newest = recommender.context(History.from_frames(frames()).as_of(NOW)).state
    held = dict(zip(newest.product_ids, newest.held.T, strict=True))
    for line in told:
        first = held[line.reason.subject]
        both = int((first & held[line.product_id]).sum())
        assert line.reason.text.startswith(f"{both:,} of the {int(first.sum()):,} customers who hold")
        assert both / first.sum() > 1.3 * held[line.product_id].mean()


def test_who_opted_out_of_profiling_gets_a_neutral_sentence_and_no_fact(
    recommender: Recommender, history: History
):
    found = Explainer(recommender).offer_reasons(history.as_of(NOW), [(OPTED_OUT, "fund")])
    assert [(item.id, item.text, item.facts) for item in found.reasons[0]] == [
        ("neutral", "often acquired by customers of the bank", ())
    ]
    assert found.cautions == [None]


def test_reasons_are_the_same_alone_among_others_and_in_another_order(
    recommender: Recommender, history: History, lines: list[CheckedReason], known: DecisionContext
):
    customers = [str(known.computed.customer_ids[line.place]) for line in lines[:40]]
    pairs = list(dict.fromkeys(zip(customers, (line.product_id for line in lines), strict=False)))
    explainer, view = Explainer(recommender), history.as_of(NOW)
    together = explainer.offer_reasons(view, pairs[::-1]).reasons[::-1]
    alone = [explainer.offer_reasons(view, [pair]).reasons[0] for pair in pairs]
    as_listed = [
        [
            line.reason
            for line in lines
            if (str(known.computed.customer_ids[line.place]), line.product_id) == pair
        ]
        for pair in pairs
    ]
    ids = [[[reason.id for reason in one] for one in each] for each in (together, alone, as_listed)]
    assert ids[0] == ids[1] == ids[2]


def test_a_risk_class_is_cautioned_about_where_a_rule_compares_it(
    recommender: Recommender, known: DecisionContext
):
    first = next(iter(recommender.decisions(known)))
    customers = first.facts.customers.with_columns(pl.lit(2).alias("customer_risk_rank"))
    products = first.facts.products.with_columns(
        pl.lit(2).alias("product_risk_rank"),
        pl.Series("product_family", ["account", "wealth", "deposit", "fund", "loan"]),
    )
    facts = replace(first.facts, customers=customers, products=products)
    decided = replace(first, facts=facts, policy=Policy.read(PolicySettings(packs=("china",))))
    columns = np.arange(len(known.catalog))
    own = np.full(len(columns), 3)
    request = OfferRequest(own, np.array([3]), np.zeros_like(columns), columns, columns)
    found = offer_reasons._caution_input(known, decided, request, known.catalog.product_ids)
    assert found.at_limit.tolist() == found.assessed.tolist() == [False, True, False, True, False]


# Selection, on numbers that can be followed by hand.


def plan(*reasons: tuple[str, str]) -> ReasonPlan:
    """Return a plan with one column a reason: (reason, subject)."""
    groups = [(CATALOGUE.entry(reason).theme, subject) for reason, subject in reasons]
    statements = tuple(
        Statement(CATALOGUE.entry(reason), subject, number)
        for number, (reason, subject) in enumerate(reasons)
    )
    names = tuple(f"column_{number}" for number in range(len(reasons)))
    return ReasonPlan(CATALOGUE, names, statements, tuple(groups), np.eye(len(reasons), dtype=bool))


def said(
    plan: ReasonPlan, weights: list[list[float]], absent: tuple[int, ...] = (), co_held: float = 0.0
) -> list[list[str]]:
    """Return the reasons of one customer's offers, whose chances are sums of weights, one row an offer."""
    offers, columns = len(weights), len(weights[0])
    options = np.ones((offers, columns), bool)
    options[:, list(absent)] = False
    share = np.array(weights)
    listed = ListedOffers(
        values=np.ones((1, columns), np.float32),
        rows=np.zeros(offers, np.intp),
        products=np.arange(offers),
        options=options,
        co_held=np.full(offers, co_held),
        co_held_pair=np.zeros(offers, bool),
        order=np.arange(offers),
    )
    found = select_reasons(plan, listed, lambda rows: 0.1 + rows @ share.T, np.zeros(columns, np.float32))
    names = ["co-held" if place < 0 else plan.statements[place].entry.id for place in found.statement]
    return [
        [name for own, name in zip(found.offer, names, strict=True) if own == one] for one in range(offers)
    ]


FOUR = plan(
    ("inflow-rose", "inflow_amount"), ("assets-rose", ""), ("outflow-rose", "o"), ("income-rose", "i")
)


def test_the_chance_must_fall_and_what_it_falls_most_by_is_said_first_and_three_at_most():
    assert said(FOUR, [[0.1, 0.3, 0.2, 0.25]]) == [["assets-rose", "income-rose", "outflow-rose"]]
    assert said(FOUR, [[0.4, 0.0, -0.1, 0.001]]) == [["inflow-rose"]]
    assert said(FOUR, [[0.1, 0.3, 0.2, 0.25]], absent=(1, 3)) == [["outflow-rose", "inflow-rose"]]
    assert said(FOUR, [[0.0, 0.0, 0.0, 0.0]]) == [[]]


def test_each_offer_of_a_list_gets_its_first_reason_before_any_gets_a_second():
    assert said(FOUR, [[0.1, 0.3, 0.2, 0.0], [0.1, 0.3, 0.2, 0.0]]) == [
        ["assets-rose", "inflow-rose"],
        ["outflow-rose"],
    ]


def test_one_reason_of_a_topic_stands_beside_an_offer():
    """A raise and the salary itself are two themes, since they speak for other families, and one topic."""
    salary = plan(("salary-rose", "s"), ("salary-paid", "s"), ("assets-rose", ""))
    assert said(salary, [[0.3, 0.2, 0.1]]) == [["salary-rose", "assets-rose"]]
    assert said(salary, [[0.2, 0.3, 0.1]]) == [["salary-paid", "assets-rose"]]


@pytest.mark.parametrize(("moved", "is_told"), [(19_900, False), (20_000, True), (5_000, False)])
def test_money_that_moved_is_a_reason_from_a_share_of_the_assets_on(moved: int, is_told: bool):
    """Sent to other banks: at least twice the usual 6,000, and 2 % of the million that is here."""
    day = np.array([date(2025, 12, 31)], object)

    def cells(value: int) -> Cells:
        return Cells(day, np.array([str(value)], object), np.array([""], object), np.array([True]))

    amounts = {"usual": 6_000, "assets": 1_000_000, "activity_peak": moved}
    entry, subject = CATALOGUE.entry("other-banks"), "transfers_out_amount"
    book = FactBook(
        CATALOGUE,
        np.array(["c1"]),
        {key_of(CATALOGUE.fact[kind], kind, subject): cells(value) for kind, value in amounts.items()},
    )
    found = qualified(Statement(entry, subject, 0), book, Background({}, {}, {}), date(2025, 12, 31))
    assert found.tolist() == [is_told]


@pytest.mark.parametrize(
    ("ended", "is_told"),
    [
        (date(2025, 12, 20), False),
        (date(2025, 10, 1), False),
        (date(2025, 9, 30), True),
        (date(2023, 12, 31), True),
        (date(2023, 12, 30), False),
    ],
)
def test_a_product_that_was_held_is_a_reason_from_three_months_to_two_years_later(ended: date, is_told: bool):
    """Held until eleven days ago says that the customer has just given it up."""
    day, text, product = (np.array([value], object) for value in (ended, ended.isoformat(), "fund"))
    cells = Cells(day, text, product, np.array([True]))
    book = FactBook(CATALOGUE, np.array(["c1"]), {("left", "fund"): cells})
    statement = Statement(CATALOGUE.entry("held-before"), "fund", 0)
    background = Background({"fund": "fund"}, {"fund": "fund"}, {})
    assert qualified(statement, book, background, date(2025, 12, 31)).tolist() == [is_told]


def test_what_others_hold_is_said_where_own_facts_say_less():
    assert said(FOUR, [[0.1, 0.3, 0.2, 0.0]], co_held=0.4)[0][-1] == "inflow-rose"
    assert said(FOUR, [[0.0, 0.0, 0.0, 0.0]], co_held=0.4) == [["co-held"]]


def test_a_template_that_was_marked_often_comes_later():
    marked = CATALOGUE.weighted({"assets-rose": 0.25, "co-held": 0.1})
    weighed = replace(
        FOUR,
        catalogue=marked,
        statements=tuple(replace(one, entry=marked.entry(one.entry.id)) for one in FOUR.statements),
    )
    assert said(FOUR, [[0.1, 0.3, 0.2, 0.25]])[0][0] == "assets-rose"
    assert said(weighed, [[0.1, 0.3, 0.2, 0.25]]) == [["income-rose", "outflow-rose", "inflow-rose"]]
    assert said(weighed, [[0.0, 0.05, 0.0, 0.0]], co_held=0.4) == [["assets-rose", "co-held"]]


def test_amounts_have_the_currency_and_weights_the_order(recommender: Recommender, history: History):
    yuan = recommender.with_policy(recommender.policy.in_currency("CNY"))
    pair = [("00027", "fund")]
    (plain,) = Explainer(yuan).offer_reasons(history.as_of(NOW), pair).reasons
    assert "CNY 2,333 a month came in over the last three, 2.3 times the usual CNY 1,000" in {
        reason.text for reason in plain
    }
    weights = {reason.id: 0.001 for reason in plain[:1]}
    (weighed,) = Explainer(yuan, weights).offer_reasons(history.as_of(NOW), pair).reasons
    assert len(plain) == 1 or weighed[0].id != plain[0].id
