"""Accounts, sessions, tokens, switches, campaigns: the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import re
import zlib
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from sqlalchemy import func, select

from vipreco.errors import BusyError, UsageError
from vipreco.store import Event, Role, Scope, Session, Store, SwitchedOff, Token, User, users
from vipreco.store.campaigns import Run
from vipreco.store.schema import metadata, sessions, tokens
from vipreco.store.switches import Switch

NOW = datetime(2026, 3, 2, 10)  # noqa: DTZ001  UTC
ADMIN = Scope("user:root", Role.ADMIN)
ANN = User("ann", Role.MANAGER, "M1", "sub-1")
PASSWORD = "correct horse battery"
OTHER_PASSWORD = "battery horse correct"


@pytest.fixture(autouse=True)
def quick_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same hash with little memory and one round: its strength is the library's matter."""
    from argon2 import PasswordHasher

    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def everything(store: Store) -> str:
    """All that anybody who reads the database sees."""
    with store.database.reading() as connection:
        return "\n".join(
            repr(tuple(row)) for table in metadata.sorted_tables for row in connection.execute(select(table))
        )


# Accounts


def test_an_account_is_opened_by_its_password_alone(store: Store) -> None:
    store.users.create(ANN, PASSWORD)
    assert store.users.authenticate("ann", PASSWORD) == ANN
    assert store.users.authenticate("ann", PASSWORD + " ") is None
    assert store.users.authenticate("ann", "") is None
    assert store.users.authenticate("Ann", PASSWORD) is None
    assert store.users.authenticate("bob", PASSWORD) is None
    assert PASSWORD not in everything(store)
    assert "$argon2id$" in everything(store)


def test_the_shipped_hash_is_argon2id_of_at_least_the_recommended_strength() -> None:
    from argon2 import PasswordHasher, Type

    shipped = PasswordHasher()
    assert shipped.type is Type.ID
    assert (shipped.memory_cost, shipped.time_cost) >= (19_456, 2)


def test_an_account_without_a_password_is_for_the_banks_log_in_alone(store: Store) -> None:
    store.users.create(ANN)
    assert store.users.authenticate("ann", users.NO_PASSWORD) is None
    assert store.users.authenticate("ann", "") is None
    assert store.users.by_subject("sub-1") == ANN
    assert store.users.by_subject("sub-2") is None


def test_the_last_administrator_stays(store: Store) -> None:
    """Nobody could open another account over the pages."""
    for name, role in (("root", Role.ADMIN), ("second", Role.ADMIN), ("boss", Role.APPROVER)):
        store.users.create(User(name, role), PASSWORD)
    store.users.disable("second")
    with pytest.raises(UsageError, match="the last administrator"):
        store.users.disable("root")
    store.users.disable("boss")
    assert [one.active for one in store.users.all()] == [False, True, False]


def test_a_closed_account_lets_nobody_in_and_its_sessions_end(store: Store) -> None:
    store.users.create(ANN, PASSWORD)
    secret = store.sessions.begin(ANN, NOW)
    store.users.disable("ann")
    assert store.users.authenticate("ann", PASSWORD) is None
    assert store.users.by_subject("sub-1") is None
    assert store.sessions.read(secret, NOW) is None
    assert store.users.all() == [replace(ANN, active=False)]


def test_a_new_password_takes_the_old_ones_place_and_ends_the_sessions(store: Store) -> None:
    store.users.create(ANN, PASSWORD)
    store.users.create(User("bob", Role.AUDITOR), PASSWORD)
    hers, his = (store.sessions.begin(user, NOW) for user in store.users.all())
    store.users.change_password("ann", OTHER_PASSWORD)
    assert store.users.authenticate("ann", PASSWORD) is None
    assert store.users.authenticate("ann", OTHER_PASSWORD) == ANN
    assert store.sessions.read(hers, NOW) is None
    assert store.sessions.read(his, NOW) is not None


