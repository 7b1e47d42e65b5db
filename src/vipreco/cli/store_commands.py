"""The commands for the operational store: tokens, people, leave covers, switches, audit, backup."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    del app
