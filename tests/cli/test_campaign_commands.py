"""`campaign plan`, `run`, `recheck` and `list` as a marketer uses them, with their exit codes."""

from __future__ import annotations

import json
import os
import pwd
import re
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import openpyxl
import polars as pl
import pytest

from vipreco.cli.entry import main

ACCOUNT = pwd.getpwuid(os.getuid()).pw_name
FILE = """
key = "{key}"
start_date = 2026-01-05
end_date = 2026-01-30
products = ["L002", "W203", "W301"]
audience = "customer_age_years < 70"
control_share = 0.2
explained_offers = 20
formats = ["csv", "xlsx"]
budget_amount = 30.0

[channels.call]
capacity = 12
unit_cost_amount = 0.5
minutes = 10

[channels.app]
capacity = 40
unit_cost_amount = 0.05

[managers]
minutes = 60
"""


@pytest.fixture
def project(bank_folder: Path) -> Path:
    shutil.rmtree(bank_folder / "data" / "campaigns", ignore_errors=True)
    for path in (bank_folder / "data").glob("store.db*"):
        path.unlink()
    return bank_folder


def written(key: str = "spring", **changes: str) -> str:
    text = FILE.format(key=key)
    for before, after in changes.items():
        text = "\n".join(after if line.split(" = ")[0] == before else line for line in text.splitlines())
    path = Path(f"{key}.toml")
    path.write_text(text)
    return str(path)


