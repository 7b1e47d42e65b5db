"""Replay of the running service: release and store of then are made again for the customers asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from vipreco.assurance.decision_basis import DecisionBasis
from vipreco.assurance.list_record import (
    ListRecord,
    MadeList,
    OverlayRecord,
    Row,
    made_of_day,
    rows_of_calls,
    rows_of_sheet,
)
from vipreco.errors import InputRejectedError, UsageError
from vipreco.history import History
from vipreco.lists import Availability, Wording, call_list, customer_sheet
from vipreco.online import NightlyBuild, OnlineService, Releases, build_release
from vipreco.recommender import Recommender
from vipreco.scratch_folder import scratch_folder
from vipreco.store import Store, SwitchedOff, past_store

COLD_START: Final = "cold_start"
PAGE_LIST, PAGE_SHEET = "page_list", "page_sheet"
ANSWER_NUMBERS: Final = ("propensity", "chance_without_contact", "chance_with_contact", "expected_gain")


@dataclass(frozen=True)
class ServiceInputs:
    """Everything that a decision of the service came from.

    Args:
        recommender: The model of then.
        artifact: Its folder.
        history: The tables of then.
        basis: Rules, weights and settings of then.
        store: With all records; those of then are copied from it.
    """

    recommender: Recommender
    artifact: Path
    history: History
    basis: DecisionBasis
    store: Store


@contextmanager
def past_service(
    inputs: ServiceInputs, overlay: OverlayRecord, customer_ids: Sequence[str], channel: str
) -> Iterator[OnlineService]:
    """Give the service as it was for some customers.

    Raises:
        InputRejectedError: None of them is in the tables of then.
    """
    view = inputs.history.as_of(date.fromisoformat(overlay.as_of)).of(
        pa.array(list(customer_ids), pa.string())
    )
    if not view.population().num_rows:
        raise InputRejectedError("the customers of the decision are not in its tables", code="nobody")
    build = NightlyBuild(
        recommender=inputs.basis.applied(inputs.recommender),
        artifact=inputs.artifact,
        history=inputs.history,
        view=view,
        vip=inputs.basis.vip,
        channels=(channel,),
        store_sequence=overlay.after,
        reason_weights=inputs.basis.reason_weights,
    )
    off = SwitchedOff(frozenset(overlay.products_off), frozenset(overlay.models_off))
    with scratch_folder("replay") as scratch:
        folder = build_release(Releases(scratch / "serving"), build)
        with past_store(inputs.store, scratch / "store.db", customer_ids, overlay.until, off) as past:
            yield OnlineService(folder, past, inputs.basis.day_settings)


def answer_again(inputs: ServiceInputs, record: Mapping[str, Any], moment: datetime) -> MadeList:
    """Return the offers of an answer as they are decided again."""
    told, customer, channel = record["decided_on"], record["customer_id"], record["channel"]
    if record["source"] == COLD_START:
        raise UsageError(
            "the answer is a list of popular products, for somebody of whom nothing was known",
            remedy="nothing about a customer was decided; such a list is not made again",
            code="cold-start",
        )
    limit, overlay = told["limit"], OverlayRecord.model_validate_json(json.dumps(told["overlay"]))
    with past_service(inputs, overlay, [customer], channel) as past:
        if told.get("facts") is None:
            slate = past.offers(customer, channel, limit, moment)
        else:
            slate = past.with_facts(customer, told["facts"], channel, limit, moment)
    rows = [
        (customer, line.product_id, rank, tuple(getattr(line, name) for name in ANSWER_NUMBERS))
        for rank, line in enumerate(slate.lines, start=1)
    ]
    return MadeList(tuple(rows))


def rows_of_answer(record: Mapping[str, Any]) -> tuple[Row, ...]:
    """Return the rows of an answer as it was sent."""
    return tuple(
        (
            record["customer_id"],
            offer["product_id"],
            offer["rank"],
            tuple(offer[name] for name in ANSWER_NUMBERS),
        )
        for offer in record["offers"]
    )


def service_list_again(inputs: ServiceInputs, record: ListRecord) -> MadeList:
    """Return a list or a sheet of the page as it is made again."""
    overlay = record.overlay or OverlayRecord(as_of=record.day)
    customers = record.question["customers"]
    moment = datetime.combine(date.fromisoformat(record.day), time())
    say = Wording("en", currency=inputs.basis.currency)
    with past_service(inputs, overlay, customers, record.question["channel"]) as past:
        if record.kind == PAGE_SHEET:
            day = past.customer(customers[0], moment)
            return made_of_day(day, rows_of_sheet(customers[0], customer_sheet(day, "", say)))
        day = past.book(customers, None, moment, Availability.from_record(record.question))
        return made_of_day(day, rows_of_calls(call_list(day, "", "", say, with_reasons=False)))
