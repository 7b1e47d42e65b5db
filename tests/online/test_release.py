"""The old release or the new one is in force, whole; whatever is wrong with the new, the old serves on."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.online.small_bank import IDS, NOON, Served, expected
from vipreco.errors import BusyError, IntegrityError, UsageError
from vipreco.failpoints import VARIABLE
from vipreco.online import Releases, books, nightly, read_manifest
from vipreco.recommender import Recommender
from vipreco.store import Role, Scope

PUBLISH = """
import sys
from pathlib import Path
from vipreco.online.release import Releases
def fill(folder):
    (folder / "part").write_text(sys.argv[2])
    return {"says": sys.argv[2]}
print(Releases(Path(sys.argv[1])).publish(fill).name)
"""


def published(folder: Path, text: str, failpoint: str = "") -> int:
    """Publish in a process of its own, which may be killed on the way."""
    done = subprocess.run(
        [sys.executable, "-c", PUBLISH, str(folder), text],
        env={**os.environ, VARIABLE: failpoint},
        capture_output=True,
        check=False,
    )
    return done.returncode


def said(folder: Path) -> str:
    """Return what the folder in force says; everything in it is checked."""
    return str(read_manifest(Releases(folder).current())["says"])


@pytest.mark.parametrize(
    ("point", "after"), [("prepare-sealed", "old"), ("prepare-renamed", "old"), ("prepare-pointed", "new")]
)
def test_a_kill_anywhere_leaves_the_old_or_the_new_in_force(tmp_path: Path, point: str, after: str) -> None:
    """F02."""
    assert published(tmp_path, "old") == 0
    assert published(tmp_path, "new", f"{point}:kill") == -9
    assert said(tmp_path) == after
    assert published(tmp_path, "new") == 0
    assert said(tmp_path) == "new"
    assert Releases(tmp_path).roll_back().name != Releases(tmp_path).pointer().previous
    assert said(tmp_path) == "old"
    assert not list((tmp_path / "prepared").glob(".new-*"))


def test_one_prepares_at_a_time(tmp_path: Path) -> None:
    releases = Releases(tmp_path)

    def fill(folder: Path) -> dict[str, str]:
        with pytest.raises(BusyError):
            Releases(tmp_path).publish(lambda _: {})
        (folder / "part").write_text("x")
        return {}

    assert releases.publish(fill).is_dir()
    with pytest.raises(UsageError) as refused:
        releases.roll_back()
    assert refused.value.code == "no-previous"


@pytest.mark.parametrize("name", ["propensity.npy", "records/holdings.arrow", "artifact/recommender.json"])
def test_a_folder_that_was_changed_is_not_opened(serve: Callable[..., Served], name: str) -> None:
    served = serve()
    file = served.releases.current() / name
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(IntegrityError) as refused:
        served.opened()
    assert refused.value.code == "prepared-changed"
    assert refused.value.examples == (name,)


def test_a_folder_with_a_file_too_many_is_not_opened(serve: Callable[..., Served]) -> None:
    served = serve()
    (served.releases.current() / "more.npy").write_bytes(b"")
    with pytest.raises(IntegrityError):
        served.opened()


def test_a_bad_model_is_refused_and_what_is_in_force_stays(tmp_path: Path, artifact: Path) -> None:
    releases = Releases(tmp_path / "serving")
    broken = tmp_path / "broken"
    shutil.copytree(artifact, broken)
    (broken / "recommender.json").write_text("{}")
    with pytest.raises(IntegrityError), nightly.noting_refusal(releases, "7"):
        nightly.try_model(broken)
    refused = releases.refused()
    assert refused is not None
    assert (refused["model"], refused["code"]) == ("7", "changed-file")
    assert releases.pointer() is None


def test_the_publication_before_comes_back_with_its_books(
    serve: Callable[..., Served], recommender: Recommender
) -> None:
    served = serve()
    first = served.releases.current()
    heavier = recommender.settings.arbitration.model_copy(update={"value": "none"})
    other = recommender.arbitrated(heavier)
    second = served.prepare(other)
    assert second != first
    assert served.releases.current() == second
    answering = served.opened()
    wanted = expected(other, served.history, "branch")
    assert [line.product_id for line in answering.offers(IDS[4], "branch", 6, NOON).lines] == [
        offer[0] for offer in wanted[IDS[4]]
    ]
    served.store.books.replace("other", pl.DataFrame(_nobody()))
    assert books.roll_back(served.releases, served.store) == first
    assert served.releases.current() == first
    scope = Scope("user:ann", Role.MANAGER, "M1")
    assert [member.customer_id for member in served.store.books.of(scope)] == IDS[:20]
    assert served.prepare() == first  # the same tables, model and rules give the same bytes
    assert served.releases.pointer().previous == second.name


def _nobody() -> dict[str, list[str]]:
    return {"customer_id": ["x"], "manager_id": ["M9"], "branch_id": ["B9"]}


def test_a_file_that_changes_after_it_was_opened_is_named(serve: Callable[..., Served]) -> None:
    """F09: also where size and time of change are what they were."""
    ours = serve()
    ours.answering.check_files()
    file = ours.releases.current() / "value.npy"
    before, content = file.stat(), bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(IntegrityError) as error:
        ours.answering.check_files()
    assert error.value.where == str(file)
