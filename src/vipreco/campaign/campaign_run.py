"""Run of a campaign: the same key and inputs give the same bytes, even after a crash in between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from vipreco import __version__
from vipreco.arbitration import allocate, exact
from vipreco.campaign.arms import Arm, salt_id
from vipreco.campaign.assignment import Allocate, Assignment, assign
from vipreco.campaign.assignment_table import assignment_table
from vipreco.campaign.audience import conditions_of
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import CampaignInputs, gather_inputs
from vipreco.campaign.folder import CampaignFolder, write_manifest
from vipreco.campaign.limits import limit_table
from vipreco.campaign.lists import offer_rows, write_lists
from vipreco.campaign.references import check_references
from vipreco.campaign.store_changes import StoreChanges
from vipreco.catalog import Catalog
from vipreco.durable import canonical_json
from vipreco.errors import InputRejectedError, IntegrityError, UsageError
from vipreco.explanations import Explainer
from vipreco.export import MAX_SHEET_ROWS, write_table
from vipreco.failpoints import reach
from vipreco.history import View
from vipreco.recommender import Recommender, Step, silent
from vipreco.settings import ArbitrationSettings
from vipreco.store import Store

ASSIGNMENTS = "assignments.parquet"
SEQUENCE = "store_sequence"
NOTHING = 0.005
"""Prices below it are shown as nothing: less than a cent."""


@dataclass(frozen=True)
class Bank:
    """Recommender, data and salt that a campaign works with.

    Args:
        recommender: With the rules and weights in force.
        artifact_hash: Of its model.
        view: What is known of all customers.
        salt: Of the draws of the control group.
        seed: Of the project.
        after: Number of the last change in the store that the tables hold.
    """

    recommender: Recommender
    artifact_hash: str
    view: View
    salt: str
    seed: int
    after: int = 0


@dataclass(frozen=True)
class RunOptions:
    """Options of a run.

    Args:
        where: The campaign file, for errors.
        actor: Who runs it.
        wait: Wait for a run of the same key instead of giving up.
        fail_if_empty: Refuse a campaign for which nobody is eligible.
        exact: Let HiGHS find the allocation, as a check of the own solver.
        threads: Threads that allocate; they change nothing but the time.
        say: Takes what is being done.
    """

    where: str
    actor: str
    wait: bool = False
    fail_if_empty: bool = False
    exact: bool = False
    threads: int = 2
    say: Step = silent

    @property
    def solve(self) -> Allocate:
        """Finds the allocation."""
        return partial(exact if self.exact else allocate, threads=self.threads)


@dataclass(frozen=True)
class RunResult:
    """A finished run.

    Args:
        manifest: What stands in its folder.
        folder: Where it is.
        again: It was finished before; nothing was changed.
    """

    manifest: dict[str, Any]
    folder: Path
    again: bool


def inputs_for(
    bank: Bank, campaign: Campaign, changes: StoreChanges, where: str, say: Step = silent
) -> CampaignInputs:
    """Return the eligible customers of a campaign, after checking all that it names.

    Raises:
        UsageError: The campaign names what is not there, or a condition is wrong.
    """
    check_references(campaign, bank.view, Catalog.from_view(bank.view), where)
    conditions = conditions_of(campaign, bank.recommender.policy, where)
    return gather_inputs(bank.recommender, bank.view, campaign, conditions, changes, say)


def run(
    bank: Bank,
    campaign: Campaign,
    store: Store,
    campaigns: CampaignFolder,
    options: RunOptions,
) -> RunResult:
    """Run a campaign once for good: allocate, write the lists, store its members.

    Args:
        bank: What it works with.
        campaign: The campaign.
        store: Keeps the run and its members.
        campaigns: Keeps the lists.
        options: How it is asked for.

    Raises:
        UsageError: The campaign names unknown things, or another file stands in its place.
        InputRejectedError: Nobody is eligible, and that was to be refused.
        BusyError: It is being run, or the key stands for other inputs.
        ResourcesError: The disk is full; nothing visible was changed.
    """
    check_references(campaign, bank.view, Catalog.from_view(bank.view), options.where)
    conditions_of(campaign, bank.recommender.policy, options.where)
    inputs = {**inputs_of(bank, campaign), "solver": "exact" if options.exact else "dual"}
    digest = hashlib.sha256(canonical_json(inputs)).hexdigest()
    with campaigns.alone(campaign.key, options.wait):
        known = store.campaigns.read(campaign.key)
        until = known.inputs[SEQUENCE] if known else str(store.changes.since(0)[0])
        inputs[SEQUENCE] = until
        if known is not None:
            store.campaigns.begin(options.actor, campaign.key, inputs, digest)
        campaigns.check_target(campaign.key, known is not None)
        finished = known is not None and known.manifest is not None
        whole = campaigns.is_whole(campaign.key, digest)
        if not whole:
            _check_own(campaigns, campaign.key, digest)
            changes = StoreChanges.read(store, store.switches.read().products, bank.after, int(until))
            head = {"inputs": inputs, "inputs_hash": digest}
            with campaigns.building(campaign.key) as folder:
                written = _write(folder, bank, campaign, changes, options, head)
                _check_same(written, known.manifest if known else None, folder)
                store.campaigns.begin(options.actor, campaign.key, inputs, digest)
                reach("campaign-begun")
        manifest, folder = campaigns.manifest(campaign.key) or {}, campaigns.path_of(campaign.key)
        if not finished:
            options.say("membership")
            store.campaigns.finish(
                campaign.key, manifest, members_of(pl.read_parquet(folder / ASSIGNMENTS, glob=False))
            )
            reach("campaign-finished")
        return RunResult(manifest, folder, finished and whole)


def check_not_empty(inputs: CampaignInputs, where: str) -> None:
    """Refuse a campaign for which nobody is eligible.

    Raises:
        InputRejectedError: Nobody is; it says how many fell at which rule.
    """
    if len(inputs.eligible) == 0:
        fell = inputs.waterfall.filter(pl.col("fell") > 0)
        raise InputRejectedError(
            "nobody is eligible",
            where=where,
            remedy="widen the audience, or look at the rules with `vipreco policy price`",
            code="empty-audience",
            examples=[
                f"{count:,} fell at: {rule}" for rule, count in fell.select("rule", "fell").iter_rows()
            ],
        )


def inputs_of(bank: Bank, campaign: Campaign) -> dict[str, str]:
    """Return everything that a run follows from, by name."""
    recommender = bank.recommender
    arbitration = _text_of(recommender.settings.arbitration).encode()
    return {
        **_flat("campaign", _plain(campaign)),
        "as_of_date": bank.view.date.isoformat(),
        "snapshot_id": bank.view.snapshot_id,
        "model": bank.artifact_hash,
        "policy": recommender.policy.version,
        "arbitration": hashlib.sha256(arbitration).hexdigest()[:16],
        "seed": str(bank.seed),
        "salt": salt_id(bank.salt),
    }


def _text_of(arbitration: ArbitrationSettings) -> str:
    """Return the settings as the first runs were stored with; what came later only where it was set."""
    later = {"order", "contact_effects"} & arbitration.model_dump(exclude_defaults=True).keys()
    return arbitration.model_dump_json(exclude={"order", "contact_effects"} - later)


def members_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what the store keeps of each customer of a run."""
    return rows.select("customer_id", "arm", "product_id", "channel", "manager_id")


