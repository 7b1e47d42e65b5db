"""The command that shows what contacts do, and puts it into the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from vipreco.cli.options import FormatOption, ModelOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    from vipreco.contact_effect import ContactEffects
    from vipreco.project import Project

PANEL = "Offers"
SECTION = "contact_effects"


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
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what a contact adds to the log-hazard of acquiring its product, with interval and evidence.

    An effect of 0.7 doubles a small chance. `assumed` is a figure of the settings, `learnt` comes from the
    bank's own contacts. The placebos show what cannot be: their intervals should hold 0.

    Example:  vipreco effects
    Example:  vipreco effects --model 3 --write
    """
    import polars as pl

    from vipreco.cli.project_inputs import open_model
    from vipreco.contact_effect import effect_rows
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    project = Project.find()
    with narrated("Effects of contacts") as narrator:
        found = open_model(project, model, narrator).contact_effects
    output.write(pl.DataFrame(list(effect_rows(found)), infer_schema_length=None))
    if write:
        write_effects(project, found)


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
