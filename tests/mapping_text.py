"""Mappings of small banks as text: whose column is called what."""

from __future__ import annotations


def source(file: str, table: str, *same: str, **others: str) -> str:
    """Return a source of a mapping file, to which lines about columns can be added.

    Args:
        file: Name of the bank's file, or a pattern.
        table: Our table.
        same: Columns that the bank calls as we do.
        others: The bank's name of a column, or a table of TOML that begins with a brace.
    """
    columns = {**{name: name for name in same}, **others}
    lines = [f"{name} = {text if text.startswith('{') else _quoted(text)}" for name, text in columns.items()]
    head = ["[[source]]", f'file = "{file}"', "[[source.table]]", f'table = "{table}"']
    return "\n".join([*head, "[source.table.columns]", *lines, ""])


def _quoted(text: str) -> str:
    return f'"{text}"'
