"""Chances in words: with the offer and without, the multiple of the usual, and the evidence behind."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from vipreco.lists import OfferLine, Wording, full_name
from vipreco.lists.chances import chance_text, evidence_text
from vipreco.store import DirectoryEntry

OFFER = OfferLine(
    place=1,
    product_id="fund",
    product="Fund",
    chance=0.0123,
    expected_value=10.0,
    chance_with_contact=0.061,
    effect_basis="assumed",
    times_usual=5.2,
    acquisitions=240,
)
EN, ZH = Wording("en"), Wording("zh")


def test_both_chances_and_the_multiple_of_the_usual_are_told() -> None:
    assert chance_text(OFFER, EN) == "6.1% if you offer it, 1.2% by itself, 5 times the usual"
    assert chance_text(OFFER, ZH) == "推荐后 6.1%，不推荐时 1.2%，为一般水平的 5 倍"


def test_a_chance_near_the_usual_has_no_multiple_and_one_without_an_effect_stands_alone() -> None:
    assert chance_text(replace(OFFER, times_usual=1.4), EN) == "6.1% if you offer it, 1.2% by itself"
    assert chance_text(replace(OFFER, chance_with_contact=None, times_usual=None), EN) == "1.2%"
    assert chance_text(replace(OFFER, chance=None), EN) == ""


def test_little_evidence_makes_it_a_thin_evidence_estimate() -> None:
    thin = replace(OFFER, thin_evidence=True, times_usual=None, acquisitions=1)
    assert chance_text(thin, EN) == "6.1% if you offer it, 1.2% by itself, low-confidence estimate"
    assert evidence_text(thin, EN).startswith("1 acquisition behind it, ")


def test_what_was_agreed_on_is_told_as_agreed_and_not_as_a_chance() -> None:
    promised = replace(OFFER, chance=0.0003, chance_with_contact=0.0006, agreed_on=date(2025, 11, 12))
    assert chance_text(promised, EN) == "agreed on 12 November 2025"
    assert chance_text(promised, ZH) == "已于2025年11月12日约定"
    assert evidence_text(promised, EN) == ""


@pytest.mark.parametrize(
    ("basis", "text"),
    [
        ("assumed", "240 acquisitions behind it, the effect of the contact is an assumption"),
        (
            "learnt",
            "240 acquisitions behind it, the effect of the contact is learnt from the bank's contacts",
        ),
        ("", "240 acquisitions behind it"),
    ],
)
def test_what_stands_behind_a_chance_is_told(basis: str, text: str) -> None:
    assert evidence_text(replace(OFFER, effect_basis=basis), EN) == text


@pytest.mark.parametrize(
    ("name", "salutation", "text"),
    [("王伟", "先生", "王伟先生"), ("Li Qiang", "Mr", "Mr Li Qiang"), ("Li Qiang", "", "Li Qiang")],
)
def test_a_name_stands_in_the_order_of_its_own_language(name: str, salutation: str, text: str) -> None:
    assert full_name(DirectoryEntry("1", name, salutation)) == text