@pytest.mark.parametrize(
    ("user", "password", "code"),
    [
        (User("ann", Role.ADMIN), PASSWORD, "user-exists"),
        (User("bob", Role.MANAGER), PASSWORD, "no-book"),
        (User("bob", Role.ADMIN), "123456789", "short-password"),
        (User("bob", Role.ADMIN, subject="sub-1"), PASSWORD, "subject-exists"),
        *((User(name, Role.ADMIN), PASSWORD, "user-name") for name in ("", "a b", "x" * 65, "a\0", "a\n")),
    ],
)
def test_an_account_that_cannot_be_is_refused(store: Store, user: User, password: str, code: str) -> None:
    store.users.create(ANN, PASSWORD)
    with pytest.raises(UsageError) as refused:
        store.users.create(user, password)
    assert refused.value.code == code
    assert store.users.all() == [ANN]


@pytest.mark.parametrize("what", ["change_password", "disable"])
def test_an_account_that_is_not_there_is_not_changed(store: Store, what: str) -> None:
    given = ("nobody", PASSWORD) if what == "change_password" else ("nobody",)
    with pytest.raises(UsageError, match="no such account"):
        getattr(store.users, what)(*given)


# Sessions


def test_a_session_ends_after_ten_hours_or_when_its_person_leaves(store: Store) -> None:
    store.users.create(ANN, PASSWORD)
    secret = store.sessions.begin(ANN, NOW)
    ends = NOW + timedelta(hours=10)
    found = store.sessions.read(secret, NOW)
    assert found is not None
    assert found == Session(ANN, found.csrf, ends)
    assert len(found.csrf) == 32
    assert store.sessions.read(secret, ends - timedelta(seconds=1)) == found
    assert store.sessions.read(secret, ends) is None
    assert store.sessions.read(secret + "x", NOW) is None
    assert secret not in everything(store)
    store.sessions.end(secret)
    assert store.sessions.read(secret, NOW) is None


def test_ended_sessions_are_dropped_when_somebody_logs_in(store: Store) -> None:
    store.users.create(ANN, PASSWORD)
    for hours in (0, 1, 10.5):
        store.sessions.begin(ANN, NOW + timedelta(hours=hours))
    with store.database.reading() as connection:
        assert connection.execute(select(func.count()).select_from(sessions)).scalar() == 2


# Tokens


def test_a_token_is_shown_once_and_known_by_its_hash(store: Store) -> None:
    token, text = store.tokens.create("app channel", Role.CHANNEL, NOW, days=30, environment="test")
    assert token == Token(token.token_id, "app channel", Role.CHANNEL, None, NOW, NOW + timedelta(days=30))
    form = re.fullmatch(r"vpr_test_([0-9a-f]{8})_([A-Za-z0-9_-]{43})([0-9a-f]{8})", text)
    assert form is not None
    assert form[1] == token.token_id
    assert form[3] == f"{zlib.crc32(text[:-8].encode()):08x}"
    assert form[2] not in everything(store)
    assert store.tokens.authenticate(text, NOW) == token
    assert store.tokens.all() == [token]


def test_a_token_with_one_sign_changed_is_none(store: Store) -> None:
    _, text = store.tokens.create("app", Role.CHANNEL, NOW)
    for at in (0, 5, 12, 20, 40, len(text) - 1):
        other = "0" if text[at] != "0" else "1"
        assert store.tokens.authenticate(text[:at] + other + text[at + 1 :], NOW) is None
    body = text[:-9] + ("A" if text[-9] != "A" else "B")  # another secret under a right checksum
    forged = body + f"{zlib.crc32(body.encode()):08x}"
    assert store.tokens.authenticate(forged, NOW) is None
    assert store.tokens.authenticate(text + "\n", NOW) is None
    assert store.tokens.authenticate(text, NOW) is not None


def test_a_token_ends_on_its_day_with_a_minute_for_clocks_that_differ(store: Store) -> None:
    """F30."""
    _, text = store.tokens.create("app", Role.CHANNEL, NOW, days=1)
    ends = NOW + timedelta(days=1)
    assert store.tokens.authenticate(text, ends + timedelta(seconds=59)) is not None
    assert store.tokens.authenticate(text, ends + timedelta(seconds=60)) is None


