"""Requests that wait hold nothing that others need."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import httpx
import pytest

from tests.serving.small_bank import Bank
from vipreco.store import Role

AT_ONCE = 60  # more than a worker has threads


def test_unknown_decisions_hold_no_thread(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each held a thread for 0.4 s: sixty of them at once kept everybody else waiting."""
    headers = {"Authorization": f"Bearer {bank.tokens[Role.MANAGER]}"}
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)

    async def asked() -> set[int]:
        transport: Any = httpx.ASGITransport(app=bank.app)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://localhost", headers=headers
        ) as one:
            answers = await asyncio.gather(*(one.get("/v1/decisions/none") for _ in range(AT_ONCE)))
        return {answer.status_code for answer in answers}

    assert asyncio.run(asked()) == {404}
    assert slept == []
