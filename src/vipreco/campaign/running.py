"""A campaign run: the same key and inputs give the same bytes, whatever happens in between."""

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
from vipreco.campaign.assignments import assignments
from vipreco.campaign.audience import conditions_of
from vipreco.campaign.checking import check_against
from vipreco.campaign.dealing import Allocate, Dealt, deal
from vipreco.campaign.definition import Campaign
from vipreco.campaign.folder import Campaigns, write_manifest
from vipreco.campaign.limits import limit_table
from vipreco.campaign.lists import offer_rows, write_lists
from vipreco.campaign.pool import Gathered, gather
from vipreco.campaign.since import Since
from vipreco.catalog import Catalog
from vipreco.durable import canonical_json
from vipreco.errors import InputRejectedError, IntegrityError, UsageError
from vipreco.explanations import Explainer
from vipreco.export import MAX_SHEET_ROWS, write_table
from vipreco.failpoints import reach
from vipreco.history import View
from vipreco.recommender import Recommender, Step, silent
from vipreco.store import Store

ASSIGNMENTS = "assignments.parquet"
SEQUENCE = "store_sequence"
NOTHING = 0.005
"""Prices below it are told as nothing: less than a cent."""


@dataclass(frozen=True)
class Bank:
    """What a campaign works with.

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
class Order:
    """How a run is asked for.

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
class Result:
    """A finished run.

    Args:
        manifest: What stands in its folder.
        folder: Where it is.
        again: It was finished before; nothing was changed.
    """

    manifest: dict[str, Any]
    folder: Path
    again: bool


def prepare(bank: Bank, campaign: Campaign, since: Since, where: str, say: Step = silent) -> Gathered:
    """Return the eligible customers of a campaign, after a look at all that it names.

    Raises:
        UsageError: The campaign names what is not there, or a condition is wrong.
    """
    check_against(campaign, bank.view, Catalog.from_view(bank.view), where)
    conditions = conditions_of(campaign, bank.recommender.policy, where)
    return gather(bank.recommender, bank.view, campaign, conditions, since, say)


def run(
    bank: Bank,
    campaign: Campaign,
    store: Store,
    campaigns: Campaigns,
    order: Order,
) -> Result:
    """Run a campaign once for good: allocate, write the lists, keep who is in it.

    Args:
        bank: What it works with.
        campaign: The campaign.
        store: Keeps the run and its members.
        campaigns: Keeps the lists.
        order: How it is asked for.

    Raises:
        UsageError: The campaign names what is not there, or something stands in its place.
        InputRejectedError: Nobody is eligible, and that was to be refused.
        BusyError: It is being run, or the key stands for other inputs.
        ResourcesError: The disk is full; nothing visible was changed.
    """
    check_against(campaign, bank.view, Catalog.from_view(bank.view), order.where)
    conditions_of(campaign, bank.recommender.policy, order.where)
    inputs = {**inputs_of(bank, campaign), "solver": "exact" if order.exact else "dual"}
    digest = hashlib.sha256(canonical_json(inputs)).hexdigest()
    with campaigns.alone(campaign.key, order.wait):
        known = store.campaigns.read(campaign.key)
        until = known.inputs[SEQUENCE] if known else str(store.changes.since(0)[0])
        inputs[SEQUENCE] = until
        if known is not None:
            store.campaigns.begin(order.actor, campaign.key, inputs, digest)
        campaigns.check_target(campaign.key, known is not None)
        finished = known is not None and known.manifest is not None
        whole = campaigns.is_whole(campaign.key, digest)
        if not whole:
            _check_own(campaigns, campaign.key, digest)
            since = Since.read(store.database, store.switches.read().products, bank.after, int(until))
            head = {"inputs": inputs, "inputs_hash": digest}
            with campaigns.building(campaign.key) as folder:
                written = _write(folder, bank, campaign, since, order, head)
                _check_same(written, known.manifest if known else None, folder)
                store.campaigns.begin(order.actor, campaign.key, inputs, digest)
                reach("campaign-begun")
        manifest, folder = campaigns.manifest(campaign.key) or {}, campaigns.path_of(campaign.key)
        if not finished:
            order.say("membership")
            store.campaigns.finish(campaign.key, manifest, members_of(pl.read_parquet(folder / ASSIGNMENTS)))
            reach("campaign-finished")
        return Result(manifest, folder, finished and whole)


