"""Attacks on what is recorded: lost refusals, forged corrections, doubled requests, store away, audit."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
from sqlalchemy import text

from serving.http.app_state import clock
from tests.attack.attacks import Tries, attack
from tests.attack.target import FOREIGN, OTHERS_OWN, OWN, SEES_ALL, Target
from tests.serving.running_service import until
from vipreco.store import Role, Store

DOUBLED, KILLS = 120, 4


@attack("refusals with wrong fields", short=True)
def refusals(target: Target, tries: Tries) -> None:
    """Record refusals and complaints with everything wrong beside them: each takes effect at once."""
    wrong = (
        {"product_id": "no-such-product"},
        {"campaign_id": "no-such-campaign"},
        {"decision_id": "no-such-decision"},
        {"contacted_at": "1900-01-01T10:00:00"},
        {"contacted_at": "9999-01-01T10:00:00"},
        {"next_date": "1900-01-01"},
    )
    cases = [(outcome, fields) for outcome in ("do_not_contact", "complaint") for fields in wrong]
    for customer, (outcome, fields) in zip(OTHERS_OWN, cases, strict=False):
        sent = {"customer_id": customer, "channel": "call", "outcome": outcome, **fields}
        status = target.ask("POST", "/v1/outcomes", Role.MANAGER, json=sent).status_code
        tries.expect(status == 201, f"{outcome} with {fields}: {status}")
    time.sleep(1.0)  # both workers know it
    for customer, (outcome, fields) in zip(OTHERS_OWN, cases, strict=False):
        asked = {"customer_id": customer, "channel": "call"}
        answer = target.ask("POST", "/v1/offers", Role.CHANNEL, json=asked).json()
        tries.expect(answer["offers"] == [], f"offered after {outcome} with {fields}")
    for fields in wrong:
        sent = {"customer_id": OWN, "channel": "call", "outcome": "declined", **fields}
        status = target.ask("POST", "/v1/outcomes", Role.MANAGER, json=sent).status_code
        tries.expect(status in {409, 422}, f"declined with {fields}: {status}")


@attack("corrections that are forged", short=True)
def corrections(target: Target, tries: Tries) -> None:
    """Send the hidden id of another's contact, and the same id with other outcomes."""
    session, customer, other = target.sessions[Role.MANAGER], OTHERS_OWN[-1], OTHERS_OWN[-2]
    path, elsewhere = (f"/customers/{target.handle(one)}/outcome" for one in (customer, other))
    confirmed = []
    for outcome in ("declined", "postponed", "do_not_contact", "declined"):
        form = {"outcome": outcome, "product_id": "", "contact_id": "form-1"}
        confirmed.append(target.post(path, session, form).cookies.get("vipreco_saved"))
    right = ["declined", "postponed", "do_not_contact", "do_not_contact"]
    tries.expect(confirmed == right, f"the page confirmed {confirmed}")
    form = {"outcome": "accepted", "product_id": "", "contact_id": "form-1"}
    answer = target.post(elsewhere, session, form)
    tries.expect(
        answer.status_code == 422, f"the contact of another customer was taken: {answer.status_code}"
    )
    with target.store() as store:
        found = store.contacts.of(SEES_ALL, [customer])
        valid = [one.outcome for one in found if one.contact_id == "form-1"]
        versions = store.contacts.versions(SEES_ALL, "form-1")
        others = store.contacts.of(SEES_ALL, [other])
    tries.expect(valid == ["do_not_contact"], f"valid is {valid}")
    tries.expect(len(versions) == 4, f"{len(versions)} versions are kept of 4")
    tries.expect(all(one.contact_id != "form-1" for one in others), "the other customer got the contact")


@attack("one key, killed workers")
def idempotency(target: Target, tries: Tries) -> None:
    """Record outcomes under keys while workers are killed; each key is sent until it is answered."""
    answered: dict[str, bool] = {}

    def send(key: str) -> None:
        answered[key] = _until_recorded(target, key)

    killer = threading.Thread(target=_kill_some, args=(target,))
    killer.start()
    keys = [f"key-{number}" for number in range(DOUBLED)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(send, [key for key in keys for _ in range(2)]))
    killer.join()
    until(lambda: httpx.get(f"{target.url}/readyz", timeout=5).status_code == 200, 60)
    with target.store() as store:
        found = store.contacts.of(SEES_ALL, [OWN])
    stored = Counter(one.note for one in found if one.note.startswith("key-"))
    for key in keys:
        tries.expect(answered[key], f"{key} was never answered")
        tries.expect(stored[key] == 1, f"{key} has {stored[key]} contacts")
    tries.measured.append(f"{DOUBLED} keys sent twice, {KILLS} kills, {sum(stored.values())} contacts")


