"""Run of a campaign: the same key and inputs give the same bytes, even after a crash in between."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from vipreco import __version__
from vipreco.arbitration import allocate, exact
from vipreco.campaign.arms import Arm
from vipreco.campaign.assignment import MAX_EXPLORED, Allocate, Assignment
from vipreco.campaign.audience import conditions_of
from vipreco.campaign.bank import Bank
from vipreco.campaign.definition import Campaign, flat_settings
from vipreco.campaign.folder import CampaignFolder, write_manifest
from vipreco.campaign.limits import limit_table
from vipreco.campaign.lists import offer_rows, ordered_offers, write_lists
from vipreco.campaign.references import check_references
from vipreco.campaign.sides import (
    SideInputs,
    Sides,
    assign_sides,
    explained_by,
    gather_sides,
    summed_waterfall,
)
from vipreco.campaign.store_changes import StoreChanges
from vipreco.catalog import Catalog
from vipreco.durable import canonical_json
from vipreco.errors import InputRejectedError, IntegrityError, UsageError
from vipreco.export import MAX_SHEET_ROWS, write_table
from vipreco.failpoints import reach
from vipreco.folds import salt_id
from vipreco.recommender import Step, silent
from vipreco.settings import ArbitrationSettings
from vipreco.store import Store

ASSIGNMENTS = "assignments.parquet"
SEQUENCE, PRODUCTS_OFF = "store_sequence", "products_off"
NOTHING = 0.005
"""Prices below it are shown as nothing: less than a cent."""


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
            before = known.manifest if known else None
            off = _switched_off(before, store)
            changes = StoreChanges.read(store, off, bank.after, int(until))
            head = {"inputs": inputs, "inputs_hash": digest, PRODUCTS_OFF: sorted(off)}
            with campaigns.building(campaign.key) as folder:
                written = _write(folder, bank, campaign, changes, options, head)
                _check_same(written, before, folder)
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


def assignments(bank: Bank, campaign: Campaign, changes: StoreChanges, options: RunOptions) -> pl.DataFrame:
    """Return the assignments of a campaign as its run writes them; nothing is stored."""
    given = gather_sides(bank, campaign, changes, options.where, options.say)
    return assign_sides(given, bank, campaign, options.solve).table(campaign)


def _switched_off(before: Mapping[str, Any] | None, store: Store) -> frozenset[str]:
    """Return the products that are switched off; of a finished run, those that were."""
    if before is not None and PRODUCTS_OFF in before:
        return frozenset(before[PRODUCTS_OFF])
    return store.switches.read().products


def inputs_of(bank: Bank, campaign: Campaign) -> dict[str, str]:
    """Return everything that a run follows from, by name."""
    recommender = bank.recommender
    arbitration = _text_of(recommender.settings.arbitration).encode()
    return {
        **flat_settings("campaign", campaign.record()),
        "as_of_date": bank.view.date.isoformat(),
        "snapshot_id": bank.view.snapshot_id,
        "model": bank.artifact_hash,
        "policy": recommender.policy.version,
        "arbitration": hashlib.sha256(arbitration).hexdigest()[:16],
        "seed": str(bank.seed),
        "salt": salt_id(bank.salt),
        **_challenge(bank),
    }


def _challenge(bank: Bank) -> dict[str, str]:
    """Return what a challenger adds to the inputs; nothing without one, as in the first runs."""
    if bank.challenger is None:
        return {}
    known = bank.challenger
    content = {
        "model": known.artifact_hash,
        "policy": known.recommender.policy.version,
        **known.split.record(),
    }
    return {f"challenger.{name}": str(value) for name, value in content.items()}


def _text_of(arbitration: ArbitrationSettings) -> str:
    """Return the settings as the first runs were stored with; what came later only where it was set."""
    later = {"order", "contact_effects"} & arbitration.model_dump(exclude_defaults=True).keys()
    return arbitration.model_dump_json(exclude={"order", "contact_effects"} - later)


def members_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what the store keeps of each customer of a run."""
    return rows.select("customer_id", "arm", "product_id", "channel", "manager_id")


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
    # what an earlier version did not write yet is no difference
    same = {name: value for name, value in written.items() if before is None or name in before}
    if before is not None and canonical_json(same) != canonical_json(before):
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
    given = gather_sides(bank, campaign, changes, options.where, say)
    if options.fail_if_empty:
        refuse_empty(given, options.where)
    say("allocation")
    sides = assign_sides(given, bank, campaign, options.solve)
    rows = sides.table(campaign)
    _check_sheets(campaign, rows, options.where)
    write_table(rows, folder / ASSIGNMENTS, "parquet")
    reach("campaign-assignments")
    say("reasons")
    offers = ordered_offers(
        offer_rows(
            side.inputs.eligible.options,
            campaign,
            side.table(campaign),
            explained_by(bank, side, campaign.language),
        )
        for side in sides.parts
    )
    say("lists")
    write_lists(folder, campaign, offers)
    return write_manifest(folder, {**head, **summary(bank, campaign, sides)})


