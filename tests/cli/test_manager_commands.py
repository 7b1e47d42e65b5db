"""`calllist`, `sheet` and `levers`: for the own book alone, within the minutes, on paper and on screen."""

from __future__ import annotations

import io
import json
import os
import pwd
import subprocess
import sys
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pypdf
import pytest

from vipreco.cli.entry import main
from vipreco.project import Project
from vipreco.store import Keys, Store

pytestmark = pytest.mark.usefixtures("bank_folder")
VIP = {"GOLD", "PLATINUM", "DIAMOND", "PRIVATE"}


def stored(table: str) -> pl.DataFrame:
    return pl.read_parquet(f"data/tables/batches/*/{table}*.parquet", missing_columns="insert")


def newest() -> pl.DataFrame:
    rows = stored("customers")
    return rows.filter(pl.col("snapshot_date") == pl.col("snapshot_date").max())


def manager() -> str:
    """The manager with the most VIP customers."""
    vip = newest().filter(pl.col("tier").is_in(sorted(VIP)), pl.col("manager_id").is_not_null())
    counts = vip.group_by("manager_id").len().sort("len", "manager_id", descending=[True, False])
    return str(counts["manager_id"][0])


@cache
def listed(*arguments: str) -> dict[str, Any]:
    """The call list of the manager as JSON; the same question is asked once."""
    target = Path("list.json")
    assert main(["calllist", "--manager", manager(), "--out", str(target), *arguments]) == 0
    content: dict[str, Any] = json.loads(target.read_bytes())
    target.unlink()
    return content


def test_today_fits_into_the_minutes_and_duties_come_first():
    for minutes, content in ((60, listed()), (25, listed("--minutes", "25"))):
        today = content["today"]
        assert 0 < sum(call["minutes"] for call in today) <= minutes
        assert [call["place"] for call in today] == list(range(1, len(today) + 1))
        duty = [{"follow up": 0, "stay in touch": 1}.get(call["kind"], 2) for call in today]
        assert duty == sorted(duty)


def test_the_whole_book_is_accounted_for_and_nobody_else():
    content = listed()
    book = newest().filter(pl.col("manager_id") == manager())
    shown = [call["customer_id"] for call in (*content["today"], *content["later"])]
    assert len(shown) == len(set(shown))
    assert set(shown) <= set(book["customer_id"])
    waiting = len(content["later"])
    assert waiting < 50  # so that all of them are shown
    counted = sum(row["customers"] for row in (*content["blocked"], *content["idle"]))
    assert len(shown) + counted == book.height


def test_nobody_without_consent_to_calls_is_on_the_list_and_all_of_them_are_counted():
    content = listed()
    book = newest().filter(pl.col("manager_id") == manager())
    silent = set(book.filter(pl.col("consent_call").fill_null(False).not_())["customer_id"])
    shown = {call["customer_id"] for call in (*content["today"], *content["later"])}
    assert silent & shown == set()
    counts = {row["reason"]: row["customers"] for row in content["blocked"]}
    assert counts["No consent to calls on record"] == len(silent) > 0


def test_every_call_has_its_reason_and_shows_offers_or_why_there_are_none():
    for call in listed()["today"]:
        assert call["reason_to_call"]
        assert call["offers"].startswith("1. ") or call["offers"].startswith("No offer today: ")
        assert call["expected_value"] >= 0


def test_a_past_date_knows_no_later_contact():
    content = listed("--as-of", "2025-10-31", "--hindsight")
    lasts = [call["last_contact"] for call in (*content["today"], *content["later"])]
    words = [" ".join(text.split()[:3]) for text in lasts if text[0].isdigit()]
    dated = [datetime.strptime(text, "%d %B %Y").date() for text in words]  # noqa: DTZ007  a day alone
    assert max(dated) <= date(2025, 10, 31)
    assert content["title"].endswith("31 October 2025")
    assert any("learnt from what happened until 31 December 2025" in each for each in content["about"])


def test_the_plan_of_ten_days_calls_nobody_twice_and_keeps_the_minutes_of_each_working_day():
    content = listed("--days", "10")
    assert content["currency"] == "CNY"
    assert content["today"] == listed()["today"]
    minutes: dict[str, int] = {}
    for call in content["plan"]:
        minutes[call["date"]] = minutes.get(call["date"], 0) + call["minutes"]
    days = [date.fromisoformat(text) for text in minutes]
    assert days == sorted(days)
    assert 0 < len(days) <= 9
    extra = date(2026, 1, 4)  # a Sunday on which the bank works
    assert all(day.isoweekday() < 6 or day == extra for day in days)
    assert min(days) > date(2026, 1, 2)
    assert max(minutes.values()) <= 60
    customers = [call["customer_id"] for call in (*content["today"], *content["plan"])]
    assert len(customers) == len(set(customers))