def test_a_revoked_token_is_none_and_keeps_the_moment_of_its_end(store: Store) -> None:
    token, text = store.tokens.create("app", Role.CHANNEL, NOW)
    store.tokens.revoke(token.token_id, NOW)
    store.tokens.revoke(token.token_id, NOW + timedelta(days=1))
    assert store.tokens.authenticate(text, NOW) is None
    assert store.tokens.all() == [replace(token, revoked_at=NOW)]
    with pytest.raises(UsageError, match="no such token"):
        store.tokens.revoke("00000000", NOW)


def test_the_day_of_last_use_is_noted_and_never_goes_back(store: Store) -> None:
    token, _ = store.tokens.create("app", Role.CHANNEL, NOW)
    for shift in (1, 2, 0):
        store.tokens.used(token.token_id, NOW + timedelta(days=shift))
    assert store.tokens.all()[0].used_date == date(2026, 3, 4)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"days": 0}, "token-days"),
        ({"days": 91}, "token-days"),
        ({"role": Role.MANAGER}, "no-book"),
        ({"name": ""}, "token-name"),
        ({"name": "x" * 201}, "token-name"),
        ({"environment": "my_env"}, "token-environment"),
        ({"environment": ""}, "token-environment"),
    ],
)
def test_a_token_that_cannot_be_is_refused(store: Store, changed: dict[str, Any], code: str) -> None:
    given = {"name": "app", "role": Role.CHANNEL, "at": NOW} | changed
    with pytest.raises(UsageError) as refused:
        store.tokens.create(**given)
    assert refused.value.code == code
    with store.database.reading() as connection:
        assert connection.execute(select(tokens)).all() == []


def test_a_managers_token_carries_the_book_and_the_newest_comes_first(store: Store) -> None:
    first, _ = store.tokens.create("old", Role.CHANNEL, NOW)
    second, text = store.tokens.create("desk", Role.MANAGER, NOW + timedelta(hours=1), manager_id="M1")
    known = store.tokens.authenticate(text, NOW)
    assert known is not None
    assert (known.role, known.manager_id) == (Role.MANAGER, "M1")
    assert store.tokens.all() == [second, first]


# Switches


def test_a_switch_is_off_with_its_reason_until_it_is_on_again(store: Store) -> None:
    assert store.switches.read() == SwitchedOff()
    store.switches.off(ADMIN, "product", "P1", "recalled", NOW)
    store.switches.off(ADMIN, "model", "0123abcd", "drift", NOW)
    store.switches.off(ADMIN, "product", "P1", "recalled for good", NOW + timedelta(hours=1))
    assert store.switches.read() == SwitchedOff(frozenset({"P1"}), frozenset({"0123abcd"}))
    assert store.switches.all() == [
        Switch("model", "0123abcd", "drift", "user:root", NOW),
        Switch("product", "P1", "recalled for good", "user:root", NOW + timedelta(hours=1)),
    ]
    store.switches.on("product", "P1")
    assert store.switches.read() == SwitchedOff(models=frozenset({"0123abcd"}))
    with pytest.raises(UsageError, match="not switched off"):
        store.switches.on("product", "P1")


@pytest.mark.parametrize(
    ("kind", "reason", "code"), [("bank", "x", "switch-kind"), ("product", " ", "no-reason")]
)
def test_a_switch_of_nothing_or_without_a_reason_is_refused(
    store: Store, kind: str, reason: str, code: str
) -> None:
    with pytest.raises(UsageError) as refused:
        store.switches.off(ADMIN, kind, "P1", reason, NOW)
    assert refused.value.code == code


# Campaigns

MEMBERS = pl.DataFrame(
    {
        "customer_id": ["0002", "0001"],
        "arm": ["control", "treated"],
        "product_id": [None, "P1"],
        "channel": [None, "call"],
        "manager_id": ["M1", "M1"],
    }
)


