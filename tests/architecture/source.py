"""The source of the project as the tests of its architecture see it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
CORE, RIMS = "src/vipreco", ("serving", "training", "cluster")
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Module:
    """One Python file: its dotted name, its place and its syntax tree."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def room(self) -> str:
        """`vipreco.history` for all that lies in this room; the top-level package for the rims."""
        parts = self.name.split(".")
        return ".".join(parts[:2]) if parts[0] == "vipreco" else parts[0]

    @property
    def place(self) -> str:
        return str(self.path.relative_to(ROOT))


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT / "src" if ROOT / "src" in path.parents else ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Return the modules below some folders of the project; all that is shipped if none is named."""
    chosen = folders or (CORE, *RIMS)
    paths = (path for folder in chosen for path in sorted((ROOT / folder).rglob("*.py")))
    return tuple(Module(_name(path), path, ast.parse(path.read_text("utf-8"))) for path in paths)


def public_names(module: Module) -> Iterator[tuple[int, str]]:
    """Give line and name of all that a module defines for others: names, methods, parameters and fields."""
    yield 1, module.name.rpartition(".")[2]
    for node in ast.walk(module.tree):
        if isinstance(node, DEFINITIONS) and not node.name.startswith("_"):
            yield node.lineno, node.name
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not node.name.startswith("_"):
            for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                yield argument.lineno, argument.arg
    bodies = [module.tree.body, *(node.body for node in module.tree.body if isinstance(node, ast.ClassDef))]
    for statement in (statement for body in bodies for statement in body):
        for target in _targets(statement):
            if not target.startswith("_"):
                yield statement.lineno, target


def _targets(statement: ast.stmt) -> list[str]:
    if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
        return [statement.target.id]
    if isinstance(statement, ast.Assign):
        return [target.id for target in statement.targets if isinstance(target, ast.Name)]
    return []


def imports(module: Module) -> Iterator[tuple[int, str]]:
    """Give line and dotted name of everything that a module imports from the project."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.lineno, node.module
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
