"""Commands about data: simulate a bank, import files, validate what was imported."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import FormatOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.subject_commands import keep_erased_out
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    import polars as pl

    from vipreco.project import Project
    from vipreco.tables import ImportReport


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    panel = "Data"
    app.command("simulate", rich_help_panel=panel)(simulate)
    app.command("import", rich_help_panel=panel)(import_)
    app.command("validate", rich_help_panel=panel)(validate)


def simulate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New folder for the files.")],
    customers: Annotated[int, typer.Option(help="Number of customers over all months.")] = 20_000,
    months: Annotated[int, typer.Option(help="Monthly snapshots.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 20260101,
    faults: Annotated[
        float,
        typer.Option("--faults", metavar="RATE", help="Share of rows with an injected fault."),
    ] = 0.0,
) -> None:
    """Write the raw files of a simulated bank, with their mapping file.

    The truth behind the files (the chance of every acquisition) is written into DIR/truth.

    Example:  vipreco simulate --customers 5000 --months 18 --out practice
    """
    from vipreco.simulator import simulate as simulate_bank

    with narrated("Simulating") as narrator:
        report = simulate_bank(customers, months, seed, out, fault_rate=faults, progress=narrator.count)
    typer.echo(
        f"{report.customers:,} customers, {months} snapshots from {report.first_snapshot} to "
        f"{report.last_snapshot}, {report.acquisitions:,} acquisitions, {report.contacts:,} contacts"
    )
    typer.echo(f"{len(report.sources)} files in {report.folder / 'raw'}\n\nNext, inside a project folder:")
    typer.echo(f"  vipreco import --mapping {report.mapping} {report.folder / 'raw'}/*.*")


def import_(
    sources: Annotated[
        Optional[list[Path]],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Argument(metavar="FILE...", help="CSV, Parquet or XLSX files."),
    ] = None,
    mapping: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--mapping", metavar="FILE", help="Mapping of these files to the tables (TOML)."),
    ] = None,
    from_store: Annotated[
        bool,
        typer.Option(
            "--from-store", help="Import the contacts, outcomes and consents that the service recorded."
        ),
    ] = False,
    backfill: Annotated[
        bool, typer.Option("--backfill", help="Accept snapshots older than the newest stored one.")
    ] = False,
    accept_drop: Annotated[
        bool, typer.Option("--accept-drop", help="Accept a snapshot that is much smaller than the last one.")
    ] = False,
    accept_dates: Annotated[
        bool,
        typer.Option("--accept-dates", help="Accept dates in the future or far from all others."),
    ] = False,
    correct: Annotated[
        bool, typer.Option("--correct", help="Replace stored rows of the same key by those of these files.")
    ] = False,
    undo: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--undo", metavar="BATCH", help="Take a batch out again, with all that came after it."),
    ] = None,
    acquisitions: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--acquisitions", metavar="PRODUCT@DATE", help="Count a mass reopening as acquisitions after all."
        ),
    ] = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Import files of the bank; every row is accepted, quarantined with a reason, or a duplicate.

    Files that were imported before change nothing. Quarantined rows are written to a file of their own:
    correct it and import it with the same mapping. Exit code 4: some rows were quarantined.

    --from-store imports the records of the operational store in the same way. It needs no mapping; give its
    corrected quarantine files as FILE.

    A row that contradicts a stored one of the same key is quarantined. --correct lets it replace the stored
    row, as if it had been right from the start; a later recorded_date keeps both.

    --undo takes a batch out of the tables, with all later ones, which were checked against it, and removes
    the releases made of them. Import the files of the later batches again.

    Example:  vipreco import --mapping mapping.toml customers.csv holdings.parquet products.xlsx
    """
    from vipreco.project import Project
    from vipreco.tables import import_ as import_files

    output = TableOutput.planned(kind, out)
    project = Project.find()
    options = {
        "backfill": backfill, "accept_drop": accept_drop, "accept_dates": accept_dates, "same_day": correct
    }  # fmt: skip
    if undo is not None:
        if sources or mapping is not None or from_store:
            raise typer.BadParameter("--undo takes a batch and no files")
        output.write(_undo(project, undo))
        return
    if acquisitions is not None:
        _decide(project, acquisitions)
        return
    if from_store:
        _refuse_together(mapping, any(options.values()))
        report = _from_store(project, sources or [])
    else:
        with narrated("Importing") as narrator:
            report = import_files(
                project.tables,
                _mapping_of(mapping),
                sources or [],
                project.settings,
                progress=narrator.rows,
                signatures=project.signatures,
                **options,
            )
    output.write(ledger(report))
    _tell(report)
    erased = keep_erased_out(project)
    if erased:
        typer.echo(f"warning: {erased:,} erased customers were in these files; erased again", err=True)
    raise typer.Exit(report.exit_code)


def _mapping_of(mapping: Path | None) -> Path:
    if mapping is None:
        raise typer.BadParameter("give the mapping of these files with --mapping, or use --from-store")
    return mapping


