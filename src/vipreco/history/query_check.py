"""Checks that a query reads the views of a date and nothing around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any

import duckdb

from vipreco.errors import UsageError

_SOURCES = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST", "TABLE_FUNCTION"})
_TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})
_CLOCK_WORDS = frozenset(
    {
        "current_date",
        "current_time",
        "current_timestamp",
        "localtime",
        "localtimestamp",
        "today",
        "now",
    }
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
Node = dict[str, Any]


@lru_cache(maxsize=256)  # without it a decision about one customer takes 1.3-1.6 times the CPU
def check_query(sql: str, allowed: frozenset[str], where: str = "query") -> frozenset[str]:
    """Check one SELECT statement and return the names of `allowed` that it reads.

    Args:
        sql: The statement, DuckDB dialect.
        allowed: Names of the tables and views that it may read.
        where: File that the error names.

    Raises:
        UsageError: Not a single SELECT, or it reads another table, a file, a clock or chance.
    """
    nodes = list(_nodes(_parsed(sql, where)))
    local = _local_names(nodes, where)
    read = {_table_name(node, where) for node in nodes if node.get("type") == "BASE_TABLE"}
    for name in sorted(read - allowed - local):
        raise _refused(
            where, f"reads the table {name}, which is no view of the as-of date", sorted(allowed), "table"
        )
    for node in nodes:
        _check_node(node, where)
    return frozenset(read & allowed)


@lru_cache(maxsize=256)
def named_columns(sql: str) -> frozenset[str] | None:
    """Return the names of the columns that a checked query may look at; None: of all of them.

    A star hands columns on without a look at them, unless its rows are compared, grouped or given out.
    """
    tree = _parsed(sql, "query")
    nodes = list(_nodes(tree))
    refs = [node["column_names"] for node in nodes if node.get("type") == "COLUMN_REF"]
    joined = [node.get("using_columns", []) for node in nodes if node.get("type") == "JOIN"]
    names = frozenset(str(name).lower() for path in (*refs, *joined) for name in path)
    sources = [node for node in nodes if "column_name_alias" in node]
    tables = {str(node["alias"] or node.get("table_name", "")).lower() for node in sources}
    whole_rows = any(len(path) == 1 and str(path[0]).lower() in tables for path in refs)
    given_out = [item.get("type") for item in tree["statements"][0]["node"].get("select_list", [])]
    stars = any(node.get("type") == "STAR" for node in nodes)
    looked_at = "STAR" in given_out or any(map(_looks_at_all, nodes))
    return None if whole_rows or (stars and looked_at) else names


def _looks_at_all(node: Node) -> bool:
    """Return True where a construct sees the columns of a star without their names."""
    kinds = {"SET_OPERATION_NODE", "DISTINCT_MODIFIER", "LIMIT_MODIFIER", "POSITIONAL_REFERENCE"}
    return (
        node.get("type") in kinds
        or node.get("ref_type") == "NATURAL"
        or node.get("aggregate_handling", "STANDARD_HANDLING") != "STANDARD_HANDLING"
        or bool(node.get("columns") or node.get("rename_list"))
        or bool(node.get("column_name_alias") or node.get("aliases"))
    )


def _parsed(sql: str, where: str) -> Node:
    row = _cursor().execute("SELECT json_serialize_sql(?)", [sql]).fetchone()
    tree: Node = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        raise UsageError(
            f"is not one SELECT statement: {tree.get('error_message', 'it cannot be read')}",
            where=where,
            remedy="correct the SQL; only a SELECT may stand here",
            code="feature-sql",
        )
    if len(tree["statements"]) != 1:
        raise UsageError("holds more than one statement", where=where, code="feature-sql")
    return tree


def _nodes(node: Any) -> Iterator[Node]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _nodes(value)
    elif isinstance(node, list):
        for value in node:
            yield from _nodes(value)


def _local_names(nodes: list[Node], where: str) -> frozenset[str]:
    names = [str(item["key"]) for node in nodes if "cte_map" in node for item in node["cte_map"]["map"]]
    for name in names:
        if not _PLAIN_NAME.fullmatch(name):
            raise _refused(where, "names a WITH query like a file", ["letters, digits, _"], "table")
    return frozenset(names)


def _table_name(node: Node, where: str) -> str:
    path = [str(part) for part in node["qualified_name"]["path"]]
    if len(path) != 1:
        raise _refused(where, f"reads the table {'.'.join(path)} by a path", ["a plain name"], "table")
    return path[0].lower() if _PLAIN_NAME.fullmatch(path[0]) else path[0]


def _check_node(node: Node, where: str) -> None:
    kind = str(node.get("type", ""))
    if "sample" in node and (node["sample"] or ("from_table" not in node and kind not in _SOURCES)):
        what = "samples rows" if node["sample"] else f"reads by a construct that is not allowed ({kind})"
        raise _refused(where, what, ["a plain FROM"], "feature-sql")
    if kind == "TABLE_FUNCTION":
        _check_table_function(str(node["function"].get("function_name", "")), where)
    elif kind == "FUNCTION":
        _check_function(str(node.get("function_name", "")), where)
    elif kind == "COLUMN_REF":
        _check_column(node["column_names"], where)


def _check_table_function(name: str, where: str) -> None:
    if name.lower() not in _TABLE_FUNCTIONS:
        raise _refused(
            where, f"reads by the table function {name}", sorted(_TABLE_FUNCTIONS), "table-function"
        )


def _check_function(name: str, where: str) -> None:
    if name.lower() in _unstable_functions() | _CLOCK_WORDS:
        raise _refused(
            where,
            f"calls {name}, whose answer depends on when or how often it is asked",
            ["clock.as_of_date"],
            "unstable",
        )


def _check_column(names: list[str], where: str) -> None:
    if len(names) == 1 and names[0].lower() in _CLOCK_WORDS:
        _check_function(names[0], where)


def _refused(where: str, what: str, instead: list[str], code: str) -> UsageError:
    return UsageError(what, where=where, remedy=f"use one of: {', '.join(instead)}", code=code)


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect(":memory:", config={"threads": 1})


def _cursor() -> duckdb.DuckDBPyConnection:
    return _parser().cursor()  # several threads may ask at the same time


@cache
def _unstable_functions() -> frozenset[str]:
    """Return DuckDB's own list of functions that read a clock, chance, settings or the session."""
    rows = _cursor().execute(
        "SELECT DISTINCT function_name FROM duckdb_functions() "
        "WHERE function_type = 'scalar' AND stability <> 'CONSISTENT'"
    )
    return frozenset(str(row[0]) for row in rows.fetchall())
