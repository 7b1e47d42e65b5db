"""The whole way in one process: prepared answers, the interface, the page, the store, and back again."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.api.application import create_app
from serving.auth.cookies import COOKIE
from serving.http.app_state import AppState, clock
from serving.processes.audit_shipper import AuditFiles
from serving.service import project_pages
from tests.online.small_bank import Served, artifact_of, prepared
from tests.serving.small_bank import PASSWORD
from tests.shared import BuiltOnce
from vipreco.recommender import Recommender
from vipreco.settings import ServingSettings
from vipreco.store import Keys, Role, Scope, User

NUMBERS = (
    "product_id",
    "propensity",
    "value",
    "chance_without_contact",
    "chance_with_contact",
    "expected_gain",
)


@dataclass
class Whole:
    """The service of a small bank, with a log-in for the manager M1 and a token for a channel."""

    served: Served
    state: AppState
    app: Any
    token: str
    cookie: str
    csrf: str

    def offers(self, customer: str, channel: str = "call", **more: Any) -> dict[str, Any]:
        body = {"customer_id": customer, "channel": channel, "limit": 6, **more}
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = asyncio.run(self._ask("POST", "/v1/offers", headers, json=body))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def page(self, path: str, form: dict[str, str] | None = None) -> httpx.Response:
        headers = {"Cookie": f"{COOKIE}={self.cookie}"}
        if form is None:
            return asyncio.run(self._ask("GET", path, headers))
        return asyncio.run(self._ask("POST", path, headers, data={**form, "csrf": self.csrf}))

    async def _ask(self, method: str, path: str, headers: dict[str, str], **given: Any) -> httpx.Response:
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.request(method, path, headers=headers, **given)

    def listed(self) -> list[str]:
        """Return the customers of the call list that are still to be called, in order."""
        table = self.page("/").text.split('<table class="calls')[1].split("</table>")[0]
        rows = [row for row in table.split("<tr")[2:] if 'class="done"' not in row.split(">")[0]]
        return [re.findall(r"<bdi>(\d{5})</bdi>", row)[0] for row in rows]

    def handle(self, customer: str) -> str:
        found = re.findall(r'href="/customers/([\w-]+)"><bdi>' + customer, self.page("/").text)
        return str(found[0])


@pytest.fixture(scope="module")
def artifact(built_once: BuiltOnce) -> tuple[Recommender, Path]:
    folder = artifact_of(built_once)
    return Recommender.load(folder, threads=1), folder


@pytest.fixture
def whole(tmp_path: Path, built_once: BuiltOnce, artifact: tuple[Recommender, Path]) -> Iterator[Whole]:
    shutil.copytree(prepared(built_once, 0), tmp_path, dirs_exist_ok=True)
    served = Served(tmp_path, *artifact)
    store = served.store
    state = AppState(
        tmp_path,
        ServingSettings(business_date="snapshot"),
        store,
        AuditFiles(tmp_path / "spool", store),
        Keys.open(tmp_path / "keys"),
        served.answering,
    )
    _, token = store.tokens.create("app", Role.CHANNEL, clock())
    store.users.create(User("ann", Role.MANAGER, "M1"), PASSWORD)
    cookie = store.sessions.begin(User("ann", Role.MANAGER, "M1"), clock())
    session = store.sessions.read(cookie, clock())
    assert session is not None
    yield Whole(served, state, create_app(state, project_pages(state)), token, cookie, session.csrf)
    state.spool.close()
    store.close()


def test_the_interface_offers_what_was_decided_at_night(whole: Whole) -> None:
    for customer in ("00001", "00010", "00042"):
        told = [tuple(each[name] for name in NUMBERS) for each in whole.offers(customer)["offers"]]
        assert told == whole.served.offers(customer, "call")


def test_who_opted_out_is_told_so_and_a_stranger_gets_what_is_popular(whole: Whole) -> None:
    """B82, B83."""
    assert whole.offers("00003")["personalised"] is False
    stranger = whole.offers("nobody", segment="VIP")
    assert (stranger["source"], stranger["personalised"]) == ("cold_start", False)


def test_facts_in_the_request_change_the_answer_and_nothing_else(whole: Whole) -> None:
    before = whole.offers("00001")
    facts = {"holdings": [{"product_id": "card", "opened_date": "2023-07-01"}]}
    told = whole.offers("00001", facts=facts)
    assert told["source"] == "facts"
    assert "account" not in {each["product_id"] for each in before["offers"]}  # it is held
    assert "account" in {each["product_id"] for each in told["offers"]}
    again = whole.offers("00001")
    assert again["offers"] == before["offers"]


def test_what_was_bought_on_the_page_is_gone_from_the_next_answer_and_the_list_moves_on(whole: Whole) -> None:
    first, second = whole.listed()[:2]
    product = whole.offers(first)["offers"][0]["product_id"]
    form = {"outcome": "accepted", "product_id": product}
    answer = whole.page(f"/customers/{whole.handle(first)}/outcome", form)
    assert answer.status_code == 303
    assert second in whole.page(answer.headers["location"]).text.split("<h1>")[1].split("</h1>")[0]
    assert product not in {each["product_id"] for each in whole.offers(first)["offers"]}
    assert whole.listed()[0] == second
    assert first not in whole.listed()


def test_who_does_not_want_to_be_called_is_on_no_list_from_then_on(whole: Whole) -> None:
    first = whole.listed()[0]
    whole.page(f"/customers/{whole.handle(first)}/outcome", {"outcome": "do_not_contact", "product_id": ""})
    assert first not in whole.listed()
    assert whole.offers(first, "call")["offers"] == []


def offered(sheet: str) -> list[str]:
    """Return the products that a sheet offers, in order."""
    cards = sheet.split('<section class="card offer">')[1:]
    return [re.findall(r"<bdi>(\w+)</bdi></h3>", card)[0] for card in cards]


def test_a_product_that_is_switched_off_is_gone_from_interface_and_page(whole: Whole) -> None:
    customer = next(each for each in whole.listed() if whole.offers(each)["offers"])
    product = whole.offers(customer)["offers"][0]
    whole.page("/")
    whole.served.store.switches.off(
        Scope("test", Role.ADMIN), "product", product["product_id"], "recalled", clock()
    )
    whole.state.refresh()
    assert product["product_id"] not in {each["product_id"] for each in whole.offers(customer)["offers"]}
    sheet = whole.page(f"/customers/{whole.handle(customer)}").text
    assert product["product"] not in offered(sheet)


def test_the_sheet_on_the_page_shows_the_offers_of_the_interface_of_the_branch_or_call(whole: Whole) -> None:
    customer = next(each for each in whole.listed() if whole.offers(each)["offers"])
    sheet = whole.page(f"/customers/{whole.handle(customer)}").text
    shown = offered(sheet)
    assert shown == [each["product"] for each in whole.offers(customer)["offers"]][: len(shown)]
    assert shown
