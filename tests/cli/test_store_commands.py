"""The commands for the operational store: what they do, what they print, what the audit says of it."""

from __future__ import annotations

import io
import json
import os
import pwd
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from argon2 import PasswordHasher

from tests.mapping_text import source
from vipreco.cli.entry import main
from vipreco.cli.people_commands import Role as NamedRole
from vipreco.store import Contact, Decision, Role, Scope, Store, users
from vipreco.store.schema_upgrade import revisions

DAY = "2026-01-31"
PASSWORD = "correct horse battery"
SETTINGS = '[project]\nname = "bank"\n\n[serving]\nbusiness_date = "snapshot"\n'
MAPPING = (
    source(
        *("customers.csv", "customers"),
        customer_id="id",
        snapshot_date="date",
        manager_id="manager",
        consent_call="call",
    )
    + source("products.csv", "products", "name", "family", product_id="id")
    + source("holdings.csv", "holdings", customer_id="id", product_id="product", opened_date="opened")
)
FILES = {
    "customers.csv": f"id,date,manager,call\n0001,{DAY},M1,1\n0002,{DAY},M2,1\n",
    "products.csv": "id,name,family\nFUND-07,Fund,fund\n",
    "holdings.csv": "id,product,opened\n0001,FUND-07,2026-01-05\n",
}


@pytest.fixture(autouse=True)
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two customers as the current folder; its books are in the store."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    monkeypatch.setenv("LOGNAME", "tester")
    monkeypatch.chdir(tmp_path)
    Path("vipreco.toml").write_text(SETTINGS)
    return tmp_path


@pytest.fixture
def tables(bank: Path) -> Path:
    """The project with its tables imported."""
    for name, text in {**FILES, "mapping.toml": MAPPING}.items():
        Path(name).write_text(text)
    assert main(["import", "--mapping", "mapping.toml", *FILES]) == 0
    members = {"customer_id": ["0001", "0002"], "manager_id": ["M1", "M2"], "branch_id": ["B", "B"]}
    with opened() as store:
        store.books.replace("s", pl.DataFrame(members))
    return bank


def opened() -> Store:
    return Store.open("sqlite:///data/store.db")


def rows(*command: str) -> list[dict[str, Any]]:
    target = Path("rows.json")
    assert main([*command, "--out", str(target)]) == 0
    content: list[dict[str, Any]] = json.loads(target.read_text())
    return content


def audited() -> list[tuple[str, str, str]]:
    return [(row["actor"], row["action"], row["object"]) for row in rows("audit", "show")][::-1]


