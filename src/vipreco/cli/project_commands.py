"""Commands that make a project, and the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEMO = Path("vipreco-demo")
HERE = Path()


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("demo")(demo)
    app.command("new")(new)
    app.command("upgrade")(upgrade)


def demo(
    folder: Annotated[Path, typer.Argument(help="Project folder of the demo; made when missing.")] = DEMO,
    customers: Annotated[int, typer.Option(help="Customers of the simulated bank.")] = 6_000,
) -> None:
    """Run a demo: simulate a bank, import, train, backtest, and list one manager's calls.

    Results of an earlier run are reused, so a second run is quick.

    Example:  vipreco demo
    """
    from vipreco.cli.demo import run

    run(folder, customers)


def new(folder: Annotated[Path, typer.Argument(help="Folder to make; must not exist or be empty.")]) -> None:
    """Make a project with its own settings, feature definitions and training flow.

    Example:  vipreco new my-bank
    """
    from vipreco.new_project import create

    project = create(folder)
    typer.echo(f"Made the project {project.settings.project.name} in {folder}\n\nNext:")
    typer.echo(f"  cd {folder}")
    typer.echo("  vipreco import --mapping mapping.toml FILES...   # your bank's own files")
    typer.echo("  vipreco train                                    # fit, backtest, register")


def upgrade(
    folder: Annotated[Path, typer.Argument(help="Folder of the project; default: the project here.")] = HERE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done, and change nothing.")
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help="Take over all that is installed; a file of yours that differs is kept as NAME.before.",
        ),
    ] = False,
) -> None:
    """Renew the project's copies of features, training, serving and cluster after an upgrade of vipreco.

    A file that you changed stays as it is. Where the installed one changed too, that one is put beside it as
    NAME.new, for you to merge. A project made before vipreco recorded its copies needs --replace once.

    Example:  vipreco upgrade --dry-run
    Example:  vipreco upgrade && vipreco store upgrade
    """
    from vipreco.new_project import reference_folder
    from vipreco.project import Project
    from vipreco.project_upgrade import changed_rims, renew, renewals

    root, source = Project.find(folder).root, reference_folder()
    found = [] if root == source else renewals(root, source, replace=replace)
    if not dry_run and root != source:
        renew(root, source, found)
    for one in found:
        typer.echo(f"{one.renewal:<9} {one.name}{f'   ({one.note})' if one.note else ''}")
    typer.echo(_upgrade_text(len(found), dry_run), err=True)
    if "features" in changed_rims(found) and not dry_run:
        typer.echo("features changed: train again, for a model fits its own features alone", err=True)


def _upgrade_text(files: int, dry_run: bool) -> str:
    import vipreco

    if not files:
        return f"this project has the files of vipreco {vipreco.__version__}"
    ending = "nothing was changed" if dry_run else "the next step: vipreco store upgrade"
    return f"{files} files were not those of vipreco {vipreco.__version__}; {ending}"
