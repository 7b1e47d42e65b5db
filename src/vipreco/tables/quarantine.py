"""Refused rows, kept as they came, with a reason each: to correct and import again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import numpy as np

from vipreco.tables.expectations import expected
from vipreco.tables.intake import Intake
from vipreco.tables.mapping_file import QUARANTINE_SUFFIX, SourceRule
from vipreco.tables.sources import BadRows, RowLocations

FOLDER = "quarantine"
REASONS_SUFFIX = ".reasons.csv"


def write_quarantine(intake: Intake, folder: Path) -> Path | None:
    """Write the refused rows' original lines, and beside them row, column and reason; return the path.

    Only the owner can read either file.
    """
    if not intake.quarantined:
        return None
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / (intake.candidate.path.name.removesuffix(QUARANTINE_SUFFIX) + QUARANTINE_SUFFIX)
    locations = RowLocations.join([bad.locations for bad in intake.bad])
    rule = intake.candidate.rule
    reasons = [
        why for bad in intake.bad for why in [(bad.column, _reason(rule, bad))] * bad.locations.rows.size
    ]
    order = np.argsort(locations.rows, kind="stable")
    with _private(path) as handle:
        for line in intake.source.originals(locations.take(order)):
            handle.write(line)
    _write_reasons(
        path.with_name(path.name + REASONS_SUFFIX),
        locations.rows[order].tolist(),
        [reasons[at] for at in order],
    )
    return path


def _reason(rule: SourceRule, bad: BadRows) -> str:
    """Return the code, and behind a colon the form that was expected."""
    form = expected(rule, bad.column, bad.code)
    return f"{bad.code}: expected {form}" if form else bad.code


def _private(path: Path) -> BinaryIO:
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb")


def _write_reasons(path: Path, rows: list[int], reasons: list[tuple[str, str]]) -> None:
    with _private(path) as handle:
        text = [
            ("row", "column", "reason"),
            *((str(row), *why) for row, why in zip(rows, reasons, strict=True)),
        ]
        for cells in text:
            handle.write((",".join(_cell(cell) for cell in cells) + "\n").encode())


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text
