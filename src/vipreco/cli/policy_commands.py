"""Commands about the rules: check, audit against the law, price, columns."""

from __future__ import annotations

import datetime
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import AsOfOption, Channel, ChannelOption, FormatOption, ModelOption, OutOption
from vipreco.cli.progress import Narrator, narrated
from vipreco.cli.table_output import TableOutput
from vipreco.errors import EXIT_INTEGRITY, UsageError

if TYPE_CHECKING:
    import polars as pl

    from vipreco.assurance import AuditFinding, AuditReport
    from vipreco.history import View
    from vipreco.policy import Policy, PolicyFacts
    from vipreco.project import Project
    from vipreco.recommender import Recommender

RecipeOption = Annotated[
    str,
    typer.Option(
        "--recipe", metavar="RECIPE", help="Recipe whose rules are used if vipreco.toml names none."
    ),
]
LISTED_CUSTOMERS, LISTED_OFFERS, ALONE_CUSTOMERS = 150, 5, 3  # of finished lists that an audit looks at

policy = typer.Typer(help="The rules: check, audit, price.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    policy.command("check")(check)
    policy.command("audit")(audit)
    policy.command("price")(price)
    policy.command("columns")(columns)
    policy.command("show")(show)
    policy.command("diff")(diff)
    app.add_typer(policy, name="policy", rich_help_panel="Offers")


def check(
    recipe: RecipeOption = "default",
    channel: ChannelOption = Channel.branch,
    as_of: AsOfOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Check the rules, alone and against the tables: the effect of each, and which facts are missing.

    A rule of the law stops everything it applies to while the bank does not provide its facts.

    Example:  vipreco policy check --channel call
    """
    from vipreco.cli.project_inputs import open_policy
    from vipreco.policy import NEVER_KNOWN, STOPS_ALL, inspect
    from vipreco.project import Project

    output, project = TableOutput.planned(kind, out), Project.find()
    rules = open_policy(project, recipe)
    with narrated("Checking"):
        facts = _facts_of_tables(project, rules, channel.value, as_of)
        rows = inspect(rules, facts.as_of if facts else as_of or datetime.date.max, facts)
    output.write(rows if output.path else rows.select(rows.columns[:6]))
    for row in rows.filter(rows["state"].is_in([STOPS_ALL, NEVER_KNOWN])).iter_rows(named=True):
        typer.echo(f"warning: {row['rule']}: {row['state']} ({', '.join(row['missing'])})", err=True)
    for row in rows.filter(rows["names_none"].list.len() > 0).iter_rows(named=True):
        names = ", ".join(row["names_none"])
        typer.echo(f"warning: {row['rule']} names unknown products or families: {names}", err=True)
    told = f"policy {rules.version}: {rows.height} rules, {rows['law'].sum()} of them law"
    typer.echo(
        told if facts else f"{told}; no tables were imported, so the rules were checked alone", err=True
    )


def audit(
    draws: Annotated[int, typer.Option(min=100, metavar="N", help="Pairs to judge.")] = 100_000,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Switch off each law in turn, which the audit must notice.")
    ] = False,
    recipe: RecipeOption = "default",
    as_of: AsOfOption = None,
    model: ModelOption = None,
    seed: Annotated[int, typer.Option(help="The same seed draws the same facts.")] = 1,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Judge random customers, products and channels, and compare the verdicts with the law in plain Python.

    Customers are drawn from the tables, if there are any, and given facts from plausible to absurd, many of
    them unknown. Each is judged among all and alone. With a model, its lists of offers and its call list are
    compared with the law as well. Exit code 6: something differs.

    Example:  vipreco policy audit --draws 100000 --mutate
    """
    from vipreco.assurance import audit as run_audit, draw_facts, mutants
    from vipreco.cli.project_inputs import open_policy
    from vipreco.project import Project

    output, project = TableOutput.planned(kind, out), Project.find()
    rules = open_policy(project, recipe)
    with narrated("Auditing") as narrator:
        known = _sample_of_tables(project, rules, as_of, draws // 2, seed)
        day = known[0].as_of if known else as_of or datetime.date(2026, 6, 30)
        drawn = [*known, *draw_facts(rules, day, _rest(draws, known), seed)]
        narrator.say("every customer, among all and alone")
        report = run_audit(rules, drawn)
        narrator.say("each law switched off")
        without = mutants(rules, drawn) if mutate else {}
        report = _with_lists(report, project, rules, model, as_of, seed, narrator) if known else report
    output.write(_audit_rows(rules, report, without))
    unnoticed = [name for name, found in without.items() if found.passed]
    typer.echo(_audit_words(rules, report, without, unnoticed), err=True)
    if not report.passed or unnoticed:
        raise typer.Exit(EXIT_INTEGRITY)


def price(
    overlap: Annotated[bool, typer.Option("--overlap", help="Show which rules stop the same pairs.")] = False,
    channel: ChannelOption = Channel.branch,
    as_of: AsOfOption = None,
    model: ModelOption = None,
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show what each rule stops: customers, pairs and value; as first rule, as only rule, and in all.

    The gain of relaxing a rule is shown for house rules only, not for the law.

    Example:  vipreco policy price --channel call --out price.xlsx
    """
    from vipreco.cli.project_inputs import open_history, open_model
    from vipreco.lists import price as price_of, view_at
    from vipreco.project import Project

    output, project = TableOutput.planned(kind, out), Project.find()
    with narrated("Pricing") as narrator:
        history = open_history(project)
        recommender = open_model(project, model, narrator, history)
        found = price_of(recommender.decide(view_at(history, as_of), channel.value))
    output.write(found.overlap if overlap else found.rules)


def show(recipe: RecipeOption = "default", kind: FormatOption = None, out: OutOption = None) -> None:
    """List the rules of this project in the order in which they are asked: text, source, dates, owner.

    Example:  vipreco policy show --out rules.xlsx
    """
    import polars as pl

    from vipreco.cli.project_inputs import open_policy
    from vipreco.project import Project

    output = TableOutput.planned(kind, out)
    rules = open_policy(Project.find(), recipe)
    rows = [
        {
            "rule": one.entry.id,
            "law": one.entry.law,
            "text": one.entry.text.en,
            "legal_reference": one.entry.legal_reference,
            "valid_from": one.entry.valid_from,
            "valid_until": one.entry.valid_until,
            "owner": one.entry.owner,
            "concerns": one.concerns_sql,
            "requires": one.requires_sql,
        }
        for one in rules.compiled
    ]
    output.write(pl.DataFrame(rows, schema_overrides=dict.fromkeys(("valid_from", "valid_until"), pl.Date)))
    typer.echo(f"policy {rules.version}: {len(rows)} rules", err=True)


def diff(
    before: Annotated[
        str, typer.Argument(metavar="BEFORE", help="Model: version, alias or artifact folder.")
    ],
    after: Annotated[
        Optional[str],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Argument(metavar="AFTER", help="The same; without it the rules of this project."),
    ] = None,
    recipe: RecipeOption = "default",
    kind: FormatOption = None,
    out: OutOption = None,
) -> None:
    """Show which rules differ between two models, or between a model and this project, field by field.

    Example:  vipreco policy diff champion
    Example:  vipreco policy diff 1 2 --out changes.xlsx
    """
    import polars as pl

    from vipreco.cli.project_inputs import model_folder, open_policy
    from vipreco.policy import compare_policies
    from vipreco.project import Project
    from vipreco.recommender import read_policy

    output, project = TableOutput.planned(kind, out), Project.find()
    old = read_policy(model_folder(project, before))
    new = read_policy(model_folder(project, after)) if after else open_policy(project, recipe)
    found = compare_policies(old, new)
    rows = [
        (one.rule, one.change.value, one.law, field.name, field.before, field.after)
        for one in found
        for field in one.fields
    ]
    schema = {"rule": pl.String(), "change": pl.String(), "law": pl.Boolean()}
    texts = dict.fromkeys(("field", "before", "after"), pl.String())
    output.write(pl.DataFrame(rows, {**schema, **texts}, orient="row"))
    typer.echo(f"policy {old.version} to {new.version}: {len(found)} rules differ", err=True)


def columns(kind: FormatOption = None, out: OutOption = None) -> None:
    """List the facts that a rule may use.

    Example:  vipreco policy columns --format csv
    """
    from vipreco.policy import column_table

    TableOutput.planned(kind, out).write(column_table())


def _facts_of_tables(
    project: Project, rules: Policy, channel: str, as_of: datetime.date | None
) -> PolicyFacts | None:
    """Return the facts of all customers; None where nothing was imported and no date is asked for."""
    from vipreco.catalog import Catalog
    from vipreco.cli.project_inputs import open_view
    from vipreco.policy import gather_facts

    try:
        view = open_view(project, as_of)
    except UsageError:
        if as_of is not None:
            raise
        return None
    return gather_facts(view, Catalog.from_view(view), rules, channel)


def _sample_of_tables(
    project: Project, rules: Policy, as_of: datetime.date | None, pairs: int, seed: int
) -> list[PolicyFacts]:
    """Return random customers of the tables in each channel: about so many pairs."""
    found = [_facts_of_tables(project, rules, channel.value, as_of) for channel in Channel]
    each = pairs // len(found)
    return [facts.sample(max(each // facts.shape[1], 1), seed) for facts in found if facts is not None]


def _with_lists(
    report: AuditReport,
    project: Project,
    rules: Policy,
    model: str | None,
    as_of: datetime.date | None,
    seed: int,
    narrator: Narrator,
) -> AuditReport:
    """Add what is wrong in finished lists of a model under these rules; nothing where there is no model."""
    from vipreco.cli.project_inputs import open_model, open_view

    try:
        recommender = open_model(project, model, narrator).with_policy(rules)
    except UsageError:
        if model is not None:
            raise
        return report
    narrator.say("finished lists")
    found = _list_findings(project, recommender, open_view(project, as_of), seed)
    return replace(report, findings=(*report.findings, *found))


def _list_findings(project: Project, recommender: Recommender, view: View, seed: int) -> list[AuditFinding]:
    import polars as pl

    from vipreco.assurance import audit_alone, audit_listed, sampled_view
    from vipreco.explanations import Explainer
    from vipreco.lists import plan_day

    part = sampled_view(view, LISTED_CUSTOMERS, seed)
    found: list[AuditFinding] = []
    for channel in Channel:
        decisions = list(recommender.decide(part, channel.value))
        found += audit_listed(decisions, pl.concat([one.offers(LISTED_OFFERS) for one in decisions]))
    day = plan_day(Explainer(recommender), part, project.settings.tiers.vip, project.settings.call_list)
    called = day.offers.filter(pl.col("customer_id").is_in(day.today["customer_id"].implode()))
    found += audit_listed(recommender.decide(part, Channel.call.value), called)
    return found + audit_alone(recommender, part, Channel.call.value, ALONE_CUSTOMERS, seed)


def _rest(draws: int, known: list[PolicyFacts]) -> int:
    return draws - sum(facts.shape[0] * facts.shape[1] for facts in known)


def _audit_rows(rules: Policy, report: AuditReport, without: dict[str, AuditReport]) -> pl.DataFrame:
    """Return a row a law: how often it was put to the test, what was wrong, and if its absence is noticed."""
    import polars as pl

    from vipreco.assurance import law_rules

    wrong: dict[str, str] = {}
    for item in report.findings:
        told = f"{item.what}: {item.pairs} pairs"
        wrong[item.rule_id] = f"{wrong[item.rule_id]}; {told}" if item.rule_id in wrong else told
    names = [*law_rules(rules), *(name for name in wrong if name not in law_rules(rules))]
    return pl.DataFrame(
        {
            "rule": [name or "(all)" for name in names],
            "breaches_met": [report.breaches.get(name) for name in names],
            "wrong": [wrong.get(name, "") for name in names],
            "noticed_when_off": [not without[name].passed if name in without else None for name in names],
        },
        schema={
            "rule": pl.String,
            "breaches_met": pl.Int64,
            "wrong": pl.String,
            "noticed_when_off": pl.Boolean,
        },
    )


def _audit_words(
    rules: Policy, report: AuditReport, without: dict[str, AuditReport], unnoticed: list[str]
) -> str:
    state = "passed" if report.passed else f"{sum(item.pairs for item in report.findings):,} pairs are wrong"
    words = (
        f"policy {rules.version}: {report.pairs:,} pairs judged, {report.offers:,} may be offered; {state}"
    )
    if without:
        words += f"; {len(without) - len(unnoticed)} of {len(without)} switched-off laws were noticed"
    return words
