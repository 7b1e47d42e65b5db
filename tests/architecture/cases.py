"""Which test bears which case id; `python -m tests.architecture.cases` writes it into tests/CASES.md."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.architecture.source import ROOT

TABLE = ROOT / "tests" / "CASES.md"
OPEN, BENCHES = "open", "experiments/"  # loads are measured there; elsewhere `L1` is a product
_ROW = re.compile(r"^\| ([BFL]\d+) \|.*\| ([^|]*) \|$")
_CITED = re.compile(r"(?<![A-Za-z0-9])([BFLbf]\d{1,3})(?!\d)")


def rows() -> dict[str, str]:
    """Return what the table says about the tests of each case."""
    found = (_ROW.match(line) for line in TABLE.read_text("utf-8").splitlines())
    return {row[1]: row[2] for row in found if row}


def citations() -> Mapping[str, set[str]]:
    """Return the files that bear each id of the table."""
    known, found = rows(), defaultdict(set)
    for path in _files():
        place = str(path.relative_to(ROOT))
        for case in map(str.upper, _CITED.findall(path.read_text("utf-8"))):
            if case in known and (not case.startswith("L") or place.startswith(BENCHES)):
                found[case].add(place)
    return found


def written() -> str:
    """Return the table with the files that bear each id now."""
    cited, lines = citations(), []
    for line in TABLE.read_text("utf-8").splitlines():
        row = _ROW.match(line)
        files = ", ".join(f"`{place}`" for place in sorted(cited.get(row[1], ()))) if row else ""
        lines.append(f"{line[: row.start(2)]}{files or OPEN} |" if row else line)
    return "\n".join(lines) + "\n"


def _files() -> Iterator[Path]:
    yield from sorted(path for path in (ROOT / "tests").rglob("*.py") if path.parent.name != "architecture")
    yield from sorted((ROOT / "experiments").glob("bench_*.py"))


if __name__ == "__main__":
    TABLE.write_text(written(), "utf-8")
