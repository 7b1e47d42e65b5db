"""WCAG 2.2 AA of every page, by axe-core: all roles, languages, light and dark, desk, tablet and phone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from serving.page.navigation import NAVIGATION
from tests.page.browser import CHROMIUM, DESK, Visit
from tests.page.page_bank import PageBank
from vipreco.store import Role

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (apt install chromium)"),
]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
TABLET = {"width": 820, "height": 1180}
PHONE = {"width": 390, "height": 844}
OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
RUN = """tags => axe.run(document, {runOnly: tags, resultTypes: ["violations"]}).then(found =>
    found.violations.flatMap(one =>
        one.nodes.map(node => `${one.id}: ${node.target} ${node.html.slice(0, 80)}`)))"""
MORE = {
    Role.MANAGER: ("/customers/{handle}",),
    Role.BRANCH_HEAD: (
        "/branch/vip_customers",
        "/branch/not_reached_3_months?managers=1",
        "/branch/drain_expected",
        "/branch/customers/{handle}",
    ),
    Role.MARKETING: ("/campaigns/files/new",),
    Role.SCIENTIST: ("/models/1", "/models/compare?one=1&other=2"),
    Role.AUDITOR: ("/rules/compare", "/audit?action=login&result=ok"),
}
VIEWS = [
    (DESK, "en-GB", "light"),
    (DESK, "zh-CN", "dark"),
    (TABLET, "en-GB", "dark"),
    (TABLET, "zh-CN", "light"),
    (PHONE, "zh-CN", "light"),
    (PHONE, "en-GB", "dark"),
]


def violations(page: Any) -> list[str]:
    page.evaluate(AXE)
    found: list[str] = page.evaluate(RUN, TAGS)
    return found


@pytest.mark.parametrize(("window", "language", "colours"), VIEWS, ids=lambda each: str(each)[:20])
@pytest.mark.parametrize("role", [role for role in Role if NAVIGATION[role]])
def test_each_page_meets_wcag_fits_the_window_and_asks_nobody_else(
    chromium: Any,
    address: str,
    bank: PageBank,
    role: Role,
    window: dict[str, int],
    language: str,
    colours: str,
) -> None:
    visit = Visit(chromium, address, bank, viewport=window, locale=language, color_scheme=colours)
    page = visit.enter("/", role)
    paths = [entry.path for entry in NAVIGATION[role]]
    paths += [path.format(handle=bank.handle("00008")) for path in MORE.get(role, ())]
    wrong: dict[str, Any] = {}
    for path in paths:
        page.goto(f"{address}{path}")
        found = violations(page)
        if found or page.evaluate(OVERFLOW):
            wrong[path] = (found, page.evaluate(OVERFLOW))
        name = path.strip("/").replace("/", "-").partition("?")[0]
        visit.keep(f"{role.value}-{name}-{window['width']}-{language}-{colours}")
    foreign = [url for url in visit.asked if not url.startswith(f"{address}/")]
    visit.context.close()
    assert (wrong, foreign, visit.complaints) == ({}, [], [])


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_log_in_meets_wcag(chromium: Any, address: str, bank: PageBank, colours: str) -> None:
    visit = Visit(chromium, address, bank, color_scheme=colours)
    visit.page.goto(f"{address}/login")
    assert violations(visit.page) == []
    visit.context.close()
