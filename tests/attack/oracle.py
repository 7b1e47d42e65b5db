"""Attacks by the clock: does the time of an answer tell who is a customer, or which name exists."""

from __future__ import annotations

import random
import time
from typing import Any

import httpx

from tests.attack.attacks import Tries, attack
from tests.attack.target import FOREIGN, NOBODY, Session, Target
from tests.serving.test_existence import auc
from vipreco.store import Role

REQUESTS, WARM, LIMIT = 2_000, 100, 0.6


@attack("existence by the clock")
def existence(target: Target, tries: Tries) -> None:
    """Ask 2,000 times a way for a customer of another book and for nobody, in random order."""
    session = target.sessions[Role.MANAGER]
    handles = {customer: target.handle(customer) for customer in (FOREIGN, NOBODY)}
    ways = {
        "offers": lambda one: ("POST", "/v1/offers", {"json": {"customer_id": one, "channel": "app"}}),
        "sheet": lambda one: ("GET", f"/v1/customers/{one}/sheet", {}),
        "outcome": lambda one: (
            "POST",
            "/v1/outcomes",
            {"json": {"customer_id": one, "channel": "app", "outcome": "declined"}},
        ),
        "page": lambda one: ("GET", f"/customers/{handles[one]}", {"by": session}),
        "search": lambda one: (
            "POST",
            "/search",
            {"by": session, "data": {"text": one, "csrf": session.csrf}},
        ),
    }
    for name, way in ways.items():
        found = _auc(target, way)
        tries.expect(max(found, 1 - found) < LIMIT, f"{name}: AUC {found:.3f}")
        tries.measured.append(f"{name} {found:.3f}")


def _auc(target: Target, way: object) -> float:
    order = [FOREIGN, NOBODY] * (REQUESTS // 2)
    random.Random(7).shuffle(order)
    times: dict[str, list[float]] = {FOREIGN: [], NOBODY: []}
    for number, customer in enumerate(order[:WARM] + order):
        method, path, given = way(customer)  # type: ignore[operator]
        by: Role | Session = given.pop("by", Role.MANAGER)
        answer, took = _timed(target, method, path, by, given)
        while answer.status_code == 429:  # a person may send a hundred a second: a quick machine sends more
            time.sleep(float(answer.headers["Retry-After"]))
            answer, took = _timed(target, method, path, by, given)
        assert answer.status_code in {200, 404}, answer.status_code
        if number >= WARM:
            times[customer].append(took)
    return auc(times[FOREIGN], times[NOBODY])


def _timed(
    target: Target, method: str, path: str, by: Role | Session, given: dict[str, Any]
) -> tuple[httpx.Response, float]:
    began = time.perf_counter()
    answer = target.ask(method, path, by, **given)
    return answer, time.perf_counter() - began
