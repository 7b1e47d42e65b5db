"""Opening a store: the reads it makes, and the libraries it loads."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from vipreco.errors import IntegrityError
from vipreco.store import Store, schema_upgrade


def test_a_store_that_the_parent_has_just_read_is_not_read_through_again(
    empty_store: Path, tmp_path: Path
) -> None:
    path = tmp_path / "store.db"
    shutil.copy(empty_store, path)
    with path.open("r+b") as file:  # the last page: SQLite notices where it is read
        file.seek((path.stat().st_size // 4096 - 1) * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(IntegrityError, match="damaged"):
        Store.open(f"sqlite:///{path}")
    Store.open(f"sqlite:///{path}", checked=True).close()


def test_the_newest_version_is_that_of_the_migrations() -> None:
    scripts = ScriptDirectory(str(schema_upgrade.MIGRATIONS))
    assert schema_upgrade.revisions()[-1] == scripts.get_current_head()
    assert set(schema_upgrade.revisions()) == {script.revision for script in scripts.walk_revisions()}


def test_to_open_a_store_loads_nothing_that_migrations_need(empty_store: Path) -> None:
    code = "import sys, vipreco.store as s; s.Store.open(sys.argv[1]); print('alembic' in sys.modules)"
    ran = subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{empty_store}"], check=True, capture_output=True, text=True
    )
    assert ran.stdout == "False\n"
