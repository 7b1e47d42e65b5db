"""Every command that the README shows is run, in order; what it names is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.readme_walk import README, ROOT, commands, run_all


@pytest.mark.slow
def test_the_commands_of_the_readme_work_in_order(tmp_path: Path) -> None:
    run_all(commands(""), tmp_path)


@pytest.mark.long
def test_all_commands_of_the_readme_work_in_order(tmp_path: Path) -> None:
    """With those of blocks that are marked `slow`."""
    run_all(commands("", "slow"), tmp_path)


def test_every_make_target_of_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)`", README)) <= targets


def test_every_path_that_the_readme_links_exists() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", README)
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_the_readme_shows_commands() -> None:
    assert commands("")
