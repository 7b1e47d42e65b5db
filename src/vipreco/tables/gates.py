"""Rules that reject a file as a whole, and the warnings about a file that is accepted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import duckdb

from vipreco import columns as c
from vipreco.errors import InputRejectedError
from vipreco.tables import checks, contracts, csv_records
from vipreco.tables.batches import Manifest
from vipreco.tables.csv_source import CsvSource
from vipreco.tables.intake import Intake
from vipreco.tables.staged_table import StagedTable

MAY_BE_EMPTY = {c.CONTACTS, c.ACTIVITY}
LONG_DAYS = 300  # neighbouring snapshots may be so far apart in any case
FAR_APART_DAYS = 270  # the usual distance where only two snapshots are known
SNAPSHOT_TABLES = {c.CUSTOMERS, contracts.WIDE_FLAGS}


def placed(error: InputRejectedError, path: Path) -> InputRejectedError:
    """Return the error with the file's name before its place."""
    if str(path) in error.where:
        return error
    where = f"{path}: {error.where}" if error.where else str(path)
    return InputRejectedError(
        error.what, where=where, remedy=error.remedy, code=error.code, examples=error.examples
    )


def refuse_empty(intake: Intake) -> None:
    """Refuse a file without rows, unless its tables may have none.

    Raises:
        InputRejectedError: There is a header and nothing else.
    """
    tables = {table.rule.table for table in intake.tables}
    if intake.read == 0 and not tables <= MAY_BE_EMPTY:
        raise InputRejectedError(
            "has a header and no rows", where=intake.name, remedy="ask for it again", code="no-rows"
        )


def refuse_bad_share(intake: Intake, limit: float) -> None:
    """Refuse a file of which too large a share is bad.

    Raises:
        InputRejectedError: More than `limit` of its rows are refused.
    """
    if not intake.read or intake.quarantined <= limit * intake.read:
        return
    if (error := _encoding_error(intake)) is not None:
        raise error
    raise InputRejectedError(
        f"{intake.quarantined} of {intake.read} rows are refused, more than {limit:.1%}",
        where=intake.name,
        remedy="correct the mapping or the file; max_quarantined_rate in vipreco.toml sets the limit",
        code="too-many-bad-rows",
        examples=[*_reasons(intake), *intake.examples()],
    )


def _encoding_error(intake: Intake) -> InputRejectedError | None:
    invalid = [bad for bad in intake.bad if bad.code == csv_records.INVALID_BYTES]
    if not invalid or not isinstance(intake.source, CsvSource):
        return None
    first = invalid[0].locations
    start, size = int(first.offsets[0]), int(first.sizes[0])
    with intake.candidate.path.open("rb") as handle:
        handle.seek(start)
        line = handle.read(size)
    try:
        line.decode(intake.source.encoding)
        offset = start
    except UnicodeDecodeError as error:
        offset = start + error.start
    return intake.source.encoding_error(int(first.rows[0]), offset)


def _reasons(intake: Intake) -> list[str]:
    counts: dict[str, int] = {}
    for bad in intake.bad:
        reason = intake.reason(bad.column, bad.code) if bad.column else bad.code
        counts[reason] = counts.get(reason, 0) + bad.locations.rows.size
    largest = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [f"{number} row(s): {reason}" for reason, number in largest[:4]]


def refuse_missing_products(connection: duckdb.DuckDBPyConnection, staged: Sequence[StagedTable]) -> None:
    """Refuse flag columns of products that no products table has.

    Raises:
        InputRejectedError: Some product ids of the mapping are unknown.
    """
    missing = checks.missing_products(connection, staged)
    if missing:
        raise InputRejectedError(
            f"{len(missing)} product(s) of the mapping's flag columns are in no products table",
            remedy="import the products first, or in the same command",
            code=checks.UNKNOWN_PRODUCT,
            examples=missing,
        )


def refuse_changed_meaning(
    connection: duckdb.DuckDBPyConnection, staged: StagedTable, intake: Intake
) -> None:
    """Refuse a product code that now names another product.

    Raises:
        InputRejectedError: Name or family differ, without a later recorded date.
    """
    changed = checks.changed_meaning(connection, staged)
    if changed:
        raise InputRejectedError(
            f"{len(changed)} product code(s) changed their meaning",
            where=intake.name,
            remedy="give the product a new code, or a later recorded_date if it is a new version",
            code="code-changed-meaning",
            examples=changed,
        )


