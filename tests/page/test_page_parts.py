"""The parts of the page that need no bank: drawing, forms, the way along the list, languages, escaping."""

from __future__ import annotations

import tomllib
from datetime import date
from types import SimpleNamespace

import pytest

from serving.page.charts import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Bar, Series, bar_chart, line_chart
from serving.page.forms import outcome_form
from serving.page.html import FOLDER, HEADERS, page
from serving.page.languages import chosen_language, wording
from serving.page.navigation import NAVIGATION
from serving.workspace.book_service import BookEntry
from serving.workspace.result_cache import ResultCache
from vipreco.lists import CallLine, CallList
from vipreco.store import Role

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


def points(*amounts: float | None) -> list[Series]:
    days = [date(2025, 10, 31), date(2025, 11, 30), DAY][-len(amounts) :]
    return [Series("assets", list(zip(days, amounts, strict=True)))]


def test_a_line_reaches_from_axis_to_edge_and_lies_between_round_values():
    chart = line_chart(points(104.0, 118.0), str)
    assert chart is not None
    assert [tick.text for tick in chart.values] == ["100.0", "105.0", "110.0", "115.0", "120.0"]
    assert (chart.values[0].at, chart.values[-1].at) == (HEIGHT - BOTTOM, TOP)
    room = HEIGHT - TOP - BOTTOM
    first, last = (tuple(float(each) for each in pair.split(",")) for pair in chart.lines[0].points.split())
    assert first == (LEFT, pytest.approx(TOP + room * 16 / 20, abs=0.05))
    assert last == (WIDTH - RIGHT, pytest.approx(TOP + room * 2 / 20, abs=0.05))
    assert [(day.month, texts) for day, texts in chart.rows] == [(11, ("104.0",)), (12, ("118.0",))]


def test_the_line_of_the_next_tier_is_drawn_while_it_is_in_reach():
    near, far = (line_chart(points(100.0, 200.0), str, reference=(line, "next")) for line in (400.0, 400.1))
    assert near is not None
    assert far is not None
    assert near.reference is not None
    assert near.reference.at < near.lines[0].y
    assert far.reference is None


def test_unknown_months_are_left_out_and_one_month_is_no_line():
    assert line_chart(points(None, 200.0), str) is None
    chart = line_chart(points(100.0, None, 200.0), str)
    assert chart is not None
    assert len(chart.lines[0].points.split()) == len(chart.rows) == 2


def test_bars_begin_at_zero_and_intervals_at_their_ends():
    chart = bar_chart([Bar("a", 10.0, 5.0, 20.0), Bar("b", -10.0)], str)
    assert chart is not None
    first, second = chart.bars
    assert first.x == chart.zero
    assert second.x + second.width == pytest.approx(chart.zero)
    assert first.low == pytest.approx(chart.zero + first.width / 2)
    assert first.high == pytest.approx(chart.zero + 2 * first.width)
    assert (second.low, first.text) == (None, "10.0")


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
        ({"answer": "accepted:P1", "outcome": "declined"}, ""),
        ({"answer": "accepted:P9"}, "record.choose"),
    ],
)
def test_a_form_says_what_is_wrong_in_it(fields: dict[str, str], wrong: str):
    assert outcome_form(fields, DAY, frozenset({"P1"})).wrong == wrong


def test_the_button_of_an_offer_says_outcome_and_product_and_a_next_date_if_it_is_put_off():
    follow_up = date(2026, 1, 30)
    answers = [{"answer": f"{outcome}:P1", "product_id": ""} for outcome in ("postponed", "accepted")]
    put_off, taken = (outcome_form(each, DAY, frozenset({"P1"}), follow_up) for each in answers)
    assert (put_off.outcome, put_off.product_id, put_off.next_date) == ("postponed", "P1", follow_up)
    assert (taken.outcome, taken.product_id, taken.next_date) == ("accepted", "P1", None)


def test_each_role_has_its_pages_with_their_names():
    assert set(NAVIGATION) == set(Role)
    say = wording("en")
    for role, entries in NAVIGATION.items():
        assert bool(entries) == (role is not Role.CHANNEL)
        assert say(f"role.{role.value}")
        assert all(say(f"nav.{entry.key}") for entry in entries)


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
    visitor = SimpleNamespace(actor="ann", role="manager", csrf="secret", entries=())
    values = {
        "say": wording(language),  # type: ignore[arg-type]
        "visitor": visitor,
        "root": "",
        "back": "/",
        "path": "/",
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


def test_the_text_of_a_level_stands_where_the_line_is_far_from_it():
    falling, rising = (
        line_chart(points(*values), str, reference=(200.0, "next"))
        for values in ((195.0, 100.0), (100.0, 195.0))
    )
    assert falling is not None
    assert falling.reference_right
    assert rising is not None
    assert not rising.reference_right
