"""Acceptance of past offers, counted by hand."""

from __future__ import annotations

from datetime import date

import pytest

from tests.kpi.counted_bank import DECEMBER, history
from vipreco.analytics import acceptance
from vipreco.analytics.plots import plot
from vipreco.errors import UsageError


def test_answers_are_counted_by_product_with_their_limits() -> None:
    rows = acceptance(history().as_of(DECEMBER), "product").to_dicts()
    deposit, fund = rows
    assert {name: deposit[name] for name in ("contacts", "answers", "accepted", "postponed")} == {
        "contacts": 2,
        "answers": 2,
        "accepted": 1,
        "postponed": 1,
    }
    assert {name: fund[name] for name in ("contacts", "customers", "answers", "accepted", "declined")} == {
        "contacts": 8,
        "customers": 6,
        "answers": 6,  # two were not reached
        "accepted": 0,
        "declined": 4,
    }
    # Wilson (1927) for 1 of 2
    assert (deposit["low"], deposit["high"]) == pytest.approx((0.0945, 0.9055), abs=1e-4)
    assert deposit["few"] is True


def test_managers_stand_by_their_id_and_not_by_their_rate() -> None:
    rows = acceptance(history().as_of(DECEMBER), "manager")
    assert rows.select("manager", "contacts", "answers").rows() == [("M1", 5, 5), ("M2", 2, 1), ("M3", 3, 2)]


def test_only_contacts_since_a_day_count() -> None:
    rows = acceptance(history().as_of(DECEMBER), "channel", date(2025, 10, 1))
    assert rows.select("channel", "contacts").rows() == [("call", 7), ("sms", 1)]


def test_without_contacts_or_with_another_dimension_it_is_refused() -> None:
    with pytest.raises(UsageError, match="no contacts were imported"):
        acceptance(history(contacts=None).as_of(DECEMBER), "product")
    with pytest.raises(UsageError, match="acceptance is not told by age"):
        acceptance(history().as_of(DECEMBER), "age")


def test_acceptance_has_a_plot_with_its_groups() -> None:
    figure = plot("family", acceptance(history().as_of(DECEMBER), "family"))
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["deposit (2)", "fund (6)"]