def test_a_campaign_is_begun_once_and_finished_once(store: Store) -> None:
    inputs = {"tables": "a" * 64, "file": "b" * 64}
    begun = Run("spring", "hash", inputs, None)
    assert store.campaigns.read("spring") is None
    assert store.campaigns.begin("os:ann", "spring", inputs, "hash") == begun
    assert store.campaigns.begin("os:bob", "spring", inputs, "hash") == begun
    finished = replace(begun, manifest={"rows": 2, "sha256": "c" * 64})
    for _ in range(2):
        store.campaigns.finish("spring", {"rows": 2, "sha256": "c" * 64}, MEMBERS)
        assert store.campaigns.read("spring") == finished
        assert store.campaigns.members("spring").equals(MEMBERS.sort("customer_id"))
    assert store.campaigns.begin("os:ann", "spring", inputs, "hash") == finished
    store.campaigns.begin("os:ann", "autumn", inputs, "hash")
    assert [run.campaign_id for run in store.campaigns.all()] == ["autumn", "spring"]
    assert store.campaigns.members("autumn").is_empty()


def test_a_key_with_other_inputs_is_refused_and_what_differs_is_named(store: Store) -> None:
    store.campaigns.begin("os:ann", "spring", {"tables": "a" * 64, "file": "b" * 64}, "h1")
    with pytest.raises(BusyError) as refused:
        store.campaigns.begin("os:ann", "spring", {"tables": "a" * 64, "file": "x" * 64, "rules": "y"}, "h2")
    assert refused.value.code == "other-inputs"
    assert refused.value.examples == (f"file: was {'b' * 40}, is {'x' * 40}", "rules: was missing, is y")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("aaaaaaaaaa", "weak-password"),
        ("1234567890", "weak-password"),
        (" " * 12, "weak-password"),
        ("密码密码密码密码密码密码", "weak-password"),
        ("Password123!", "weak-password"),
        ("ann.the.manager", "weak-password"),
        ("short one", "short-password"),
        ("长" * 86, "long-password"),
        ("x" * 257, "long-password"),
    ],
)
def test_a_password_that_is_easy_to_guess_or_could_never_be_given_is_refused(
    store: Store, password: str, code: str
) -> None:
    with pytest.raises(UsageError) as told:
        store.users.create(User("ann.the.manager", Role.AUDITOR), password)
    assert told.value.code == code
    assert store.users.all() == []


@pytest.mark.parametrize(
    "password", ["correct horse battery", "kX9#mQ2vLp", "长城上的月光今晚很安静", "z" * 2 + "kX9#mQ2vLp" * 25]
)
def test_a_password_that_is_accepted_lets_its_owner_in(store: Store, password: str) -> None:
    store.users.create(User("ann", Role.AUDITOR), password)
    assert store.users.authenticate("ann", password) == User("ann", Role.AUDITOR)


def test_what_a_stolen_token_made_is_undone_by_the_audit(store: Store) -> None:
    made = [store.tokens.create(name, Role.CHANNEL, NOW)[0].token_id for name in ("a", "b", "c")]
    store.users.create(User("eva", Role.AUDITOR), PASSWORD)
    tried = [("token.create", made[0]), ("user.create", "eva"), ("token.create", made[1])]
    store.audit.append([Event("token:0a", action, one) for action, one in tried])
    store.audit.append([Event("token:0b", "token.create", made[2])])
    store.audit.append([Event("token:0a", "user.create", "refused", "denied")])
    assert store.undo_token("0a", "user:root", NOW) == ((made[0], made[1]), ("eva",))
    assert store.tokens.revoked(NOW) == {made[0], made[1]}
    assert not store.users.all()[0].active
    found = [(row["action"], row["object"]) for row in store.audit.read(3)]
    assert found == [("user.disable", "eva"), ("token.revoke", made[1]), ("token.revoke", made[0])]
