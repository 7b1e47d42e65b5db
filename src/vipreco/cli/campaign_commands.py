"""The commands for campaigns: plan, run, look again, report."""

from __future__ import annotations

import typer

campaign = typer.Typer(help="Campaign batches: the best use of limited seats, a control group, and the lift.")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.add_typer(campaign, name="campaign")
