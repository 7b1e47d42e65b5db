"""Commands that write, a bank on which each can run, and everything that one can see of that bank."""

from __future__ import annotations

import io
import os
import pkgutil
import re
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

import vipreco
from tests import processes
from tests.faults.command import OUT, PARTS, Command
from tests.faults.further_commands import FURTHER_COMMANDS, newest_batch
from tests.faults.list_commands import LIST_COMMANDS
from tests.faults.store_commands import STORE_COMMANDS, in_process, token_of
from tests.shared import BuiltOnce
from tests.simulated_bank import RECIPE, trained_project
from training.registry import resolve
from vipreco.cli.entry import main
from vipreco.durable import sha256_of
from vipreco.errors import VipRecoError
from vipreco.online import Releases
from vipreco.project import Project
from vipreco.store import Contact, Keys, Role, Scope, Store
from vipreco.store.schema import metadata
from vipreco.tables import Tables

PATIENCE = 900.0  # seconds, for a machine that does much else
NOW = datetime(2026, 1, 2, 10)  # noqa: DTZ001  the business's local time
EVERYBODY = Scope("os:tester", Role.MARKETING)
CAMPAIGN = """
key = "spring"
start_date = 2026-01-05
end_date = 2026-01-30
products = ["L002", "W203", "W301"]
control_share = 0.2
explained_offers = 20
formats = ["csv", "xlsx"]

[channels.call]
capacity = 12
minutes = 10
"""
# Written by SQLite, MLflow and caches at any time: what stands in them is asked, not compared by bytes.
CHANCE = re.compile("at$|hash$|^token_id$|^handle$|^csrf$|^manifest$")
"""Columns of the store with moments and secrets, and the one that a campaign fills at its end."""
LIBRARIES = (
    "alembic.command", "implicit.als", "jinja2", "openpyxl", "reportlab.platypus", "rich.table",
    "sklearn.isotonic", "xlsxwriter",
)  # fmt: skip
VOLATILE = ("store.db", "tracking", "mlruns", "pending", ".lock", "verified", "tests.log", "spool", "keys")


def without_tables(bank: Path) -> None:
    shutil.rmtree(bank / "data" / "tables")


COMMANDS: Mapping[str, Command] = {
    "import": Command(
        ("import", "--mapping", "../practice/mapping.toml", "{raw}"), frozenset({0, 4}), without_tables
    ),
    "import-from-store": Command(("import", "--from-store"), frozenset({0, 4})),
    "train": Command(("train", "--recipe", "tiny")),
    "prepare": Command(("prepare",)),
    "offers": Command(("offers", "--all", "--out", "out/offers.xlsx"), parts=OUT),
    "calllist": Command(("calllist", "--manager", "M00000", "--out", "out/calls.pdf"), parts=OUT),
    "campaign": Command(("campaign", "run", "spring.toml")),
    "explain": Command(("explain", "{customer}", "--receipt", "out/receipt.json"), parts=OUT),
    "export": Command(("subject", "export", "{customer}", "--out", "out/subject.json"), parts=OUT),
    "erase": Command(
        ("subject", "erase", "{customer}", "--yes", "--out", "out/erased.csv"), repeatable=False
    ),
    **STORE_COMMANDS,
    **LIST_COMMANDS,
    **FURTHER_COMMANDS,
}


def made(built_once: BuiltOnce) -> Path:
    """Return a bank with tables, champion, contacts and a campaign file; nobody changes it."""

    def build(home: Path) -> None:
        trained = trained_project(built_once)
        shutil.copytree(trained, home / "bank")
        shutil.copytree(trained.parents[1] / "imported-bank" / "practice", home / "practice")
        bank = home / "bank"
        shutil.copy(RECIPE, bank / "training" / "recipes")
        other = RECIPE.read_text().replace("rounds = 3", "rounds = 4").replace('"tiny"', '"other"')
        (bank / "training" / "recipes" / "other.toml").write_text(other)
        settings = bank / "vipreco.toml"
        settings.write_text(settings.read_text() + '\n[serving]\nbusiness_date = "snapshot"\n')
        (bank / "spring.toml").write_text(CAMPAIGN)
        past = CAMPAIGN.replace("spring", "past").replace("2026-01-05", "2025-12-05")
        past = past.replace("2026-01-30", "2025-12-30") + "\n[managers]\nminutes = 60\n"
        (bank / "past.toml").write_text(past)
        (bank / "out").mkdir()
        in_process(bank, "train", "--recipe", "other")
        Keys.open(bank / "data" / "keys")  # so that all copies give a customer the same pseudonym
        ids = customers(bank)[:20]
        columns = {"customer_id": ids, "manager_id": ["M00000"] * 20, "branch_id": ["B"] * 20}
        with Store.open(f"sqlite:///{bank}/data/store.db") as store:
            store.books.replace("first", pl.DataFrame(columns))
            for number, one in enumerate(ids):
                contact = Contact(one, "call", NOW, "declined", contact_id=f"c{number}")
                store.contacts.record(EVERYBODY, contact, NOW)
        in_process(bank, "campaign", "run", "past.toml", "--as-of", "2025-11-30", "--hindsight")

    return built_once("bank-of-faults", build) / "bank"


def customers(bank: Path) -> list[str]:
    """Return the ids of the newest snapshot."""
    rows = pl.concat(
        [pl.read_parquet(path) for path in Tables.open(bank / "data" / "tables").files("customers")],
        how="diagonal",
    )
    newest = rows.filter(pl.col("snapshot_date") == pl.col("snapshot_date").max())
    return sorted(str(one) for one in newest["customer_id"].unique())