def check_not_empty(gathered: Gathered, where: str) -> None:
    """Refuse a campaign for which nobody is eligible.

    Raises:
        InputRejectedError: Nobody is; it says how many fell at which rule.
    """
    if len(gathered.pool) == 0:
        fell = gathered.waterfall.filter(pl.col("fell") > 0)
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
    arbitration = recommender.settings.arbitration.model_dump_json().encode()
    return {
        **_flat("campaign", json.loads(campaign.model_dump_json())),
        "as_of_date": bank.view.date.isoformat(),
        "snapshot_id": bank.view.snapshot_id,
        "model": bank.artifact_hash,
        "policy": recommender.policy.version,
        "arbitration": hashlib.sha256(arbitration).hexdigest()[:16],
        "seed": str(bank.seed),
        "salt": salt_id(bank.salt),
    }


def members_of(rows: pl.DataFrame) -> pl.DataFrame:
    """Return what the store keeps of each customer of a run."""
    return rows.select("customer_id", "arm", "product_id", "channel", "manager_id")


def _flat(name: str, value: object) -> dict[str, str]:
    if isinstance(value, Mapping) and value:
        parts = [_flat(f"{name}.{key}", value[key]) for key in sorted(value)]
        return {key: text for part in parts for key, text in part.items()}
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}


def _check_own(campaigns: Campaigns, key: str, digest: str) -> None:
    """Never put a run in the place of another: what stands there has to be a damaged part of this one."""
    there = campaigns.manifest(key)
    if there is not None and there.get("inputs_hash") != digest:
        raise UsageError(
            "is there already, of another run",
            where=str(campaigns.path_of(key)),
            remedy="move the folder away",
            code="output-exists",
        )


def _check_same(written: dict[str, Any], before: dict[str, object] | None, folder: Path) -> None:
    if before is not None and canonical_json(written) != canonical_json(before):
        raise IntegrityError(
            "the files of the run are damaged, and a new run gives others",
            where=str(folder),
            remedy="restore the folder from a backup",
            code="run-differs",
        )


def _write(
    folder: Path,
    bank: Bank,
    campaign: Campaign,
    since: Since,
    order: Order,
    head: dict[str, Any],
) -> dict[str, Any]:
    say = order.say
    gathered = prepare(bank, campaign, since, order.where, say)
    if order.fail_if_empty:
        check_not_empty(gathered, order.where)
    say("allocation")
    dealt = deal(gathered.pool, campaign, bank.salt, order.solve)
    rows = assignments(gathered.pool, campaign, dealt)
    _check_sheets(campaign, rows, order.where)
    write_table(rows, folder / ASSIGNMENTS, "parquet")
    reach("campaign-assignments")
    say("reasons")
    offers = offer_rows(Explainer(bank.recommender), gathered, campaign, rows)
    say("lists")
    write_lists(folder, campaign, offers)
    return write_manifest(folder, {**head, **summary(bank, campaign, gathered, dealt)})


def _check_sheets(campaign: Campaign, rows: pl.DataFrame, where: str) -> None:
    longest = rows.group_by("channel").len()["len"].max()
    if "xlsx" in campaign.formats and isinstance(longest, int) and longest > MAX_SHEET_ROWS:
        raise UsageError(
            "a list may be longer than a sheet can be",
            where=where,
            remedy='leave "xlsx" out of formats',
            code="too-many-rows",
        )


def summary(bank: Bank, campaign: Campaign, gathered: Gathered, dealt: Dealt) -> dict[str, Any]:
    """Return what a run is worth and follows from, as JSON values without any customer's data."""
    allocation, pool = dealt.allocation, gathered.pool
    counts = pl.Series(dealt.arm.tolist(), dtype=pl.String).value_counts()
    arms = dict(zip(counts[""].to_list(), counts["count"].to_list(), strict=True))
    random_value = dealt.value - allocation.value
    table = limit_table(dealt.limits, dealt.used, allocation.prices, NOTHING)
    return {
        "campaign_id": campaign.key,
        "campaign": json.loads(campaign.model_dump_json()),
        "as_of_date": bank.view.date.isoformat(),
        "snapshot_id": bank.view.snapshot_id,
        "snapshot_date": bank.view.snapshot_date.isoformat(),
        "artifact_hash": bank.artifact_hash,
        "policy_version": bank.recommender.policy.version,
        "vipreco": __version__,
        "seed": bank.seed,
        "salt_id": salt_id(bank.salt),
        "customers": len(pool),
        "arms": {arm: arms.get(arm, 0) for arm in (Arm.CONTROL, Arm.EXPLORED, Arm.OFFERED, Arm.UNALLOCATED)},
        "value_amount": dealt.value,
        "random_value_amount": random_value,
        "bound_amount": allocation.bound + random_value,
        "gap_rate": allocation.gap,
        "shortfall": {name: float(missing.sum()) for name, missing in sorted(allocation.shortfall.items())},
        "limits": table.to_dicts(),
        "waterfall": gathered.waterfall.to_dicts(),
    }
