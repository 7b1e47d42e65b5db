"""The pages of each role, in the order of the navigation; the first is the home of the role."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from vipreco.store import Role


@dataclass(frozen=True)
class Entry:
    """One entry of the navigation.

    Args:
        path: Address of the page.
        key: Key of its text in the section `nav` of `texts.toml`.
    """

    path: str
    key: str

    def is_current(self, path: str) -> bool:
        """Return whether an address is this page or one below it."""
        return path == self.path or (self.path != "/" and path.startswith(f"{self.path}/"))


TODAY: Final = Entry("/", "today")
NAVIGATION: Final[Mapping[Role, tuple[Entry, ...]]] = {
    Role.MANAGER: (TODAY, Entry("/week", "week"), Entry("/book", "book")),
    Role.MARKETING: (Entry("/campaigns", "campaigns"),),
    Role.BRANCH_HEAD: (Entry("/branch", "branch"), Entry("/branch-covers", "branch_covers")),
    Role.CHANNEL: (),
    Role.SCIENTIST: (Entry("/models", "models"), Entry("/switches", "switches")),
    Role.APPROVER: (Entry("/models", "models"), Entry("/switches", "switches"), Entry("/rules", "rules")),
    Role.AUDITOR: (Entry("/audit", "audit"), Entry("/decisions", "decisions"), Entry("/rules", "rules")),
    Role.ADMIN: (
        Entry("/users", "users"),
        Entry("/tokens", "tokens"),
        Entry("/covers", "covers"),
        Entry("/store", "store"),
    ),
}


def home_of(role: Role) -> str:
    """Return the address at which a role begins its work."""
    entries = NAVIGATION[role]
    return entries[0].path if entries else "/"