@pytest.mark.usefixtures("project")
def test_a_plan_shows_audience_value_prices_and_power_and_keeps_nothing(capsys: pytest.CaptureFixture[str]):
    assert main(["campaign", "plan", written()]) == 0
    shown = capsys.readouterr().out
    for words in ("in the newest snapshot", "eligible", "expected value", "power: ", "a tenth more or fewer"):
        assert words in shown
    assert "one more" in shown
    assert not list(Path("data/campaigns").glob("*"))
    assert main(["campaign", "list", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


@pytest.mark.usefixtures("project")
def test_a_plan_as_a_file_says_what_the_run_then_does(tmp_path: Path):
    file = written()
    assert main(["campaign", "plan", file, "--out", str(tmp_path / "plan.json")]) == 0
    assert main(["campaign", "plan", file, "--out", str(tmp_path / "plan.xlsx")]) == 0
    assert main(["campaign", "run", file]) == 0
    plan = json.loads((tmp_path / "plan.json").read_bytes())
    manifest = json.loads(Path("data/campaigns/spring/manifest.json").read_bytes())
    for name in ("arms", "value_amount", "bound_amount", "limits", "waterfall", "policy_version"):
        assert plan[name] == manifest[name]
    changed = {row["limit"]: row for row in plan["what_if"]}
    assert {"channel call", "channel app", "budget"} <= set(changed)
    assert all(row["value_of_fewer"] <= 1e-3 and row["value_of_more"] >= -1e-3 for row in changed.values())
    sheet = openpyxl.load_workbook(tmp_path / "plan.xlsx").active
    assert sheet is not None
    assert [cell.value for cell in sheet[1]] == ["part", "what", "amount", "text"]


@pytest.mark.usefixtures("project")
def test_a_run_tells_what_it_did_and_the_same_again_changes_nothing(capsys: pytest.CaptureFixture[str]):
    file = written()
    assert main(["campaign", "run", file]) == 0
    first = capsys.readouterr().out
    assert main(["campaign", "run", file]) == 0
    again = capsys.readouterr().out
    assert again == first + "this campaign was run before with the same inputs; nothing changed\n"
    offers = pl.read_csv("data/campaigns/spring/lists/call.csv", infer_schema=False)
    assert 0 < offers.height <= 12
    assert set(offers["campaign_id"]) == {"spring"}
    assert main(["campaign", "list", "--format", "json"]) == 0
    (listed,) = json.loads(capsys.readouterr().out)
    assert (listed["campaign_id"], listed["state"]) == ("spring", "finished")
    assert main(["campaign", "recheck", "spring", "--format", "json"]) == 0
    found = capsys.readouterr()
    assert json.loads(found.out) == []
    assert "0 of " in found.err
    assert_lists_are_exported(capsys)


def assert_lists_are_exported(capsys: pytest.CaptureFixture[str]) -> None:
    """A list of a channel and one of a manager are as the run wrote them, in the audit, or not exported."""
    assert main(["campaign", "show", "spring"]) == 0
    told = capsys.readouterr().out
    assert "eligible customers" in told
    lists = Path("data/campaigns/spring/lists")
    manager = next(name for name in told.splitlines() if re.fullmatch(r"call/.*\.csv", name))
    for name in ("call.csv", manager):
        assert main(["campaign", "export", "spring", name, "--out", "copy.csv"]) == 0
        assert Path("copy.csv").read_bytes() == (lists / name).read_bytes()
    for name in ("../assignments.parquet", "lists/call.csv", "sms.csv"):
        capsys.readouterr()
        assert main(["campaign", "export", "spring", name, "--out", "other.csv"]) == 2
        assert "wrote no such list (no-list)\n  app.csv\n" in capsys.readouterr().err
    (lists / manager).write_text("customer_id\n1\n")
    assert main(["campaign", "export", "spring", manager, "--out", "other.csv"]) == 6
    assert not Path("other.csv").exists()
    assert main(["campaign", "show", "winter"]) == 2
    with closing(sqlite3.connect("data/store.db")) as store:
        rows = store.execute("SELECT object FROM audit WHERE action = 'campaign.export'").fetchall()
    assert rows == [("spring/call.csv",), (f"spring/{manager}",)]


@pytest.mark.long
def test_a_run_is_made_again_by_its_decision_whatever_is_switched_off_now(
    project: Path, capsys: pytest.CaptureFixture[str]
):
    file = written()
    assert main(["campaign", "run", file]) == 0
    (decision,) = re.findall(r"decision ([0-9a-f]{32})", capsys.readouterr().err)
    assert main(["campaign", "run", file]) == 0
    assert decision in capsys.readouterr().err
    assert main(["switch", "off", "product", "W203", "--reason", "recalled"]) == 0
    assert main(["replay", "--decision", decision]) == 0
    assert "identical" in capsys.readouterr().out
    with closing(sqlite3.connect(project / "data" / "store.db")) as store:
        query = "UPDATE decisions SET record = replace(record, ' by app, offered', ' by call, offered')"
        assert store.execute(query).rowcount == 1
        store.commit()
    assert main(["replay", "--decision", decision]) == 6
    assert "by call, offered at None" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
def test_who_ran_a_campaign_is_named_as_in_the_audit_and_a_run_of_before_goes_on(
    capsys: pytest.CaptureFixture[str],
):
    assert main(["campaign", "run", written()]) == 0
    with closing(sqlite3.connect("data/store.db")) as connection, connection:
        assert connection.execute("SELECT actor FROM campaign_runs").fetchall() == [(f"os:{ACCOUNT}",)]
        connection.execute("UPDATE campaign_runs SET actor = ?", (ACCOUNT,))  # as it once was named
    capsys.readouterr()
    assert main(["campaign", "run", written()]) == 0
    assert "run before with the same inputs; nothing changed" in capsys.readouterr().out
    with closing(sqlite3.connect("data/store.db")) as connection:
        assert connection.execute("SELECT actor FROM campaign_runs").fetchall() == [(ACCOUNT,)]
    assert main(["campaign", "recheck", "spring", "--format", "json"]) == 0


@pytest.mark.usefixtures("project")
def test_b66_a_changed_campaign_under_the_same_key_ends_with_5(capsys: pytest.CaptureFixture[str]):
    assert main(["campaign", "run", written()]) == 0
    assert main(["campaign", "run", written(control_share="control_share = 0.3")]) == 5
    assert "campaign.control_share: was 0.2, is 0.3" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_the_exact_solver_finds_the_same_value():
    assert main(["campaign", "run", written("dual")]) == 0
    assert main(["campaign", "run", written("exact"), "--exact"]) == 0
    values = [
        json.loads(Path(f"data/campaigns/{key}/manifest.json").read_bytes())["value_amount"]
        for key in ("dual", "exact")
    ]
    assert values[0] == pytest.approx(values[1], abs=1e-3)


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"control_share": "control_sharre = 0.2"}, "did you mean control_share?"),
        ({"control_share": "control_share = = 1"}, "line 7, column"),
        ({"products": 'products = ["L002", "W999"]'}, "W999 is unknown"),
        ({"audience": 'audience = "customer_age_yeers < 70"'}, "did you mean customer_age_years?"),
        ({"end_date": "end_date = 2026-01-01"}, "line 4"),
    ],
)
def test_a_wrong_file_ends_with_2_and_says_where(
    changes: dict[str, str], words: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["campaign", "plan", written(**changes)]) == 2
    assert words in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_b65_an_empty_campaign_ends_with_0_or_with_3_where_asked(capsys: pytest.CaptureFixture[str]):
    file = written(audience='audience = "customer_age_years < 1"')
    assert main(["campaign", "run", file, "--fail-if-empty"]) == 3
    assert "fell at: customer_age_years < 1" in capsys.readouterr().err
    assert main(["campaign", "plan", file, "--fail-if-empty"]) == 3
    assert main(["campaign", "run", file]) == 0
    assert pl.read_csv("data/campaigns/spring/lists/call.csv", infer_schema=False).height == 0