def _until_recorded(target: Target, key: str) -> bool:
    """Send an outcome under a key until it is answered; return whether it was."""
    sent = {"customer_id": OWN, "channel": "branch", "outcome": "unreachable", "note": key}
    headers = {"Idempotency-Key": key, "Authorization": f"Bearer {target.tokens[Role.CHANNEL]}"}
    for _ in range(200):
        with suppress(httpx.HTTPError):
            answer = httpx.post(f"{target.url}/v1/outcomes", json=sent, headers=headers, timeout=10)
            if answer.status_code in {200, 201}:
                return True
        time.sleep(0.05)
    return False


def _kill_some(target: Target) -> None:
    generator = random.Random(15)
    for _ in range(KILLS):
        time.sleep(generator.uniform(0.3, 1.0))
        workers = target.workers()
        if workers:
            os.kill(generator.choice(workers), signal.SIGKILL)


@attack("the audit", short=True)
def audit(target: Target, tries: Tries) -> None:
    """Look for reads and refusals that left no record, and change records in the database."""
    target.ask("GET", f"/v1/customers/{FOREIGN}/sheet", Role.MANAGER)
    target.ask("GET", "/metrics", Role.CHANNEL)
    target.ask("GET", "/metrics", headers={"Authorization": "Bearer vpr_live_00000000_x"})
    target.ask("GET", f"/customers/{target.handle(FOREIGN)}", target.sessions[Role.MANAGER])
    rows = target.audit()
    with target.store() as store:
        store.audit.verify()
    actions = Counter((row["action"], row["result"]) for row in rows)
    for action in (("offers.read", "ok"), ("access.refused", "denied"), ("sheet.read", "unknown")):
        tries.expect(actions[action] > 0, f"no record of {action}")
    tries.expect(all(row["actor"] for row in rows), "a record without an actor")
    with target.store() as store, store.database.engine.connect() as connection:
        for statement in (
            "UPDATE audit SET actor = 'x' WHERE sequence = 1",
            "DELETE FROM audit WHERE sequence = 1",
            "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE sequence = 1",
        ):
            try:
                connection.execute(text(statement))
                changed = True
            except Exception:
                changed = False
            connection.rollback()
            tries.expect(not changed, f"the database takes {statement[:20]}")


@attack("the store taken away")
def store_away(target: Target, tries: Tries) -> None:
    """Move the store away: offers go on and say so, revoked tokens stay out, nothing is made anew."""
    path = target.folder / "data" / "store.db"
    with target.store() as store:
        made, revoked = store.tokens.create("revoked", Role.CHANNEL, clock())
    asked = {"customer_id": OTHERS_OWN[14], "channel": "app"}

    def status(token: str) -> int:
        headers = {"Authorization": f"Bearer {token}"}
        return httpx.post(f"{target.url}/v1/offers", json=asked, headers=headers, timeout=10).status_code

    for _ in range(20):  # both workers know both tokens
        status(revoked)
        status(target.tokens[Role.CHANNEL])
    with target.store() as store:
        store.tokens.revoke(made.token_id, clock())
    time.sleep(3)
    path.rename(path.with_name("away.db"))
    try:
        until_time = time.monotonic() + 6
        while time.monotonic() < until_time:
            status_now = status(target.tokens[Role.CHANNEL])
            tries.expect(status_now == 200, f"offers stop: {status_now}")
            tries.expect(status(revoked) == 401, "a revoked token opens while the store is away")
            time.sleep(0.3)
        tries.expect(not path.exists(), "a new store was made in the place of the one that was moved")
    finally:
        path.with_name("away.db").rename(path)
    until(lambda: target.ask("GET", "/", target.sessions[Role.MANAGER]).status_code == 200, 10)
    with Store.open(f"sqlite:///{path}") as store:
        store.audit.verify()
