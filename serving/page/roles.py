"""Commands for people without a book."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from vipreco.store import Role

COMMANDS: Final[Mapping[Role, tuple[str, ...]]] = {
    Role.MANAGER: (),
    Role.MARKETING: ("vipreco offers --all --out offers.xlsx", "vipreco relationships --list develop --all"),
    Role.CHANNEL: ("POST /v1/offers",),
    Role.SCIENTIST: ("vipreco train", "vipreco backtest", "vipreco models list"),
    Role.APPROVER: ("vipreco models list", "vipreco models show champion"),
    Role.AUDITOR: ("vipreco audit --help",),
    Role.ADMIN: ("vipreco user --help", "vipreco token --help", "vipreco store --help"),
}
