"""The command for the figures of a branch, and the customers behind each."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import asdict, astuple, dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.document_output import DocumentFormat, DocumentOutput, LanguageName
from vipreco.cli.options import AsOfOption, Format, HindsightOption, ModelOption, OutOption
from vipreco.cli.progress import Narrator, narrated
from vipreco.cli.project_inputs import model_in_force, open_history, tell_hindsight
from vipreco.cli.store_session import audited_read, business_moment, moved_customers, open_session
from vipreco.cli.table_output import TableOutput
from vipreco.errors import UsageError

if TYPE_CHECKING:
    import polars as pl

    from vipreco.documents import Document
    from vipreco.history import History, View
    from vipreco.kpi import Figure, FigureRows
    from vipreco.lists import Wording
    from vipreco.project import Project
    from vipreco.recommender import ModelInForce

PANEL = "Branch"
NO_VERSION = "no-version"
WRITTEN_OUT = frozenset({"table", "pdf"})  # formats for people; the others hold bare numbers


class KpiFormat(StrEnum):
    """Format of figures."""

    table = "table"
    csv = "csv"
    xlsx = "xlsx"
    pdf = "pdf"
    json = "json"
    parquet = "parquet"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("kpi", rich_help_panel=PANEL)(kpi)


def kpi(
    figure: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[FIGURE]", help="One figure by month; without it all of them."),
    ] = None,
    branch: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--branch", metavar="ID", help="Only customers of this branch."),
    ] = None,
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Only the book of this relationship manager."),
    ] = None,
    customers: Annotated[
        bool, typer.Option("--customers", help="The customers behind FIGURE, in its newest month.")
    ] = False,
    month: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--month", metavar="YYYY-MM", help="With --customers: another month."),
    ] = None,
    managers: Annotated[
        bool,
        typer.Option("--managers", help="FIGURE by manager, by id with limits: for help, not for ranking."),
    ] = False,
    definitions: Annotated[bool, typer.Option("--definitions", help="What each figure counts.")] = False,
    refused: Annotated[
        bool,
        typer.Option("--refused", help="Offers that customers did not want in the last year, by cause."),
    ] = False,
    language: Annotated[
        LanguageName, typer.Option("--language", help="Language of the texts.")
    ] = LanguageName.en,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    hindsight: HindsightOption = False,
    kind: Annotated[
        Optional[KpiFormat],  # noqa: UP045
        typer.Option("--format", help="Format; default: by the ending of --out, else a table."),
    ] = None,
    out: OutOption = None,
) -> None:
    """Show the figures of a branch: VIP customers, used products, asset flow, drain, contacts.

    Every figure opens the customers behind it. A figure that the tables do not carry says what is missing.
    Customers who were handed over count for their new manager at once.

    Example:  vipreco kpi --branch 0001
    Example:  vipreco kpi vip_left --branch 0001 --customers --out left.xlsx
    Example:  vipreco kpi not_reached_3_months --managers
    Example:  vipreco kpi --refused --branch 0001
    """
    from vipreco.export import with_currency
    from vipreco.kpi import (
        customer_list,
        definitions_document,
        figure_named,
        kpi_texts,
    )
    from vipreco.lists import Wording
    from vipreco.project import Project

    chosen = None if figure is None else figure_named(figure)
    if chosen is None and (customers or managers or month):
        raise typer.BadParameter("name a figure: vipreco kpi FIGURE --customers")
    output = _Output.planned(kind, out, rows=customers or refused)
    if refused:
        output.write(None, _refused_offers(branch, manager))
        return
    if definitions:
        document = definitions_document(Wording(language.value, kpi_texts()))
        output.write(document, document.parts[0].rows)
        return
    project = Project.find()
    say = Wording(language.value, kpi_texts(), project.settings.project.currency)
    question = _Question(project, branch, manager, chosen, as_of, model, hindsight)
    with narrated("Figures") as narrator:
        if chosen is not None and customers:
            with audited_read(project, "kpi.customers", f"{chosen.key} {question.scope_name}"):
                view = question.view()
            found = customer_list(question.rows(view, narrator), chosen, _month(month))
            output.write(None, with_currency(found, project.settings.project.currency))
            return
        rows = question.rows(question.view(), narrator)
    document = question.document(rows, say, managers=managers)
    output.write(document, question.numbers(rows, managers=managers))


@dataclass(frozen=True)
class _Question:
    """Which figures are wanted, of whom, as of when."""

    project: Project
    branch: str | None
    manager: str | None
    figure: Figure | None
    as_of: datetime.date | None
    model: str | None
    hindsight: bool

    @property
    def scope_name(self) -> str:
        """The customers, as the audit names them."""
        named = {"branch": self.branch, "manager": self.manager}
        return " ".join(f"{name}:{value}" for name, value in named.items() if value) or "all"

    def scope(self, say: Wording) -> str:
        """Return whose figures these are, in words."""
        names = [say("kpi.branch", branch=self.branch)] if self.branch else []
        names += [say("kpi.manager", manager=self.manager)] if self.manager else []
        return say.joined(names) or say("kpi.bank")

    @cached_property
    def history(self) -> History:
        """The tables of the project."""
        return open_history(self.project)

    def view(self) -> View:
        """Return the view of the whole bank: moves are counted before a branch is cut out."""
        from vipreco.lists import view_at

        return view_at(self.history, self.as_of)

    def rows(self, view: View, narrator: Narrator) -> FigureRows:
        """Return the rows behind the figures.

        Raises:
            UsageError: No customer of the tables was ever of this branch or manager.
        """
        from vipreco.engines import PartedBank, open_engine
        from vipreco.kpi import FIGURES, FigureInputs, FigureRequest, check_scope, figures_in_parts

        settings = self.project.settings
        keys = list(FIGURES) if self.figure is None else [self.figure.key]
        model, missing = self._model(view, narrator) if _need_model(keys) else (None, "")
        moved = moved_customers(self.project, view, self.as_of)
        check_scope(view, self.branch, self.manager, moved)
        inputs = FigureInputs(settings.tiers, settings.call_list, settings.kpi).record()
        with open_engine(self.project, self.history, narrator.count, narrator.say) as (engine, tables):
            request = FigureRequest(
                view.date.isoformat(),
                inputs,
                keys,
                None if model is None else asdict(model),
                missing,
                self.branch,
                self.manager,
                moved,
            )
            return figures_in_parts(PartedBank(engine, tables, narrator.count), request)

    def numbers(self, rows: FigureRows, *, managers: bool) -> pl.DataFrame:
        """Return the bare numbers."""
        from vipreco.export import with_currency
        from vipreco.kpi import FIGURES, by_manager, measures

        keys = list(FIGURES) if self.figure is None else [self.figure.key]
        found = by_manager(rows, keys[0]) if managers else measures(rows, keys)
        return with_currency(found, self.project.settings.project.currency)

    def document(self, rows: FigureRows, say: Wording, *, managers: bool) -> Document:
        """Return the figures as people read them."""
        from vipreco.kpi import figure_document, overview_document

        if self.figure is None:
            return overview_document(rows, self.scope(say), say)
        return figure_document(rows, self.figure, self.scope(say), say, managers=managers)

    def _model(self, view: View, narrator: Narrator) -> tuple[ModelInForce | None, str]:
        """Return the model that tells what to expect, or None and why; no cause where none is trained yet."""
        try:
            recommender, model = model_in_force(self.project, self.model, narrator, self.history)
        except UsageError as error:
            if self.model is not None or error.code != NO_VERSION:
                raise
            return None, ""
        try:
            tell_hindsight(recommender, view.date, allowed=self.hindsight)
        except UsageError as error:
            if self.figure is not None:
                raise
            return None, error.code
        return model, ""


@dataclass(frozen=True)
class _Output:
    """Format and target, checked before any work is done: a document for people, or bare numbers."""

    document: DocumentOutput | None
    table: TableOutput | None

    @classmethod
    def planned(cls, kind: KpiFormat | None, out: Path | None, *, rows: bool) -> _Output:
        """Check `--format` and `--out`; `rows`: a list of customers, which is never a document."""
        from vipreco.export import format_of

        named = KpiFormat(format_of(out, list(KpiFormat))) if kind is None and out is not None else kind
        chosen = named or KpiFormat.table
        if rows and chosen is KpiFormat.pdf:
            raise typer.BadParameter("customers are listed as table, csv, xlsx, json or parquet")
        if chosen in WRITTEN_OUT and not rows:
            return cls(DocumentOutput.planned(DocumentFormat(chosen.value), out), None)
        return cls(None, TableOutput.planned(Format(chosen.value), out))

    def write(self, document: Document | None, table: pl.DataFrame) -> None:
        """Write the one that the format asks for."""
        if self.document is not None and document is not None:
            self.document.write(document)
        elif self.table is not None:
            self.table.write(table)


def _refused_offers(branch: str | None, manager: str | None) -> pl.DataFrame:
    """Return the marks of offers in the last year by product and cause, of a branch, a book, or the bank."""
    import polars as pl

    from vipreco.store import Role, Scope

    with open_session() as session:
        role = Role.BRANCH_HEAD if branch else Role.MANAGER if manager else Role.MARKETING
        scope = Scope(session.actor, role, manager, None, branch)
        found = session.store.feedback.refused(scope, business_moment(session.project).date())
    columns = {"product_id": pl.String(), "cause": pl.String(), "customers": pl.Int64()}
    return pl.DataFrame([astuple(one) for one in found], columns, orient="row")


def _need_model(keys: Collection[str]) -> bool:
    from vipreco.kpi import FIGURES

    return any(not FIGURES[key].sql for key in keys)


def _month(text: str | None) -> datetime.date | None:
    if text is None:
        return None
    try:
        return datetime.date.fromisoformat(f"{text}-01")
    except ValueError as error:
        raise typer.BadParameter("write a month as 2026-01", param_hint="--month") from error