def type_in(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_a_token_is_printed_once_listed_without_its_secret_and_revoked(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["token", "create", "app channel", "--role", "channel", "--days", "30"]) == 0
    text = capsys.readouterr().out.strip()
    now = datetime.now(UTC).replace(tzinfo=None)
    with opened() as store:
        token = store.tokens.authenticate(text, now)
    assert token is not None
    assert (token.name, token.role) == ("app channel", Role.CHANNEL)
    (row,) = rows("token", "list")
    assert row == {
        "token": token.token_id,
        "name": "app channel",
        "role": "channel",
        "book": None,
        "branch": None,
        "state": "valid",
        "created_date": str(now.date()),
        "ends_date": str((now + timedelta(days=30)).date()),
        "last_used_date": None,
    }
    assert main(["token", "revoke", token.token_id, "--actor", "ann"]) == 0
    assert rows("token", "list")[0]["state"] == "revoked"
    with opened() as store:
        assert store.tokens.authenticate(text, now) is None
    secret = text.split("_", 3)[3]
    assert secret not in Path("rows.json").read_text()
    assert secret.encode() not in Path("data/store.db").read_bytes()
    assert audited() == [
        (f"os:{pwd.getpwuid(os.getuid()).pw_name}", "token.create", token.token_id),
        ("ann", "token.revoke", token.token_id),
    ]
    with opened() as store:
        account = f"os:{pwd.getpwuid(os.getuid()).pw_name}"  # LOGNAME, which anybody may set, says `tester`
        assert [row["purpose"] for row in store.audit.read(2)] == [f"command of {account}", "command"]


@pytest.mark.parametrize(
    "command",
    [
        ["token", "create", "x", "--role", "channel", "--days", "91"],
        ["token", "create", "x", "--role", "manager"],
        ["token", "create", "x", "--role", "branch_head"],
        ["token", "create", "x", "--role", "king"],
        ["token", "create", "x"],
        ["token", "revoke", "00000000"],
        ["token", "create", "x", "--role", "channel", "--actor", " "],
        ["user", "disable", "nobody"],
        ["cover", "grant", "M1", "M1", "--from", DAY, "--until", DAY],
        ["cover", "grant", "M1", "M2", "--from", "31.01.2026", "--until", DAY],
        ["cover", "end", "7"],
        ["switch", "on", "product", "FUND-07"],
        ["switch", "off", "product", "FUND-07", "--reason", " "],
        ["switch", "off", "bank", "x", "--reason", "x"],
        ["consent", "record", "0001", "call"],
        ["consent", "record", "0001", "fax", "--granted"],
        ["audit", "verify", "--anchor", "nowhere"],
        ["import", "--from-store", "--mapping", "x"],
        ["import", "--from-store"],
        ["import", "x.csv"],
    ],
)
def test_what_cannot_be_is_refused_with_2_and_leaves_no_trace(command: list[str]) -> None:
    assert main(command) == 2
    assert audited() == []


def test_the_roles_of_the_commands_are_those_of_the_store() -> None:
    assert [role.value for role in NamedRole] == [role.value for role in Role]


def test_a_password_is_read_from_what_is_piped_in(monkeypatch: pytest.MonkeyPatch) -> None:
    type_in(monkeypatch, PASSWORD + "\n")
    assert main(["user", "create", "ann", "--role", "manager", "--book", "M1"]) == 0
    with opened() as store:
        assert store.users.authenticate("ann", PASSWORD) is not None
    type_in(monkeypatch, "another good one")
    assert main(["user", "password", "ann"]) == 0
    assert main(["user", "create", "eva", "--role", "auditor", "--subject", "eva@bank"]) == 0
    assert rows("user", "list") == [
        {"user": "ann", "role": "manager", "book": "M1", "branch": None, "subject": None, "active": True},
        {
            "user": "eva",
            "role": "auditor",
            "book": None,
            "branch": None,
            "subject": "eva@bank",
            "active": True,
        },
    ]
    assert main(["user", "disable", "ann"]) == 0
    with opened() as store:
        assert store.users.authenticate("ann", "another good one") is None
    actions = [(action, name) for _, action, name in audited()]
    assert actions == [
        ("user.create", "ann"),
        ("user.password", "ann"),
        ("user.create", "eva"),
        ("user.disable", "ann"),
    ]


@pytest.mark.parametrize("typed", ["", "short\n"])
def test_no_password_or_a_short_one_is_refused(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    type_in(monkeypatch, typed)
    assert main(["user", "create", "ann", "--role", "admin"]) == 2
    assert rows("user", "list") == []
    assert audited() == []


def test_a_cover_is_granted_listed_and_ended() -> None:
    assert (
        main(["cover", "grant", "M2", "M1", "--from", DAY, "--until", "2026-02-13", "--actor", "boss"]) == 0
    )
    cover = {
        "manager": "M2",
        "deputy": "M1",
        "from_date": DAY,
        "until_date": "2026-02-13",
        "granted_by": "boss",
    }
    assert rows("cover", "list") == [{"cover": 1, **cover}]
    assert main(["cover", "end", "1", "--actor", "boss"]) == 0
    assert rows("cover", "list") == []
    assert audited() == [("boss", "cover.grant", "M2>M1"), ("boss", "cover.end", "1")]


def test_a_product_is_switched_off_with_its_reason_and_on_again(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["switch", "off", "product", "FUND-7", "--reason", "recalled"]) == 2
    assert "did you mean FUND-07?" in capsys.readouterr().err
    assert main(["switch", "off", "product", "FUND-07", "--reason", "recalled", "--actor", "ann"]) == 0
    assert main(["switch", "off", "model", "0123456789abcdef0123", "--reason", "drift"]) == 0
    found = [(row["kind"], row["name"], row["reason"]) for row in rows("switch", "list")]
    assert found == [("model", "0123456789abcdef", "drift"), ("product", "FUND-07", "recalled")]
    assert main(["switch", "on", "product", "FUND-07", "--actor", "ann"]) == 0
    assert [row["kind"] for row in rows("switch", "list")] == ["model"]
    assert audited()[0] == ("ann", "switch.off", "product:FUND-07")
    assert audited()[2] == ("ann", "switch.on", "product:FUND-07")


def test_a_consent_is_recorded_as_of_the_business_date_and_flows_into_the_tables(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["consent", "record", "9999", "call", "--withdrawn"]) == 3
    assert "9999" not in capsys.readouterr().err
    assert main(["consent", "record", "0001", "call", "--withdrawn", "--actor", "ann"]) == 0
    assert main(["consent", "record", "0001", "profiling", "--withdrawn", "--actor", "ann"]) == 0
    with opened() as store:
        moment = datetime(2026, 1, 31, 9)  # noqa: DTZ001
        call = Contact("0002", "call", moment, "accepted", product_id="FUND-07", contact_id="c1", note="note")
        store.contacts.record(Scope("user:ann", Role.MANAGER, "M2"), call, moment)
    capsys.readouterr()
    assert main(["import", "--from-store", "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(row["name"], row["read"], row["accepted"]) for row in told] == [
        ("store-contacts-3.csv", 1, 1),
        ("store-consents-3.csv", 1, 1),
    ]
    files = sorted(Path("data/tables").rglob("customers.parquet"))
    row = pl.read_parquet(files[-1]).row(0, named=True)
    assert (row["consent_call"], row["profiling_opt_out"], str(row["recorded_date"])) == (False, True, DAY)
    assert main(["import", "--from-store"]) == 0
    assert "nothing new" in capsys.readouterr().err
    assert [(actor, action) for actor, action, _ in audited()] == [("ann", "consent.record")] * 2
    (about,) = {name for _, _, name in audited()}
    assert "0001" not in about
    assert len(rows("audit", "show", "--customer", "0001")) == 2
    assert rows("audit", "show", "--customer", "0002") == []


def test_a_refused_row_of_the_store_ends_with_4_and_comes_in_corrected(tables: Path) -> None:
    moment = datetime(2026, 1, 31, 9)  # noqa: DTZ001
    with opened() as store:
        scope = Scope("user:ann", Role.MANAGER, "M1")
        store.contacts.record(scope, Contact("0001", "call", moment, "declined", product_id="X"), moment)
    assert main(["import", "--from-store"]) == 4
    (path,) = Path("data/tables").rglob("*.quarantine.csv")
    corrected = Path(path.name)
    corrected.write_text(path.read_text().replace(",X,", ",FUND-07,"))
    assert main(["import", "--from-store", str(corrected)]) == 0
    stored = pl.concat([pl.read_parquet(file) for file in Path("data/tables").rglob("contacts.parquet")])
    assert stored["product_id"].to_list() == ["FUND-07"]


def test_the_audit_is_signed_verified_and_its_first_wrong_record_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for number in range(4):
        assert main(["cover", "grant", "M1", f"M{number + 2}", "--from", DAY, "--until", DAY]) == 0
    assert main(["audit", "anchor", "heads"]) == 0
    assert main(["audit", "verify", "--anchor", "heads"]) == 0
    assert capsys.readouterr().out.startswith("4 records match the chain and the signed heads; head ")
    with closing(sqlite3.connect("data/store.db")) as connection:
        connection.execute("DROP TRIGGER audit_keeps_DELETE")
        connection.execute("DELETE FROM audit WHERE sequence = 4")
        connection.commit()
    assert main(["audit", "verify"]) == 0  # the chain alone does not show a cut tail
    assert main(["audit", "verify", "--anchor", "heads"]) == 6
    assert "record 4 is missing" in capsys.readouterr().err
    with closing(sqlite3.connect("data/store.db")) as connection:
        connection.execute("DROP TRIGGER audit_keeps_UPDATE")
        connection.execute("UPDATE audit SET actor = 'nobody' WHERE sequence = 2")
        connection.commit()
    assert main(["audit", "verify"]) == 6
    assert "record 2 was changed" in capsys.readouterr().err
    assert main(["audit", "anchor", "heads"]) == 6
    assert main(["store", "check"]) == 6


def test_a_store_is_backed_up_checked_and_restored(bank: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cover", "grant", "M1", "M2", "--from", DAY, "--until", DAY]) == 0
    assert main(["store", "backup", "copy.db", "--actor", "ann"]) == 0
    assert main(["store", "backup", "copy.db"]) == 2
    assert main(["cover", "end", "1"]) == 0
    counts = {row["table"]: row["rows"] for row in rows("store", "check")}
    assert counts["covers"] == 0
    store = Path("data/store.db")
    whole = store.read_bytes()
    store.write_bytes(whole[: len(whole) // 2])
    capsys.readouterr()
    assert main(["store", "check"]) == 6
    assert "put the last backup in its place" in capsys.readouterr().err
    Path("copy.db").replace(store)
    counts = {row["table"]: row["rows"] for row in rows("store", "check")}
    assert (counts["covers"], counts["audit"]) == (1, 2)
    assert audited()[-1] == ("ann", "store.backup", "")


def test_an_upgrade_of_what_is_new_changes_nothing_and_of_a_newer_one_ends_with_5(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["store", "upgrade"]) == 0
    assert f"the store has version {revisions()[-1]}" in capsys.readouterr().err
    assert main(["store", "upgrade"]) == 0
    assert audited() == []
    with closing(sqlite3.connect("data/store.db")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    for command in (["store", "upgrade"], ["store", "check"], ["token", "list"]):
        assert main(command) == 5
    assert "newer than this program" in capsys.readouterr().err


def test_at_a_terminal_a_password_is_asked_for_twice_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[dict[str, Any]] = []

    def prompt(text: str, **how: Any) -> str:
        asked.append({"text": text, **how})
        return PASSWORD

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.prompt", prompt)
    assert main(["user", "create", "ann", "--role", "admin"]) == 0
    assert asked == [{"text": "Password", "hide_input": True, "confirmation_prompt": True}]
    with opened() as store:
        assert store.users.authenticate("ann", PASSWORD) is not None


def test_old_decisions_and_keys_are_counted_and_then_removed(
    tables: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Decisions by the date of the business, which stands still at the newest snapshot; keys by the clock."""
    today, clock = datetime(2026, 1, 31), datetime.now(UTC).replace(tzinfo=None)  # noqa: DTZ001
    settings = Path("vipreco.toml")
    settings.write_text(settings.read_text() + "keep_decisions_days = 10\nkeep_keys_days = 2\n")
    with opened() as store:
        for days in (8, 9, 11, 12, 13):
            made_at = today - timedelta(days=days)
            store.decisions.add([Decision(f"d{days}", "0001", made_at, "token:1", "{}")])
        call = Contact("0001", "call", today - timedelta(days=12), "declined", decision_id="d12")
        store.contacts.record(Scope("user:ann", Role.MANAGER, "M1"), call, today)
        for days in (1, 3, 4, 5):
            store.idempotency.begin("token:1", f"k{days}", "h", clock - timedelta(days=days))
    capsys.readouterr()
    for command, told in (
        (["--dry-run"], ("2", "3", "would be removed")),
        (["--actor", "ann"], ("2", "3", "were removed")),
        ([], ("0", "0", "were removed")),
    ):
        assert main(["store", "prune", *command]) == 0
        first, second = capsys.readouterr().out.splitlines()
        assert first.startswith(f"{told[0]} decisions before 2026-01-21 ")
        assert second.startswith(f"{told[1]} idempotency keys before {clock - timedelta(days=2):%Y-%m-%d} ")
        assert first.endswith(told[2])
        assert second.endswith(told[2])
    counts = {row["table"]: row["rows"] for row in rows("store", "check")}
    assert (counts["decisions"], counts["idempotency"], counts["contacts"]) == (3, 1, 1)
    until = f"decisions before 2026-01-21, keys before {clock - timedelta(days=2):%Y-%m-%d}"
    assert audited() == [("ann", "store.prune", until)]


@pytest.mark.parametrize(
    "line", ["keep_decisions_days = 0", "keep_keys_days = 0", "keep_keys_days = 1.5", 'audit_heads = ""']
)
def test_settings_that_keep_nothing_are_refused(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    settings = Path("vipreco.toml")
    settings.write_text(settings.read_text() + line + "\n")
    assert main(["store", "prune"]) == 2
    assert line.split(maxsplit=1)[0] in capsys.readouterr().err
