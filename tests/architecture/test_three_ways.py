"""All that a page does, a command and the API do as well: each route of the pages beside both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from typer.main import get_command

from serving.api import OPERATIONS as API
from serving.page.login_redirect import BankPages
from serving.page.pages import make_pages
from vipreco.cli.app import app
from vipreco.store import Role


class Ways(NamedTuple):
    """The other ways to what a page does.

    Args:
        command: Command that does it, without `vipreco`; empty where none does.
        api: Operations for programs that do it together; none where none does.
        why: The reason for a way that is missing.
    """

    command: str
    api: tuple[str, ...] = ()
    why: str = ""


LOG_IN: Final = Ways("", (), "a program has a token, a command its account of the operating system")
FORM: Final = "a form that is empty; what it writes is"
LIST, SHEET, BOOK = "GET /v1/call-list", "GET /v1/customers/{customer_id}/sheet", "GET /v1/book"
FIGURES, BEHIND = "GET /v1/figures", "GET /v1/figures/{figure}/customers"
MONTH = "GET /v1/figures/{figure}/customers/{month}"
COVERS, HAND_OVERS = "GET /v1/covers", "GET /v1/hand-overs"
CAMPAIGN, CAMPAIGNS = "GET /v1/campaigns/{key}", "GET /v1/campaigns"
WORK = ("plan", "run", "recheck", "report")
WAYS: Final = {
    "GET /": Ways("calllist", (LIST,)),
    "GET /login": LOG_IN,
    "POST /login": LOG_IN,
    "POST /logout": LOG_IN,
    "GET /login/bank": LOG_IN,
    "GET /login/bank/back": LOG_IN,
    "POST /language": Ways("", (), "commands have --language, programs the header Accept-Language"),
    # manager
    "POST /search": Ways("book", (BOOK,)),
    "GET /list.xlsx": Ways("calllist", (LIST,)),
    "GET /customers/{handle}": Ways("sheet", (SHEET,)),
    "GET /customers/{handle}/sheet.xlsx": Ways("sheet", (SHEET,)),
    "POST /customers/{handle}/outcome": Ways(
        "", ("POST /v1/outcomes",), "an outcome names the manager who called, whom a shell does not know"
    ),
    "POST /customers/{handle}/feedback": Ways(
        "", ("POST /v1/feedback",), "a mark names the manager who made it, whom a shell does not know"
    ),
    "GET /book": Ways("book", (BOOK,)),
    "GET /book.xlsx": Ways("book", (BOOK,)),
    "GET /week": Ways("calllist", (LIST, BOOK)),
    # branch head
    "GET /branch": Ways("kpi", (FIGURES, "GET /v1/refused-offers")),
    "GET /branch/{figure}": Ways("kpi", (FIGURES, BEHIND, MONTH)),
    "GET /branch/{figure}/customers.{kind}": Ways("kpi", (BEHIND, MONTH)),
    "GET /branch/customers/{handle}": Ways("sheet", (SHEET,)),
    "GET /branch-covers": Ways("campaign hours", (COVERS, HAND_OVERS, "GET /v1/manager-hours")),
    "POST /branch-covers": Ways("cover grant", ("POST /v1/covers",)),
    "POST /branch-covers/end": Ways("cover end", ("POST /v1/covers/{cover_id}/end",)),
    "POST /branch-covers/hand-over": Ways("hand-over make", ("POST /v1/hand-overs",)),
    # auditor
    "GET /audit": Ways("audit show", ("GET /v1/audit",)),
    "POST /audit": Ways("audit show", ("GET /v1/audit",)),
    "POST /audit/verify": Ways("audit verify", ("POST /v1/audit/verify",)),
    "GET /decisions": Ways("audit decisions", ("POST /v1/decisions:search",)),
    "POST /decisions": Ways("audit decisions", ("POST /v1/decisions:search",)),
    "GET /decisions/{decision_id}": Ways(
        "replay", ("GET /v1/decisions/{decision_id}", "GET /v1/decisions/{decision_id}/replay")
    ),
    "POST /decisions/{decision_id}/replay": Ways("replay", ("POST /v1/decisions/{decision_id}/replay",)),
    "GET /rules": Ways("policy show", ("GET /v1/rules", "GET /v1/rules/price")),
    "POST /rules/price": Ways("policy price", ("POST /v1/rules/price",)),
    "GET /rules/compare": Ways(
        "policy diff", ("GET /v1/rules/versions", "GET /v1/rules/compare/{before}/{after}")
    ),
    # scientist and approver
    "GET /models": Ways("models list", ("GET /v1/models", "GET /v1/models/monitor")),
    "POST /models/refresh": Ways("models list", ("POST /v1/models/refresh",)),
    "POST /models/monitor": Ways("monitor", ("POST /v1/models/monitor",)),
    "GET /models/compare": Ways("models compare", ("GET /v1/models/{version}/compare/{other}",)),
    "GET /models/{version}": Ways("models show", ("GET /v1/models/{version}", "GET /v1/models/decision")),
    "POST /models/{version}/promote": Ways("models promote", ("POST /v1/models/{version}/promote",)),
    "POST /models/rollback": Ways("models rollback", ("POST /v1/models/rollback",)),
    "GET /switches": Ways("switch list", ("GET /v1/switches",)),
    "POST /switches/off": Ways("switch off", ("POST /v1/switches/off",)),
    "POST /switches/on": Ways("switch on", ("POST /v1/switches/on",)),
    # administrator
    "GET /users": Ways("user list", ("GET /v1/users",)),
    "POST /users": Ways("user create", ("POST /v1/users",)),
    "POST /users/disable": Ways("user disable", ("POST /v1/users/{user}/disable",)),
    "POST /users/password": Ways("user password", ("POST /v1/users/{user}/password",)),
    "GET /tokens": Ways("token list", ("GET /v1/tokens",)),
    "POST /tokens": Ways("token create", ("POST /v1/tokens",)),
    "POST /tokens/revoke": Ways("token revoke", ("POST /v1/tokens/{token_id}/revoke",)),
    "GET /covers": Ways("cover list", (COVERS, HAND_OVERS)),
    "POST /covers": Ways("cover grant", ("POST /v1/covers",)),
    "POST /covers/end": Ways("cover end", ("POST /v1/covers/{cover_id}/end",)),
    "POST /covers/hand-over": Ways("hand-over make", ("POST /v1/hand-overs",)),
    "GET /store": Ways("store check", ("GET /v1/store", "GET /v1/store/backup", "GET /v1/store/prepare")),
    "POST /store/backup": Ways("store backup", ("POST /v1/store/backup",)),
    "POST /store/prepare": Ways("prepare", ("POST /v1/store/prepare",)),
    # marketer
    "GET /campaigns": Ways("campaign list", (CAMPAIGNS,)),
    "GET /campaigns/files/new": Ways("campaign example", (), f"{FORM} POST /v1/campaigns"),
    "POST /campaigns": Ways("campaign plan", ("POST /v1/campaigns",)),
    "GET /campaigns/plans/compare": Ways("campaign compare", ("POST /v1/campaigns:compare",)),
    "GET /campaigns/{key}": Ways(
        "campaign show", (CAMPAIGN, *(f"GET /v1/campaigns/{{key}}/{one}" for one in WORK))
    ),
    "POST /campaigns/{key}/file": Ways("campaign plan", ("PUT /v1/campaigns/{key}/file",)),
    "POST /campaigns/{key}/work": Ways(
        "campaign run", tuple(f"POST /v1/campaigns/{{key}}/{one}" for one in WORK)
    ),
    "GET /campaigns/{key}/list": Ways(
        "campaign export",
        ("GET /v1/campaigns/{key}/lists/{name}", "GET /v1/campaigns/{key}/lists/{channel}/{name}"),
    ),
}
PAGES = (
    *make_pages(None, None).operations,  # type: ignore[arg-type]  no handler is called
    *BankPages(None, None).operations(),  # type: ignore[arg-type]
)
OPERATIONS = {f"{one.method} {one.path}": one for one in API}
SEEN_BY = {f"{one.method} {one.path}": one for one in PAGES}


def commands(command: Any, name: str = "") -> Iterator[str]:
    """Yield the names of all commands."""
    below = getattr(command, "commands", None)
    if below is None:
        yield name
    for part, one in (below or {}).items():
        yield from commands(one, f"{name} {part}".strip())


def test_every_route_of_the_pages_has_a_row_and_no_row_is_of_a_route_that_is_gone() -> None:
    assert {*SEEN_BY} == {*WAYS}


def test_every_way_that_a_row_names_is_there() -> None:
    known = {*commands(get_command(app))}
    assert {one.command for one in WAYS.values()} - {""} <= known
    assert {one for ways in WAYS.values() for one in ways.api} <= {*OPERATIONS}


@pytest.mark.parametrize("route", WAYS)
def test_a_way_is_missing_for_a_reason_alone(route: str) -> None:
    ways = WAYS[route]
    assert bool(ways.why) == (not ways.command or not ways.api)


@pytest.mark.parametrize("route", [route for route in WAYS if WAYS[route].api])
def test_who_may_open_the_page_may_ask_the_api_with_a_token_or_logged_in(route: str) -> None:
    roles = SEEN_BY[route].access.roles
    needed = frozenset({Role.MANAGER}) if route == "GET /" else roles  # it leads the others to their page
    for one in WAYS[route].api:
        access = OPERATIONS[one].access
        assert access.token, one
        assert access.session, one
        assert needed <= access.roles, one


def unseen() -> list[str]:
    """Return operations for programs that stand in no row: they have no page, or a page lacks a row."""
    named = {one for ways in WAYS.values() for one in ways.api}
    return [name for name, one in OPERATIONS.items() if name not in named and not one.access.public]


def test_what_programs_alone_do_is_known() -> None:
    assert unseen() == ["POST /v1/offers", "POST /v1/offers:batch", "GET /metrics"]
