"""Going back to the publication before opens nothing anew; one left two swaps ago is opened again."""

from __future__ import annotations

from pathlib import Path

from serving.watch import Watch
from tests.serving.small_bank import Bank, Prepared
from vipreco.online import Publications


def published(publications: Publications, version: str) -> str:
    def fill(folder: Path) -> dict[str, str]:
        (folder / "version").write_text(version)
        return {}

    return publications.publish(fill).name


def test_the_publication_before_stays_open_and_takes_over_what_changed(bank: Bank, tmp_path: Path) -> None:
    opened: list[str] = []

    def opening(folder: Path) -> Prepared:
        opened.append((folder / "version").read_text())
        return Prepared(model_version=opened[-1])

    publications = Publications(tmp_path / "serving")
    watch = Watch(bank.core, publications, opening)

    def served() -> str:
        watch.look()
        assert bank.core.publication is not None
        return bank.core.publication.model_version

    for version in ("a", "b"):
        published(publications, version)
        assert served() == version
    assert opened == ["a", "b"]
    publications.roll_back()
    assert served() == "a"
    assert opened == ["a", "b"]
    assert isinstance(bank.core.publication, Prepared)
    assert bank.core.publication.refreshed == 1
    published(publications, "c")
    assert served() == "c"
    published(publications, "b")
    assert served() == "b"
    assert opened == ["a", "b", "c", "b"]