def test_an_absent_manager_begins_with_the_first_day_of_work():
    settings = Path("vipreco.toml")
    before = settings.read_text()
    away = f'absences = [{{ manager = "{manager()}", from_date = 2025-12-31, until_date = 2026-01-05 }}]\n'
    settings.write_text(before.replace("[call_list.each]", f"{away}[call_list.each]"))
    try:
        assert main(["calllist", "--manager", manager(), "--out", "away.json"]) == 0
    finally:
        settings.write_text(before)
    assert json.loads(Path("away.json").read_bytes())["title"].endswith("6 January 2026")


def test_the_spreadsheet_has_ids_as_text_and_chinese_headings(tmp_path: Path):
    target = tmp_path / "list.xlsx"
    assert main(["calllist", "--manager", manager(), "--language", "zh", "--out", str(target)]) == 0
    book = openpyxl.load_workbook(target)
    assert book.sheetnames == ["今日", "今日未排入", "不得致电", "今日无需联系"]
    sheet = book["今日"]
    head = next(row[0].row for row in sheet.iter_rows() if row[0].value == "序号")
    titles = {cell.value: cell.column - 1 for cell in sheet[head]}
    rows = list(sheet.iter_rows(min_row=head + 1))
    ids = [row[titles["客户号"]] for row in rows]
    assert ids
    assert all(cell.data_type == "s" and len(cell.value) == 10 for cell in ids)
    assert all(row[titles["资产管理规模（元）"]].data_type == "n" for row in rows)
    assert all(cell.data_type != "f" for row in rows for cell in row)
    assert sheet.print_title_rows == f"${head}:${head}"
    assert sheet.freeze_panes == f"A{head + 1}"


def test_the_pdf_has_chinese_text_and_the_same_question_gives_the_same_bytes(tmp_path: Path):
    targets = [tmp_path / "1.pdf", tmp_path / "2.pdf"]
    for target in targets:
        assert main(["calllist", "--manager", manager(), "--language", "zh", "--out", str(target)]) == 0
    assert targets[0].read_bytes() == targets[1].read_bytes()
    text = pypdf.PdfReader(io.BytesIO(targets[0].read_bytes())).pages[0].extract_text()
    assert f"{manager()} 电话清单 2025年12月31日" in text
    assert "联系理由" in text


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["calllist"], 2, "--manager"),
        (["calllist", "--manager", "nobody"], 3, "none of the customers asked for"),
        (["calllist", "--manager", "M00000", "--minutes", "0"], 2, "--minutes"),
        (["calllist", "--manager", "M00000", "--out", "list.doc"], 2, "is not a known format"),
        (["calllist", "--manager", "M00000", "--out", "missing/list.pdf"], 2, "the folder does not exist"),
        (["calllist", "--manager", "M00000", "--as-of", "2001-01-01"], 2, "no snapshot was known"),
        (["calllist", "--manager", "M00000", "--language", "fr"], 2, "--language"),
        (["sheet", "--customer", "nobody"], 3, "not in the newest snapshot"),
        (["levers", "--recipe", "nowhere"], 2, "there is no recipe nowhere"),
    ],
)
def test_a_wrong_question_is_answered_with_what_is_wrong(
    arguments: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
):
    assert main(arguments) == code
    assert words in " ".join(capsys.readouterr().err.replace("│", " ").split())


def test_nobody_sees_the_sheet_of_a_customer_of_another_book(capsys: pytest.CaptureFixture[str]):
    """B93: told as an unknown customer is."""
    owned = newest().filter(pl.col("manager_id").is_not_null()).sort("customer_id")
    customer, own = owned["customer_id"][0], owned["manager_id"][0]
    other = next(name for name in owned["manager_id"] if name != own)
    told = []
    for asked in (customer, "no such customer"):
        assert main(["sheet", "--customer", asked, "--manager", other]) == 3
        told.append(capsys.readouterr().err)
    assert told == ["vipreco: the customer is not in your book (not-in-your-book)\n"] * 2
    assert main(["sheet", "--customer", customer, "--manager", own]) == 0


