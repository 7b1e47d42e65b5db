"""Attacks on the log-in: many at once, one password for all names, locking others out, names that exist."""

from __future__ import annotations

import threading
import time
from collections import Counter

import httpx

from serving.auth.cookies import DEVICE
from tests.attack.attacks import Tries, attack
from tests.attack.target import OWN, Target
from tests.serving.small_bank import PASSWORD
from vipreco.store import Role

AT_ONCE, ADDRESS = 60, "10.4.0.1"


@attack("a flood of log-ins beside offers")
def drain(target: Target, tries: Tries) -> None:
    """Log in sixty times at once while offers are asked for."""
    statuses: Counter[int] = Counter()
    before, stop, slowest = target.resident_mib(), threading.Event(), []

    def log_in(number: int) -> None:
        form = {"user": f"nobody-{number}", "password": "not the right one"}
        headers = {"X-Forwarded-For": f"10.3.0.{number}"}
        answer = httpx.post(f"{target.url}/login", data=form, headers=headers, timeout=60)
        statuses[answer.status_code] += 1

    def watch() -> None:
        while not stop.is_set():
            slowest.append(target.resident_mib())
            time.sleep(0.05)

    threads = [threading.Thread(target=log_in, args=(number,)) for number in range(AT_ONCE)]
    watcher = threading.Thread(target=watch)
    watcher.start()
    for thread in threads:
        thread.start()
    waits = []
    while any(thread.is_alive() for thread in threads):
        began = time.monotonic()
        asked = {"customer_id": OWN, "channel": "app"}
        status = target.ask("POST", "/v1/offers", Role.CHANNEL, json=asked).status_code
        waits.append(time.monotonic() - began)
        tries.expect(status == 200, f"offers beside log-ins: {status}")
    stop.set()
    watcher.join()
    tries.expect(set(statuses) <= {401, 429}, f"log-ins: {dict(statuses)}")
    tries.expect(statuses[429] >= AT_ONCE // 2, f"few were refused: {dict(statuses)}")
    grown = max(slowest) - before
    tries.expect(grown < 250, f"a worker grew by {grown:.0f} MiB")
    tries.expect(max(waits) < 5, f"an offer took {max(waits):.1f} s")
    waits.sort()
    p99 = waits[int(len(waits) * 0.99)] * 1_000
    tries.measured.append(
        f"log-ins {dict(statuses)}; offers beside them p99 {p99:.0f} ms; largest worker +{grown:.0f} MiB"
    )


@attack("one password for many names")
def spraying(target: Target, tries: Tries) -> None:
    """Try one password with every name, then the right one from a known and from an unknown browser."""

    def log_in(cookie: str = "") -> httpx.Response:
        return target.log_in("manager", PASSWORD, ADDRESS, cookie)

    first = log_in()
    tries.expect(first.status_code == 303, f"the first log-in: {first.status_code}")
    device = f"{DEVICE}={first.cookies.get(DEVICE, '')}"
    statuses = Counter(
        target.log_in(f"name-{number}", "Sommer2026!", ADDRESS).status_code for number in range(40)
    )
    tries.expect(statuses[429] >= 15, f"spraying is not stopped: {dict(statuses)}")
    refused = log_in()
    tries.expect(refused.status_code == 429, f"the address is not held back: {refused.status_code}")
    wait = int(refused.headers.get("retry-after", "0"))
    tries.expect(0 < wait <= 15, f"Retry-After is {wait}")
    known = log_in(device)
    tries.expect(known.status_code == 303, f"a known browser is locked out: {known.status_code}")
    time.sleep(wait)
    again = log_in()
    tries.expect(again.status_code == 303, f"Retry-After of {wait} s was not true: {again.status_code}")
    tries.measured.append(f"40 names from one address: {dict(statuses)}; Retry-After {wait} s was true")


@attack("a token that asks too much")
def too_much(target: Target, tries: Tries) -> None:
    """Send faster than a person can, with a session and with decisions that nobody made."""
    ended, statuses = time.monotonic() + 5, Counter()

    def ask() -> None:
        while time.monotonic() < ended:
            status = target.client.get(
                f"{target.url}/v1/decisions/none",
                headers={"Authorization": f"Bearer {target.tokens[Role.MANAGER]}"},
            ).status_code
            statuses[status] += 1

    threads = [threading.Thread(target=ask) for _ in range(60)]
    for thread in threads:
        thread.start()
    waits = []
    while time.monotonic() < ended - 0.5:
        began = time.monotonic()
        status = target.ask("GET", "/", target.sessions[Role.MANAGER]).status_code
        waits.append(time.monotonic() - began)
        tries.expect(status == 200, f"the page beside them: {status}")
    for thread in threads:
        thread.join()
    tries.expect(max(waits) < 3, f"the page took {max(waits):.1f} s")
    tries.measured.append(f"{sum(statuses.values())} unknown decisions; the page at most {max(waits):.2f} s")
