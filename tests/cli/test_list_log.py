"""Lists of commands are made again by their decision id, under the rules of then."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import polars as pl
import pytest

from tests.shared import BuiltOnce
from tests.simulated_bank import trained_project
from vipreco.cli.entry import main
from vipreco.history import History
from vipreco.project import Project
from vipreco.store import Cover, Role, Scope, Store

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

    capsys.readouterr()
    assert main(["offers", "--manager", manager, "--top", "1"]) == 0
    (decision,) = re.findall(r"decision ([0-9a-f]{32})", capsys.readouterr().err)
    with Store.open(Project.find().store_url) as store, store.database.writing() as connection:
        change = "UPDATE decisions SET record = replace(record, :was, :becomes)"
        connection.execute(text(change), {"was": '"rows":[["', "becomes": '"rows":[["9'})
    assert main(["replay", "--decision", decision]) == 6
    assert "row 1: " in capsys.readouterr().out


def test_lists_of_commands_follow_hand_overs_and_covers_and_are_made_again(
    manager: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """`offers --manager` read the tables alone after a hand-over."""
    project = Project.find()
    history = History.open(project.tables)
    day = history.snapshot_dates[-1]
    rows = history.as_of(day).query("SELECT customer_id, manager_id, branch_id FROM customers_now")
    (other,) = sorted(set(rows["manager_id"].to_pylist()) - {manager, None})[:1]
    settings = Path("vipreco.toml")
    settings.write_text(settings.read_text() + '\n[serving]\nbusiness_date = "snapshot"\n')
    with Store.open(project.store_url) as store:
        store.books.replace("s1", pl.DataFrame(pl.from_arrow(rows)))
        first = store.books.of(Scope("test", Role.MANAGER, manager))[0].customer_id
        store.hand_overs.make(manager, other, "user:head", day, customer_ids=[first])
        store.books.cover(Cover(manager, other, day, day), "user:head")
        shown = {
            one: {member.customer_id for member in store.books.of(Scope("test", Role.MANAGER, one, day))}
            for one in (manager, other)
        }
        own = {
            one: {member.customer_id for member in store.books.of(Scope("test", Role.MANAGER, one))}
            for one in (manager, other)
        }
    vips: dict[str, set[str]] = {}
    assert first not in shown[manager]
    assert first in shown[other] > shown[manager]
    for one in (manager, other):
        target = tmp_path / "offers.parquet"
        capsys.readouterr()
        assert main(["offers", "--manager", one, "--top", "1", "--out", str(target)]) == 0
        (decision,) = re.findall(r"decision ([0-9a-f]{32})", capsys.readouterr().err)
        assert set(pl.read_parquet(target)["customer_id"]) <= shown[one]
        assert main(["replay", "--decision", decision]) == 0
        assert main(["book", "--manager", one, "--out", str(tmp_path / "book.json")]) == 0
        book = json.loads((tmp_path / "book.json").read_bytes())
        listed = {
            row["customer_id"]
            for part in book.values()
            if isinstance(part, list)
            for row in part
            if "customer_id" in row
        }
        assert listed == shown[one]
    capsys.readouterr()
    assert main(["calllist", "--manager", other, "--out", str(tmp_path / "list.json")]) == 0
    (decision,) = re.findall(r"decision ([0-9a-f]{32})", capsys.readouterr().err)
    assert main(["replay", "--decision", decision]) == 0
    assert main(["sheet", "--customer", first, "--manager", manager]) == 3
    capsys.readouterr()
    assert main(["sheet", "--customer", first, "--manager", other]) == 0
    assert other in capsys.readouterr().out
    for one in (manager, other):
        target = tmp_path / "vip.parquet"
        assert main(["kpi", "vip_customers", "--customers", "--manager", one, "--out", str(target)]) == 0
        vips[one] = set(pl.read_parquet(target)["customer_id"])
    assert vips[other] == own[other] & {*vips[manager], *vips[other]}
    assert vips[manager] == own[manager] & {*vips[manager], *vips[other]}
    assert first in vips[other]
