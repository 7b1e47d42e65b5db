"""The command that shows what contacts do, and puts it into the settings."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Annotated

import typer

from vipreco.cli.options import FormatOption, ModelOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    import polars as pl

    from vipreco.contact_effect import ContactEffects
    from vipreco.project import Project
    from vipreco.recommender import Recommender

PANEL = "Offers"
SECTION = "contact_effects"
KEEP_DATES = 12  # newest dates whose calls are counted


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("effects", rich_help_panel=PANEL)(effects)


def effects(
    model: ModelOption = None,
    write: Annotated[
        bool,
        typer.Option(
            "--write", help="Write the effects that the model learnt into vipreco.toml; they stay in force."
        ),
    ] = False,
    keep: Annotated[
        bool, typer.Option("--keep", help="Show what a call does against attrition instead, by its kinds.")
    ] = False,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what a contact adds to the log-hazard of acquiring its product, with interval and evidence.

    An effect of 0.7 doubles a small chance. `assumed` is a figure of the settings, `learnt` comes from the
    bank's own contacts. The placebos show what cannot be: their intervals should hold 0.

    With --keep: the share by which a call lowers the chance of each kind of attrition, by the bank's calls
    and the figures of the recipe together, and the lines that put it into a recipe.

    Example:  vipreco effects
    Example:  vipreco effects --model 3 --write
    Example:  vipreco effects --keep
    """
    import polars as pl

    from vipreco.cli.project_inputs import open_model
    from vipreco.contact_effect import effect_rows
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    with narrated("Effects of contacts") as narrator:
        recommender = open_model(project, model, narrator)
        if keep:
            output.write(_keep_table(project, recommender))
            return
        found = recommender.contact_effects
    output.write(pl.DataFrame(list(effect_rows(found)), infer_schema_length=None))
    if write:
        write_effects(project, found)


def _keep_table(project: Project, recommender: Recommender) -> pl.DataFrame:
    """Return what calls did against attrition, a row a kind, and say how a recipe takes it over."""
    import polars as pl

    from vipreco.cli.project_inputs import open_history
    from vipreco.recommender import KeepEffect, keep_effects, labelled_dates

    history = open_history(project)
    days = labelled_dates(recommender.settings, history.snapshot_dates, history.snapshot_dates[-1])
    priors = recommender.settings.arbitration.values.call_keeps
    found = keep_effects(recommender, history, days[-KEEP_DATES:], priors)
    if not found:
        typer.echo(
            "no call to a VIP customer, or no model of the kinds of attrition: nothing is learnt", err=True
        )
    for row in found:
        typer.echo(
            f"[recommender.arbitration.values] contact_keeps_{row.kind} = {max(row.share, 0):.3f}", err=True
        )
    return pl.DataFrame(list(found), schema=[each.name for each in fields(KeepEffect)])


def write_effects(project: Project, found: ContactEffects) -> None:
    """Put what a model learnt into `vipreco.toml`; everything else there stays as it is.

    Raises:
        UsageError: The model learnt nothing, or the file would be none of ours afterwards.
    """
    import tomlkit

    from vipreco.contact_effect import learnt_settings
    from vipreco.durable import write_bytes
    from vipreco.errors import UsageError
    from vipreco.project import parse_content
    from vipreco.settings import Settings

    learnt, path = learnt_settings(found), project.root / "vipreco.toml"
    if learnt is None:
        raise UsageError(
            "the model learnt no effect of a contact: there is nothing to write",
            where="--write",
            remedy="import more contacts and train; until then the figures of the settings are assumptions",
            code="no-effects",
        )
    document = tomlkit.parse(path.read_text(encoding="utf-8"))
    document[SECTION] = learnt.model_dump(mode="json")
    content = tomlkit.dumps(document).encode()
    parse_content(content, Settings, str(path))
    write_bytes(path, content, path.stat().st_mode & 0o777)
    typer.echo(f"[{SECTION}] written to {path}", err=True)
