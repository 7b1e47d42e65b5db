"""A bank as large as asked for, made of copies of a small one, and commands over all of it in parts.

Each copy has ids of its own and the same facts, so processor time, memory and disk are those of so many
customers, and nobody has to simulate ten million. The tables come in a batch a month, as banks deliver them.
A command that was stopped is taken up again: parts that were finished are not done a second time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb

from vipreco.durable import sha256_of, write_json
from vipreco.history import CONTRACTS
from vipreco.tables import Manifest, Tables, parquet_relation, write_manifest

IDS = {"customer_id", "contact_id", "manager_id", "branch_id"}
MONTHLY = {"customers": "snapshot_date", "observations": "snapshot_date", "activity": "month_date"}
OFFERS, BUILD = "offers", "nightly build"
COMMANDS = {OFFERS: ["offers", "--all", "--out", "offers.parquet"], BUILD: ["prepare"]}
ENGINE = "\n[engine]\nparts = {parts}\nworkers = {workers}\nmemory_gb = {memory}\n"
SERVING, STORED = "\n[serving]\n", 'business_date = "snapshot"\nstored_offers = 5'
"""Copies are as old as what they are made of; a bank of ten million stores five offers by itself, and smaller
copies do here as well, so that their slopes are its slopes."""
TELLS = "scale-runs.json"


@dataclass(frozen=True)
class Night:
    """A command over all customers.

    Args:
        job: `OFFERS` or `BUILD`.
        customers: Of the bank.
        parts: Number of parts.
        sessions: How often the command was begun.
        cpu_seconds: Of all its sessions, with their processes.
        peak_bytes: Of the largest process.
        seconds: On the clock.
        disk_bytes: Of tables, copies in parts, and what came out.
        done: Whether the command ended well.
    """

    job: str
    customers: int
    parts: int
    sessions: int
    cpu_seconds: float
    peak_bytes: int
    seconds: float
    disk_bytes: int
    done: bool


def copied_bank(small: Path, large: Path, copies: int) -> Path:
    """Return a project with so many copies of the customers of another; what is there already stays."""
    tables = large / "data" / "tables"
    if (tables / "manifest.json").is_file():
        return large
    beside = shutil.ignore_patterns("tables", "scale-parts", "parts", "serving")
    shutil.copytree(small, large, ignore=beside, dirs_exist_ok=True)
    shutil.copytree(small / "serving", large / "serving", dirs_exist_ok=True)
    imported = Tables.open(small / "data" / "tables")
    entries = []
    with duckdb.connect(":memory:", config={"threads": 2, "memory_limit": "3GB"}) as connection:
        connection.execute(f"SET temp_directory = '{large / 'data' / 'spill'}'")
        for number, month in enumerate(_months(connection, imported), start=1):
            name = f"{number:04d}-{month}"
            files = {
                table: [_copied(connection, imported, table, month, tables / "batches" / name, copies)]
                for table in CONTRACTS
                if imported.rows(table) and (table in MONTHLY or number == 1)
            }
            entries.append(
                {"batch_id": name, "sequence": number, "files": _entries(files, tables), "ledger": []}
            )
    shutil.rmtree(large / "data" / "spill", ignore_errors=True)
    write_manifest(tables, Manifest(tuple(entries)))
    return large


def _months(connection: duckdb.DuckDBPyConnection, imported: Tables) -> list[str]:
    source = parquet_relation(imported.files("customers"))
    return [
        str(day)
        for (day,) in connection.sql(f"SELECT DISTINCT snapshot_date FROM {source} ORDER BY 1").fetchall()
    ]


def _copied(
    connection: duckdb.DuckDBPyConnection, imported: Tables, table: str, month: str, folder: Path, copies: int
) -> Path:
    """Write the rows of a table that came with a month, once a copy."""
    folder.mkdir(parents=True, exist_ok=True)
    source, path = parquet_relation(imported.files(table)), folder / f"{table}.parquet"
    columns = connection.sql(f"SELECT * FROM {source} LIMIT 0").columns
    own = ", ".join(f"printf('%04d', copy) || {name} AS {name}" for name in columns if name in IDS)
    rows = f"SELECT * REPLACE ({own}) FROM {source}, range({copies}) AS t(copy)" if own else f"FROM {source}"
    of_month = f" WHERE {MONTHLY[table]} = DATE '{month}'" if table in MONTHLY else ""
    chosen = f"SELECT * EXCLUDE (copy) FROM ({rows}{of_month})" if own else f"{rows}{of_month}"
    connection.execute(f"COPY ({chosen}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    return path


def _entries(files: dict[str, list[Path]], tables: Path) -> dict[str, list[dict[str, object]]]:
    return {
        table: [
            {
                "path": str(path.relative_to(tables)),
                "rows": duckdb.sql(f"SELECT count(*) FROM '{path}'").fetchall()[0][0],
                "sha256": sha256_of(path),
            }
            for path in paths
        ]
        for table, paths in files.items()
    }


def run_nights(project: Path, customers: int, engine: dict[str, float]) -> Iterator[Night]:
    """Run each command with these settings of the engine to its end; tell what all of its sessions took."""
    settings = project / "vipreco.toml"
    text = settings.read_text().partition("\n[engine]\n")[0]
    if STORED not in text:
        text = text if SERVING in text else text + SERVING
        text = text.replace(SERVING, f"{SERVING}{STORED}\n", 1)
    settings.write_text(text + ENGINE.format(**engine))
    for job, arguments in COMMANDS.items():
        yield _night(project, job, arguments, customers, int(engine["parts"]))


def _night(project: Path, job: str, arguments: list[str], customers: int, parts: int) -> Night:
    """Run a command, and add to what its earlier sessions took; one that has ended is not run again."""
    kept = project / "data" / TELLS
    known = json.loads(kept.read_bytes()) if kept.is_file() else {}
    before = known.get(f"{job} {parts}")
    if before is not None and before["done"]:
        return Night(**before)
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "vipreco.cli", *arguments], cwd=project)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    found = Night(
        job,
        customers,
        parts,
        1 + (before["sessions"] if before else 0),
        used.ru_utime + used.ru_stime + (before["cpu_seconds"] if before else 0.0),
        max(used.ru_maxrss * 1024, before["peak_bytes"] if before else 0),
        time.perf_counter() - begun + (before["seconds"] if before else 0.0),
        sum(path.stat().st_size for path in (project / "data").rglob("*") if path.is_file()),
        process.returncode == 0,
    )
    write_json(kept, {**known, f"{job} {parts}": asdict(found)})
    return found


def table(nights: list[Night]) -> str:
    """Return the commands as Markdown."""
    lines = [
        "| command | customers | parts | sessions | CPU, h | ms a customer | peak, GiB | disk, GB | ended |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in nights:
        slope, hours = 1_000 * one.cpu_seconds / one.customers, one.cpu_seconds / 3_600
        size = f"{one.peak_bytes / 2**30:.2f} | {one.disk_bytes / 1e9:.1f}"
        lines.append(
            f"| {one.job} | {one.customers:,} | {one.parts} | {one.sessions} | {hours:.2f} | {slope:.2f} "
            f"| {size} | {'yes' if one.done else 'NO'} |"
        )
    return "\n".join(lines)
