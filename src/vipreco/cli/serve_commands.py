"""Commands of the service: prepare what it answers, put the release before in force again, run it."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from vipreco.cli.options import ModelOption
from vipreco.cli.project_commands import DEMO

if TYPE_CHECKING:
    from vipreco.assurance import ParityResult
    from vipreco.cli.progress import Narrator
    from vipreco.online import NightlyBuild
    from vipreco.project import Project
    from vipreco.recommender import ModelInForce
    from vipreco.store import Store

DEMO_CUSTOMERS = 2_000
RUNNING = "serving.processes.launch"
PANEL = "Service"
SAMPLE = 1_000
DAYS_AHEAD = 3  # nights that may fail before answers take longer


def register(app: typer.Typer) -> None:
    """Add the commands of this module to `app`."""
    app.command("prepare", rich_help_panel=PANEL)(prepare)
    app.command("parity", rich_help_panel=PANEL)(parity)
    app.command("serve", rich_help_panel=PANEL)(serve)


def prepare(
    model: ModelOption = None,
    roll_back: Annotated[
        bool, typer.Option("--roll-back", help="Put the previous release in force again; prepares nothing.")
    ] = False,
) -> None:
    """Decide for all customers, and put a new release in force, from which the service answers.

    The model is tried in a process of its own first. A bad one is refused, and the previous release stays in
    force. A running service follows within seconds. Then old decisions are removed and the end of the audit
    is signed, as `[serving]` of vipreco.toml says; a failure there leaves the new release in force.

    Example:  vipreco prepare
    Example:  vipreco prepare --roll-back
    """
    from vipreco.cli.progress import narrated
    from vipreco.cli.project_inputs import releases_of
    from vipreco.online import roll_back as go_back
    from vipreco.project import Project
    from vipreco.store import Store

    project = Project.find()
    project.signatures.own_key()  # a key that nobody would accept is told before any work is done
    releases = releases_of(project)
    with narrated("Prepare") as narrator, Store.open(project.store_url) as store:
        folder = go_back(releases, store) if roll_back else _prepared(project, store, model, narrator)
    typer.echo(_told(folder))
    if not roll_back:
        _tidy(project)


def _tidy(project: Project) -> None:
    import time

    from vipreco.assurance import prune_bases
    from vipreco.cli.progress import narrated
    from vipreco.cli.store_session import actor_named, keys_of, retention_cutoffs
    from vipreco.online import Housekeeping, SignedHeads, clean_up
    from vipreco.store import Store

    heads = project.settings.serving.audit_heads
    chores = Housekeeping(
        actor_named(None),
        retention_cutoffs(project),
        None
        if heads is None
        else SignedHeads(project.root / heads, keys_of(project), project.tables, project.signatures),
    )
    with narrated("Prepare") as narrator, Store.open(project.store_url, checked=True) as store:
        gone = clean_up(store, chores, narrator.say)
    day_seconds, keep = 86_400, project.settings.serving.keep_decisions_days
    prune_bases(project.root, time.time() - keep * day_seconds)
    if any(gone):
        typer.echo(f"{gone.decisions:,} old decisions and {gone.keys:,} old keys were removed", err=True)


def _prepared(project: Project, store: Store, model: str | None, narrator: Narrator) -> Path:
    from vipreco.cli.project_inputs import open_history, open_tables, releases_of
    from vipreco.engines import open_engine
    from vipreco.online import EngineFill, nightly, read_manifest

    store.database.check_writable()
    releases = releases_of(project)
    with nightly.noting_refusal(releases, model or "champion"):
        build, in_force = _nightly_build(project, store, model, narrator)
    history = open_history(project)
    with open_engine(project, history, narrator.count, narrator.say) as (engine, tables):
        fill = EngineFill(engine, tables, in_force, narrator.count)
        folder = nightly.publish(releases, store, build, narrator.say, fill)
        fill.discard()
    if model is None:
        releases.follow(read_manifest(folder)["artifact_hash"])
    releases.withdraw(open_tables(project).snapshot_ids)  # of tables before an erasure
    return folder


def _nightly_build(
    project: Project, store: Store, model: str | None, narrator: Narrator
) -> tuple[NightlyBuild, ModelInForce]:
    from vipreco.cli.project_inputs import model_folder, model_in_force, open_history, open_tables
    from vipreco.kpi import FigureInputs
    from vipreco.lists import view_at
    from vipreco.online import NightlyBuild, try_model

    narrator.say("trying the model")
    artifact = model_folder(project, model)
    try_model(artifact)
    recommender, in_force = model_in_force(project, str(artifact), narrator)
    open_tables(project).verify()
    _check_heads(project)
    history = open_history(project)
    view, settings = view_at(history, _business_day(project)), project.settings
    build = NightlyBuild(
        recommender=recommender,
        artifact=artifact,
        history=history,
        view=view,
        vip=settings.tiers.vip,
        store_sequence=_in_tables(project, store),
        days=DAYS_AHEAD if settings.serving.business_date == "clock" else 0,
        reason_weights=store.feedback.weights(view.date),
        figures=FigureInputs(settings.tiers, settings.call_list, settings.kpi),
        top=settings.serving.offers_stored_for(history.customers),
    )
    return build, in_force


def _check_heads(project: Project) -> None:
    """Check that the tables go on from the heads that were signed in other nights."""
    from vipreco.tables import check_heads

    heads = project.settings.serving.audit_heads
    if heads is not None:
        check_heads(project.tables, project.root / heads, project.signatures)


def _business_day(project: Project) -> datetime.date | None:
    """Return the day for which all is prepared; None: that of the newest snapshot.

    Raises:
        UsageError: The newest snapshot is so old that nobody would be answered.
    """
    from vipreco.cli.project_inputs import open_history
    from vipreco.errors import UsageError
    from vipreco.lists import MAX_STALENESS

    if project.settings.serving.business_date == "snapshot":
        return None
    dates = open_history(project).snapshot_dates
    today = datetime.date.today()  # noqa: DTZ011 - the business lives by local time
    if dates and today - dates[-1] > MAX_STALENESS:
        raise UsageError(
            f"the newest snapshot is of {dates[-1]}: too old for today's answers",
            where="serving.business_date",
            remedy='import newer customers; for a bank to practise on, set business_date = "snapshot" '
            "under [serving] in vipreco.toml",
            code="stale",
        )
    return max([today, *dates[-1:]])


def _in_tables(project: Project, store: Store) -> int:
    """Return up to which change of the store the tables hold them."""
    from vipreco.cli.project_inputs import open_tables

    return store.changes.in_tables(open_tables(project).snapshot_ids)


def _told(folder: Path) -> str:
    from vipreco.online import read_manifest

    manifest = read_manifest(folder)
    return (
        f"In force: {folder.name}, model {manifest['artifact_hash'][:16]}, "
        f"as of {manifest['as_of']}, rules {manifest['policy_version']}"
    )


def parity(
    sample: Annotated[int, typer.Option("--sample", min=1, help="Number of customers.")] = SAMPLE,
    top: Annotated[int, typer.Option("--top", min=1, max=50, help="Maximum of offers of a customer.")] = 10,
    url: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option("--url", metavar="URL", help="Ask a running service as well."),
    ] = None,
    token: Annotated[
        Optional[str],  # noqa: UP045
        typer.Option(
            "--token", metavar="TOKEN", envvar="VIPRECO_TOKEN", help="With --url: of the channel role."
        ),
    ] = None,
) -> None:
    """Compare the offers of the offers file, the service, and the call list, customer by customer.

    They must agree in product, place, chance and value; exit code 6 names customers for whom they differ.
    Customers who were contacted since the import are left out: the file cannot know of it yet.

    Example:  vipreco parity
    Example:  vipreco parity --sample 200 --url http://127.0.0.1:3000 --token vpr_...
    """
    from vipreco.assurance import require_parity
    from vipreco.cli.progress import narrated
    from vipreco.errors import UsageError
    from vipreco.project import Project

    if (url is None) != (token is None):
        raise UsageError("--url and --token go together", code="url-token")
    with narrated("Parity") as narrator:
        reached = None if url is None or token is None else (url, token)
        found = _parity(Project.find(), sample, top, reached, narrator)
    for one in found:
        typer.echo(
            f"{one.what:<9} {one.channel:<6} {one.customers:>6,} customers, {one.offers:>6,} offers, "
            f"{len(one.different):,} different"
        )
    require_parity(found)


def _parity(
    project: Project, customers: int, top: int, url: tuple[str, str] | None, narrator: Narrator
) -> list[ParityResult]:
    from vipreco.assurance import ParityQuestion, parity
    from vipreco.cli.project_inputs import open_model, open_view, releases_of
    from vipreco.lists import sampled
    from vipreco.online import DaySettings, OnlineService
    from vipreco.store import Store

    folder = releases_of(project).current()
    day_settings = DaySettings(
        project.settings.tiers.vip, project.settings.call_list, project.settings.project.currency
    )
    with Store.open(project.store_url) as store:
        answering = OnlineService(folder, store, day_settings, project.signatures)
        day = answering.release.as_of
        view = open_view(project, day)
        recommender = open_model(project, str(folder / "artifact"), narrator)
        ids = sampled(view, customers, project.seed).population()["customer_id"].to_pylist()
        known = [str(one) for one in ids if answering.knows(one) and answering.is_cached(one, day)]
        question = ParityQuestion(known, answering.release.manifest["channels"], top)
        return list(parity(recommender, view, answering, question, url, narrator.say))


def serve(
    folder: Annotated[
        Optional[Path],  # noqa: UP045  typer reads the annotation when the command starts
        typer.Argument(help="Project folder; default: the project here, else a new demo bank."),
    ] = None,
    port: Annotated[Optional[int], typer.Option(help="Port; default: `port` of vipreco.toml.")] = None,  # noqa: UP045
    host: Annotated[Optional[str], typer.Option(help="Address; default: `host` of vipreco.toml.")] = None,  # noqa: UP045
    workers: Annotated[Optional[int], typer.Option(min=1, max=64, help="Processes that answer.")] = None,  # noqa: UP045
    behind_proxy: Annotated[
        bool,
        typer.Option(
            "--i-have-a-proxy", help="Allow an address that other machines reach; a proxy must protect it."
        ),
    ] = False,
) -> None:
    """Run the service: the endpoint for channels and the page for relationship managers.

    Without a project it makes a demo bank with a log-in for each role, and prints both. It stops on Ctrl-C,
    once all open requests are answered.

    Example:  vipreco serve
    """
    from vipreco.cli.project_inputs import tell_currency, tell_signatures
    from vipreco.new_project import other_copy

    project = _project(folder)
    given = {"port": port, "host": host, "workers": workers}
    chosen = {name: value for name, value in given.items() if value is not None}
    settings = project.settings.serving.model_copy(update=chosen)
    other = other_copy(project.root, RUNNING.partition(".")[0])
    if other:
        typer.echo(other, err=True)
    tell_currency(project)
    tell_signatures(project)
    project.import_rim(RUNNING).run(project, settings, typer.echo, behind_proxy=behind_proxy)


def _project(folder: Path | None) -> Project:
    """Return the project that is served; a demo bank where there is none."""
    from vipreco.project import PROJECT_FILE, Project

    start = (folder or Path.cwd()).resolve()
    if any((place / PROJECT_FILE).is_file() for place in (start, *start.parents)):
        return Project.find(start)
    from vipreco.cli.demo import make_bank, make_list

    made = make_bank(folder or DEMO, DEMO_CUSTOMERS)
    make_list(made)
    return made
