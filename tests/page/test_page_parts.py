"""The parts of the page that need no bank: drawing, forms, the way along the list, languages, escaping."""

from __future__ import annotations

import tomllib
from datetime import date
from types import SimpleNamespace

import pytest

from serving.page.cache import ResultCache
from serving.page.chart import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, draw
from serving.page.forms import outcome_form
from serving.page.html import FOLDER, HEADERS, page
from serving.page.languages import chosen_language, wording
from serving.page.page_service import BookEntry
from vipreco.lists import CallLine, CallList

DAY = date(2025, 12, 31)
HOSTILE = "<img src=x onerror=alert(1)>"


def call(customer: str, minutes: int = 10, outcome: str = "", kind: str = "keep") -> CallLine:
    return CallLine(
        customer_id=customer,
        kind=kind,
        place=1,
        tier="GOLD",
        assets=1.0,
        reasons=(),
        offers=(),
        no_offer="",
        avoid=None,
        caution="",
        minutes=minutes,
        expected_value=5.0,
        last_contact="",
        outcome=outcome,
    )


def day(*calls: CallLine) -> CallList:
    return CallList(DAY, DAY, "M1", "model", 60, calls, (), 0, (), (), 3)


def test_the_line_of_assets_reaches_from_edge_to_edge_and_rises_with_them():
    chart = draw([(date(2025, 11, 30), 100.0), (DAY, 200.0)], None)
    assert chart is not None
    assert (chart.first.x, chart.last.x) == (LEFT, WIDTH - RIGHT)
    room = (HEIGHT - TOP - BOTTOM) * 8 / 116
    assert chart.last.y == pytest.approx(TOP + room)
    assert chart.first.y == pytest.approx(HEIGHT - BOTTOM - room)


def test_the_line_of_the_next_tier_is_drawn_while_it_is_in_reach():
    months = [(date(2025, 11, 30), 100.0), (DAY, 200.0)]
    near, far = draw(months, 400.0), draw(months, 400.1)
    assert near is not None
    assert far is not None
    assert near.line_y is not None
    assert near.line_y < near.last.y
    assert far.line_y is None


def test_unknown_months_are_left_out_and_one_month_is_no_line():
    assert draw([(date(2025, 11, 30), None), (DAY, 200.0)], None) is None


def test_the_list_moves_on_to_the_next_open_call_and_round_to_those_before():
    calls = day(call("a"), call("b"), call("c", outcome="declined"))
    following = calls.next_after("a"), calls.next_after("b"), calls.next_after("unknown")
    assert [each.customer_id if each else None for each in following] == ["b", "a", "a"]
    assert day(call("a"), call("b", outcome="accepted")).next_after("a") is None


def test_minutes_and_calls_are_counted():
    counted = day(call("a", 10), call("b", 15, "declined"), call("c", 5, kind="follow_up"))
    assert (counted.used, counted.spent, counted.done, counted.due) == (30, 15, 1, 1)
    assert counted.kinds == {"keep": 1, "follow_up": 1}


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"outcome": "declined", "product_id": "P1"}, ""),
        ({"outcome": "sold", "product_id": "P1"}, "record.choose"),
        ({}, "record.choose"),
        ({"outcome": "declined", "product_id": "P9"}, "record.choose"),
        ({"outcome": "postponed", "next_date": "2025-12-30"}, "record.wrong_date"),
        ({"outcome": "postponed", "next_date": "soon"}, "record.wrong_date"),
        ({"outcome": "postponed", "next_date": "2025-12-31"}, ""),
        ({"outcome": "do_not_contact", "next_date": "soon", "product_id": "P9"}, ""),
    ],
)
def test_a_form_says_what_is_wrong_in_it(fields: dict[str, str], wrong: str):
    assert outcome_form(fields, DAY, frozenset({"P1"})).wrong == wrong


def test_every_text_of_the_page_is_there_in_both_languages():
    sections = tomllib.loads((FOLDER / "texts.toml").read_text(encoding="utf-8"))
    words = {(section, key): each for section, texts in sections.items() for key, each in texts.items()}
    assert {
        key for key, each in words.items() if set(each) != {"en", "zh"} or not all(each.values())
    } == set()


def test_the_reader_s_choice_of_language_stands_above_the_browser_s():
    found = chosen_language("en", "zh"), chosen_language(None, "zh-CN"), chosen_language("fr", "de")
    assert found == ("en", "zh", "en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_customer_with_the_name_of_an_image_stays_text(language: str):
    visitor = SimpleNamespace(actor="user:ann", role="manager", csrf="secret")
    values = {
        "say": wording(language),  # type: ignore[arg-type]
        "visitor": visitor,
        "root": "",
        "back": "/",
        "day": day(call(HOSTILE)),
        "book": {HOSTILE: BookEntry("a")},
        "people": {},
        "manager_id": "M1",
        "covers": (),
        "stale": False,
        "basis": "basis",
        "no_currency": (),
        "only": "",
        "saved": "",
        "found": None,
        "found_total": 0,
    }
    text = bytes(page("list.html", values).body).decode()
    assert "<img" not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "style=" not in text


def test_no_script_or_style_within_a_page_is_allowed():
    policy = HEADERS["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")


def test_what_was_worked_out_is_kept_until_its_key_or_what_it_stands_on_is_another():
    kept, made = ResultCache(2), []

    def make(name: str) -> str:
        made.append(name)
        return name

    first, second = object(), object()
    for owner, key in ((first, "a"), (first, "a"), (first, "b"), (second, "a"), (second, "a")):
        assert kept.of(owner, key, lambda key=key: make(key)) == key
    assert made == ["a", "b", "a"]
    for key in ("b", "c", "a"):
        kept.of(second, key, lambda key=key: make(key))
    assert made == ["a", "b", "a", "b", "c", "a"]
