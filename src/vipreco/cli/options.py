"""Options that several commands share, each described once."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Optional

import typer

DATE_FORM = "%Y-%m-%d"


class Format(StrEnum):
    """Format of a list."""

    table = "table"
    csv = "csv"
    xlsx = "xlsx"
    json = "json"
    parquet = "parquet"


class Channel(StrEnum):
    """Channel of an offer."""

    branch = "branch"
    call = "call"
    sms = "sms"
    app = "app"


def read_date(text: str) -> datetime.date:
    """Return the date that `text` writes as year-month-day; other ways of writing one are refused."""
    try:
        return datetime.datetime.strptime(text, DATE_FORM).date()  # noqa: DTZ007  a day has no time zone
    except ValueError as error:
        raise typer.BadParameter("write a date as 2026-01-31") from error


CampaignKey = Annotated[str, typer.Argument(metavar="KEY", help="Key of the campaign.")]
# typer reads these annotations when the command starts, hence Optional instead of the union by a bar.
AsOfOption = Annotated[
    Optional[datetime.date],  # noqa: UP045
    typer.Option(
        "--as-of",
        metavar="DATE",
        parser=read_date,
        help="Use only what was known on this date, such as 2015-05-28; default: the newest snapshot.",
    ),
]
HindsightOption = Annotated[
    bool,
    typer.Option(
        "--hindsight", help="Allow a past date of which the model learnt what came after; the list says so."
    ),
]
FormatOption = Annotated[
    Optional[Format],  # noqa: UP045
    typer.Option("--format", help="Format; default: by the ending of --out, else a table."),
]
OutOption = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option(
        "--out", metavar="FILE", help="Write the list into this file; an existing file is replaced."
    ),
]
ChannelOption = Annotated[
    Channel, typer.Option("--channel", help="Channel of the offers; each has rules of its own.")
]
ModelOption = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--model", metavar="VERSION", help="Version, alias or artifact folder; default: the champion."
    ),
]