def refuse_old_or_small(
    intake: Intake, manifest: Manifest, max_drop: float, *, backfill: bool, accept_drop: bool
) -> None:
    """Refuse a snapshot that is older, or much smaller, than the newest stored one.

    Raises:
        InputRejectedError: Without `backfill` or `accept_drop`, respectively.
    """
    for table, (oldest, newest, rows) in _snapshots(intake).items():
        stored = _newest_stored(manifest, table)
        if stored is None:
            continue
        date, last_rows = stored
        if oldest < date and not backfill:
            raise _too_old(intake, oldest, date)
        if newest > date and rows < (1 - max_drop) * last_rows and not accept_drop:
            raise _too_small(intake, rows, last_rows, max_drop)


def refuse_far_snapshots(intakes: Sequence[Intake], stored: Sequence[dt.date]) -> None:
    """Refuse a file with a snapshot that lies far from the one before it: its year or month is mistyped.

    Raises:
        InputRejectedError: Two neighbouring snapshots are much farther apart than all others.
    """
    given = {
        dt.date.fromisoformat(day): intake
        for intake in intakes
        for table in intake.tables
        if table.contract.table in SNAPSHOT_TABLES
        for day in table.snapshot_days
    }
    days = sorted({*stored, *given})
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    usual = sorted(gaps)[(len(gaps) - 1) // 2] if len(gaps) > 1 else FAR_APART_DAYS
    for (earlier, later), gap in zip(pairwise(days), gaps, strict=True):
        if gap > max(LONG_DAYS, 3 * usual):
            suspect = later if later in given else earlier
            if suspect in given:
                raise _too_far(given[suspect], earlier, later)


def _too_far(intake: Intake, earlier: dt.date, later: dt.date) -> InputRejectedError:
    return InputRejectedError(
        f"snapshots {earlier} and {later} lie {(later - earlier).days} days apart, much more than others",
        where=intake.name,
        remedy="correct the date, or give --accept-dates if there was none in between",
        code="snapshot-far",
    )


def _too_old(intake: Intake, oldest: str, date: str) -> InputRejectedError:
    return InputRejectedError(
        f"has snapshot {oldest}, older than the newest stored one, {date}",
        where=intake.name,
        remedy="give --backfill if older snapshots are to be added",
        code="old-snapshot",
    )


def _too_small(intake: Intake, rows: int, last_rows: int, max_drop: float) -> InputRejectedError:
    return InputRejectedError(
        f"has {rows} rows at its newest snapshot, the last had {last_rows}: over {max_drop:.0%} fewer",
        where=intake.name,
        remedy="ask whether the file is complete; give --accept-drop if it is",
        code="row-count-drop",
    )


def newest_snapshots(intake: Intake) -> dict[str, tuple[str, int]]:
    """Return, by table, the newest snapshot of the file and its rows: the ledger keeps it."""
    return {table: (newest, rows) for table, (_, newest, rows) in _snapshots(intake).items()}


def _newest_stored(manifest: Manifest, table: str) -> tuple[str, int] | None:
    found = [tuple(entry["newest"][table]) for _, entry in manifest.ledger() if table in entry["newest"]]
    if not found:
        return None
    date = max(date for date, _ in found)
    return date, sum(rows for one, rows in found if one == date)


def _snapshots(intake: Intake) -> dict[str, tuple[str, str, int]]:
    return {
        table.contract.table: snapshots
        for table in intake.tables
        if table.contract.table in SNAPSHOT_TABLES and (snapshots := table.snapshots) is not None
    }


def warnings(intake: Intake) -> Iterator[str]:
    """Yield what was taken but deserves a look, each with the file's name."""
    name = intake.candidate.path.name
    for text in intake.source.warnings:
        yield f"{name}: {text}"
    for table in intake.tables:
        for what, count in table.counts.items():
            if count:
                yield f"{name}: {count} {what}"


def not_understood(intakes: Sequence[Intake]) -> Iterator[str]:
    """Yield a warning for each column with values that are not understood, all files together."""
    found: dict[tuple[str, str], tuple[int, list[str]]] = {}
    for intake in intakes:
        for table in intake.tables:
            for name, count in table.defaulted.items():
                key = (name, _counted_as(table, name))
                rows, files = found.get(key, (0, []))
                found[key] = rows + count, [*files, intake.candidate.path.name]
    for (name, meaning), (rows, files) in found.items():
        shown = files[0] if len(files) == 1 else f"{len(files)} files"
        yield f"{name}: {rows} values are not understood and {meaning} ({shown})"


def _counted_as(table: StagedTable, name: str) -> str:
    """Return what values that are not understood become, and what to do about them."""
    rules = {**table.rule.rules(), **table.rule.attributes}
    column, rule = (
        table.contract.by_name.get(name),
        rules.get(name.removeprefix(table.contract.attribute_prefix)),
    )
    if rule is not None and rule.other is not None:
        return f"become {rule.other!r}; add them to the codes of the mapping"
    meant = "yes" if column is not None and column.blank else "no"
    return f"count as {meant}; say in the mapping with `true` and `false` what they mean"
