"""All attacks, in an order in which those that hurt the service most come last."""

from __future__ import annotations

from tests.attack import access, files, injection, login, oracle, pages, records
from tests.attack.attacks import ATTACKS, Attack, Tries

MODULES = (files, access, injection, pages, records, oracle, login)
__all__ = ["ATTACKS", "MODULES", "Attack", "Tries"]
