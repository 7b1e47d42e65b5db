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
    typer.Option("--format", help="Format. Without it: by the ending of --out, or a table."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("calllist", rich_help_panel=PANEL)(calllist)
    app.command("sheet", rich_help_panel=PANEL)(sheet)


def calllist(
    manager: Annotated[str, typer.Option("--manager", metavar="ID", help="Manager of the book.")],
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
    """Plan the calls of a relationship manager for one day: order, reason to call, offers, and what to avoid.

    Agreed follow-ups come first, then VIP customers without contact for half a year, then the calls with the
    greatest expected value for their minutes. Customers without consent to calls, or in a cooling-off
    period, are counted and not listed.

    Example:  vipreco calllist --manager M00017 --minutes 60
    Example:  vipreco calllist --manager M00017 --language zh --out list.xlsx
    """
    from vipreco.explanations import Explainer
    from vipreco.lists import Audience, Wording, call_list, call_list_document, plan_day
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    settings = project.settings.call_list
    settings = settings if minutes is None else settings.model_copy(update={"minutes": minutes})
    say = Wording(language.value, currency=project.settings.project.currency)
    with narrated("Call list") as narrator:
        view = Audience(manager=manager).of(open_view(project, as_of))
        explainer = Explainer(open_model(project, model, narrator))
        vip = project.settings.tiers.vip
        day = plan_day(explainer, view, vip, settings, step=narrator.say)
        document = call_list_document(call_list(day, manager, model or "champion", say), say)
    output.write(document)


def sheet(
    customer: Annotated[str, typer.Option("--customer", metavar="ID", help="Id of the customer.")],
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Show only customers of this manager's book."),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="Maximum number of offers.")] = 3,
    language: LanguageOption = LanguageName.en,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: DocumentOption = None,
    out: OutOption = None,
) -> None:
    """Show the sheet of one customer: profile, suitability and consent, contacts, holdings and offers.

    Example:  vipreco sheet --customer 0012345678 --manager M00017
    Example:  vipreco sheet --customer 0012345678 --language zh --out sheet.pdf
    """
    from vipreco.explanations import Explainer
    from vipreco.lists import Wording, check_book, customer_day, customer_sheet, sheet_document
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    settings = project.settings.call_list.model_copy(update={"offers": top})
    say = Wording(language.value, currency=project.settings.project.currency)
    with narrated("Sheet") as narrator:
        view = open_view(project, as_of)
        if manager is not None:
            check_book(view, customer, manager)
        explainer = Explainer(open_model(project, model, narrator))
        day = customer_day(explainer, view, customer, project.settings.tiers.vip, settings)
        document = sheet_document(customer_sheet(day, model or "champion", say), say)
    output.write(document)
