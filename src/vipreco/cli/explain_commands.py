"""Commands about reasons: explain offers, check reasons, replay a decision."""

from __future__ import annotations

import datetime
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.document_output import LanguageName
from vipreco.cli.options import (
    AsOfOption,
    Channel,
    ChannelOption,
    Format,
    FormatOption,
    HindsightOption,
    ModelOption,
    OutOption,
)
from vipreco.cli.progress import narrated
from vipreco.cli.store_session import arranged, audited_read, business_moment, manager_book, open_session
from vipreco.cli.table_output import TableOutput
from vipreco.errors import EXIT_INTEGRITY, UsageError

if TYPE_CHECKING:
    import polars as pl

    from vipreco.assurance import ReasonCheck
    from vipreco.history import View
    from vipreco.policy import Language
    from vipreco.project import Project
    from vipreco.recommender import Recommender

PANEL = "Offers"
SAMPLE = 300
EXPLAIN_COLUMNS = ("product_name", "rank", "propensity", "reason", "unlocked_by")


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("explain", rich_help_panel=PANEL)(explain)
    app.command("replay", rich_help_panel=PANEL)(replay)


def explain(
    customer: Annotated[
        Optional[str],  # noqa: UP045
        typer.Argument(metavar="[CUSTOMER]", help="Id of the customer.", show_default=False),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Check the reasons of many customers instead of showing one's.")
    ] = False,
    manager: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--manager",
            metavar="ID",
            help="Relationship manager who asks; only customers of this book are shown.",
        ),
    ] = None,
    customers: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--customers", metavar="FILE", help="With --check: check the ids in this file."),
    ] = None,
    sample: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option("--sample", min=1, metavar="N", help=f"With --check: N customers, {SAMPLE} by default."),
    ] = None,
    bank: Annotated[
        bool,
        typer.Option("--bank", help="With --check: all customers, and count how good the reasons are."),
    ] = False,
    feedback: Annotated[
        bool,
        typer.Option("--feedback", help="Show which templates of reasons were marked as not useful."),
    ] = False,
    receipt: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--receipt", metavar="FILE", help="Also write the decision as a receipt."),
    ] = None,
    language: Annotated[LanguageName, typer.Option("--language", help="Language of the texts.")] = (
        LanguageName.en
    ),
    channel: ChannelOption = Channel.branch,
    top: Annotated[int, typer.Option("--top", min=1, metavar="N", help="Offers of each customer.")] = 3,
    as_of: AsOfOption = None,
    hindsight: HindsightOption = False,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Explain one customer's offers: reasons, why not the others, and what would unlock them.

    Each reason cites facts of the customer by table, column, date and value. --check reads every cited fact
    again from the stored rows, without the features, and computes the score without the evidence of each
    reason, to see whether it falls. A wrong fact gives exit code 6. --feedback counts the marks of the last
    year by template and cause; a template that was marked for 20 customers keeps half of its weight.

    Example:  vipreco explain 0012345678 --as-of 2025-11-30 --hindsight
    Example:  vipreco explain 0012345678 --receipt receipt.json && vipreco replay receipt.json
    Example:  vipreco explain --check --manager M00017
    Example:  vipreco explain --check --bank
    Example:  vipreco explain --feedback
    """
    from vipreco.export import check_target
    from vipreco.project import Project

    if (customer is not None) + check + feedback != 1:
        raise typer.BadParameter("name one customer, or give --check or --feedback")
    if customer is None and receipt is not None:
        raise typer.BadParameter("a receipt is about one customer; name the customer")
    output, project = TableOutput.planned(kind, out), Project.find()
    if feedback:
        output.write(_feedback_table())
        return
    if receipt is not None:
        check_target(receipt)
    request = ExplainRequest(project, as_of, model, channel.value, top, language.value, hindsight)
    if customer is not None:
        output.write(_explain_one(request, customer, manager, receipt), EXPLAIN_COLUMNS)
        return
    found = _check_many(request, customers, manager, sample, everybody=bank)
    output.write(found.quality if bank else found.table())
    typer.echo(found.summary, err=True)
    found.require_true_facts()


@dataclass(frozen=True)
class ExplainRequest:
    """Project, date, model, channel, number of offers, language, and whether the model may know more."""

    project: Project
    as_of: datetime.date | None
    model: str | None
    channel: str
    top: int
    language: Language
    hindsight: bool


def _explain_one(
    request: ExplainRequest, customer: str, manager: str | None, target: Path | None
) -> pl.DataFrame:
    """Return one customer's sheet; with a target, write the receipt as well."""
    from vipreco.cli.explainers import open_explainer
    from vipreco.cli.project_inputs import open_history, open_model, tell_hindsight
    from vipreco.lists import explanation_table, view_at

    with narrated("Explaining") as narrator:
        with audited_read(request.project, "explanation.read", customer=customer):
            history = open_history(request.project)
            view: View = view_at(history, request.as_of)
            if manager is not None:
                manager_book(request.project, manager, view, request.as_of).check(view, customer)
        recommender = open_model(request.project, request.model, narrator, history)
        tell_hindsight(recommender, view.date, allowed=request.hindsight)
        if target is not None:
            _write_receipt(request, recommender, view, customer, target)
        explainer = open_explainer(request.project, recommender)
        return explanation_table(explainer, view, customer, request.top, request.channel, request.language)


