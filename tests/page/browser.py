"""A browser window as a manager's, and what it shows."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from serving.auth.cookies import COOKIE
from serving.http.app_state import clock
from tests.page.page_bank import USERS, PageBank, user_of
from tests.serving.small_bank import PASSWORD
from vipreco.store import Role

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
DESK = {"width": 1366, "height": 768}


def customers(page: Any) -> list[str]:
    return page.locator(".calls tbody a.id").all_inner_texts()


class Visit:
    """One browser window, with all that it asked for and complained about."""

    def __init__(self, chromium: Any, address: str, bank: PageBank | None = None, **given: Any) -> None:
        self.address, self.bank = address, bank
        self.context = chromium.new_context(**{"viewport": DESK, "locale": "en-GB", **given})
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def log_in(self) -> Any:
        """Log in as the page asks one to."""
        self.page.goto(f"{self.address}/login")
        self.page.fill("#user", USERS[Role.MANAGER])
        self.page.fill("#password", PASSWORD)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(f"{self.address}/")
        return self.page

    def enter(self, path: str = "/", role: Role = Role.MANAGER) -> Any:
        """Open a page as somebody who is logged in already."""
        assert self.bank is not None, "only of a bank in this process"
        user = user_of(role)
        secret = self.bank.state.store.sessions.begin(user, clock())
        self.context.add_cookies([{"name": COOKIE, "value": secret, "url": self.address}])
        self.page.goto(f"{self.address}{path}")
        return self.page

    def keep(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
