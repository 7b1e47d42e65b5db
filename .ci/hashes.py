"""Writes the pinned packages with their hashes, for `pip install --require-hashes`; names no registry.

`make hashes` runs it on the report of a dry run of pip, which says what would be installed here and which
SHA-256 each file has. The hashes are those of the files for this platform and Python.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEAD = """\
# The packages of {what} with their hashes, for Linux on x86-64 and Python {python}. Made by `make hashes`.
#   pip install --require-hashes -r {path} && pip install --no-deps vipreco-*.whl
"""


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """Give a line for each package of pip's report but our own, by name."""
    for item in sorted(report["install"], key=lambda item: item["metadata"]["name"].lower()):
        archive = item["download_info"].get("archive_info")
        if archive is not None:
            metadata = item["metadata"]
            yield f"{metadata['name']}=={metadata['version']} --hash=sha256:{archive['hashes']['sha256']}"


def main() -> None:
    """Read the report and write the file that the command line names."""
    report_path, target, what = sys.argv[1:]
    report = json.loads(Path(report_path).read_text(encoding="utf-8"))
    python = ".".join(report["environment"]["python_full_version"].split(".")[:2])
    text = HEAD.format(what=what, python=python, path=target) + "\n".join(lines(report)) + "\n"
    Path(target).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
