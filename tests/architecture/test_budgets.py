"""Functions and modules stay small enough to be read at once."""

from __future__ import annotations

import ast

from tests.architecture.source import Module, modules

MAX_BODY_LINES, MAX_MODULE_LINES = 50, 400
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Count the lines of a function from its first statement after the docstring to its last."""
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def long_functions(module: Module) -> list[str]:
    if ".migrations." in module.name:
        return []  # a record of the schema of its time, never edited
    functions = (node for node in ast.walk(module.tree) if isinstance(node, FUNCTIONS))
    lines = ((node, body_lines(node)) for node in functions)
    return [
        f"{module.place}:{node.lineno} {node.name} {count}" for node, count in lines if count > MAX_BODY_LINES
    ]


def untyped(module: Module) -> list[str]:
    found = []
    for node in (node for node in ast.walk(module.tree) if isinstance(node, FUNCTIONS)):
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        bare = [argument.arg for argument in arguments if argument.annotation is None]
        if node.returns is None or set(bare) - {"self", "cls"}:
            found.append(f"{module.place}:{node.lineno} {node.name}")
    return found


def test_bodies_are_at_most_50_lines() -> None:
    assert not [line for module in modules() for line in long_functions(module)]


def test_modules_are_at_most_400_lines() -> None:
    sizes = {module.place: len(module.path.read_text("utf-8").splitlines()) for module in modules()}
    assert not {place: size for place, size in sizes.items() if size > MAX_MODULE_LINES}


def test_everything_is_typed() -> None:
    assert not [line for module in modules() for line in untyped(module)]