def _plain(campaign: Campaign) -> dict[str, Any]:
    """Return a campaign as JSON values under the names that its first runs were stored with."""
    content: dict[str, Any] = json.loads(campaign.model_dump_json(by_alias=True))
    return content


def _flat(name: str, value: object) -> dict[str, str]:
    if isinstance(value, Mapping) and value:
        parts = [_flat(f"{name}.{key}", value[key]) for key in sorted(value)]
        return {key: text for part in parts for key, text in part.items()}
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _check_own(campaigns: CampaignFolder, key: str, digest: str) -> None:
    """Never put a run in the place of another: what stands there has to be a damaged part of this one."""
    there = campaigns.manifest(key)
    if there is not None and there.get("inputs_hash") != digest:
        raise UsageError(
            "exists already and belongs to another run",
            where=str(campaigns.path_of(key)),
            remedy="move the folder away",
            code="output-exists",
        )


def _check_same(written: dict[str, Any], before: dict[str, object] | None, folder: Path) -> None:
    if before is not None and canonical_json(written) != canonical_json(before):
        raise IntegrityError(
            "the files of the run are damaged, and a new run gives different ones",
            where=str(folder),
            remedy="restore the folder from a backup",
            code="run-differs",
        )


def _write(
    folder: Path,
    bank: Bank,
    campaign: Campaign,
    changes: StoreChanges,
    options: RunOptions,
    head: dict[str, Any],
) -> dict[str, Any]:
    say = options.say
    inputs = inputs_for(bank, campaign, changes, options.where, say)
    if options.fail_if_empty:
        check_not_empty(inputs, options.where)
    say("allocation")
    assigned = assign(inputs.eligible, campaign, bank.salt, options.solve)
    rows = assignment_table(inputs.eligible, campaign, assigned)
    _check_sheets(campaign, rows, options.where)
    write_table(rows, folder / ASSIGNMENTS, "parquet")
    reach("campaign-assignments")
    say("reasons")
    offers = offer_rows(Explainer(bank.recommender), inputs, campaign, rows)
    say("lists")
    write_lists(folder, campaign, offers)
    return write_manifest(folder, {**head, **summary(bank, campaign, inputs, assigned)})


