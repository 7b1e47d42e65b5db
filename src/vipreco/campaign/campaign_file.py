"""Reader of campaign files; errors name the line that is wrong."""

from __future__ import annotations

import re
from pathlib import Path

from vipreco.campaign.definition import Campaign
from vipreco.errors import UsageError
from vipreco.project import parse_content

MAX_BYTES = 1 << 20
MAX_PARTS = 20
# No two parts of these may take the same characters: a line of a hostile file would be tried for hours.
_TABLE = re.compile(r"^\s*\[{1,2}([^\[\]#]+)\]{1,2}")
_KEY = re.compile(r"""^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_QUOTED = re.compile(r"""\"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_BETWEEN_NAMES = re.compile(r"[=\[\]{},#\n]")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")


def read_campaign(path: Path) -> Campaign:
    """Read and check a campaign file.

    Raises:
        UsageError: It cannot be read, is no TOML (with line and column), has an unknown key (with the nearest
            one that there is), or a wrong value; each finding names its line.
    """
    return parse_campaign(_content(path), str(path))


def parse_campaign(content: bytes, where: str) -> Campaign:
    """Read the bytes of a campaign file; `where` names it in the errors.

    Raises:
        UsageError: As `read_campaign`.
    """
    _check_depth(content.decode(errors="replace"), where)
    try:
        return parse_content(content, Campaign, where)
    except RecursionError:
        raise UsageError("is nested too deeply", where=where, code="syntax") from None
    except UsageError as error:
        if error.code != "settings":
            raise
        places = lines_of(content.decode())
        raise UsageError(
            error.what,
            where=where,
            remedy=error.remedy,
            code=error.code,
            examples=[_with_line(finding, places) for finding in error.examples],
        ) from error


def _check_depth(text: str, where: str) -> None:
    """Refuse names of thousands of dotted parts, on which a reader of TOML spends seconds."""
    bare = _BETWEEN_NAMES.split(_QUOTED.sub("name", text))
    if any(name.count(".") >= MAX_PARTS for name in bare):
        raise UsageError("is nested too deeply", where=where, code="syntax")


def lines_of(text: str) -> dict[str, int]:
    """Return the line of each table and key of a TOML text, by its dotted path.

    >>> lines_of("a = 1\\n[b.c]\\nd = 2")
    {'a': 1, 'b.c': 2, 'b.c.d': 3}
    """
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if heading := _TABLE.match(line):
            table = _path(heading[1])
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            found.setdefault(f"{table}.{_path(key[1])}" if table else _path(key[1]), number)
    return found


def _path(text: str) -> str:
    return ".".join(part.strip("\"'") for part in _PART.findall(text))


def _with_line(finding: str, places: dict[str, int]) -> str:
    path = finding.partition(": ")[0].removesuffix(".[key]")
    while path and path not in places:
        path = path.rpartition(".")[0]
    return f"line {places[path]}: {finding}" if path else finding


def _content(path: Path) -> bytes:
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise UsageError("is too large for a campaign file", where=str(path), code="too-large")
    try:
        if not path.is_file():
            raise OSError("is not a file" if path.exists() else "does not exist")
        return path.read_bytes()
    except OSError as error:
        cause = error.strerror or str(error)
        raise UsageError(f"cannot be read: {cause}", where=str(path), code="unreadable") from error
