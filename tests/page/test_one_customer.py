"""The sheet of a customer of the book, from the plan of the day: the same as when it is asked for alone."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pyarrow as pa
import pytest

from serving.workspace.book_service import BookService
from tests.explanations import reason_bank
from tests.page.page_bank import LADDER, MANAGER, PageBank, Tables, customer_ids, trained
from vipreco.documents import Language, write_document
from vipreco.explanations import Explainer
from vipreco.history import History
from vipreco.lists import BLOCKED, PLACE, Day, Wording, customer_day, customer_sheet, plan_day, sheet_document
from vipreco.settings import CallListSettings
from vipreco.store import Role, Scope

SETTINGS = CallListSettings()
SOME = [0, 2, 8, 15, 39]  # a follow-up, a decline, neither, no consent, neither that nor profiling


@pytest.fixture(scope="module")
def plan() -> Day:
    recommender, view = trained()
    ids = pa.array([customer_ids()[number] for number in range(100)], pa.string())
    return plan_day(Explainer(recommender), view.of(ids), LADDER.vip, SETTINGS)


def sheet(day: Day, language: Language) -> bytes:
    target = io.BytesIO()
    write_document(
        sheet_document(customer_sheet(day, "model", Wording(language)), Wording(language)), target, "json"
    )
    return target.getvalue()


def test_a_sheet_from_the_plan_is_the_sheet_of_the_customer_alone(plan: Day):
    recommender, view = trained()
    blocked = 0
    for number in SOME:
        customer = customer_ids()[number]
        alone = customer_day(Explainer(recommender), view, customer, LADDER.vip, SETTINGS)
        of_plan = plan.of(customer)
        for language in ("en", "zh"):
            assert sheet(of_plan, language) == sheet(alone, language), customer
        assert of_plan.calls.drop(PLACE).equals(alone.calls.drop(PLACE))
        blocked += alone.calls[BLOCKED][0] is not None
    assert blocked == 2


def test_a_customer_of_another_book_has_no_place_in_the_plan(plan: Day):
    with pytest.raises(KeyError):
        plan.of(customer_ids()[200])


def test_reasons_from_the_plan_are_those_of_the_customers_alone():
    history = History.from_frames(reason_bank.frames())
    recommender, view = reason_bank.fitted(history), history.as_of(reason_bank.NOW)
    plan = plan_day(Explainer(recommender), view, ("GOLD",), SETTINGS)
    offers = plan.offers
    pairs = list(offers.select("customer_id", "product_id").iter_rows())
    alone = Explainer(recommender).offer_reasons(view, pairs, "call")
    assert {reason.id for reasons in alone.reasons for reason in reasons} == {
        "neutral",
        "loan-pages",
    }
    assert Explainer(recommender).offer_reasons(plan.view, pairs, "call", decided=plan.decided) == alone


def test_a_change_that_comes_while_a_sheet_is_made_is_seen_by_the_next_one(bank: PageBank):
    changes = [0]
    tables = Tables(bank.state.store.books)
    answers = SimpleNamespace(
        model_version="model",
        currency="CNY",
        source=changes,
        stamp=lambda _: changes[0],
        day=tables.day,
        sheet=tables.sheet,
    )
    scope = Scope("ann", Role.MANAGER, MANAGER)

    def service() -> BookService:
        return BookService(bank.state, answers, scope, Wording("en"))

    first = service()
    member = first.members[customer_ids()[3]]
    assert member.customer_id in first.plan.rows
    changes[0] = 1
    sheet = first.customer(member)
    following = service().customer(member)
    assert following is not sheet
    assert service().customer(member) is following
