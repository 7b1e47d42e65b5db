"""Eligible customers and reasons of a campaign in parts of customers: a job a part, and one order of all."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from vipreco.campaign.audience import conditions_of
from vipreco.campaign.definition import Campaign
from vipreco.campaign.eligibility import EligibleCustomers, Options, gather_inputs
from vipreco.campaign.explained_offers import EXPLAINED, explained
from vipreco.campaign.store_changes import REASONS, StoreChanges
from vipreco.campaign.waterfall import Waterfall
from vipreco.columns import CUSTOMER_ID
from vipreco.durable import canonical_json
from vipreco.engines import Engine, Progress, Spec, TaskContext, no_progress
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.parts import CustomerParts, parts_of
from vipreco.recommender import ModelInForce, ModelSplit

INPUTS_JOB: Final = "vipreco.campaign.campaign_parts:inputs_of_part"
REASONS_JOB: Final = "vipreco.campaign.campaign_parts:reasons_of_part"
CUSTOMERS, WATERFALL, OFFERS = "customers.arrow", "waterfall.json", "reasons.arrow"
NUMBERS: Final = ("propensity", "value", "net", "without", "gain")


@dataclass(frozen=True)
class BankParts:
    """The customers of a bank in parts.

    Args:
        engine: Runs a job for each part.
        tables: The parts.
        day: Of the campaign.
        models: The recommender of each side that decides for anybody.
        split: Between them; None where one decides for all.
        progress: Is told how many parts are done.
    """

    engine: Engine
    tables: CustomerParts
    day: date
    models: Mapping[str, ModelInForce]
    split: ModelSplit | None = None
    progress: Progress = no_progress

    def inputs(
        self, side: str, campaign: Campaign, changes: StoreChanges, options: Options
    ) -> tuple[EligibleCustomers, Waterfall]:
        """Return the eligible customers of all parts in the order of their ids, and who fell where."""
        more = {
            "campaign": campaign.record(),
            "removed": changes.removed.rows(),
            "products": sorted(changes.products),
        }
        with self._done(INPUTS_JOB, side, more) as folders:
            counts = [Waterfall.from_record(json.loads((one / WATERFALL).read_bytes())) for one in folders]
            filled = [one for one in folders if (one / CUSTOMERS).exists()]
            return _together(filled, options), Waterfall.merged(counts)

    def reasons(self, side: str, pairs: pl.DataFrame, language: str) -> pl.DataFrame:
        """Return the reasons and cautions of some offers; rows customer_id, product_id, channel."""
        number = self.tables.number
        homes = pl.Series(parts_of(pairs[CUSTOMER_ID].to_arrow(), number))
        own = {str(part): pairs.filter(homes == part).rows() for part in homes.unique().sort()}
        with self._done(REASONS_JOB, side, {"pairs": own, "language": language}) as folders:
            parts = [pl.read_ipc(one / OFFERS) for one in folders if (one / OFFERS).exists()]
        return pl.concat([pl.DataFrame(schema=EXPLAINED), *parts])

    @contextmanager
    def _done(self, job: str, side: str, more: Mapping[str, Any]) -> Iterator[list[Path]]:
        """Give the folders of what all parts put out."""
        spec = {
            "tables": self.tables.record(),
            "model": asdict(self.models[side]),
            "side": side,
            "split": self.split and asdict(self.split),
            "as_of": self.day.isoformat(),
            **more,
        }
        with self.engine.outputs(job, spec, self.tables.number, self.progress) as folders:
            yield folders


def inputs_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the eligible customers of one part, and who fell where: a `Job`."""
    campaign = Campaign.model_validate_json(json.dumps(spec["campaign"]))
    view, conditions = _view(spec, part, context), len(campaign.audience)
    if view is None:
        (folder / WATERFALL).write_bytes(canonical_json(asdict(Waterfall.nobody(conditions))))
        return {"rows": 0}
    recommender = ModelInForce(**spec["model"]).opened(context.limits.threads)
    removed = pl.DataFrame(spec["removed"], REASONS, orient="row")
    eligible, waterfall = gather_inputs(
        recommender,
        view,
        campaign,
        conditions_of(campaign, recommender.policy, campaign.key),
        StoreChanges(removed, frozenset(spec["products"])),
        context.step,
    )
    eligible.customers.write_ipc(folder / CUSTOMERS)
    for name in NUMBERS:
        np.save(folder / f"{name}.npy", getattr(eligible, name), allow_pickle=False)
    (folder / WATERFALL).write_bytes(canonical_json(asdict(waterfall)))
    return {"rows": len(eligible)}


def reasons_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write reasons and cautions of the offers to customers of one part: a `Job`."""
    pairs = spec["pairs"].get(str(part))
    if not pairs:
        return {"rows": 0}
    recommender = ModelInForce(**spec["model"]).opened(context.limits.threads)
    schema = dict.fromkeys(list(EXPLAINED)[:3], pl.String())
    offers = pl.DataFrame(pairs, schema, orient="row")
    view = _view(spec, part, context)
    if view is not None:
        found = explained(Explainer(recommender), view, offers, spec["language"])
        found.write_ipc(folder / OFFERS)
    return {"rows": len(pairs)}


def _view(spec: Spec, part: int, context: TaskContext) -> View | None:
    """Return the view of the customers of a part for whom the model decides; None where there are none."""
    history = context.history(spec["tables"], part)
    view = history.as_of(date.fromisoformat(spec["as_of"]))
    if spec["split"] is not None:
        return dict(ModelSplit(**spec["split"]).views(view)).get(spec["side"])
    return view if view.population().num_rows else None


def _together(folders: Sequence[Path], options: Options) -> EligibleCustomers:
    """Return the customers of all parts; each array is filled once, from files that are mapped."""
    customers = pl.concat([pl.read_ipc(one / CUSTOMERS) for one in folders])
    order = customers[CUSTOMER_ID].arg_sort()
    place = np.empty(customers.height, np.intp)
    place[order.to_numpy()] = np.arange(customers.height)
    found = {}
    for name in NUMBERS:
        parts = [np.load(one / f"{name}.npy", mmap_mode="r") for one in folders]
        found[name] = np.empty((customers.height, parts[0].shape[1]), np.float32)
        start = 0
        for part in parts:
            found[name][place[start : start + len(part)]] = part
            start += len(part)
    return EligibleCustomers(customers[order], options, **found)
