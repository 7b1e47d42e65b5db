"""Lists of commands are made again by their decision id, under the rules of then."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import trained_project
from vipreco.cli.entry import main
from vipreco.history import History
from vipreco.project import Project

pytestmark = pytest.mark.long


@pytest.fixture
def manager(built_once: BuiltOnce, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    home = tmp_path / "bank"
    shutil.copytree(trained_project(built_once), home)
    monkeypatch.chdir(home)
    history = History.open(Project.find(home).tables)
    people = history.as_of(history.snapshot_dates[-1]).query(
        "SELECT manager_id, count(*) AS n FROM customers_now WHERE tier = 'GOLD' AND manager_id IS NOT NULL "
        "GROUP BY 1 ORDER BY n DESC, 1"
    )
    return str(people["manager_id"][0])


@pytest.mark.parametrize(
    "command",
    [
        ["calllist", "--manager", "{}"],
        ["offers", "--manager", "{}", "--top", "2"],
        ["relationships", "--list", "keep", "--manager", "{}"],
    ],
)
def test_a_list_is_made_again_whatever_the_rules_are_now(
    command: list[str], manager: str, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert main([part.format(manager) for part in command]) == 0
    (decision,) = re.findall(r"decision ([0-9a-f]{32})", capsys.readouterr().err)
    settings = Path("vipreco.toml")
    settings.write_text(settings.read_text() + '\n[policy]\npacks = ["house", "eu"]\n')
    assert main(["replay", "--decision", decision]) == 0
    assert "identical" in capsys.readouterr().out


def test_a_list_that_was_changed_in_the_store_is_told(
    manager: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from sqlalchemy import text

    from vipreco.store import Store

    capsys.readouterr()
    assert main(["offers", "--manager", manager, "--top", "1"]) == 0
    (decision,) = re.findall(r"decision ([0-9a-f]{32})", capsys.readouterr().err)
    with Store.open(Project.find().store_url) as store, store.database.writing() as connection:
        change = "UPDATE decisions SET record = replace(record, :was, :becomes)"
        connection.execute(text(change), {"was": '"rows":[["', "becomes": '"rows":[["9'})
    assert main(["replay", "--decision", decision]) == 6
    assert "row 1: " in capsys.readouterr().out
