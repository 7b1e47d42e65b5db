"""Replay of lists: the model, tables and rules of then make the list again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from vipreco.cli.list_log import BRANCH_LIST, CALL_LIST, CAMPAIGN, OFFERS, SHEET
from vipreco.cli.made_lists import Again, made_of_frame

if TYPE_CHECKING:
    from vipreco.assurance import DecisionBasis, ListRecord, MadeList
    from vipreco.explanations import Explainer
    from vipreco.history import View
    from vipreco.lists import Audience
    from vipreco.project import Project
    from vipreco.recommender import ModelSplit


def made_again(project: Project, record: ListRecord) -> MadeList:
    """Return a list as it is made by the model, tables, rules and weights that its record names.

    Raises:
        UsageError: Model, tables or rules are not in the project any more.
    """
    from vipreco.assurance import read_basis
    from vipreco.history import History

    basis = read_basis(project.root, record.basis)
    history = History.open(project.tables, project.threads, record.snapshot_id, signatures=project.signatures)
    view = history.as_of(date.fromisoformat(record.day))
    explainer = explainer_of(project, record.artifact_hash, basis)
    return MAKERS[record.kind](Again(explainer, view, basis, project), record.question)


def explainer_of(project: Project, artifact_hash: str, basis: DecisionBasis) -> Explainer:
    """Return the explainer of a model under the rules and weights of a basis."""
    from vipreco.artifact import verify
    from vipreco.cli.project_inputs import folder_of_hash
    from vipreco.explanations import Explainer
    from vipreco.recommender import open_model

    folder = folder_of_hash(project, artifact_hash)
    model = open_model(folder, verify(folder).artifact_hash, project.threads, checked=True)
    return Explainer(basis.applied(model), basis.reason_weights)


def made_calls(again: Again, question: dict[str, Any]) -> MadeList:
    """Make the call list of a manager."""
    import pyarrow as pa

    from vipreco.assurance import made_of_day, rows_of_calls
    from vipreco.lists import Audience, Availability, Wording, call_list, plan_day

    named = question.get("customers")  # where some of them were handed over since the tables were made
    ids = None if named is None else pa.array(named, pa.string())
    view = Audience(ids, question["manager"] if ids is None else None).of(again.view)
    minutes = {"minutes": question["minutes"], "plan_days": question["plan_days"]}
    settings = again.basis.call_list.model_copy(update=minutes)
    availability = Availability.from_record(question)
    day = plan_day(again.explainer, view, again.basis.vip, settings, availability=availability)
    say = Wording("en", currency=again.basis.currency)
    return made_of_day(day, rows_of_calls(call_list(day, question["manager"], "", say, with_reasons=False)))


def made_sheet(again: Again, question: dict[str, Any]) -> MadeList:
    """Make the sheet of a customer."""
    from vipreco.assurance import made_of_day, rows_of_sheet
    from vipreco.lists import Wording, customer_day, customer_sheet

    (customer,) = question["customers"]
    settings = again.basis.call_list.model_copy(update={"offers": question["top"]})
    day = customer_day(again.explainer, again.view, customer, again.basis.vip, settings)
    say = Wording("en", currency=again.basis.currency)
    return made_of_day(day, rows_of_sheet(customer, customer_sheet(day, "", say)))


def made_offers(again: Again, question: dict[str, Any]) -> MadeList:
    """Make the offers of customers; parts give the same."""
    import polars as pl

    from vipreco.columns import CUSTOMER_ID, PRIORITY, RANK
    from vipreco.lists import offer_list

    view = audience_of(question).of(again.view)
    frames = [
        offer_list(explainer, side, question["top"], channel=question["channel"])
        for explainer, side in sides_of(again, view, question)
    ]
    best = pl.col(PRIORITY).max().over(CUSTOMER_ID)
    frame = pl.concat(frames).sort(best, CUSTOMER_ID, RANK, descending=[True, False, False])
    return made_of_frame(again.explainer, view, frame)


def sides_of(again: Again, view: View, question: dict[str, Any]) -> Iterator[tuple[Explainer, View]]:
    """Give who decided, with the customers for whom: the champion alone, where there was no split."""
    if "split" not in question:
        yield again.explainer, view
        return
    from vipreco.recommender import CHALLENGER_SIDE

    split, rival = split_of(again, question)
    for side, own in split.views(view):
        yield (rival if side == CHALLENGER_SIDE else again.explainer), own


def made_campaign(again: Again, question: dict[str, Any]) -> MadeList:
    """Make the assignments of a campaign."""
    from vipreco.cli.campaign_decision import assigned_again, made_of_assignments

    rival = split_of(again, question) if "split" in question else None
    frame = assigned_again(again, question, rival)
    return made_of_assignments(again.explainer.recommender, again.view, frame)


def split_of(again: Again, question: dict[str, Any]) -> tuple[ModelSplit, Explainer]:
    """Return the split of a question, and the challenger under its rules and weights of then."""
    from vipreco.assurance import read_basis
    from vipreco.folds import salt_of
    from vipreco.recommender import ModelSplit

    project, told = again.project, question["split"]
    salt = salt_of(project.settings.campaign.control_salt, project.seed)
    basis = read_basis(project.root, question["challenger_basis"])
    rival = explainer_of(project, question["challenger"], basis)
    return ModelSplit(told["key"], told["challenger"], told["share"], salt), rival


def made_branch_list(again: Again, question: dict[str, Any]) -> MadeList:
    """Make one of the three lists of a branch."""
    from vipreco.lists import BranchList, branch_list

    view = audience_of(question).of(again.view)
    frame = branch_list(again.explainer, view, BranchList(question["which"]), question["limit"])
    return made_of_frame(again.explainer, view, frame)


def audience_question(audience: Audience) -> dict[str, Any]:
    """Return who is meant, as a question names it."""
    ids, tiers = audience.customers, audience.tiers
    named = {} if ids is None else {"customers": ids.to_pylist()}
    named |= {} if tiers is None else {"tiers": list(tiers)}
    return named if audience.manager is None else {**named, "manager": audience.manager}


def audience_of(question: dict[str, Any]) -> Audience:
    """Return the customers of a question."""
    import pyarrow as pa

    from vipreco.lists import Audience

    ids, tiers = question.get("customers"), question.get("tiers")
    return Audience(
        None if ids is None else pa.array(ids, pa.string()),
        question.get("manager"),
        None if tiers is None else tuple(tiers),
    )


MAKERS: dict[str, Callable[[Again, dict[str, Any]], MadeList]] = {
    CALL_LIST: made_calls,
    SHEET: made_sheet,
    OFFERS: made_offers,
    BRANCH_LIST: made_branch_list,
    CAMPAIGN: made_campaign,
}
