"""Marks of reasons and offers on both databases: who may mark, what counts, which templates lose weight."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from vipreco.errors import InputRejectedError
from vipreco.store import HALVING_MARKS, Feedback, MarkedReason, Role, Scope, Store

DAY = date(2026, 3, 2)
ANN = Scope("user:ann", Role.MANAGER, "M1", DAY)
BOB = Scope("user:bob", Role.MANAGER, "M2", DAY)


def mark(customer: str = "0001", reason: str = "balance", cause: str = "wrong") -> Feedback:
    return Feedback(customer, "P1", reason, cause)


def test_only_who_sees_a_customer_can_mark(store: Store) -> None:
    assert store.feedback.record(ANN, mark(), DAY)
    assert not store.feedback.record(BOB, mark(), DAY)
    assert not store.feedback.record(ANN, mark("9999"), DAY)
    with pytest.raises(InputRejectedError, match="cause"):
        store.feedback.record(ANN, mark(cause="boring"), DAY)


def test_the_newest_mark_of_a_person_counts_and_a_year_later_none(store: Store) -> None:
    store.feedback.record(ANN, mark(cause="wrong"), DAY)
    store.feedback.record(ANN, mark(cause="known"), DAY)
    store.feedback.record(ANN, mark("0002", cause="known"), DAY)
    store.feedback.record(ANN, mark(reason="", cause="unsuitable"), DAY)
    assert store.feedback.of(ANN, "0001") == {("P1", "balance"): "known", ("P1", ""): "unsuitable"}
    assert store.feedback.marked(DAY) == [
        MarkedReason("balance", "known", 2, 2),
        MarkedReason("", "unsuitable", 1, 1),
    ]
    assert store.feedback.weights(DAY) == {"balance": HALVING_MARKS / (HALVING_MARKS + 2)}
    assert store.feedback.weights(DAY + timedelta(days=365)) == {}


def test_marks_are_exported_and_erased_with_the_customer(store: Store) -> None:
    store.feedback.record(ANN, mark(), DAY)
    assert store.subjects.export("0001", "p1")["feedback"][0]["reason_id"] == "balance"
    assert store.subjects.erase("0001", "p1", DAY)["feedback"] == 1
    assert store.feedback.marked(DAY) == []
