"""The commands of `vipreco`, in the order in which a newcomer needs them."""

from __future__ import annotations

from typing import Annotated

import typer

from vipreco.cli import (
    analyse_commands,
    bench_commands,
    campaign_commands,
    data_commands,
    directory_commands,
    effect_commands,
    explain_commands,
    fairness_commands,
    key_commands,
    kpi_commands,
    lever_commands,
    manager_commands,
    mcp_commands,
    model_commands,
    monitor_commands,
    offer_commands,
    policy_commands,
    project_commands,
    retrain_commands,
    serve_commands,
    shadow_commands,
    split_commands,
    store_commands,
    subject_commands,
    tune_commands,
)

HELP = """Next-best-product recommendations for the VIP customers of a bank.

A first look, with a generated bank:  vipreco demo

With your own files, inside a project folder:

  vipreco new my-bank && cd my-bank

  vipreco import --mapping mapping.toml customers.csv holdings.csv products.csv

  vipreco train

  vipreco offers --manager M017 --top 3
"""

app = typer.Typer(
    help=HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
project_commands.register(app)
data_commands.register(app)
model_commands.register(app)
monitor_commands.register(app)
fairness_commands.register(app)
retrain_commands.register(app)
shadow_commands.register(app)
split_commands.register(app)
tune_commands.register(app)
bench_commands.register(app)
offer_commands.register(app)
explain_commands.register(app)
lever_commands.register(app)
effect_commands.register(app)
manager_commands.register(app)
kpi_commands.register(app)
analyse_commands.register(app)
policy_commands.register(app)
campaign_commands.register(app)
serve_commands.register(app)
mcp_commands.register(app)
store_commands.register(app)
directory_commands.register(app)
subject_commands.register(app)
key_commands.register(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        import vipreco

        typer.echo(f"vipreco {vipreco.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the full traceback when something fails; any command.")
    ] = False,
    wide: Annotated[
        bool, typer.Option("--wide", help="Show all columns of tables in a terminal; any command.")
    ] = False,
) -> None:
    del version, debug, wide  # all are dealt with before any command runs
