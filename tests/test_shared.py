"""Folders that are built once a run: by one process, whole, and by another where the first one failed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.shared import BuiltOnce


def test_many_who_ask_at_once_get_the_same_folder_built_once(tmp_path: Path) -> None:
    built: list[Path] = []

    def build(folder: Path) -> None:
        built.append(folder)
        (folder / "content").write_text("whole")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: BuiltOnce(tmp_path / "common")("bank", build), range(8)))
    assert len(built) == 1
    assert {(folder / "content").read_text() for folder in found} == {"whole"}


def test_what_failed_half_way_is_built_anew(tmp_path: Path) -> None:
    once = BuiltOnce(tmp_path)

    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        once("bank", fail)
    found = once("bank", lambda folder: (folder / "whole").touch())
    assert [path.name for path in found.iterdir()] == ["whole"]