def _undo(project: Project, batch: str) -> pl.DataFrame:
    """Take a batch out with all that was computed from it; return the files to be imported again."""
    import polars as pl

    from vipreco.cli.project_inputs import releases_of
    from vipreco.tables import undo

    taken = undo(project.tables, batch, project.signatures)
    left = _snapshots_of(project)
    for name in releases_of(project).withdraw(left):
        typer.echo(f"removed release {name}; run `vipreco prepare`", err=True)
    for name in _fitted_on_others(project.artifacts, left):
        typer.echo(
            f"warning: artifact {name} was fitted on what is gone: run `vipreco train`, "
            "and `vipreco models rollback` if it is in force",
            err=True,
        )
    rows = [(batch["batch_id"], file["name"], file["read"]) for batch in taken for file in batch["ledger"]]
    return pl.DataFrame(rows, schema=["batch", "file", "rows"], orient="row")


def _decide(project: Project, reopening: str) -> None:
    from vipreco.tables import decide, mass_reopenings

    known = mass_reopenings(project.tables)
    if reopening not in known:
        raise typer.BadParameter(
            f"no open mass reopening {reopening}; there are: {', '.join(known) or 'none'}"
        )
    snapshot = decide(project.tables, reopening, project.signatures).snapshot_id
    typer.echo(f"{reopening} counts as acquisitions; the tables are snapshot {snapshot}", err=True)


def _snapshots_of(project: Project) -> list[str]:
    """Return the fingerprints that the tables had or have; none where nothing is imported."""
    from vipreco.cli.project_inputs import open_tables
    from vipreco.errors import UsageError

    try:
        return open_tables(project).snapshot_ids
    except UsageError:
        return []


def _fitted_on_others(artifacts: Path, snapshot_ids: list[str]) -> list[str]:
    """Return the names of artifacts that were fitted on tables of none of these fingerprints."""
    found = []
    for path in sorted(artifacts.glob("*/manifest.json")):
        try:
            facts = json.loads(path.read_bytes())["facts"]
        except (OSError, ValueError, KeyError):
            continue
        if facts.get("snapshot_id") not in snapshot_ids:
            found.append(path.parent.name)
    return found


def _refuse_together(mapping: Path | None, decided: bool) -> None:
    if mapping is not None or decided:
        raise typer.BadParameter("--from-store has its own mapping and cannot be combined with these options")


def _from_store(project: Project, corrected: list[Path]) -> ImportReport:
    from vipreco.store import Store, import_from_store

    with narrated("Importing") as narrator, Store.open(project.store_url) as store:
        report = import_from_store(
            project.tables, store, project.settings, corrected, narrator.rows, project.signatures
        )
        waiting = len(store.pending.all())
    if waiting:
        typer.echo(
            f"warning: {waiting:,} records of the store are not in the tables: they stay in force from the "
            "store (`vipreco store pending` lists them)",
            err=True,
        )
    return report


def validate(kind: FormatOption = None, out: OutOption = None) -> None:
    """Check the imported tables, and list findings with example rows.

    error: these rows cannot be right; warning: they are not offered or not used; note: for information.

    Example:  vipreco validate
    """
    import polars as pl

    from vipreco.cli.project_inputs import tell_currency, tell_signatures
    from vipreco.project import Project
    from vipreco.tables import validate as validate_tables

    output = TableOutput.planned(kind, out)
    project = Project.find()
    with narrated("Validating"):
        found = validate_tables(project.tables, project.settings, project.signatures)
    names = ("severity", "table", "code", "what", "rows", "page")
    columns = {name: [getattr(finding, name) for finding in found] for name in names}
    examples = pl.Series("examples", [list(finding.examples) for finding in found], dtype=pl.List(pl.String))
    output.write(pl.DataFrame(columns).with_columns(examples))
    tell_currency(project)
    tell_signatures(project)


def ledger(report: ImportReport) -> pl.DataFrame:
    """Return a row a file: read = accepted + quarantined + duplicates, and why rows were quarantined."""
    import polars as pl

    names = ("name", "read", "accepted", "quarantined", "duplicates")
    columns = {name: [getattr(file, name) for file in report.files] for name in names}
    reasons = [[f"{place} x {rows}" for place, rows in sorted(file.reasons.items())] for file in report.files]
    return pl.DataFrame(columns).with_columns(pl.Series("reasons", reasons, dtype=pl.List(pl.String)))


def _tell(report: ImportReport) -> None:
    for warning in report.warnings:
        typer.echo(f"warning: {warning}", err=True)
    for path in report.quarantine:
        typer.echo(f"quarantined rows: {path}; correct and import this file", err=True)
    state = "nothing new" if report.already_ingested else f"batch {report.batch_id} is stored"
    typer.echo(f"{state}; the tables are snapshot {report.snapshot_id}", err=True)
