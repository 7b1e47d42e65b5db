"""Issue 15, item 3: every command that reads changed tables notices it before anything is offered."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from vipreco.cli.entry import main

COMMANDS = {
    "calllist": ["calllist", "--manager", "M00000"],
    "offers": ["offers", "--manager", "M00000", "--out", "offers.csv"],
    "prepare": ["prepare"],
}


pytestmark = pytest.mark.usefixtures("snapshot_day")


def flip_bit(path: Path) -> None:
    """Change one bit in the middle of a file, and give it its old size and time of change."""
    before, content = path.stat(), bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def forge_consents(path: Path) -> None:
    """Write the same rows with every consent given, as a file that reads well."""
    names = ("consent_call", "consent_sms", "consent_app")
    pl.read_parquet(path).with_columns(pl.lit(True).alias(name) for name in names).write_parquet(path)


@pytest.mark.parametrize("command", sorted(COMMANDS))
@pytest.mark.parametrize("change", [flip_bit, forge_consents])
def test_changed_tables_stop_every_command_and_the_file_is_named(
    bank: Path, command: str, change: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    """F09: exit 6 and the path, whether or not the tables were verified before."""
    path = sorted((bank / "data" / "tables").rglob("customers*.parquet"))[-1]
    change(path)
    capsys.readouterr()
    assert main(COMMANDS[command]) == 6
    told = capsys.readouterr().err
    assert "table-file" in told
    assert path.name in told.replace("\n", "")
    assert not (bank / "data" / "serving" / "current.json").exists()
