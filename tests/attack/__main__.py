"""`make attack`: starts a service, attacks it, and prints what was tried and found; exit code 1: findings."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

from tests.attack.all import ATTACKS, Attack, Tries
from tests.attack.target import Target, running_target
from tests.shared import BuiltOnce

HEAD = "| attack | tries | findings | seconds | measured |\n|---|---|---|---|---|"


def run(target: Target, attacks: list[Attack]) -> tuple[list[str], list[str]]:
    """Run attacks in order; return the rows of the table, and all findings."""
    rows, findings = [], []
    for one in attacks:
        tries, began = Tries(), time.monotonic()
        one.run(target, tries)
        took = time.monotonic() - began
        measured = "; ".join(tries.measured)
        rows.append(f"| {one.name} | {tries.count} | {len(tries.findings)} | {took:.1f} | {measured} |")
        findings += [f"{one.name}: {finding}" for finding in tries.findings]
    return rows, findings


def main() -> int:
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("--only", metavar="WORD", default="", help="attacks whose name has this word")
    parser.add_argument("--report", type=Path, help="write the table into this file as well")
    chosen = parser.parse_args()
    attacks = [one for one in ATTACKS if chosen.only in one.name]
    with tempfile.TemporaryDirectory(prefix="vipreco-attack-") as name:
        folder = Path(name)
        (folder / "project").mkdir()
        with running_target(folder / "project", BuiltOnce(folder / "built")) as target:
            rows, findings = run(target, attacks)
    text = "\n".join([HEAD, *rows])
    print(text)
    print(*findings, sep="\n")
    print(f"{len(attacks)} attacks, {len(findings)} findings")
    if chosen.report:
        chosen.report.parent.mkdir(parents=True, exist_ok=True)
        chosen.report.write_text(text + "\n", encoding="utf-8")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
