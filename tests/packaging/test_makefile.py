"""The set-up files keep what the README promises."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {_normal(name): version for name, version in pairs}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.split("[", maxsplit=1)[0]).lower()


def requirements() -> list[str]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = settings["project"]["optional-dependencies"].values()
    groups = settings["dependency-groups"].values()
    listed = [settings["project"]["dependencies"], *extras, *groups]
    return [requirement for part in listed for requirement in part]


def test_every_dependency_has_a_lower_bound_and_a_pin() -> None:
    for requirement in requirements():
        name, bound = re.split(r"(?=>=)", requirement, maxsplit=1)
        assert bound.startswith(">="), requirement
        assert _normal(name) in pins(), requirement


def test_constraints_name_versions_and_nothing_of_a_machine() -> None:
    lines = (ROOT / "constraints.txt").read_text().splitlines()[1:]
    assert [line for line in lines if not re.fullmatch(r"[A-Za-z0-9_.-]+==[\w.]+", line)] == []
    assert "vipreco" not in pins()


def test_make_says_what_it_can_do() -> None:
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    benches = ("bench-quality", "bench-speed", "bench-simulator")
    for target in ("demo", "test", "test-quick", *benches, "constraints", "clean"):
        assert f"make {target} " in shown


def test_ci_runs_both_commands_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    commands = re.findall(r"^ *(make [\w-]+)", script.read_text(), flags=re.MULTILINE)
    assert sorted(commands) == ["make demo", "make test", "make test-cluster"]
    assert script.stat().st_mode & 0o111