def _check_sheets(campaign: Campaign, rows: pl.DataFrame, where: str) -> None:
    longest = rows.group_by("channel").len()["len"].max()
    if "xlsx" in campaign.formats and isinstance(longest, int) and longest > MAX_SHEET_ROWS:
        raise UsageError(
            "a list may be longer than a sheet can be",
            where=where,
            remedy='leave "xlsx" out of formats',
            code="too-many-rows",
        )


def summary(bank: Bank, campaign: Campaign, inputs: CampaignInputs, assigned: Assignment) -> dict[str, Any]:
    """Return value and inputs of a run, as JSON values without any customer's data."""
    allocation, eligible = assigned.allocation, inputs.eligible
    counts = pl.Series(assigned.arm.tolist(), dtype=pl.String).value_counts()
    arms = dict(zip(counts[""].to_list(), counts["count"].to_list(), strict=True))
    random_value = assigned.value - allocation.value
    table = limit_table(assigned.limits, assigned.used, allocation.prices, NOTHING)
    return {
        "campaign_id": campaign.key,
        "campaign": _plain(campaign),
        "as_of_date": bank.view.date.isoformat(),
        "snapshot_id": bank.view.snapshot_id,
        "snapshot_date": bank.view.snapshot_date.isoformat(),
        "artifact_hash": bank.artifact_hash,
        "policy_version": bank.recommender.policy.version,
        "vipreco": __version__,
        "seed": bank.seed,
        "salt_id": salt_id(bank.salt),
        "customers": len(eligible),
        "arms": {arm: arms.get(arm, 0) for arm in (Arm.CONTROL, Arm.EXPLORED, Arm.OFFERED, Arm.UNALLOCATED)},
        "value_amount": assigned.value,
        "random_value_amount": random_value,
        "bound_amount": allocation.bound + random_value,
        "gap_rate": allocation.gap,
        "shortfall": {name: float(missing.sum()) for name, missing in sorted(allocation.shortfall.items())},
        "limits": table.to_dicts(),
        "waterfall": inputs.waterfall.to_dicts(),
    }
