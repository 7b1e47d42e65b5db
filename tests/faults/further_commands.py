"""Commands that write one table or file, that upgrade a project or a store, or that fit and judge again."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from tests.faults.command import OUT, STORE, Command
from tests.faults.list_commands import MODELS
from tests.faults.store_commands import account, in_process, with_store

SPACE = """
metric = "map"
folds = 1
customers = 0

[parameter."recommender.propensity.product.rounds"]
low = 2
high = 4
"""


def space(bank: Path) -> None:
    (bank / "space.toml").write_text(SPACE)


def newest_batch(bank: Path) -> str:
    """Return the id of the newest batch of the tables; empty where there is none."""
    return max((path.name for path in (bank / "data" / "tables" / "batches").glob("0*")), default="")


def from_store(bank: Path) -> None:
    in_process(bank, "import", "--from-store", codes=(0, 4))


def groups(bank: Path) -> None:
    from tests.faults.commands import customers

    rows = [f"{one},{'ab'[number % 2]}" for number, one in enumerate(customers(bank))]
    (bank / "groups.csv").write_text("customer_id,gender\n" + "\n".join(rows) + "\n")


def scored(bank: Path) -> None:
    in_process(bank, "prepare")
    in_process(bank, "shadow", "score")


def planned(bank: Path) -> None:
    in_process(bank, "campaign", "plan", "spring.toml", "--out", "plan.json")


def password(bank: Path) -> None:
    with_store(account)(bank)
    (bank.parent / "stdin").write_text("another horse, another battery\n" * 2)


def changed_files(bank: Path) -> None:
    """Change a file of the project that an upgrade brings back, as one of an earlier release is."""
    path = next((bank / "features").glob("*.sql"))
    path.write_text(path.read_text() + "\n-- as it was\n")


def waiting(bank: Path) -> None:
    """Leave a training that waits for its tracking server."""
    with closing(sqlite3.connect(bank / "data" / "tracking.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        in_process(bank, "train", "--recipe", "tiny", codes=(8,))


def _table(*arguments: str, codes: frozenset[int] = frozenset({0})) -> Command:
    name = "-".join(arguments[:2]).replace("--", "")
    return Command((*arguments, "--out", f"out/{name}.csv"), codes, parts=OUT)


FURTHER_COMMANDS: Mapping[str, Command] = {
    "hand-over": Command(("hand-over", "make", "M00000", "M00001"), repeatable=False, parts=STORE),
    "user-password": Command(("user", "password", "ann"), before=password, parts=STORE),
    # 2: it is taken out; the files that a killed one left are removed then.
    "undo": Command(("import", "--undo", "{batch}"), frozenset({0, 2}), before=from_store),
    "upgrade": Command(("upgrade", "--replace"), before=changed_files, parts=OUT),
    "store-upgrade": Command(("store", "upgrade"), parts=STORE),
    "retrain": Command(("retrain", "--recipe", "tiny"), frozenset({0, 4})),
    "tune": Command(("tune", "--recipe", "tiny", "--trials", "1", "--space", "space.toml"), before=space),
    "sync": Command(("sync",), before=waiting, parts=MODELS),
    "fairness": Command(
        ("fairness", "--groups", "groups.csv", "--out", "out/fairness.xlsx"),
        frozenset({0, 9}),
        before=groups,
        parts=OUT,
    ),
    "shadow-report": Command(("shadow", "report", "--out", "out/shadow.csv"), before=scored, parts=OUT),
    "backtest": _table("backtest"),
    "leakcheck": _table("leakcheck", "--as-of", "2025-11-30"),
    "models-list": _table("models", "list"),
    "models-show": _table("models", "show"),
    "models-compare": _table("models", "compare", "champion", "champion"),
    "policy-check": _table("policy", "check"),
    "policy-columns": _table("policy", "columns"),
    "policy-show": _table("policy", "show"),
    "policy-diff": _table("policy", "diff", "champion"),
    "campaign-example": Command(
        ("campaign", "example", "--out", "out/campaign.toml"), repeatable=False, parts=OUT
    ),
    "campaign-plan": Command(("campaign", "plan", "spring.toml", "--out", "out/plan.xlsx"), parts=OUT),
    "campaign-list": _table("campaign", "list"),
    "campaign-hours": _table("campaign", "hours"),
    "campaign-compare": Command(
        ("campaign", "compare", "plan.json", "plan.json", "--out", "out/plans.csv"),
        before=planned,
        parts=OUT,
    ),
    "campaign-export": Command(
        ("campaign", "export", "past", "call.csv", "--out", "out/call.csv"), parts=OUT
    ),
    "token-list": _table("token", "list"),
    "user-list": _table("user", "list"),
    "cover-list": _table("cover", "list"),
    "hand-over-list": _table("hand-over", "list"),
    "switch-list": _table("switch", "list"),
    "audit-show": _table("audit", "show"),
    "store-pending": _table("store", "pending"),
    "store-check": _table("store", "check"),
    "keys-list": _table("keys", "list"),
}
"""With those of the other lists: all that write something."""
