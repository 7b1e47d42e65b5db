"""Nobody learns from the time of an answer who is a customer of the bank, or has an account (B73)."""

from __future__ import annotations

import asyncio
import gc
import random
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from argon2 import PasswordHasher

from tests.page.page_bank import USERS, PageBank, accounts, made
from tests.serving.small_bank import FOREIGN, NOBODY, PASSWORD, Bank
from tests.shared import BuiltOnce
from vipreco.store import Role

from vipreco.store import passwords, users  # isort: skip

REQUESTS, WARM = 2_000, 100
ASKED = {
    "offers": lambda customer: ("POST", "/v1/offers", {"customer_id": customer, "channel": "app"}),
    "sheet": lambda customer: ("GET", f"/v1/customers/{customer}/sheet", None),
    "outcome": lambda customer: (
        "POST",
        "/v1/outcomes",
        {"customer_id": customer, "channel": "app", "outcome": "declined"},
    ),
}


def auc(first: list[float], second: list[float]) -> float:
    """Return the chance that a value of the first is above one of the second; equal ones count half."""
    a, b = np.array(first)[:, None], np.array(second)[None, :]
    return float(((a > b) + 0.5 * (a == b)).mean())


async def times(bank: Bank, kind: str) -> dict[str, list[float]]:
    """Return the seconds of the answers by customer, asked in random order."""
    headers = {"Authorization": f"Bearer {bank.tokens[Role.MANAGER]}"}
    order = [FOREIGN, NOBODY] * (REQUESTS // 2)
    random.Random(7).shuffle(order)
    found: dict[str, list[float]] = {FOREIGN: [], NOBODY: []}
    transport: Any = httpx.ASGITransport(app=bank.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost", headers=headers) as client:
        for number, customer in enumerate(order[:WARM] + order):
            method, path, body = ASKED[kind](customer)
            began = time.perf_counter()
            answer = await client.request(method, path, json=body)
            took = time.perf_counter() - began
            assert answer.status_code == 404
            if number >= WARM:
                found[customer].append(took)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["offers", "sheet", "outcome"])
def test_a_foreign_customer_takes_as_long_as_nobody(make_bank: Any, kind: str) -> None:
    """One answer told them apart with an AUC of 0.92: the store was asked for known customers alone."""
    bank = make_bank(requests_per_second=1_000_000)
    gc.collect()
    found = asyncio.run(times(bank, kind))
    told = auc(found[FOREIGN], found[NOBODY])
    assert max(told, 1 - told) < 0.6


LOG_INS = 800
NAME, NO_NAME = USERS[Role.AUDITOR], "auditor-9"


async def log_ins(bank: PageBank) -> dict[str, list[float]]:
    """Return the seconds of failed log-ins by name, tried in random order."""
    order = [NAME, NO_NAME] * (LOG_INS // 2)
    random.Random(7).shuffle(order)
    found: dict[str, list[float]] = {NAME: [], NO_NAME: []}
    transport: Any = httpx.ASGITransport(app=bank.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        for number, name in enumerate(order[:WARM] + order):
            began = time.perf_counter()
            answer = await client.post("/login", data={"user": name, "password": "not the right one"})
            took = time.perf_counter() - began
            assert answer.status_code == 401
            if number >= WARM:
                found[name].append(took)
    return found


def test_a_name_that_exists_takes_as_long_as_one_that_does_not(
    built_once: BuiltOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hash a hundred times cheaper than the real one hides nothing else that differs."""
    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    for module in (passwords, users):
        monkeypatch.setattr(module, "HASHER", cheap)
    users._unknown_user_hash.cache_clear()
    bank = made(accounts(built_once), tmp_path)
    bank.state.store.users.change_password(NAME, PASSWORD)
    monkeypatch.setattr(bank.state.limits, "take", lambda *_: 0.0)
    gc.collect()
    try:
        found = asyncio.run(log_ins(bank))
    finally:
        users._unknown_user_hash.cache_clear()
    told = auc(found[NAME], found[NO_NAME])
    assert max(told, 1 - told) < 0.6
