"""Every page of every role: the strict policy, no style or script of its own, nothing from elsewhere."""

from __future__ import annotations

import gzip
from html.parser import HTMLParser

import pytest

from serving.page.html import HEADERS, STATIC
from serving.page.navigation import NAVIGATION
from tests.page.page_bank import PageBank
from tests.page.test_page_access import Browser
from vipreco.store import Role

MORE = {
    Role.MANAGER: ("/customers/{handle}", "/book?sort=assets&state=duty"),
    Role.BRANCH_HEAD: ("/branch/vip_customers?managers=1", "/branch/customers/{handle}"),
    Role.MARKETING: ("/campaigns/files/new",),
    Role.APPROVER: ("/models/1", "/rules/compare"),
    Role.AUDITOR: ("/audit?result=denied", "/rules/compare"),
}
PAGES = [
    (role, path)
    for role, entries in NAVIGATION.items()
    for path in (*(entry.path for entry in entries), *MORE.get(role, ()))
]
LINKS = frozenset(["src", "href", "action", "formaction", "poster", "data"])


class Tags(HTMLParser):
    """What a page brings that a policy would stop, and the addresses that it names."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stopped: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        own = [name for name in given if name == "style" or name.startswith("on")]
        self.stopped += [f"{tag} {name}" for name in own]
        if tag == "style" or (tag == "script" and not given.get("src")):
            self.stopped.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in LINKS]


@pytest.mark.parametrize(("role", "path"), PAGES, ids=str)
def test_a_page_brings_the_policy_and_asks_nobody_else(bank: PageBank, role: Role, path: str) -> None:
    answer = Browser(bank, role).ask("GET", path.format(handle=bank.handle("00008")))
    assert answer.status_code == 200
    assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    tags = Tags(answer.text)
    assert tags.stopped == []
    assert tags.addresses
    assert [one for one in tags.addresses if not one.startswith(("/", "#", "?")) or one[:2] == "//"] == []


def test_all_scripts_together_are_at_most_100_kilobytes_when_they_are_compressed() -> None:
    scripts = sorted(STATIC.glob("*.js"))
    assert {script.name for script in scripts} == {"htmx.min.js", "page.js"}
    assert sum(len(gzip.compress(script.read_bytes())) for script in scripts) <= 100 * 1024
