"""SQL conditions with three truth values: a closed grammar, compiled once to Polars expressions.

Allowed are named columns, numbers, texts and dates; `=`, `<>`, `<`, `<=`, `>`, `>=`, `BETWEEN`, `IN (...)`;
`+`, `-`, `*`; `AND`, `OR`, `NOT`. There is no way to ask whether a value is missing. So a condition can only
lose certainty when a value becomes unknown: true or false turns into unknown, never into the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import polars as pl

from vipreco.errors import UsageError
from vipreco.policy.columns import Grain, Kind, PolicyColumn, nearest

FALSE, TRUE, UNKNOWN = 0, 1, 2
REMEDY: Final = (
    "use named columns, numbers, 'texts', DATE '2026-01-31', "
    "and = <> < <= > >= BETWEEN IN (...) + - * AND OR NOT"
)
_OPERATORS: Final = frozenset(
    {"And", "Or", "Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "Plus", "Minus", "Multiply"}
)
_SQL_OPERATORS: Final = frozenset({"Eq", "NotEq", "Lt", "LtEq", "Gt", "GtEq", "Plus", "Minus", "Mul"})
_LITERALS: Final = frozenset({"Int", "Float", "Decimal", "String", "Boolean", "Date"})


@dataclass(frozen=True)
class Atom:
    """A part of a condition that is joined to the others by AND.

    Args:
        key: The same for the same expression.
        expression: Gives true, false or null.
        columns: Names of its columns.
        grain: What one truth value is about.
    """

    key: str
    expression: pl.Expr
    columns: frozenset[str]
    grain: Grain

    @cached_property
    def truth(self) -> pl.Expr:
        """Give 0 (false), 1 (true) or 2 (unknown) as small integers, named by the key."""
        return self.expression.cast(pl.UInt8).fill_null(UNKNOWN).alias(self.key)


def parse_condition(sql: str, known: Mapping[str, PolicyColumn], where: str) -> tuple[Atom, ...]:
    """Return the parts of a condition; an empty text has none.

    Args:
        sql: The condition.
        known: Columns that may occur.
        where: File, rule and key, for errors.

    Raises:
        UsageError: Not SQL, an unknown column, something outside the grammar, or kinds that do not fit.
    """
    if not sql.strip():
        return ()
    expression = _parsed(sql, where)
    tree = json.loads(expression.meta.serialize(format="json"))
    _check_columns(expression, known, where)
    _check_grammar(tree, known, where)
    _check_kinds(expression, known, where)
    return tuple(_atom(part, known) for part in _conjuncts(expression))


def grain_of(columns: frozenset[str], known: Mapping[str, PolicyColumn]) -> Grain:
    """Return what a truth value over `columns` is about."""
    grains = {known[name].grain for name in columns} - {Grain.CONTEXT}
    if len(grains) > 1:
        return Grain.PAIR
    return next(iter(grains), Grain.PRODUCT)


def _parsed(sql: str, where: str) -> pl.Expr:
    try:
        return pl.sql_expr(sql)
    except pl.exceptions.PolarsError as error:
        raise _refused(f"cannot be read: {_first_line(error)}", where) from error


def _atom(expression: pl.Expr, known: Mapping[str, PolicyColumn]) -> Atom:
    columns = frozenset(expression.meta.root_names())
    return Atom(expression.meta.serialize(format="json"), expression, columns, grain_of(columns, known))


def _conjuncts(expression: pl.Expr) -> Iterator[pl.Expr]:
    tree = json.loads(expression.meta.serialize(format="json"))
    if tree.get("BinaryExpr", {}).get("op") != "And":
        yield expression
        return
    for part in reversed(expression.meta.pop()):
        yield from _conjuncts(part)


def _check_columns(expression: pl.Expr, known: Mapping[str, PolicyColumn], where: str) -> None:
    unknown = sorted(set(expression.meta.root_names()) - set(known))
    if unknown:
        raise UsageError(
            f"names {len(unknown)} unknown column(s)",
            where=where,
            remedy="`vipreco policy columns` lists the known ones",
            code="policy-column",
            examples=[f"{name}{nearest(name, known)}" for name in unknown],
        )


def _check_kinds(expression: pl.Expr, known: Mapping[str, PolicyColumn], where: str) -> None:
    """Try the expression on no rows: kinds that do not fit are found before any work."""
    names = expression.meta.root_names()
    empty = pl.DataFrame(schema={name: known[name].dtype for name in names})
    try:
        found = empty.select(expression.alias("truth")).schema["truth"]
    except pl.exceptions.PolarsError as error:
        raise _refused(f"compares what does not fit: {_first_line(error)}", where) from error
    if found != pl.Boolean:
        raise _refused("is no condition: it is neither true nor false", where)


def _check_grammar(node: Any, known: Mapping[str, PolicyColumn], where: str) -> None:
    name, content = next(iter(node.items())) if isinstance(node, dict) else (str(node), {})
    check = {
        "Column": _leaf,
        "Literal": _literal,
        "BinaryExpr": _binary,
        "Function": _function,
        "Cast": _cast,
    }
    children = check[name](content, known) if name in check else None
    if children is None:
        raise _refused(f"uses what no rule may use ({name})", where)
    for child in children:
        _check_grammar(child, known, where)


def _leaf(_content: Any, _known: Mapping[str, PolicyColumn]) -> list[Any]:
    return []


def _literal(content: dict[str, Any], _known: Mapping[str, PolicyColumn]) -> list[Any] | None:
    inner = next(iter(content.values()))
    kind = next(iter(inner)) if isinstance(inner, dict) else ""
    return [] if kind in _LITERALS else None


def _binary(content: dict[str, Any], _known: Mapping[str, PolicyColumn]) -> list[Any] | None:
    return [content["left"], content["right"]] if content["op"] in _OPERATORS else None


def _cast(content: dict[str, Any], known: Mapping[str, PolicyColumn]) -> list[Any] | None:
    """Allow what NOT does to its operand, if that is a flag or a condition anyway."""
    inner = content["expr"]
    column = known.get(inner.get("Column", "")) if isinstance(inner, dict) else None
    is_flag = column is not None and column.kind is Kind.FLAG
    allowed = content["dtype"] == {"Literal": "Boolean"} and (is_flag or column is None)
    return [inner] if allowed else None


def _function(content: dict[str, Any], _known: Mapping[str, PolicyColumn]) -> list[Any] | None:
    inputs, function = content["input"], content["function"]
    if function == {"Boolean": "Not"}:
        return list(inputs)
    sql = function.get("Sql", {}) if isinstance(function, dict) else {}
    if sql.get("Binary") in _SQL_OPERATORS:
        return list(inputs)
    is_list = "IsIn" in sql and isinstance(inputs[1], dict) and "Literal" in inputs[1]
    return [inputs[0]] if is_list else None


def _refused(what: str, where: str) -> UsageError:
    return UsageError(what, where=where, remedy=REMEDY, code="policy-condition")


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
