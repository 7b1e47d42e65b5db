"""The security page names tests and attacks that exist, and none is left out."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from tests.attack.all import ATTACKS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
NAMED = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
QUOTED = {
    name for line in PAGE.splitlines() if "attack" in line for name in re.findall(r'"([\w ,-]+)"', line)
}


def test_each_test_that_is_named_exists() -> None:
    assert len(NAMED) > 30
    missing = []
    for place, name in NAMED:
        tree = ast.parse((ROOT / place).read_text("utf-8"))
        defined = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        if name and name not in defined:
            missing.append(f"{place}::{name}")
    assert missing == []


def test_each_attack_is_in_the_table_and_each_of_the_table_is_an_attack() -> None:
    assert {one.name for one in ATTACKS} == QUOTED


def test_the_readme_leads_to_the_page() -> None:
    assert "(docs/security.md)" in (ROOT / "README.md").read_text("utf-8")
