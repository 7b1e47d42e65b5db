"""A run ends with the same bytes whatever happens: again, killed, two at once, a full disk, other inputs."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import polars as pl
import pytest

from tests import processes
from tests.campaign import spring_bank
from tests.campaign.conftest import Desk
from tests.campaign.killed_run import run_in
from vipreco import durable
from vipreco.campaign import Bank, folder as campaign_folder
from vipreco.campaign.arms import Arm
from vipreco.campaign.campaign_run import ASSIGNMENTS
from vipreco.durable import canonical_json, sha256_of
from vipreco.errors import BusyError, InputRejectedError, IntegrityError, ResourcesError, UsageError
from vipreco.explanations import Explainer, OfferReasons, Reason
from vipreco.failpoints import VARIABLE
from vipreco.history import View
from vipreco.recommender import Recommender
from vipreco.store import Store

POINTS = (
    "campaign-assignments",
    "campaign-list-0",
    "campaign-list-2",
    "campaign-begun",
    "campaign-built",
    "campaign-renamed",
    "campaign-finished",
)


@pytest.fixture(scope="module")
def expected(
    recommender: Recommender, empty_store: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """The files of a run to which nothing happened."""
    folder = tmp_path_factory.mktemp("whole")
    with Store.open(f"sqlite:///{folder / 'store.db'}") as store:
        desk = Desk(
            spring_bank.bank(recommender), store, campaign_folder.CampaignFolder(folder / "campaigns")
        )
        desk.run(spring_bank.campaign())
        return desk.files()


def members_of(desk: Desk) -> pl.DataFrame:
    return desk.store.campaigns.members("spring")


def assert_whole(desk: Desk, expected: dict[str, bytes]) -> None:
    assert desk.files() == expected
    known = desk.store.campaigns.read("spring")
    assert known is not None
    assert canonical_json(known.manifest) == expected["manifest.json"]
    rows = pl.read_parquet(io.BytesIO(expected[ASSIGNMENTS]))
    assert members_of(desk).equals(rows.select("customer_id", "arm", "product_id", "channel", "manager_id"))
    left = sorted(path.name for path in desk.campaigns.folder.iterdir())
    assert left == [".spring.lock", "spring"]


def test_a_run_writes_assignments_lists_and_a_manifest_that_fits(desk: Desk, expected: dict[str, bytes]):
    result = desk.run(spring_bank.campaign())
    assert not result.again
    assert_whole(desk, expected)
    lists = [f"lists/{name}" for name in ("app", "call", "call/M0", "call/M1", "call/M2")]
    files = {f"{name}.{kind}" for name in lists for kind in ("csv", "parquet")}
    assert set(expected) == {ASSIGNMENTS, "manifest.json", *files}
    manifest = json.loads(expected["manifest.json"])
    for name, entry in manifest["files"].items():
        assert sha256_of(result.folder / name) == entry["sha256"]
    assert manifest["value_amount"] <= manifest["bound_amount"] + 1e-3
    assert manifest["customers"] == sum(manifest["arms"].values()) == 400


def test_no_customer_is_in_the_manifest(expected: dict[str, bytes]):
    text = expected["manifest.json"].decode()
    assert not any(f'"{customer}"' in text for customer in spring_bank.customer_ids())


def test_lists_hold_the_offers_of_their_channel_and_book_and_no_control(expected: dict[str, bytes]):
    rows = pl.read_parquet(io.BytesIO(expected[ASSIGNMENTS]))
    for channel in ("app", "call"):
        listed = pl.read_parquet(io.BytesIO(expected[f"lists/{channel}.parquet"]))
        offers = rows.filter(pl.col("channel") == channel, pl.col("arm") == Arm.OFFERED)
        assert sorted(listed["customer_id"]) == offers["customer_id"].to_list()
        assert set(listed["arm"]) == {Arm.OFFERED}
    books = [pl.read_parquet(io.BytesIO(expected[f"lists/call/M{number}.parquet"])) for number in range(3)]
    assert [set(book["manager_id"]) for book in books] == [{"M0"}, {"M1"}, {"M2"}]
    whole = pl.read_parquet(io.BytesIO(expected["lists/call.parquet"]))
    assert pl.concat(books).equals(whole)
    assert all(book["priority"].is_sorted(descending=True) for book in books)


def test_calls_get_reasons_up_to_the_number_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def numbered(_: Explainer, __: View, pairs: list[tuple[str, str]], *more: object) -> OfferReasons:
        return OfferReasons([[Reason("own", f"about {who}")] for who, _ in pairs], [None] * len(pairs))

    monkeypatch.setattr(Explainer, "offer_reasons", numbered)
    desk.run(spring_bank.campaign(formats='formats = ["parquet"]\ntold_offers = 7'))
    folder = desk.campaigns.path_of("spring") / "lists"
    calls, texts = (pl.read_parquet(folder / f"{channel}.parquet") for channel in ("call", "app"))
    told = calls.filter(pl.col("reason").is_not_null())
    assert told.height == 7
    assert told.select((pl.col("reason") == "about " + pl.col("customer_id")).all()).item()
    assert told["priority"].min() >= calls.filter(pl.col("reason").is_null())["priority"].max()
    assert texts["reason"].is_null().all()


def test_f14_a_run_again_changes_nothing(desk: Desk, expected: dict[str, bytes]):
    desk.run(spring_bank.campaign())
    before = {path: path.stat().st_mtime_ns for path in desk.campaigns.folder.rglob("*")}
    assert desk.run(spring_bank.campaign()).again
    assert {path: path.stat().st_mtime_ns for path in desk.campaigns.folder.rglob("*")} == before
    assert_whole(desk, expected)


def test_b66_other_inputs_under_the_same_key_are_refused_with_the_difference(
    desk: Desk, expected: dict[str, bytes]
):
    desk.run(spring_bank.campaign())
    with pytest.raises(BusyError) as refusal:
        desk.run(spring_bank.campaign(capacity="capacity = 41", fund="fund = 31"))
    assert refusal.value.examples == (
        "campaign.channels.call.capacity: was 40, is 41",
        "campaign.stock.fund: was 30, is 31",
    )
    assert_whole(desk, expected)


def test_comments_and_the_order_of_lines_are_no_other_inputs(desk: Desk):
    desk.run(spring_bank.campaign())
    moved = spring_bank.FILE.replace('\nkey = "spring"', "").replace(
        "[channels.call]", 'key = "spring"\n# now\n[channels.call]'
    )
    assert desk.run(spring_bank.parse_campaign(moved.encode(), "f")).again


def test_another_model_or_snapshot_is_another_input(desk: Desk, recommender: Recommender):
    desk.run(spring_bank.campaign())
    past = spring_bank.history().as_of(spring_bank.MONTHS[-2])
    desk.bank = Bank(recommender, "1" * 64, past, desk.bank.salt, 5)
    with pytest.raises(BusyError) as refusal:
        desk.run(spring_bank.campaign())
    assert {text.partition(":")[0] for text in refusal.value.examples} == {"as_of_date", "model"}


@pytest.mark.parametrize("point", POINTS)
def test_f05_stopped_at_any_commit_the_next_run_ends_with_the_same_bytes(
    desk: Desk, expected: dict[str, bytes], point: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(VARIABLE, f"{point}:raise")
    with pytest.raises(RuntimeError, match=point):
        desk.run(spring_bank.campaign())
    visible = desk.campaigns.path_of("spring").exists()
    assert visible == (point in {"campaign-renamed", "campaign-finished"})
    monkeypatch.delenv(VARIABLE)
    assert desk.run(spring_bank.campaign()).again == (point == "campaign-finished")
    assert_whole(desk, expected)


def started(desk: Desk, failpoint: str, wait: bool = False) -> BaseProcess:
    return processes.started(run_in, desk.campaigns.folder.parent, failpoint, wait)


@pytest.fixture
def model(desk: Desk, recommender: Recommender) -> None:
    recommender.save(desk.campaigns.folder.parent / "model", {}, desk.bank.view)


@pytest.mark.usefixtures("model")
@pytest.mark.parametrize("point", ["campaign-list-1", "campaign-begun", "campaign-renamed"])
def test_f04_killed_the_next_run_ends_with_the_same_bytes(desk: Desk, expected: dict[str, bytes], point: str):
    assert processes.ended(started(desk, f"{point}:kill")) == -signal.SIGKILL
    assert not desk.run(spring_bank.campaign()).again
    assert_whole(desk, expected)


@pytest.mark.usefixtures("model")
def test_f13_of_two_runs_at_once_one_runs_and_the_other_gives_up_or_waits(
    desk: Desk, expected: dict[str, bytes]
):
    first = started(desk, "campaign-begun:sleep:4")
    until_locked(desk)
    with pytest.raises(BusyError) as refusal:
        desk.run(spring_bank.campaign())
    assert refusal.value.exit_code == 5
    assert desk.run(spring_bank.campaign(), wait=True).again
    assert processes.ended(first) == 0
    assert_whole(desk, expected)


def until_locked(desk: Desk) -> None:
    """Wait until the other process builds."""
    end = time.monotonic() + 60
    while not list(desk.campaigns.folder.glob(".spring.partial/lists/*")):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("cause", [errno.ENOSPC, errno.EIO, errno.EROFS])
@pytest.mark.parametrize("write", [0, 3, 11])
def test_f06_f07_f08_a_failing_write_leaves_nothing_visible_and_the_next_run_works(
    desk: Desk, expected: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, write: int, cause: int
):
    seen = 0
    flush = durable.flush_file

    def failing(path: Path) -> None:
        nonlocal seen
        seen += 1
        if seen > write:
            raise OSError(cause, os.strerror(cause), str(path))
        flush(path)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "flush_file", failing)
        with pytest.raises(ResourcesError) as refusal:
            desk.run(spring_bank.campaign())
    assert refusal.value.exit_code == 7
    assert [path.name for path in desk.campaigns.folder.iterdir()] == [".spring.lock"]
    assert desk.store.campaigns.read("spring") is None
    desk.run(spring_bank.campaign())
    assert_whole(desk, expected)


def test_f08_a_read_only_folder_is_said_before_any_work(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(ResourcesError, match="Read-only"):
        desk.run(spring_bank.campaign())


@pytest.mark.parametrize("damage", ["gone", "changed", "more"])
def test_damaged_files_of_a_finished_run_are_written_again_as_they_were(
    desk: Desk, expected: dict[str, bytes], damage: str
):
    desk.run(spring_bank.campaign())
    target = desk.campaigns.path_of("spring") / "lists" / "app.csv"
    if damage == "gone":
        target.unlink()
    else:
        target.with_name("app.csv" if damage == "changed" else "further.csv").write_bytes(b"x")
    assert not desk.run(spring_bank.campaign()).again
    assert_whole(desk, expected)


def test_a_damaged_run_that_would_end_otherwise_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    desk.run(spring_bank.campaign())
    (desk.campaigns.path_of("spring") / "lists" / "app.csv").unlink()
    monkeypatch.setattr("vipreco.campaign.campaign_run.__version__", "another")
    with pytest.raises(IntegrityError) as refusal:
        desk.run(spring_bank.campaign())
    assert refusal.value.exit_code == 6


@pytest.mark.parametrize("what", ["file", "link", "folder"])
def test_b67_what_stands_in_the_place_of_a_run_is_left_alone(desk: Desk, tmp_path: Path, what: str):
    desk.campaigns.folder.mkdir()
    target = desk.campaigns.path_of("spring")
    other = tmp_path / "other"
    other.mkdir()
    if what == "file":
        target.write_text("mine")
    elif what == "link":
        target.symlink_to(other)
    else:
        target.mkdir()
        (target / "mine").write_text("mine")
    with pytest.raises(UsageError) as refusal:
        desk.run(spring_bank.campaign())
    assert refusal.value.code == "output-exists"
    assert target.exists()
    assert not list(other.iterdir())


def test_b67_a_folder_of_campaigns_that_is_a_link_is_refused(desk: Desk, tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    desk.campaigns.folder.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UsageError) as refusal:
        desk.run(spring_bank.campaign())
    assert refusal.value.code == "output-link"


def test_b65_an_empty_campaign_has_empty_lists_or_is_refused_where_asked(desk: Desk):
    empty = spring_bank.campaign(key='key = "spring"\naudience = "customer_tier = \'GOLD\'"')
    with pytest.raises(InputRejectedError) as refusal:
        desk.run(empty, fail_if_empty=True)
    assert refusal.value.exit_code == 3
    assert desk.store.campaigns.read("spring") is None
    assert not desk.campaigns.path_of("spring").exists()
    result = desk.run(empty)
    assert result.manifest["customers"] == 0
    assert result.manifest["waterfall"][1]["fell"] == 400
    assert pl.read_parquet(result.folder / "lists/call.parquet").height == 0
    assert pl.read_parquet(result.folder / ASSIGNMENTS).height == 0


def test_the_exact_solver_gives_the_same_value_and_is_another_input(desk: Desk):
    result = desk.run(spring_bank.campaign(), exact=True)
    value = result.manifest["value_amount"]
    with pytest.raises(BusyError, match="other inputs"):
        desk.run(spring_bank.campaign())
    other = desk.run(spring_bank.campaign(key='key = "summer"'))
    assert other.manifest["value_amount"] == pytest.approx(value, abs=1e-3)


def test_the_same_control_group_stays_out_of_every_campaign(desk: Desk):
    groups = []
    for key, share in (("one", 0.1), ("two", 0.3)):
        result = desk.run(
            spring_bank.campaign(key=f'key = "{key}"', control_share=f"control_share = {share}")
        )
        rows = pl.read_parquet(result.folder / ASSIGNMENTS)
        groups.append(set(rows.filter(pl.col("arm") == Arm.CONTROL)["customer_id"]))
    assert groups[0] < groups[1]
