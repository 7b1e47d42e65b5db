"""Names of the directory on list, sheet and search of their own book, and marks of what was not useful."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import openpyxl
import pytest

from tests.page.page_bank import BOOK, PageBank, customer_ids
from tests.page.test_page_access import Browser
from vipreco.store import DirectoryEntry, Role

IDS = customer_ids()
OWN, FOREIGN = IDS[0], IDS[BOOK]  # the first has an agreed talk today, and so an offer
LI = DirectoryEntry(OWN, "Li <b>Qiang</b>", "Mr", "+86 138 0000 0000", "after 18:00")
SOMEBODY = DirectoryEntry(FOREIGN, "Somebody Qiang")


@pytest.fixture
def named(bank: PageBank) -> Iterator[PageBank]:
    bank.state.store.directory.add([LI, SOMEBODY])
    yield bank
    bank.state.store.directory.delete()


def page(bank: PageBank, path: str) -> str:
    return str(Browser(bank, Role.MANAGER).ask("GET", path).text)


def test_list_and_sheet_show_the_name_as_text_and_that_of_no_other_book(named: PageBank) -> None:
    home, sheet = page(named, "/"), page(named, f"/customers/{named.handle(OWN)}")
    assert "Mr Li &lt;b&gt;Qiang&lt;/b&gt;" in home
    assert "Mr Li &lt;b&gt;Qiang&lt;/b&gt;" in sheet
    assert LI.phone in sheet
    assert LI.preferred_hours in sheet
    assert "Somebody" not in home + sheet


@pytest.mark.parametrize(
    ("text", "found"), [("qiang", [OWN]), ("LI <B>", [OWN]), ("somebody", []), ("Mr", [])]
)
def test_a_search_by_name_finds_customers_of_the_own_book(
    named: PageBank, text: str, found: list[str]
) -> None:
    answer = Browser(named, Role.MANAGER).ask("POST", "/search", {"text": text}, **{"HX-Request": "true"})
    assert re.findall(r'class="id"[^>]*><bdi>([^<]*)</bdi>', answer.text) == [escape(one) for one in found]


def test_the_spreadsheets_have_the_name(named: PageBank) -> None:
    for path in ("/list.xlsx", f"/customers/{named.handle(OWN)}/sheet.xlsx"):
        content = Browser(named, Role.MANAGER).ask("GET", path).content
        book = openpyxl.load_workbook(io.BytesIO(content))
        cells = [str(cell) for sheet in book for row in sheet.values for cell in row if cell]
        assert any("Mr Li <b>Qiang</b>" in cell for cell in cells), path
        assert not any("Somebody" in cell for cell in cells)


def test_a_reason_is_marked_on_the_sheet_and_the_mark_is_shown(bank: PageBank) -> None:
    browser, path = Browser(bank, Role.MANAGER), f"/customers/{bank.handle(OWN)}"
    product = re.findall(r'name="product_id" value="([^"]+)"', page(bank, path))[0]
    form: dict[str, Any] = {"product_id": product, "reason_id": "balance", "cause": "known"}
    answer = browser.ask("POST", f"{path}/feedback", form)
    assert (answer.status_code, answer.headers["location"]) == (303, path)
    (found,) = bank.state.store.feedback.marked(bank.state.today())
    assert (found.reason_id, found.cause, found.marks) == ("balance", "known", 1)
    assert "You marked a reason as not useful: nothing new" in page(bank, path)


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"cause": "boring"}, 422), ({"reason_id": "no-such-reason"}, 409), ({"product_id": "no-such"}, 409)],
)
def test_a_mark_of_what_does_not_exist_is_refused(bank: PageBank, wrong: dict[str, str], status: int) -> None:
    form = {"product_id": "fund", "reason_id": "", "cause": "wrong", **wrong}
    answer = Browser(bank, Role.MANAGER).ask("POST", f"/customers/{bank.handle(OWN)}/feedback", form)
    assert answer.status_code == status