def _write_receipt(
    request: ExplainRequest, recommender: Recommender, view: View, customer: str, target: Path
) -> None:
    from vipreco.artifact import verify
    from vipreco.assurance import ReceiptQuestion, receipt
    from vipreco.cli.explainers import reason_weights
    from vipreco.cli.project_inputs import model_folder
    from vipreco.durable import write_bytes

    question = ReceiptQuestion(
        customer_id=customer,
        as_of=view.date,
        channel=request.channel,
        top=request.top,
        language=request.language,
        reason_weights=reason_weights(request.project),
        currency=request.project.settings.project.currency,
    )
    artifact_hash = verify(model_folder(request.project, request.model)).artifact_hash
    write_bytes(target, receipt(recommender, view, question, artifact_hash, view.snapshot_id))
    typer.echo(f"receipt written to {target}", err=True)


def _check_many(
    request: ExplainRequest,
    listed: Path | None,
    manager: str | None,
    sample: int | None,
    *,
    everybody: bool,
) -> ReasonCheck:
    """Check the reasons of the customers of a file, of a book, of a sample, or of the whole bank."""
    from vipreco.assurance import check_reasons
    from vipreco.cli.project_inputs import open_history, open_model
    from vipreco.lists import Audience, read_customers, sampled, view_at
    from vipreco.tables import Tables

    with narrated("Checking reasons") as narrator:
        history = open_history(request.project)
        view: View = view_at(history, request.as_of)
        if listed is not None or manager is not None:
            ids = read_customers(listed) if listed else None
            view = arranged(request.project, Audience(ids, manager), view, request.as_of).of(view)
        if sample is not None or (listed is None and manager is None and not everybody):
            view = sampled(view, sample or SAMPLE, request.project.seed)
        recommender = open_model(request.project, request.model, narrator, history)
        known = recommender.context(view, request.channel)
        narrator.say("reasons")
        tables = Tables.open(request.project.tables, view.snapshot_id, request.project.signatures)
        return check_reasons(recommender, known, tables, request.top)


def _feedback_table() -> pl.DataFrame:
    """Return the marks of the last year by template and cause, with the share of the weight that is left."""
    import polars as pl

    with open_session() as session:
        day = business_moment(session.project).date()
        marked, weights = session.store.feedback.marked(day), session.store.feedback.weights(day)
    rows = [
        (one.reason_id or "(the offer)", one.cause, one.marks, one.customers, weights.get(one.reason_id))
        for one in marked
    ]
    texts = dict.fromkeys(("template", "cause"), pl.String())
    counts = dict.fromkeys(("marks", "customers"), pl.Int64())
    return pl.DataFrame(rows, {**texts, **counts, "weight_left": pl.Float64()}, orient="row")


def replay(
    file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Argument(metavar="[FILE]", help="A receipt of `explain --receipt`.", show_default=False),
    ] = None,
    decision: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--decision", metavar="ID", help="An answer or a list, by its decision id."),
    ] = None,
    model: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--model", metavar="FOLDER", help="Artifact folder, if it is not in this project."),
    ] = None,
    kind: FormatOption = None,
) -> None:
    """Repeat a decision with the model, tables, rules and store of that time, and compare.

    A receipt is compared byte by byte; an answer of the service, a list of a command or of the page by its
    rows, numbers and features. Later imports make no difference: all name their snapshot. Exit code 6 names
    the first difference.

    Example:  vipreco replay receipt.json
    Example:  vipreco replay --decision 0a1b2c3d4e5f60718293a4b5c6d7e8f9
    """
    from vipreco.assurance import ReplayInputs, read_receipt, replay as decide_again
    from vipreco.cli.project_inputs import folder_of_hash, model_folder, open_tables
    from vipreco.project import Project

    if (file is None) == (decision is None):
        raise typer.BadParameter("name either a receipt or, with --decision, an answer")
    if decision is not None:
        _replay_answer(decision, as_json=kind is Format.json)
        return
    assert file is not None  # noqa: S101  by the check above
    content, head = read_receipt(file)
    project = Project.find()
    with narrated("Replaying"):
        folder = (
            model_folder(project, str(model)) if model else folder_of_hash(project, head.origin.artifact_hash)
        )
        open_tables(project)
        decide_again(content, head, ReplayInputs(folder, project.tables, project.threads))
    typer.echo(f"identical: {len(content):,} bytes, snapshot {head.origin.snapshot_id}")


def _replay_answer(decision_id: str, *, as_json: bool) -> None:
    """Decide again what the service answered; the store's copy of the answer is what is compared."""
    from vipreco.cli.decision_again import decided_again
    from vipreco.durable import canonical_json
    from vipreco.store import Role, Scope

    with open_session() as session:
        found = session.store.decisions.read(Scope(session.actor, Role.AUDITOR), decision_id)
        if found is None:
            raise UsageError("there is no such decision in the store", where="--decision", code="no-decision")
        with session.audited("decision.replay") as entry:
            about = found.customer_id
            entry.object = session.keys().pseudonym_of(about) if about else decision_id
        again = decided_again(session.project, session.store, found)
    if as_json:
        typer.echo(canonical_json(asdict(again)).decode(), nl=False)
        return
    for line in (*again.notes, *again.differences):
        typer.echo(line)
    typer.echo("identical" if again.identical else "different")
    if not again.identical:
        raise typer.Exit(EXIT_INTEGRITY)
