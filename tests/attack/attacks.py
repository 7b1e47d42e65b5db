"""The list of attacks: each tries something many times, and tells what it found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tests.attack.target import Target


@dataclass
class Tries:
    """Tries of an attack, and what was found; one that finds nothing failed, as it should."""

    count: int = 0
    findings: list[str] = field(default_factory=list)
    measured: list[str] = field(default_factory=list)

    def expect(self, right: bool, finding: str) -> None:
        """Count a try; `finding` says what is wrong unless `right`."""
        self.count += 1
        if not right:
            self.findings.append(finding)


@dataclass(frozen=True)
class Attack:
    """An attack with the number of its item in the list of what was broken once.

    Args:
        name: Such as `access matrix`.
        run: Tries it on a running service.
        short: Whether it takes at most a second or two.
    """

    name: str
    run: Callable[[Target, Tries], None]
    short: bool


ATTACKS: list[Attack] = []


def attack(name: str, *, short: bool = False) -> Callable[..., Callable[[Target, Tries], None]]:
    """Put a function on the list of attacks."""

    def listed(run: Callable[[Target, Tries], None]) -> Callable[[Target, Tries], None]:
        ATTACKS.append(Attack(name, run, short))
        return run

    return listed
