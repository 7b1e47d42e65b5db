"""The offer list of a bank in parts of customers: a job a part, and one order of all of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa

from vipreco.durable import canonical_json
from vipreco.engines import Engine, Progress, Spec, TaskContext
from vipreco.explanations import Explainer
from vipreco.history import View
from vipreco.lists.offers import Audience, nobody, reasoned_offers
from vipreco.lists.ordered_parts import OrderedParts, save_ordered
from vipreco.parts import CustomerParts
from vipreco.policy import blind_rules
from vipreco.recommender import CHALLENGER_SIDE, CHAMPION_SIDE, SIDE, ModelInForce, ModelSplit
from vipreco.scratch_folder import scratch_folder

OFFER_JOB: Final = "vipreco.lists.offer_parts:offers_of_part"
BLIND: Final = "blind.json"
CUSTOMERS: Final = "customers"


@dataclass(frozen=True)
class OfferRequest:
    """An offer list that is asked for.

    Args:
        tables: The bank in parts.
        model: The recommender in force.
        as_of: Date of the list.
        channel: Of the offers.
        top: Maximum of offers of a customer.
        reason_weights: Share of its weight that a template of reasons keeps, by id.
        customers: Ids of those who are meant; None: everybody whom the other conditions admit.
        manager: The book of this manager.
        tiers: Customers of these tiers.
        shown: First rows of the list that a reader is shown; the others need no reason. None: all.
        challenger: Another recommender in force, for a part of the customers.
        split: Which part; None: the model decides for everybody.
    """

    tables: Mapping[str, Any]
    model: Mapping[str, Any]
    as_of: str
    channel: str
    top: int
    reason_weights: Mapping[str, float]
    customers: list[str] | None = None
    manager: str | None = None
    tiers: list[str] | None = None
    shown: int | None = None
    challenger: Mapping[str, Any] | None = None
    split: Mapping[str, Any] | None = None

    @classmethod
    def of(
        cls, tables: CustomerParts, model: ModelInForce, view: View, audience: Audience, **wishes: Any
    ) -> OfferRequest:
        """Return a request for the customers of an audience at the date of a view.

        Args:
            tables: The bank in parts.
            model: The recommender in force.
            view: Of the whole bank.
            audience: Who is meant.
            wishes: `channel`, `top`, `reason_weights` and `shown`.
        """
        customers = None if audience.customers is None else audience.customers.to_pylist()
        tiers = None if audience.tiers is None else list(audience.tiers)
        return cls(
            tables.record(),
            asdict(model),
            view.date.isoformat(),
            customers=customers,
            manager=audience.manager,
            tiers=tiers,
            **wishes,
        )

    @property
    def audience(self) -> Audience:
        """The customers who are meant."""
        ids = None if self.customers is None else pa.array(self.customers, pa.string())
        return Audience(ids, self.manager, None if self.tiers is None else tuple(self.tiers))

    def decided_by(self, challenger: ModelInForce, split: ModelSplit) -> OfferRequest:
        """Return the request with a challenger that decides for a part of the customers."""
        return replace(self, challenger=asdict(challenger), split=asdict(split))

    def sides(self, view: View) -> Iterator[tuple[str, ModelInForce, View]]:
        """Give each model that decides for anybody of a view, by its side, with the view of these."""
        models = {CHAMPION_SIDE: self.model, CHALLENGER_SIDE: self.challenger or self.model}
        views = [(CHAMPION_SIDE, view)] if self.split is None else ModelSplit(**self.split).views(view)
        for side, own in views:
            yield side, ModelInForce(**models[side]), own

    @property
    def parts(self) -> CustomerParts:
        """The bank in parts."""
        return CustomerParts.from_record(self.tables)


@dataclass(frozen=True)
class OfferList:
    """The offers of all parts.

    Args:
        total: Number of rows.
        parts: The rows, in parts.
        blind: Where there is no offer at all, the rules that stop everything, with the facts that are not
            known of anybody.
    """

    total: int
    parts: OrderedParts
    blind: Mapping[str, list[str]]

    def frames(self) -> Iterator[pl.DataFrame]:
        """Give the rows as `offer_list` returns them, some at a time."""
        return self.parts.frames()

    @property
    def rows(self) -> pl.DataFrame:
        """All rows, as `offer_list` returns them."""
        return pl.concat(self.frames())


@contextmanager
def offers_in_parts(engine: Engine, request: OfferRequest, progress: Progress) -> Iterator[OfferList]:
    """Give the offers of the customers asked for, whatever the number of parts and the engine.

    What the parts put out goes afterwards; where the caller fails, the next run takes it up.

    Raises:
        InputRejectedError: None of them is in the newest snapshot.
    """
    results = engine.run(OFFER_JOB, asdict(request), request.parts.number, progress)
    if not results.total(CUSTOMERS):
        results.discard()
        raise nobody(date.fromisoformat(request.as_of))
    with scratch_folder("offers") as scratch:
        folders = [results.fetch(one.part, scratch) for one in results.receipts if one.counts[CUSTOMERS]]
        total = results.total("rows")
        blind = [] if total else [json.loads((folder / BLIND).read_bytes()) for folder in folders]
        yield OfferList(total, OrderedParts(folders), blind_in_all(blind))
    results.discard()


def blind_in_all(found: list[dict[str, list[str]]]) -> dict[str, list[str]]:
    """Return the rules that are blind in every part, with the facts that none of them knows."""
    first = found[0] if found else {}
    shared = {
        rule: [name for name in names if all(name in one.get(rule, ()) for one in found)]
        for rule, names in first.items()
    }
    return {rule: names for rule, names in shared.items() if names}


def offers_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the offers of the customers of one part who are meant: a `Job`."""
    request = OfferRequest(**spec)
    history = request.parts.history(part, context.scratch, context.limits)
    view = request.audience.within(history.as_of(date.fromisoformat(request.as_of)))
    customers = 0 if view is None else view.population().num_rows
    if view is None or not customers:
        return {"rows": 0, CUSTOMERS: 0}
    found: list[pl.DataFrame] = []
    for side, model, own in request.sides(view):
        recommender = model.opened(context.limits.threads)
        explainer = Explainer(recommender, request.reason_weights)
        rows = pl.concat(
            reasoned_offers(explainer, own, request.top, context.step, request.channel, request.shown)
        )
        found.append(rows if request.split is None else rows.with_columns(pl.lit(side).alias(SIDE)))
    offers = pl.concat(found)
    save_ordered(offers, folder)
    if offers.is_empty():
        facts = recommender.context(view, request.channel).facts
        (folder / BLIND).write_bytes(canonical_json(blind_rules(recommender.policy, facts)))
    return {"rows": offers.height, CUSTOMERS: customers}
