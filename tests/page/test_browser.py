"""The page in a real browser, as a manager uses it; screenshots are kept in build/screenshots."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from serving.page.html import STATIC
from serving.page.languages import wording
from serving.page.navigation import NAVIGATION, home_of
from tests.page.browser import CHROMIUM, DESK, Visit, customers
from tests.page.page_bank import ATTACK, BOOK, PageBank, customer_ids
from vipreco.store import Role, Scope

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)")
TABLET = {"width": 820, "height": 1180}
SEES_ALL = Scope("test", Role.CHANNEL)
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def visit(chromium: Any, address: str, bank: PageBank) -> Iterator[Visit]:
    """A window; when it closes, nothing was asked of another host, and nothing broke the policy."""
    found = Visit(chromium, address, bank)
    yield found
    found.context.close()
    assert [url for url in found.asked if not url.startswith(f"{address}/")] == []
    assert found.complaints == []


def test_from_the_log_in_to_a_recorded_outcome_in_two_clicks_and_the_list_moves_on(
    visit: Visit, bank: PageBank
) -> None:
    page = visit.log_in()
    visit.keep("list")
    first, second = customers(page)[:2]
    page.click("text=Start with the first call")
    assert page.locator("h1").inner_text() == first
    visit.keep("sheet")
    page.click("label.postponed")
    assert re.fullmatch(r"2026-01-30", page.input_value("input[name=next_date]"))
    page.click("text=Save, next")
    page.wait_for_selector(".notice.good")
    assert page.locator(".notice.good").inner_text() == "Recorded: Postponed."
    assert page.locator("h1").inner_text() == second
    visit.keep("recorded")
    (contact,) = bank.state.store.contacts.of(SEES_ALL, [first])
    assert (contact.outcome, contact.channel, str(contact.next_date)) == ("postponed", "call", "2026-01-30")
    page.goto(f"{visit.address}/")
    assert customers(page)[0] == second
    assert customers(page)[-1] == first
    assert page.locator("tr.done .tick").inner_text() == "✓ Postponed"


def test_a_note_is_kept_with_its_numbers_masked_and_an_attack_in_it_stays_text(
    visit: Visit, bank: PageBank
) -> None:
    page = visit.enter(f"/customers/{bank.handle('00005')}")
    page.click("label.declined")
    page.fill("input[name=note]", f"{ATTACK} ring 138 0013 8000")
    page.click("text=Save, next")
    page.wait_for_selector(".notice.good")
    (contact,) = bank.state.store.contacts.of(SEES_ALL, ["00005"])
    assert contact.note == f"{ATTACK} ring [number]"
    assert page.title() != "1"


def test_a_wrong_date_is_told_and_what_was_filled_in_stays(visit: Visit, bank: PageBank) -> None:
    page = visit.enter(f"/customers/{bank.handle('00006')}")
    page.click("label.postponed")
    page.eval_on_selector("input[name=next_date]", "date => { date.min = ''; date.value = '2025-01-01'; }")
    page.fill("input[name=note]", "wants a brochure")
    page.click("text=Save, next")
    page.wait_for_selector(".notice.bad")
    assert page.input_value("input[name=note]") == "wants a brochure"
    assert page.is_checked("input[value=postponed]")
    assert bank.state.store.contacts.of(SEES_ALL, ["00006"]) == []
    (complaint,) = visit.complaints
    assert "status of 422" in complaint
    visit.complaints.clear()


def test_a_customer_called_like_an_attack_is_shown_and_nothing_runs(visit: Visit, bank: PageBank) -> None:
    page = visit.enter(f"/customers/{bank.handle(ATTACK)}")
    assert page.locator("h1").inner_text() == ATTACK
    assert page.locator("img").count() == 0
    assert page.title() != "1"
    visit.keep("attack")


def test_the_search_finds_while_one_types_and_only_in_the_own_book(visit: Visit) -> None:
    page = visit.enter()
    page.wait_for_selector("form.search[data-htmx-powered]")  # typed before htmx listens, it is lost
    page.keyboard.press("/")
    page.keyboard.type("0001")
    page.wait_for_selector(".found tbody tr")
    found = page.locator(".found a.id").all_inner_texts()
    assert found == [customer for customer in customer_ids()[:BOOK] if "0001" in customer]
    visit.keep("search")
    page.fill("#search", customer_ids()[BOOK])
    page.wait_for_selector("text=No customer in your book matches.")
    assert page.url == f"{visit.address}/"


def test_the_list_comes_as_a_spreadsheet_whose_ids_are_text(visit: Visit) -> None:
    page = visit.enter()
    shown = customers(page)
    with page.expect_download() as waiting:
        page.click("text=Excel")
    content = Path(waiting.value.path()).read_bytes()
    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    told = {cell.value: cell.data_type for cell in cells}
    assert {told[customer] for customer in shown if customer in told} == {"s"}
    open_calls = [customer for customer in shown if customer != ATTACK]
    assert set(open_calls) & set(told)
    assert [cell for cell in cells if cell.data_type == "f"] == []


def test_the_print_view_leaves_out_what_paper_does_not_need(visit: Visit, bank: PageBank) -> None:
    page = visit.enter(f"/customers/{bank.handle('00008')}")
    page.emulate_media(media="print")
    hidden = (".record", ".rail", ".tools")
    assert [page.locator(part).first.is_visible() for part in hidden] == [False] * 3
    assert page.locator("h1").is_visible()
    visit.keep("print")
    paper = page.pdf(prefer_css_page_size=True)
    import pypdf

    document = pypdf.PdfReader(io.BytesIO(paper))
    width, height = (float(side) for side in document.pages[0].mediabox[2:])
    assert (round(width), round(height)) == (842, 595)  # A4, landscape
    assert "00008" in document.pages[0].extract_text()


def test_everything_is_in_chinese_when_one_asks_for_it_and_stays_so(visit: Visit, bank: PageBank) -> None:
    page = visit.enter()
    page.click("text=中文")
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    assert page.locator("h1").inner_text() == "今日电话"
    visit.keep("list-zh")
    page.goto(f"{visit.address}/customers/{bank.handle('00010')}")
    visit.keep("sheet-zh")
    told = page.locator("main").inner_text()
    data = {
        "Account",
        "Card",
        "Fund",
        "Loan",
        "img",
        "src",
        "onerror",
        "document",
        "title",
        "GOLD",
        "BASIC",
        "TOP",
    }
    english = set(re.findall(r"\b[A-Za-z]{3,}\b", told)) - data - {"PLATINUM", "vipreco"}
    assert english == set()


def test_the_whole_way_goes_without_a_mouse(visit: Visit, bank: PageBank) -> None:
    page = visit.enter()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("j")
    first = page.evaluate("document.activeElement.innerText")
    assert first == customers(page)[0]
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_selector(".record")
    assert page.locator("h1").inner_text() == first
    page.keyboard.press("2")
    assert page.is_checked("input[value=unreachable]")
    page.keyboard.press("Control+Enter")
    page.wait_for_selector(".notice.good")
    assert bank.state.store.contacts.of(SEES_ALL, [first])[-1].outcome == "unreachable"
    page.keyboard.press("l")
    page.wait_for_url(f"{visit.address}/")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_focus_is_always_seen(visit: Visit) -> None:
    page = visit.enter()
    for _ in range(12):
        page.keyboard.press("Tab")
        style, width = page.evaluate(
            "(() => { const s = getComputedStyle(document.activeElement);"
            " return [s.outlineStyle, parseFloat(s.outlineWidth)]; })()"
        )
        assert style != "none"
        assert width >= 2


@pytest.mark.parametrize("window", [DESK, TABLET], ids=["desk", "tablet"])
@pytest.mark.parametrize("language", ["en-GB", "zh-CN"])
def test_nothing_is_wider_than_the_window(
    chromium: Any, address: str, bank: PageBank, window: dict[str, int], language: str
) -> None:
    visit = Visit(chromium, address, bank, viewport=window, locale=language)
    page = visit.enter()
    name = f"{window['width']}-{language}"
    assert page.evaluate(OVERFLOW) == 0
    visit.keep(f"list-{name}")
    page.goto(f"{address}/customers/{bank.handle('00012')}")
    assert page.evaluate(OVERFLOW) == 0
    assert page.locator(".record .primary").is_visible()
    visit.keep(f"sheet-{name}")
    visit.context.close()


@pytest.mark.parametrize("role", [role for role in Role if NAVIGATION[role]])
def test_each_role_begins_on_its_own_page_and_sees_its_own_entries(visit: Visit, role: Role) -> None:
    page = visit.enter(role=role)
    assert page.url == f"{visit.address}{home_of(role)}"
    entries = [(link.get_attribute("href"), link.inner_text()) for link in page.locator(".nav a").all()]
    assert entries == [(entry.path, wording("en")(f"nav.{entry.key}")) for entry in NAVIGATION[role]]
    assert page.locator(".nav a[aria-current]").count() == 1
    visit.keep(f"role-{role.value}")


def test_without_scripts_the_page_works_too(chromium: Any, address: str, bank: PageBank) -> None:
    visit = Visit(chromium, address, bank, java_script_enabled=False)
    page = visit.enter()
    page.fill("#search", "0001")
    page.click(".search button")
    found = page.locator(".found a.id").all_inner_texts()
    assert found == [customer for customer in customer_ids()[:BOOK] if "0001" in customer]
    page.goto(f"{address}/customers/{bank.handle('00014')}")
    page.click("label.accepted")
    page.click("text=Save, next")
    assert page.locator(".notice.good").inner_text() == "Recorded: Accepted."
    visit.context.close()


def test_every_text_stands_out_from_what_is_behind_it(visit: Visit, bank: PageBank) -> None:
    """The contrast of all text that is there, by the rule of WCAG 2, is at least 4.5."""
    page = visit.enter()
    poor: set[Any] = set()
    for path in ("/", f"/customers/{bank.handle('00007')}", f"/customers/{bank.handle(ATTACK)}"):
        page.goto(f"{visit.address}{path}")
        for text, ink, ground in page.evaluate(COLOURS):
            ratio = contrast(colour(ink), colour(ground))
            if ratio < 4.5:
                poor.add((text, round(ratio, 2)))
    assert poor == set()


COLOURS = """() => {
  const found = [];
  const ground = (element) => {
    for (let each = element; each; each = each.parentElement) {
      const colour = getComputedStyle(each).backgroundColor;
      if (!colour.startsWith("rgba(0, 0, 0, 0")) return colour;
    }
    return "rgb(255, 255, 255)";
  };
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (own && element.checkVisibility() && !element.closest("svg")) {
      found.push([element.textContent.trim().slice(0, 40), getComputedStyle(element).color, ground(element)]);
    }
  }
  return found;
}"""


def colour(text: str) -> tuple[float, ...]:
    return tuple(float(part) for part in re.findall(r"[\d.]+", text)[:3])


def luminance(rgb: tuple[float, ...]) -> float:
    parts = [value / 255 for value in rgb]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_rule_of_contrast_is_the_known_one() -> None:
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast((119, 119, 119), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)


def test_the_files_of_the_page_are_kept_by_the_browser_until_they_change(visit: Visit) -> None:
    page = visit.enter()
    plain = page.request.get(f"{visit.address}/static/page.css")
    assert plain.headers["cache-control"] == "no-store"
    stamped = page.locator("link[rel=stylesheet]").get_attribute("href")
    assert "immutable" in page.request.get(f"{visit.address}{stamped}").headers["cache-control"]
    sizes = {name: (STATIC / name).stat().st_size for name in ("page.css", "page.js", "htmx.min.js")}
    assert sizes["page.js"] + sizes["htmx.min.js"] < 42 * 1024
    assert sizes["page.css"] < 30 * 1024  # of the pages of all roles
