"""The store against a model of it, under random operations and kills: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import event, func, select

from tests.store.conftest import MEMBERS, _empty
from vipreco.store import (
    REFUSALS,
    Consent,
    Contact,
    Database,
    Event,
    KeyedRequest,
    KeyState,
    RecordedContact,
    Role,
    Scope,
    Store,
)
from vipreco.store.contact import DO_NOT_CONTACT
from vipreco.store.schema import metadata

DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001  the business's local time
CUSTOMERS = ("0001", "0002")
STATEMENTS = 12  # of an operation on the longer of its ways, about
OPERATIONS_AT_LENGTH = int(os.environ.get("VIPRECO_OPERATIONS", "10000"))
SCOPE = Scope("user:ann", Role.MANAGER, "M1", DAY)
OTHER = Scope("user:bob", Role.MANAGER, "M2", DAY)
OUTCOMES = st.sampled_from(["accepted", "declined", "postponed", "complaint", "do_not_contact"])


def _hash(operation: Operation) -> str:
    return sha256(repr(replace(operation, key="")).encode()).hexdigest()


@dataclass(frozen=True)
class Operation:
    """One request: a contact or a consent with its audit record, under a key or without one."""

    contact: Contact | None = None
    consent: Consent | None = None
    key: str = ""

    def run(self, store: Store) -> bytes:
        """Do it in one transaction, as the service does, and return the answer."""
        if not self.key:
            return self._work(store)[1]
        request = KeyedRequest(
            SCOPE.actor, self.key, sha256(repr(replace(self, key="")).encode()).hexdigest()
        )
        found = store.idempotency.run_once(request, NOW, lambda: self._work(store))
        return found.state.value.encode() if found.state is KeyState.OTHER else found.response

    def _work(self, store: Store) -> tuple[int, bytes]:
        with store.database.writing():
            if self.contact is not None:
                made = store.contacts.record(SCOPE, self.contact, NOW, request_key=self.key or None)
                assert isinstance(made, RecordedContact)
            else:
                assert self.consent is not None
                store.consents.record(SCOPE, self.consent, NOW)
            store.audit.append([Event(SCOPE.actor, "outcome.record")])
        return 201, b"done"


CONTACTS = st.builds(
    Contact,
    customer_id=st.just(CUSTOMERS[0]),
    channel=st.just("call"),
    contacted_at=st.integers(0, 5).map(lambda hours: NOW - timedelta(hours=hours)),
    outcome=OUTCOMES,
    contact_id=st.sampled_from(["c1", "c2", "c3"]),
)
CONSENTS = st.builds(
    Consent, st.sampled_from(CUSTOMERS), st.sampled_from(["consent_call", "consent_sms"]), st.booleans()
)
KEYS = st.sampled_from(["", "k1", "k2", "k3", "k4"])
OPERATIONS = st.one_of(
    st.builds(Operation, contact=CONTACTS, key=KEYS), st.builds(Operation, consent=CONSENTS, key=KEYS)
)


class Model:
    """The store in plain Python."""

    def __init__(self) -> None:
        self.versions: dict[str, list[Contact]] = {}
        self.consents: dict[tuple[str, str], bool] = {}
        self.keys: dict[str, str] = {}
        self.changes = self.audit = 0

    def apply(self, operation: Operation) -> None:
        """Do an operation that was committed."""
        if operation.key in self.keys:
            return
        if operation.key:
            self.keys[operation.key] = repr(replace(operation, key=""))
        self.audit += 1
        if operation.consent is not None:
            self.consents[operation.consent.customer_id, operation.consent.kind] = operation.consent.granted
            self.changes += 1
        elif operation.contact is not None:
            known = self.versions.setdefault(operation.contact.contact_id, [])
            if known[-1:] != [operation.contact]:
                known.append(operation.contact)
                self.changes += 1

    def valid(self) -> set[Contact]:
        """Return the valid version of each contact: a refusal, else the latest."""
        found = set()
        for versions in self.versions.values():
            ranked = [
                ((one.outcome == DO_NOT_CONTACT, one.outcome in REFUSALS, one.contacted_at, number), one)
                for number, one in enumerate(versions)
            ]
            found.add(max(ranked, key=lambda pair: pair[0])[1])
        return found


class StoreMachine(RuleBasedStateMachine):
    """Random operations on a store, some of them killed at a random statement."""

    fresh: ClassVar[Callable[[Path], str]]
    done: ClassVar[Counter[str]]

    @initialize()
    def start(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="vipreco-random-"))
        self.url = type(self).fresh(self.folder)
        self.store, self.model = Store.open(self.url), Model()
        self.store.books.replace("snapshot-1", MEMBERS)

    @rule(operation=OPERATIONS)
    def operate(self, operation: Operation) -> None:
        answer = operation.run(self.store)
        other = self.model.keys.get(operation.key, repr(replace(operation, key="")))
        assert answer == (b"other" if other != repr(replace(operation, key="")) else b"done")
        self.model.apply(operation)
        self.done["finished"] += 1

    @rule(operations=st.lists(OPERATIONS, min_size=1, max_size=6), share=st.floats(0, 1), late=st.booleans())
    def operate_and_be_killed(self, operations: list[Operation], share: float, late: bool) -> None:
        """Kill a process at one of its statements or commits; the store has all of that operation or nothing.

        What it told to be done before is done. `late`: it dies after a commit, before it can tell.
        """
        at = 1 + int(share * len(operations) * (1 if late else STATEMENTS))
        told, telling = os.pipe()
        child = os.fork()
        if child == 0:
            _be_killed(self.store, self.url, operations, (at, late), telling)
        os.close(telling)
        os.waitpid(child, 0)
        finished = len(os.read(told, len(operations) + 1))
        os.close(told)
        for operation in operations[:finished]:
            self.model.apply(operation)
        self.done["finished"] += finished
        if finished < len(operations):
            is_there = self.store.audit.head().sequence > self.model.audit
            if is_there:
                self.model.apply(operations[finished])
            self.done["killed, is there" if is_there else "killed, is not there"] += 1

    @rule()
    def open_again(self) -> None:
        self.store.close()
        self.store = Store.open(self.url)

    @invariant()
    def the_store_is_what_the_model_says(self) -> None:
        store, model = self.store, self.model
        assert set(store.contacts.of(SCOPE, list(CUSTOMERS))) == model.valid()
        for contact_id, versions in model.versions.items():
            assert store.contacts.versions(SCOPE, contact_id) == versions
        said = {(one.customer_id, one.kind): one.granted for one in store.consents.of(SCOPE, list(CUSTOMERS))}
        assert said == model.consents
        assert store.contacts.of(OTHER, list(CUSTOMERS)) == []
        assert store.consents.of(OTHER, list(CUSTOMERS)) == []
        assert not any(store.contacts.versions(OTHER, contact_id) for contact_id in model.versions)
        assert store.audit.verify().sequence == model.audit
        counts = _counts(store)
        assert counts["idempotency"] == len(model.keys)
        assert counts["changes"] == model.changes
        assert counts["contacts"] + counts["consents"] == model.changes

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            shutil.rmtree(self.folder)


def _counts(store: Store) -> Mapping[str, int]:
    """Return the rows of the tables that operations write to, in one query."""
    counts = (
        select(func.count()).select_from(metadata.tables[name]).scalar_subquery().label(name)
        for name in ("changes", "consents", "contacts", "idempotency")
    )
    with store.database.reading() as connection:
        return dict(connection.execute(select(*counts)).one()._mapping)


def _be_killed(
    store: Store, url: str, operations: list[Operation], when: tuple[int, bool], telling: int
) -> None:
    """Do operations in this process, and die by a signal at its n-th statement or commit, or after them.

    Between a commit and the word that it is done lies a moment to die as well; only such ones are counted
    where it dies late.
    """
    try:
        # The parent's connections are its own; what its engine knows of a server is taken over, which a new
        # engine would ask for again. One of a file may not even be left alone by a fork.
        if store.database.is_file:
            store = Store(Database(url))
        else:
            store.database.engine.dispose(close=False)
        left, late = [when[0]], when[1]

        def count(*_: Any) -> None:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        if not late:
            event.listen(store.database.engine, "before_cursor_execute", count)
            event.listen(store.database.engine, "commit", count)
        for operation in operations:
            operation.run(store)
            count()
            os.write(telling, b".")
    finally:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.fixture
def fresh(engine: str, request: pytest.FixtureRequest) -> Callable[[Path], str]:
    """Make an empty store and return its address."""
    if engine == "postgresql":
        url: str = request.getfixturevalue("shared_database")

        def emptied(_: Path) -> str:
            _empty(url)
            return url

        return emptied
    empty: Path = request.getfixturevalue("empty_store")

    def copied(folder: Path) -> str:
        shutil.copy(empty, folder / "store.db")
        return f"sqlite:///{folder}/store.db"

    return copied


def tried(fresh: Callable[[Path], str], examples: int, steps: int) -> Counter[str]:
    """Run the machine, and return how many operations finished or were killed."""
    done = Counter[str]()
    machine = type("Machine", (StoreMachine,), {"fresh": staticmethod(fresh), "done": done})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return done


def test_the_store_is_what_a_model_says_after_random_operations_and_kills(
    fresh: Callable[[Path], str],
) -> None:
    done = tried(fresh, examples=6, steps=20)
    assert done["finished"] > 0


@pytest.mark.long
def test_ten_thousand_random_operations_with_kills_lose_double_and_leak_nothing(
    fresh: Callable[[Path], str],
) -> None:
    """On each of the two databases; what was counted stands in the output of `pytest -s`."""
    done = tried(fresh, examples=2, steps=10)
    handles = _handles()
    while done.total() < OPERATIONS_AT_LENGTH:
        done += tried(fresh, examples=20, steps=50)
    sys.stderr.write(f"{dict(done)}\n")
    assert done["killed, is there"] > 0
    assert done["killed, is not there"] > OPERATIONS_AT_LENGTH / 20
    assert _handles() <= handles + 2


def _handles() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208  the list is in use while it is read