def test_a_sheet_accounts_for_every_product_and_shows_what_is_held(capsys: pytest.CaptureFixture[str]):
    known = set(newest()["customer_id"])
    customer = min(set(stored("holdings")["customer_id"]) & known)
    assert main(["sheet", "--customer", customer, "--format", "json"]) == 0
    sheet = json.loads(capsys.readouterr().out)
    offered = [row["product"] for row in sheet["offers"]]
    others = [row["product"] for row in sheet["not_offered"]]
    assert sorted([*offered, *others]) == sorted(stored("products")["name"].unique())
    assert len(offered) <= 3
    held = {row["product"] for row in sheet["holdings"]}
    reasons = {row["product"]: row["reason"] for row in sheet["not_offered"]}
    assert {reasons[product] for product in held} == {"The customer holds this product."}


def test_levers_show_what_each_factor_does(capsys: pytest.CaptureFixture[str]):
    assert main(["levers", "--format", "json"]) == 0
    rows = {row["left_out"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == ["propensity", "contact", "value", "margin", "kept", "lift", "context", "lever"]
    assert rows["propensity"]["changed_offer_rate"] > 0.3
    assert rows["propensity"]["lost_amount"] > 0
    assert (rows["lever"]["changed_offer_rate"], rows["lever"]["lost_amount"]) == (0.0, 0.0)
    assert all(row["customers"] == rows["value"]["customers"] for row in rows.values())


def test_weights_of_the_project_take_the_place_of_the_model_s(capsys: pytest.CaptureFixture[str]):
    settings = Path("vipreco.toml")
    before = settings.read_bytes()
    settings.write_bytes(before + b"\n[arbitration.levers]\nfamilies = { card = 9.0 }\n")
    try:
        assert main(["levers", "--format", "json"]) == 0
    finally:
        settings.write_bytes(before)
    rows = {row["left_out"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["lever"]["changed_offer_rate"] > 0
    assert rows["lever"]["lost_amount"] < 0  # the lever costs value


SHELL = """
import atexit, sys
from vipreco.cli.entry import main
heavy = {"mlflow", "sklearn", "pandas", "matplotlib", "implicit"}
atexit.register(lambda: print("loaded", *sorted(heavy & sys.modules.keys())))
sys.argv = ["vipreco", "calllist", "--manager", "M00000"]
sys.exit(main())
"""


def test_a_call_list_from_the_shell_loads_nothing_that_it_does_not_need(bank_folder: Path) -> None:
    """Four fifths of its time were imports: 5.7 s of MLflow for an alias, 3.7 s of scikit-learn.

    It ends without taking them apart; handlers of exit run all the same.
    """
    done = subprocess.run(
        [sys.executable, "-c", SHELL], cwd=bank_folder, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "loaded"


def test_every_read_of_a_customer_by_command_is_audited_with_the_user_of_the_system(tmp_path: Path):
    """B93: refused reads as well."""
    book, target = newest().filter(pl.col("manager_id").is_not_null()), tmp_path / "read.json"
    own, whose = book.row(0, named=True)["customer_id"], book.row(0, named=True)["manager_id"]
    out = ["--out", str(target)]
    reads = [
        (["calllist", "--manager", whose, *out], 0, "list.read", f"manager:{whose}", "ok"),
        (["offers", "--all", *out], 0, "offers.list", "all", "ok"),
        (["relationships", "--list", "grow", "--vip", *out], 0, "relationships.grow", "vip", "ok"),
        (["sheet", "--customer", own, *out], 0, "sheet.read", None, "ok"),
        (["explain", own, *out], 0, "explanation.read", None, "ok"),
        (["sheet", "--customer", own, "--manager", "M-nobody"], 3, "sheet.read", None, "denied"),
        (["explain", own, "--manager", "M-nobody"], 3, "explanation.read", None, "denied"),
    ]
    pseudonym = Keys.open(Path("data/keys")).pseudonym_of(own)
    for arguments, code, action, name, result in reads:
        assert main(arguments) == code
        with Store.open(Project.find().store_url) as store:
            row = store.audit.read(1)[0]
        assert (row["action"], row["object"], row["result"]) == (action, name or pseudonym, result)
        assert row["actor"] == f"os:{pwd.getpwuid(os.getuid()).pw_name}"
        assert own not in str(row)


def test_no_file_below_data_can_be_read_by_others(tmp_path: Path):
    assert main(["offers", "--all", "--out", str(tmp_path / "offers.csv")]) == 0
    open_to_others = [
        str(path) for path in Path("data").rglob("*") if path.exists() and path.stat().st_mode & 0o077
    ]
    assert open_to_others == []
