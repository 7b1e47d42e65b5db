"""Commands for the relationship manager: the call list of the day, and the sheet of one customer."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from vipreco.cli.document_output import DocumentFormat, DocumentOutput, LanguageName
from vipreco.cli.options import AsOfOption, ModelOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.project_inputs import open_model, open_view

PANEL = "Relationship manager"


LanguageOption = Annotated[LanguageName, typer.Option("--language", help="Language of the texts.")]
DocumentOption = Annotated[
    Optional[DocumentFormat],  # noqa: UP045
    typer.Option("--format", help="How it comes out. Without it: by the ending of --out, or a table."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("calllist", rich_help_panel=PANEL)(calllist)
    app.command("sheet", rich_help_panel=PANEL)(sheet)


def calllist(
    manager: Annotated[str, typer.Option("--manager", metavar="ID", help="Whose book.")],
    minutes: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(
            "--minutes",
            min=1,
            max=600,
            metavar="N",
            help="Minutes for calls today. Without it: vipreco.toml.",
        ),
    ] = None,
    language: LanguageOption = LanguageName.en,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: DocumentOption = None,
    out: OutOption = None,
) -> None:
    """Plan the calls of a relationship manager for one day: whom first, why now, what to offer and what not.

    Promised talks come first, then VIP customers whom nobody reached for half a year, then the calls that are
    worth most for their minutes. Who gave no consent to calls, or is cooling off, is counted and not listed.

    Example:  vipreco calllist --manager M00017 --minutes 60
    Example:  vipreco calllist --manager M00017 --language zh --out list.xlsx
    """
    from vipreco.explanations import Explainer
    from vipreco.lists import Audience, Wording, call_list_document, plan_day
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    settings = project.settings.call_list
    settings = settings if minutes is None else settings.model_copy(update={"minutes": minutes})
    say = Wording(language.value)
    with narrated("Call list") as narrator:
        view = Audience(manager=manager).of(open_view(project, as_of))
        explainer = Explainer(open_model(project, model, narrator))
        vip = project.settings.tiers.vip
        day = plan_day(explainer, view, vip, settings, step=narrator.say)
        document = call_list_document(day, manager, model or "champion", say)
    output.write(document)


def sheet(
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="Id of the customer.")],
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Who asks: only customers of this book are shown."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="Most offers.")] = 3,
    language: LanguageOption = LanguageName.en,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: DocumentOption = None,
    out: OutOption = None,
) -> None:
    """Show the sheet of one customer: who, may I sell, what happened, holdings, offers, and why not others.

    Example:  vipreco sheet --customer 0012345678 --manager M00017
    Example:  vipreco sheet --customer 0012345678 --language zh --out sheet.pdf
    """
    from vipreco.explanations import Explainer
    from vipreco.lists import Wording, check_book, customer_day, sheet_document
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    settings = project.settings.call_list.model_copy(update={"offers": top})
    say = Wording(language.value)
    with narrated("Sheet") as narrator:
        view = open_view(project, as_of)
        if manager is not None:
            check_book(view, customer, manager)
        explainer = Explainer(open_model(project, model, narrator))
        day = customer_day(explainer, view, customer, project.settings.tiers.vip, settings)
        document = sheet_document(day, model or "champion", say)
    output.write(document)
