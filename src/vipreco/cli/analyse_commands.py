"""The command that says why the offers are as they are, and what came of them."""

from __future__ import annotations

import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.document_output import DocumentFormat, DocumentOutput
from vipreco.cli.explainers import open_explainer
from vipreco.cli.options import (
    AsOfOption,
    Format,
    FormatOption,
    HindsightOption,
    ModelOption,
    OutOption,
    read_date,
)
from vipreco.cli.progress import narrated
from vipreco.cli.project_inputs import open_model, open_view, tell_hindsight
from vipreco.cli.table_output import TableOutput

if TYPE_CHECKING:
    import polars as pl

    from vipreco.history import View
    from vipreco.project import Project

PANEL = "Branch"
NOTHING_LOGGED = (
    "note: no campaign was run (`vipreco campaign run`), and no contact names an answered decision: there is "
    "no logged offer whose outcome could be told"
)


class Topic(StrEnum):
    """Subject of an analysis."""

    funnel = "funnel"
    products = "products"
    acceptance = "acceptance"
    outcomes = "outcomes"
    answers = "answers"
    sensitivity = "sensitivity"
    reasons = "reasons"


class By(StrEnum):
    """Dimension of acceptance."""

    product = "product"
    family = "family"
    channel = "channel"
    tier = "tier"
    branch = "branch"
    manager = "manager"
    month = "month"
    position = "position"
    chance = "chance"


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("analyse", rich_help_panel=PANEL)(analyse)


def analyse(
    topic: Annotated[Topic, typer.Argument(help="What is analysed.")],
    by: Annotated[
        By, typer.Option("--by", help="Acceptance or outcomes by this; managers by their id, never by rank.")
    ] = By.product,
    product: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--product", metavar="ID", help="With `products`: this one against the others."),
    ] = None,
    since: Annotated[
        Optional[datetime.date],  # noqa: UP045
        typer.Option(
            "--since",
            metavar="DATE",
            parser=read_date,
            help="With `acceptance`: only contacts of this day and later.",
        ),
    ] = None,
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--manager", metavar="ID", help="Only the book of this relationship manager."),
    ] = None,
    vip: Annotated[bool, typer.Option("--vip", help="Only the VIP tiers of vipreco.toml.")] = False,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="Offers of a customer.")] = 3,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    hindsight: HindsightOption = False,
    kind: FormatOption = None,
    out: OutOption = None,
    plot: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--plot", metavar="FILE", help="Draw the table too, as .png or .svg."),
    ] = None,
) -> None:
    """Say why the offers are as they are, and what came of past ones.

    funnel: what each stage and rule stops, in pairs of customer and product, customers and expected value.
    products: which product is offered first where the rules allow others too, and by how much.
    acceptance: answers that were a yes, with limits; groups with few answers are marked.
    outcomes: answers to the offers of campaigns and answered decisions, by position, channel, chance or
    product; where a campaign made random offers, corrected for what was shown to whom.
    answers: what these answers teach beyond the chances that were told, by position, channel and family, and
    whether it holds for customers who were not learnt from.
    sensitivity: what changes when one factor is left out. reasons: offers and value by the first reason.

    Example:  vipreco analyse funnel --vip
    Example:  vipreco analyse products --product W202 --out duels.xlsx
    Example:  vipreco analyse acceptance --by channel --plot channels.png
    """
    from vipreco.analytics import as_document
    from vipreco.export import with_currency
    from vipreco.lists import Audience
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    target = _plot_target(plot)
    project = Project.find()
    audience = Audience(manager=manager, tiers=project.settings.tiers.vip if vip else None)
    with narrated("Analysis") as narrator:
        view = audience.of(open_view(project, as_of))
        if topic is Topic.acceptance:
            rows = _acceptance(view, by, since)
        elif topic is Topic.outcomes:
            rows = _outcomes(project, view, by)
        elif topic is Topic.answers:
            rows = _answers(project, view)
        else:
            from vipreco.analytics import analyse as analysed

            recommender = open_model(project, model, narrator)
            tell_hindsight(recommender, view.date, allowed=hindsight)
            explainer = open_explainer(project, recommender)
            found = analysed(explainer, view, [topic.value], top, narrator.say)
            rows = found.tables[topic.value]
    if product is not None:
        rows = _of_product(rows, product)
    name, currency = _layout(topic, by), project.settings.project.currency
    if output.kind is Format.table:
        DocumentOutput(DocumentFormat.table, output.path).write(as_document(name, rows, currency))
    else:
        output.write(with_currency(rows, currency))
    if target is not None:
        _draw(name, rows, target)


def _acceptance(view: View, by: By, since: datetime.date | None) -> pl.DataFrame:
    from vipreco.analytics import acceptance

    return acceptance(view, by.value, since)


def _outcomes(project: Project, view: View, by: By) -> pl.DataFrame:
    """Return outcomes of the offers that campaigns and decisions logged; say what they rest on."""
    from vipreco.analytics import SELECTION, offer_outcomes

    rows = offer_outcomes(*_logged(project, view), by.value)
    if rows.is_empty():
        typer.echo(NOTHING_LOGGED, err=True)
    for note in SELECTION:
        typer.echo(f"note: {note}", err=True)
    return rows


def _answers(project: Project, view: View) -> pl.DataFrame:
    """Return what the answers to logged offers teach; say what it is worth and what it rests on."""
    import polars as pl

    from vipreco.analytics import CHOSEN, learn_answers

    products = pl.DataFrame(pl.from_arrow(view.query("SELECT product_id, family FROM products")))
    found = learn_answers(*_logged(project, view), products.unique("product_id"), project.seed)
    typer.echo(found.sentence(), err=True)
    typer.echo(f"note: {CHOSEN}", err=True)
    return found.terms


def _logged(project: Project, view: View) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the offers that campaigns and decisions logged, and the contacts that name one of them."""
    from vipreco.campaign import CampaignFolder, logged_offers, outcome_contacts
    from vipreco.store import Store

    with Store.open(project.store_url) as store:
        offers = logged_offers(store, CampaignFolder(project.root / project.settings.campaign.folder))
        return offers, outcome_contacts(view, store)


def _layout(topic: Topic, by: By) -> str:
    """Return the name of the columns of a table."""
    if topic is Topic.outcomes:
        return f"outcomes by {by.value}"
    return by.value if topic is Topic.acceptance else topic.value


def _of_product(rows: pl.DataFrame, product: str) -> pl.DataFrame:
    import polars as pl

    if "product_id" not in rows.columns or "other_id" not in rows.columns:
        raise typer.BadParameter("--product goes with `products`")
    return rows.filter(pl.col("product_id") == product)


def _plot_target(plot: Path | None) -> Path | None:
    """Check where the plot goes before any work is done."""
    from vipreco.export import check_target, format_of

    if plot is not None:
        format_of(plot, ("png", "svg"))
        check_target(plot)
    return plot


def _draw(topic: str, rows: pl.DataFrame, target: Path) -> None:
    from vipreco.analytics import plot
    from vipreco.backtest import save_figure

    save_figure(plot(topic, rows), target)
    typer.echo(f"plot written to {target}", err=True)