def _check_sheets(campaign: Campaign, rows: pl.DataFrame, where: str) -> None:
    longest = rows.group_by("channel").len()["len"].max()
    if "xlsx" in campaign.formats and isinstance(longest, int) and longest > MAX_SHEET_ROWS:
        raise UsageError(
            "a list may be longer than a sheet can be",
            where=where,
            remedy='leave "xlsx" out of formats',
            code="too-many-rows",
        )


def refuse_empty(given: Sequence[SideInputs], where: str) -> None:
    """Refuse a campaign for which nobody is eligible, whoever decides.

    Raises:
        InputRejectedError: Nobody is; it says how many fell at which rule.
    """
    if any(len(side.inputs.eligible) for side in given):
        return
    waterfall = summed_waterfall([side.inputs.waterfall for side in given])
    fell = waterfall.filter(pl.col("fell") > 0)
    raise InputRejectedError(
        "nobody is eligible",
        where=where,
        remedy="widen the audience, or look at the rules with `vipreco policy price`",
        code="empty-audience",
        examples=[f"{count:,} fell at: {rule}" for rule, count in fell.select("rule", "fell").iter_rows()],
    )


def summary(bank: Bank, campaign: Campaign, sides: Sides) -> dict[str, Any]:
    """Return value and inputs of a run, as JSON values without any customer's data."""
    assigned = [side.assigned for side in sides.parts]
    value, bound = sum(one.value for one in assigned), sum(one.allocation.bound for one in assigned)
    allocated = sum(one.allocation.value for one in assigned)
    random_value = value - allocated
    shortfall: dict[str, float] = {}
    for one in assigned:
        for name, missing in one.allocation.shortfall.items():
            shortfall[name] = shortfall.get(name, 0.0) + float(missing.sum())
    return {
        "campaign_id": campaign.key,
        "campaign": campaign.record(),
        "as_of_date": bank.view.date.isoformat(),
        "snapshot_id": bank.view.snapshot_id,
        "snapshot_date": bank.view.snapshot_date.isoformat(),
        "artifact_hash": bank.artifact_hash,
        "policy_version": bank.recommender.policy.version,
        "vipreco": __version__,
        "seed": bank.seed,
        "salt_id": salt_id(bank.salt),
        "customers": sides.customers,
        "arms": _arms(assigned),
        "value_amount": value,
        "random_value_amount": random_value,
        "bound_amount": bound + random_value,
        "gap_rate": max(bound - allocated, 0.0) / bound if bound > 0 else 0.0,
        "shortfall": dict(sorted(shortfall.items())),
        "limits": limit_table(sides.limits, sides.used, sides.prices, NOTHING).to_dicts(),
        "waterfall": sides.waterfall.to_dicts(),
        **_exploration(campaign, assigned),
        **_split(bank, sides),
    }


def _arms(assigned: Sequence[Assignment]) -> dict[str, int]:
    names = (Arm.CONTROL, Arm.EXPLORED, Arm.OFFERED, Arm.UNALLOCATED)
    return {arm: sum(int((one.arm == arm).sum()) for one in assigned) for arm in names}


def _exploration(campaign: Campaign, assigned: Sequence[Assignment]) -> dict[str, Any]:
    """Return random offers that were asked for and made, and what stood between; nothing where none were."""
    if not campaign.exploration_share:
        return {}
    told = [one.exploration for one in assigned]
    lost: dict[str, float] = {}
    for one in told:
        for name, amount in one.limits.items():
            lost[name] = lost.get(name, 0.0) + amount
    return {
        "exploration": {
            "asked_share": campaign.exploration_share,
            "asked": round(sum(one.requested for one in told), 1),
            "made": sum(one.made for one in told),
            "max_of_limit": MAX_EXPLORED,
            "limits": {name: round(amount, 1) for name, amount in sorted(lost.items())},
        }
    }


def _split(bank: Bank, sides: Sides) -> dict[str, Any]:
    """Return who was decided for by which model; nothing without a challenger."""
    if bank.challenger is None:
        return {}
    counts = {side.name: len(side.inputs.eligible) for side in sides.parts}
    known = bank.challenger
    return {"split": {**known.split.record(), "artifact_hash": known.artifact_hash, "customers": counts}}
