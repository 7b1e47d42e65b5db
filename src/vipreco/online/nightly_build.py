"""The nightly build: all decisions of a bank, put in force as a release."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vipreco.artifact import verify
from vipreco.durable import canonical_json
from vipreco.history import History, View
from vipreco.kpi import FigureInputs, save_facts
from vipreco.online.nightly_part import PartFacts, PartInputs, fill_part
from vipreco.online.offer_numbers import EFFECTS_LEARNT
from vipreco.online.popular import popular_lists
from vipreco.online.release import PARTS, Releases
from vipreco.online.top_offers import TOP
from vipreco.recommender import Recommender, Step, silent

ARTIFACT, MONTHS = "artifact", "months"
POPULAR, POLICY = "popular.json", "policy.json"


@dataclass(frozen=True)
class NightlyBuild:
    """The inputs of a release.

    Args:
        recommender: With the rules and weights in force.
        artifact: Its folder.
        history: The tables.
        view: All customers of the tables on the day of the build.
        vip: Tiers whose offers get their reasons at night; others get them when they are asked for.
        channels: Channels that may ask; None: those of the rules and of the catalogue.
        store_sequence: Number of the last change in the store that the tables hold.
        days: Further days that the release may answer for, should the next builds fail.
        reason_weights: Share of its weight that a template of reasons keeps, by id.
        figures: Inputs of the figures of branches; without them the release has none.
        top: Offers of a customer and channel that are kept, and everything compressed; None: all products.
    """

    recommender: Recommender
    artifact: Path
    history: History
    view: View
    vip: tuple[str, ...]
    channels: tuple[str, ...] | None = None
    store_sequence: int = 0
    days: int = 0
    reason_weights: Mapping[str, float] = field(default_factory=dict)
    figures: FigureInputs | None = None
    top: int | None = None


FillParts = Callable[[Path, NightlyBuild], Sequence[PartFacts | None]]
"""Fills the folder of a release with what it has of its customers, and gives the facts of each part; None for
one without customers. Files of one part lie in the folder itself, those of several in `p0000`, `p0001` ..."""


def build_release(
    releases: Releases, build: NightlyBuild, step: Step = silent, fill: FillParts | None = None
) -> Path:
    """Decide for all customers, and put the decisions in force; returns the folder of the release.

    Args:
        releases: Those of the project.
        build: The inputs.
        step: Is told what is done.
        fill: Decides for the customers; without it, for all of the view in this process.

    Raises:
        BusyError: Another process prepares.
        IntegrityError: The artifact is not what its manifest says.
        ResourcesError: The disk is full; what was in force stays so.
    """

    def here(folder: Path, build: NightlyBuild) -> Sequence[PartFacts | None]:
        inputs = PartInputs(
            build.recommender,
            build.history,
            build.view,
            build.vip,
            build.channels,
            build.days,
            build.reason_weights,
            build.figures,
            build.top,
        )
        return [fill_part(folder, inputs, step)]

    return releases.publish(lambda folder: _fill(folder, build, fill or here))


def _fill(folder: Path, build: NightlyBuild, fill: FillParts) -> dict[str, Any]:
    artifact = verify(build.artifact)
    shutil.copytree(build.artifact, folder / ARTIFACT)
    parts = fill(folder, build)
    found = [facts for facts in parts if facts is not None]
    first, holders = found[0], found[0].holders
    for facts in found[1:]:
        holders = holders.merged(facts.holders)
    popular = popular_lists(first.products, holders.shares(), first.strangers.allowed)
    (folder / POPULAR).write_bytes(canonical_json(popular))
    policy = {name: text.decode() for name, text in build.recommender.policy.definition.items()}
    (folder / POLICY).write_bytes(canonical_json(policy))
    several = {PARTS: len(parts)} if len(parts) > 1 else {}
    if build.figures is not None:
        save_facts(folder)
    kept = {} if build.top is None else {TOP: build.top}
    return _manifest(build, first, artifact.artifact_hash) | several | kept


def _manifest(build: NightlyBuild, facts: PartFacts, artifact_hash: str) -> dict[str, Any]:
    recommender = build.recommender
    return {
        "artifact_hash": artifact_hash,
        "snapshot_id": build.view.snapshot_id,
        "snapshot_date": build.view.snapshot_date.isoformat(),
        "as_of": build.view.date.isoformat(),
        "calendar": [day.isoformat() for day in sorted(build.view.snapshots)],
        MONTHS: build.history.calendar.record()[MONTHS],
        "policy_version": recommender.policy.version,
        EFFECTS_LEARNT: {channel: list(learnt) for channel, learnt in facts.effects_learnt.items()},
        "arbitration": json.loads(recommender.settings.arbitration.model_dump_json()),
        "channels": list(facts.channels),
        "products": list(facts.products),
        "names": list(facts.names),
        "store_sequence": build.store_sequence,
        "reason_weights": dict(build.reason_weights),
        "stranger_causes": dict(facts.strangers.causes),
    }
