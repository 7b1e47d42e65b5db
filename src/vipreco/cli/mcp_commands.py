"""The command that gives a person's assistant read-only tools."""

from __future__ import annotations

from importlib.util import find_spec

import typer

from vipreco.errors import UsageError

PANEL = "Service"
SERVER = "serving.assistant.server"


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("mcp", rich_help_panel=PANEL)(mcp)


def mcp() -> None:
    """Give an assistant four tools that read: today's list, a sheet, why, why not. Off by default.

    It speaks the Model Context Protocol on standard input and output, and asks the running service with your
    own token, from the variable VIPRECO_TOKEN: customers of other books stay unknown, and each read is in the
    audit with the purpose `assistant`. Names and phones are left out. See docs/assistant.md.

    Example:  VIPRECO_TOKEN=vpr_live_... vipreco mcp
    """
    from vipreco.project import Project

    project = Project.find()
    settings = project.settings.assistant
    if not settings.enabled:
        raise UsageError(
            "the tools for assistants are switched off",
            where="assistant.enabled",
            remedy="the bank decides: set enabled = true under [assistant] of vipreco.toml",
            code="assistant-off",
        )
    if find_spec("mcp") is None:
        raise UsageError(
            "the library mcp is not installed", remedy="pip install 'vipreco[mcp]'", code="no-mcp"
        )
    project.import_rim(SERVER).serve(settings)