def words(command: Command, bank: Path, customer: str) -> list[str]:
    """Return the arguments with their places filled."""
    raw = sorted(str(path) for path in (bank.parent / "practice" / "raw").iterdir() if path.is_file())
    found: list[str] = []
    for word in command.arguments:
        places = {"customer": customer, "token": token_of(bank), "batch": newest_batch(bank)}
        found += raw if word == "{raw}" else [word.format(**places)]
    return found


@dataclass(frozen=True)
class Limits:
    """What a command has less of than it is used to.

    Args:
        handles: Most open files.
        memory: Bytes of address space beyond those that its process has.
        environment: Variables; an empty one is taken away.
    """

    handles: int = 0
    memory: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)

    def apply(self) -> None:
        """Limit this process."""
        for name, value in self.environment.items():
            os.environ[name] = value
            if not value:
                del os.environ[name]
        if self.handles:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.handles, self.handles))
        if self.memory:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * os.sysconf("SC_PAGE_SIZE") + self.memory
            resource.setrlimit(resource.RLIMIT_AS, (most, most))


NO_LIMITS = Limits()


def run(bank: str, arguments: list[str], limits: Limits) -> None:
    """Run a command in this process, with its output in a file, and exit as it does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what runs in the background ignores Ctrl-C
    os.chdir(bank)
    log = os.open(f"{bank}/../tests.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(log, 1)
    os.dup2(log, 2)
    with suppress(FileNotFoundError):
        sys.stdin = io.StringIO(Path(f"{bank}/../stdin").read_text(encoding="utf-8"))
    limits.apply()
    sys.argv = ["vipreco", *arguments]
    try:
        sys.exit(main())  # as from a shell, with the process that watches
    except KeyboardInterrupt:  # before the program or after it, where an interpreter of its own ends so
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)


@cache
def all_modules() -> list[str]:
    """Return what commands load: a stop falls into their work then, and a run takes a third of its time."""
    ours = [one.name for one in pkgutil.walk_packages(vipreco.__path__, "vipreco.")]
    return [*LIBRARIES, __name__, *(name for name in ours if not name.endswith("__main__"))]


def started(bank: Path, arguments: list[str], limits: Limits = NO_LIMITS) -> Any:
    """Start a command in a process of its own."""
    return processes.started(run, str(bank), arguments, limits, loaded=all_modules())


def begun(bank: Path, arguments: list[str]) -> Any:
    """Start a command, and return when its program begins: what is loaded before is no part of it."""
    log = bank.parent / "tests.log"
    log.unlink(missing_ok=True)
    process = started(bank, arguments)
    while not log.exists() and processes.is_running(process):
        time.sleep(0.002)
    return process


def told(bank: Path) -> str:
    """Return what the last command in a bank printed."""
    log = bank.parent / "tests.log"  # none if it was killed before it began
    return log.read_text(encoding="utf-8", errors="replace") if log.exists() else ""


def paths(bank: Path) -> set[str]:
    """Return the files of a bank, without those that databases and caches keep."""
    found = {str(path.relative_to(bank)) for path in bank.rglob("*") if path.is_file()}
    return {name for name in found if not any(part in name for part in (*VOLATILE, "__pycache__"))}


def visible(bank: Path, parts: Collection[str] = PARTS) -> dict[str, Any]:
    """Return what users see of a bank, checked wherever there is a check."""
    readers: dict[str, Callable[[Path], Any]] = {
        "tables": _tables,
        "release": _release,
        "champion": _champion,
        "campaigns": lambda bank: _hashes(bank / "data" / "campaigns"),
        "out": lambda bank: _hashes(bank / "out"),
        "store": _store,
    }
    return {part: read(bank) for part, read in readers.items() if part in parts}


def _tables(bank: Path) -> str:
    if not (bank / "data" / "tables" / "manifest.json").exists():
        return ""
    tables = Tables.open(bank / "data" / "tables")
    tables.verify()
    return tables.snapshot_id


def _release(bank: Path) -> str:
    releases = Releases(bank / "data" / "serving")
    return releases.current().name if releases.pointer() else ""


def _champion(bank: Path) -> str:
    return resolve(Project.find(bank)).artifact_hash


def _store(bank: Path) -> dict[str, list[str]]:
    """Return the rows of the store without moments and secrets, and without its logs, which only grow.

    What a list showed is logged before it is shown: a command that is killed in between leaves its record.
    """
    with Store.open(f"sqlite:///{bank}/data/store.db") as store:
        store.audit.verify()
        with store.database.reading() as connection:
            return {
                name: sorted(
                    repr([value for column, value in row._mapping.items() if not CHANCE.search(column)])
                    for row in connection.execute(table.select())
                )
                for name, table in sorted(metadata.tables.items())
                if name not in {"audit", "decisions"}
            }


def _hashes(folder: Path) -> dict[str, str]:
    """Return the hash of each file that is no temporary one; of a copy of the store, what is in it."""
    found = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    names = {str(path.relative_to(folder)): path for path in found}
    return {name: _hash(path) for name, path in names.items() if not ("/" + name).count("/.")}


def _hash(path: Path) -> str:
    if path.suffix == ".db":
        try:
            with Store.open(f"sqlite:///{path}") as store:
                return repr({n: c for n, c in store.counts().items() if n not in {"audit", "decisions"}})
        except VipRecoError as error:
            return str(error)
    if path.name == "erased.csv":  # tells what this run removed: after an interruption, the rest
        return path.name
    if path.name == "subject.json" or path.name.startswith("audit-"):  # hold moments of the clock
        return sha256(path.name.split("-")[0].encode()).hexdigest()
    return sha256_of(path)
