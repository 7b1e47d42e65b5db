"""Going back to the release before opens nothing anew; one left two swaps ago is opened again."""

from __future__ import annotations

from pathlib import Path

from serving.processes.release_watcher import ReleaseWatcher
from tests.serving.small_bank import Bank, Prepared
from vipreco.online import Releases


def published(releases: Releases, version: str) -> str:
    def fill(folder: Path) -> dict[str, str]:
        (folder / "version").write_text(version)
        return {}

    return releases.publish(fill).name


def test_the_publication_before_stays_open_and_takes_over_what_changed(bank: Bank, tmp_path: Path) -> None:
    opened: list[str] = []

    def opening(folder: Path) -> Prepared:
        opened.append((folder / "version").read_text())
        return Prepared(model_version=opened[-1])

    releases = Releases(tmp_path / "serving")
    watch = ReleaseWatcher(bank.state, releases, opening)

    def served() -> str:
        watch.look()
        assert bank.state.release is not None
        return bank.state.release.model_version

    for version in ("a", "b"):
        published(releases, version)
        assert served() == version
    assert opened == ["a", "b"]
    releases.roll_back()
    assert served() == "a"
    assert opened == ["a", "b"]
    assert isinstance(bank.state.release, Prepared)
    assert bank.state.release.refreshed == 1
    published(releases, "c")
    assert served() == "c"
    published(releases, "b")
    assert served() == "b"
    assert opened == ["a", "b", "c", "b"]


def test_a_release_that_is_changed_under_way_answers_no_more(bank: Bank, tmp_path: Path) -> None:
    """F09: the arrays are mapped, a changed file would show in the answers; another release serves again."""
    releases = Releases(tmp_path / "serving")
    opened: list[Prepared] = []

    def opening(folder: Path) -> Prepared:
        opened.append(Prepared(model_version=folder.name))
        return opened[-1]

    watcher = ReleaseWatcher(bank.state, releases, opening)
    published(releases, "a")
    watcher.look()
    watcher.check()
    assert bank.state.release is opened[0]
    opened[0].changed_file = "prepared/a/value.npy"
    watcher.check()
    watcher.look()
    assert bank.state.release is None
    assert len(opened) == 1
    published(releases, "b")
    watcher.look()
    assert bank.state.release is opened[1]