@pytest.mark.usefixtures("project")
def test_b67_and_b88_a_plan_goes_into_no_folder_that_is_not_there(tmp_path: Path):
    assert main(["campaign", "plan", written(), "--out", str(tmp_path / "none" / "plan.json")]) == 2
    assert main(["campaign", "plan", written(), "--out", str(tmp_path)]) == 2


@pytest.mark.usefixtures("project")
def test_a_campaign_that_is_not_there_ends_with_2(capsys: pytest.CaptureFixture[str]):
    assert main(["campaign", "recheck", "winter"]) == 2
    assert "was not run" in capsys.readouterr().err


@pytest.mark.usefixtures("project")
def test_the_example_is_a_campaign_of_this_bank_that_can_be_planned(tmp_path: Path):
    file = str(tmp_path / "campaign.toml")
    assert main(["campaign", "example", "--as-of", "2025-11-30", "--out", file]) == 0
    assert "start_date = 2025-12-01\n" in Path(file).read_text()
    past = ["--as-of", "2025-11-30", "--out", str(tmp_path / "plan.csv")]
    assert main(["campaign", "plan", file, *past]) == 2  # the model learnt what came after
    assert main(["campaign", "plan", file, *past, "--hindsight"]) == 0
    assert pl.read_csv(tmp_path / "plan.csv")["part"].n_unique() >= 6
    assert main(["campaign", "example", "--out", file]) == 2


def test_the_worth_of_hours_is_told_of_a_plan_as_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The page of a branch head showed it of plans, the command of runs alone."""
    plan = tmp_path / "plan.json"
    limits = [
        {"limit": "manager", "group": "M1", "used": 120.0, "max": 120.0, "price": 53.0},
        {"limit": "manager", "group": "M2", "used": 30.0, "max": 120.0, "price": 0.0},
        {"limit": "channel", "group": "app", "used": 3, "max": 3, "price": 5.5},
    ]
    campaign = {"campaign_id": "next", "campaign": {"start_date": "2026-01-01"}, "limits": limits}
    plan.write_text(json.dumps(campaign), encoding="utf-8")
    assert main(["campaign", "hours", "--plan", str(plan), "--format", "csv"]) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == [
        "manager_id,used_minutes,max_minutes,hour_amount",
        "M1,120.0,120.0,53.0",
        "M2,30.0,120.0,0.0",
    ]
    for wrong, status in ((json.dumps({**campaign, "limits": []}), 2), ("no plan", 2), ("{}", 2)):
        plan.write_text(wrong, encoding="utf-8")
        assert main(["campaign", "hours", "--plan", str(plan)]) == status


def test_two_plans_are_shown_side_by_side(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A page could, and no command did."""
    arms = {"offered": 30, "explored": 0, "control": 8, "unallocated": 2}
    settings = {"key": "a", "channels": {"call": {"capacity": 60}}, "told_offers": 300, "budget_amount": None}
    one = {
        "campaign_id": "a",
        "campaign": settings,
        "limits": [],
        "customers": 40,
        "arms": arms,
        "gap_rate": 0.0,
    }
    one |= {"value_amount": 100.0, "power": {"power_rate": 0.25, "needed": 900}}
    other = {**one, "customers": 60, "arms": {**arms, "offered": 50}, "value_amount": 150.5, "power": None}
    call = {"capacity": 120, "minutes": 10}
    other["campaign"] = {**settings, "key": "b", "channels": {"call": call}, "told_offers": 9}
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    for file, plan in zip(files, (one, other), strict=True):
        file.write_text(json.dumps(plan), encoding="utf-8")
    compare = ["campaign", "compare", *map(str, files), "--format", "csv"]
    assert main(compare) == 0
    assert capsys.readouterr().out.splitlines() == [
        "figure,one,other,difference",
        "customers,40.0,60.0,20.0",
        "offered,30.0,50.0,20.0",
        "explored,0.0,0.0,0.0",
        "control,8.0,8.0,0.0",
        "unallocated,2.0,2.0,0.0",
        "value_amount,100.0,150.5,50.5",
        "gap_rate,0.0,0.0,0.0",
        "power_rate,0.25,,",
        "customers_needed,900.0,,",
    ]
    assert main(compare[:-2]) == 0
    rows = [
        line.split() for line in capsys.readouterr().out.partition("settings that differ")[2].splitlines()
    ]
    assert [row for row in rows if len(row) == 3 and row != ["setting", "one", "other"]] == [
        ["channels.call.capacity", "60", "120"],
        ["explained_offers", "300", "9"],
    ]
    assert ["channels.call.minutes", "10"] in rows
    for wrong in ("no plan", "{}", json.dumps({**one, "arms": 3}), json.dumps({**one, "customers": [1]})):
        files[1].write_text(wrong, encoding="utf-8")
        assert main(compare) == 2
        assert "this is no plan of a campaign (no-plan)" in capsys.readouterr().err
