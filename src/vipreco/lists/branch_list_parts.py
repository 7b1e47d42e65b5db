"""A list of a branch in parts of customers: the first of each part, and of these the first of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from vipreco.columns import CUSTOMER_ID, PRIORITY, RANK
from vipreco.engines import Engine, Progress, Spec, TaskContext
from vipreco.explanations import Explainer
from vipreco.lists.branch_lists import BranchList, branch_list, first_by
from vipreco.lists.offer_parts import CUSTOMERS, OfferRequest
from vipreco.lists.offers import nobody
from vipreco.recommender import ModelInForce
from vipreco.scratch_folder import scratch_folder

LIST_JOB: Final = "vipreco.lists.branch_list_parts:list_of_part"
ROWS: Final = "rows.arrow"


@dataclass(frozen=True)
class ListRequest:
    """A list of a branch that is asked for.

    Args:
        customers: Who is meant, and the model.
        which: The list.
        limit: Maximum of customers.
    """

    customers: OfferRequest
    which: str
    limit: int

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ListRequest:
        """Return the request of a dataclass that became JSON."""
        return cls(OfferRequest(**record["customers"]), record["which"], record["limit"])


def branch_list_in_parts(engine: Engine, request: ListRequest, progress: Progress) -> pl.DataFrame:
    """Return a list of a branch, whatever the number of parts and the engine.

    Raises:
        InputRejectedError: Nobody who is meant is in the newest snapshot.
        UsageError: The model gives no such probability, and the list needs it.
    """
    results = engine.run(LIST_JOB, asdict(request), request.customers.parts.number, progress)
    if not results.total(CUSTOMERS):
        results.discard()
        raise nobody(date.fromisoformat(request.customers.as_of))
    with scratch_folder("list") as scratch:
        folders = [results.fetch(one.part, scratch) for one in results.receipts if one.counts[CUSTOMERS]]
        rows = first_of_all([pl.read_ipc(folder / ROWS) for folder in folders], request)
    results.discard()
    return rows


def first_of_all(parts: Sequence[pl.DataFrame], request: ListRequest) -> pl.DataFrame:
    """Return the first customers of all parts, in the order of the list."""
    rows, which = pl.concat(parts), BranchList(request.which)
    if which is BranchList.grow:
        value = pl.col(PRIORITY).max().over(CUSTOMER_ID)
        ordered = rows.sort(value, CUSTOMER_ID, RANK, descending=[True, False, False])
        first = ordered[CUSTOMER_ID].unique(maintain_order=True).head(request.limit)
        return ordered.filter(pl.col(CUSTOMER_ID).is_in(first.implode()))
    by = first_by(which, rows.columns)
    return rows.sort(by, CUSTOMER_ID, descending=[True, False], nulls_last=True).head(request.limit)


def list_of_part(spec: Spec, part: int, folder: Path, context: TaskContext) -> Mapping[str, int]:
    """Write the list of the customers of one part who are meant: a `Job`."""
    request = ListRequest.from_record(spec)
    meant = request.customers
    history = meant.parts.history(part, context.scratch, context.limits)
    view = meant.audience.within(history.as_of(date.fromisoformat(meant.as_of)))
    customers = 0 if view is None else view.population().num_rows
    if view is None or not customers:
        return {"rows": 0, CUSTOMERS: 0}
    recommender = ModelInForce(**meant.model).opened(context.limits.threads)
    explainer = Explainer(recommender, meant.reason_weights)
    rows = branch_list(explainer, view, BranchList(request.which), request.limit, context.step)
    rows.write_ipc(folder / ROWS)
    return {"rows": rows.height, CUSTOMERS: customers}
