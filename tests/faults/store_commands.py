"""Commands that change the store or the keys, and what each needs to be there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from pathlib import Path

from tests.faults.command import OUT, STORE, Command
from vipreco.cli.entry import main
from vipreco.store import Cover, Role, Scope, Store, User
from vipreco.store.schema import idempotency

WHEN = datetime(2026, 1, 2, 10)  # noqa: DTZ001  moments of the store are UTC without saying so
LONG_AGO = datetime(2019, 1, 2, 10)  # noqa: DTZ001
DIRECTORY = "customer_id,name,salutation,phone,preferred_hours\n"
SIGNED = '\n[signatures]\ntrusted = ["{key}"]\n'


def with_store(change: Callable[[Store], object]) -> Callable[[Path], None]:
    """Return what changes the store of a bank."""

    def before(bank: Path) -> None:
        with Store.open(f"sqlite:///{bank}/data/store.db") as store:
            change(store)

    return before


def token(store: Store) -> None:
    store.tokens.create("app", Role.CHANNEL, WHEN)


def token_of(bank: Path) -> str:
    """Return the id of the newest token; empty where there is none."""
    with Store.open(f"sqlite:///{bank}/data/store.db", checked=True) as store:
        return next((one.token_id for one in store.tokens.all()), "")


def account(store: Store) -> None:
    store.users.create(User("ann", Role.MANAGER, "M00000"), "correct horse battery staple")


def cover(store: Store) -> None:
    store.books.cover(Cover("M00001", "M00000", date(2026, 1, 5), date(2026, 1, 9)), "os:tester")


def switched(store: Store) -> None:
    store.switches.off(Scope("os:tester", Role.ADMIN), "product", "L002", "recalled", WHEN)


def old_keys(store: Store) -> None:
    row = {"actor": "user:ann", "request_hash": "0" * 64, "begun_at": LONG_AGO}
    with store.database.writing() as connection:
        connection.execute(idempotency.insert(), [{**row, "key": str(number)} for number in range(500)])


def directory_file(bank: Path) -> None:
    rows = "".join(f"{number:010d},Name {number},Ms,1380000{number:04d},9-11\n" for number in range(2_000))
    (bank.parent / "directory.csv").write_text(DIRECTORY + rows)


def names(bank: Path) -> None:
    directory_file(bank)
    in_process(bank, "directory", "import", str(bank.parent / "directory.csv"))


def key(bank: Path) -> None:
    in_process(bank, "keys", "create")


def in_process(bank: Path, *arguments: str, codes: Collection[int] = (0,)) -> None:
    """Run a command in a bank, in this process."""
    import os

    here = Path.cwd()
    os.chdir(bank)
    try:
        assert main(list(arguments)) in codes
    finally:
        os.chdir(here)


def _changes(*arguments: str, before: Callable[[Path], object] = lambda _: None) -> Command:
    """Return a command that changes only the store, and is refused or adds a row when it runs again."""
    return Command(arguments, before=before, repeatable=False, parts=STORE)


STORE_COMMANDS: Mapping[str, Command] = {
    "backup": Command(("store", "backup", "out/store.db"), repeatable=False, parts=OUT),
    "anchor": Command(("audit", "anchor", "out"), parts=OUT),
    "token-create": _changes("token", "create", "app", "--role", "channel"),
    "token-revoke": _changes("token", "revoke", "{token}", before=with_store(token)),
    "user-create": _changes(
        "user", "create", "li", "--role", "manager", "--book", "M00000", "--subject", "sub-1"
    ),
    "user-disable": _changes("user", "disable", "ann", before=with_store(account)),
    "cover-grant": _changes(
        "cover", "grant", "M00001", "M00000", "--from", "2026-01-05", "--until", "2026-01-09"
    ),
    "cover-end": _changes("cover", "end", "1", before=with_store(cover)),
    "switch-off": _changes("switch", "off", "product", "L002", "--reason", "recalled"),
    "switch-on": _changes("switch", "on", "product", "L002", before=with_store(switched)),
    "consent": _changes("consent", "record", "{customer}", "call", "--withdrawn"),
    "prune": Command(("store", "prune"), before=with_store(old_keys), parts=STORE),
    "directory-import": Command(
        ("directory", "import", "../directory.csv"), before=directory_file, parts=OUT
    ),
    "directory-export": Command(("directory", "export", "--out", "out/names.csv"), before=names, parts=OUT),
    "directory-delete": _changes("directory", "delete", "--all", before=names),
    "keys-create": Command(("keys", "create"), repeatable=False, parts=STORE),
    "keys-sign": Command(("keys", "sign"), before=key),
}
