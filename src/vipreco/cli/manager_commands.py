"""Commands for the relationship manager: the call list of the day, and the sheet of one customer."""

from __future__ import annotations

from typing import Annotated, Optional

import typer

from vipreco.cli.directory_commands import directory_of
from vipreco.cli.document_output import DocumentFormat, DocumentOutput, LanguageName
from vipreco.cli.explainers import open_explainer, reason_weights
from vipreco.cli.list_log import CALL_LIST, SHEET, ListSource, log_list
from vipreco.cli.options import AsOfOption, HindsightOption, ModelOption, OutOption
from vipreco.cli.progress import narrated
from vipreco.cli.project_inputs import model_in_force, open_history, open_model, tell_hindsight
from vipreco.cli.store_session import audited_read, manager_book

PANEL = "Relationship manager"


LanguageOption = Annotated[LanguageName, typer.Option("--language", help="Language of the texts.")]
DocumentOption = Annotated[
    Optional[DocumentFormat],  # noqa: UP045
    typer.Option("--format", help="Format. Without it: by the ending of --out, or a table."),
]


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("calllist", rich_help_panel=PANEL)(calllist)
    app.command("book", rich_help_panel=PANEL)(book)
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
    days: Annotated[
        int, typer.Option("--days", min=1, max=60, metavar="N", help="Working days to show, today included.")
    ] = 1,
    language: LanguageOption = LanguageName.en,
    as_of: AsOfOption = None,
    hindsight: HindsightOption = False,
    model: ModelOption = None,
    kind: DocumentOption = None,
    out: OutOption = None,
) -> None:
    """Plan the calls of a relationship manager for one day: order, reason to call, offers, and what to avoid.

    Today's list is the first day of a plan over the coming working days: every duty (agreed talks, contact
    with VIP customers, maturities, risk assessments) meets its deadline or is named, and each day has the
    calls with the greatest expected value. Customers without consent to calls, or in a cooling-off period,
    are counted and not listed.

    Example:  vipreco calllist --manager M00017 --minutes 60
    Example:  vipreco calllist --manager M00017 --days 10
    Example:  vipreco calllist --manager M00017 --language zh --out list.xlsx
    """
    from vipreco.assurance import made_of_day, rows_of_calls
    from vipreco.explanations import Explainer
    from vipreco.lists import Wording, call_list, call_list_document, plan_day, view_at
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    settings = project.settings.call_list
    wanted = {"minutes": minutes or settings.minutes, "plan_days": max(days, settings.plan_days)}
    settings = settings.model_copy(update=wanted)
    say = Wording(language.value, currency=project.settings.project.currency)
    with narrated("Call list") as narrator:
        with audited_read(project, "list.read", f"manager:{manager}"):
            history = open_history(project)
            whole = view_at(history, as_of)
            known = manager_book(project, manager, whole, as_of)
            view = known.audience(whole).of(whole)
        recommender, in_force = model_in_force(project, model, narrator, history)
        tell_hindsight(recommender, view.date, allowed=hindsight)
        weights = reason_weights(project)
        explainer, vip = Explainer(recommender, weights), project.settings.tiers.vip
        availability = known.availability_in(view)
        day = plan_day(explainer, view, vip, settings, step=narrator.say, availability=availability)
        listed = call_list(day, manager, model or "champion", say, days=days)
        document = call_list_document(listed, say, directory_of(project, day.rows))
        question = {
            "manager": manager,
            **({} if known.is_of_tables else {"customers": list(day.rows)}),
            **{name: getattr(settings, name) for name in ("minutes", "plan_days")},
            **availability.record(),
        }
        source = ListSource(project, recommender, in_force, view, weights)
        log_list(source, CALL_LIST, question, made_of_day(day, rows_of_calls(listed)))
    output.write(document)


def book(
    manager: Annotated[str, typer.Option("--manager", metavar="ID", help="Manager of the book.")],
    language: LanguageOption = LanguageName.en,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    hindsight: HindsightOption = False,
    kind: DocumentOption = None,
    out: OutOption = None,
) -> None:
    """List all customers of a book, the largest first: assets, chances, next duty, promise, what matures.

    Customers who must not be called are on it, with the reason.

    Example:  vipreco book --manager M00017 --out book.xlsx
    """
    from vipreco.lists import Wording, book_document, book_overview, plan_day, view_at
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    say = Wording(language.value, currency=project.settings.project.currency)
    with narrated("Book") as narrator:
        with audited_read(project, "book.read", f"manager:{manager}"):
            history = open_history(project)
            whole = view_at(history, as_of)
            known = manager_book(project, manager, whole, as_of)
            view = known.audience(whole).of(whole)
        recommender = open_model(project, model, narrator, history)
        tell_hindsight(recommender, view.date, allowed=hindsight)
        explainer = open_explainer(project, recommender)
        vip = project.settings.tiers.vip
        availability = known.availability_in(view)
        settings = project.settings.call_list
        day = plan_day(explainer, view, vip, settings, step=narrator.say, availability=availability)
        people = directory_of(project, day.rows)
        document = book_document(book_overview(day, say), manager, day.date, say, people)
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
    hindsight: HindsightOption = False,
    model: ModelOption = None,
    kind: DocumentOption = None,
    out: OutOption = None,
) -> None:
    """Show the sheet of one customer: profile, suitability and consent, contacts, holdings and offers.

    Example:  vipreco sheet --customer 0012345678 --manager M00017
    Example:  vipreco sheet --customer 0012345678 --language zh --out sheet.pdf
    """
    from vipreco.assurance import made_of_day, rows_of_sheet
    from vipreco.explanations import Explainer
    from vipreco.lists import Wording, customer_day, customer_sheet, sheet_document, view_at
    from vipreco.project import Project

    output = DocumentOutput.planned(kind, out)
    project = Project.find()
    settings = project.settings.call_list.model_copy(update={"offers": top})
    say = Wording(language.value, currency=project.settings.project.currency)
    with narrated("Sheet") as narrator:
        with audited_read(project, "sheet.read", customer=customer):
            history = open_history(project)
            view = view_at(history, as_of)
            known = manager_book(project, manager or "", view, as_of)
            if manager is not None:
                known.check(view, customer)
        recommender, in_force = model_in_force(project, model, narrator, history)
        tell_hindsight(recommender, view.date, allowed=hindsight)
        weights = reason_weights(project)
        explainer = Explainer(recommender, weights)
        day = customer_day(explainer, view, customer, project.settings.tiers.vip, settings)
        person = directory_of(project, [customer]).get(customer)
        shown = customer_sheet(day, model or "champion", say)
        shown = shown.held_by(known.holder(customer, shown.profile.manager_id) or "")
        document = sheet_document(shown, say, person)
        source = ListSource(project, recommender, in_force, view, weights)
        made = made_of_day(day, rows_of_sheet(customer, shown))
        log_list(source, SHEET, {"customers": [customer], "top": top}, made)
    output.write(document)
