"""Audience and date of a list, and its offers in the order of a call list."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.columns import CUSTOMER_ID, MANAGER_ID, TIER
from vipreco.errors import InputRejectedError, UsageError
from vipreco.explanations import Explainer
from vipreco.history import History, View
from vipreco.lists.ordered_parts import ordered_offers
from vipreco.policy import Language
from vipreco.recommender import (
    DEFAULT_CHANNEL,
    Step,
    in_order,
    silent,
)

MAX_STALENESS = timedelta(days=92)  # a list made of older knowledge would mislead whoever calls by it
PRODUCT_NAME = "product_name"
REASON = "reason"
SEPARATOR = "; "

SHEET = {
    "product_id": pl.String(),
    "rank": pl.Int16(),
    "propensity": pl.Float64(),
    "reason": pl.String(),
    "supported_by": pl.List(pl.String),
    "caution": pl.String(),
    "unlocked_by": pl.String(),
}


@dataclass(frozen=True)
class Audience:
    """Customers of a list: all, or those who meet every condition given.

    Args:
        customers: These ids.
        manager: The book of this manager.
        tiers: Customers of these tiers.
    """

    customers: pa.Array | None = None
    manager: str | None = None
    tiers: tuple[str, ...] | None = None

    def of(self, view: View) -> View:
        """Return the view of these customers alone.

        Raises:
            InputRejectedError: Nobody in the newest snapshot is meant.
        """
        found = self.within(view)
        if found is None:
            raise nobody(view.snapshot_date)
        return found

    def within(self, view: View) -> View | None:
        """Return the view of those of these customers who are in a view; None where none of them is."""
        if self.customers is None and self.manager is None and self.tiers is None:
            return view
        chosen = self._chosen(view)
        return view.of(chosen) if len(chosen) else None

    def _chosen(self, view: View) -> pa.Array:
        rows = view.query(
            f"SELECT {CUSTOMER_ID}, {MANAGER_ID}, {TIER} FROM customers_now ORDER BY {CUSTOMER_ID}"
        )
        frame = pl.DataFrame(rows)
        if self.customers is not None:
            frame = frame.filter(pl.col(CUSTOMER_ID).is_in(pl.Series(self.customers).implode()))
        if self.manager is not None:
            frame = frame.filter(pl.col(MANAGER_ID) == self.manager)
        if self.tiers is not None:
            frame = frame.filter(pl.col(TIER).is_in(list(self.tiers)))
        return frame[CUSTOMER_ID].to_arrow().cast(pa.string())


def nobody(snapshot: date) -> InputRejectedError:
    """Return the error of a list that nobody in the newest snapshot is on."""
    return InputRejectedError(
        "none of the customers asked for is in the newest snapshot",
        where=f"snapshot {snapshot}",
        remedy="check the ids, the manager or the tiers; `vipreco offers --all` gives everybody",
        code="nobody",
    )


def sampled(view: View, customers: int, seed: int) -> View:
    """Return the view of so many of its customers, the same ones for the same seed."""
    ids = view.population()[CUSTOMER_ID].cast(pa.string()).combine_chunks()
    count = min(customers, len(ids))
    chosen = np.sort(np.random.default_rng(seed).choice(len(ids), count, replace=False))
    return view.of(ids.take(pa.array(chosen)))


def view_at(history: History, day: date | None = None) -> View:
    """Return what was known at `day`; without it, at the newest snapshot.

    Raises:
        UsageError: Before the first snapshot, or so long after the last that nothing is known of that time.
    """
    dates = history.snapshot_dates
    if not dates:
        raise UsageError("no customer was ever observed", remedy="import customers first", code="no-snapshot")
    chosen = day or dates[-1]
    view = history.as_of(chosen)
    if chosen - view.snapshot_date > MAX_STALENESS:
        raise UsageError(
            f"the newest snapshot before {chosen} is of {view.snapshot_date}",
            where="--as-of",
            remedy=f"import newer customers, or ask as of {view.snapshot_date}",
            code="stale",
        )
    return view


def read_customers(path: Path) -> pa.Array:
    """Read ids from a CSV or text file: its column `customer_id`, or the first column; ids stay text.

    Raises:
        UsageError: The file cannot be read or holds no id.
    """
    try:
        table = pl.read_csv(path, infer_schema=False, encoding="utf8", truncate_ragged_lines=True)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise UsageError("no ids can be read from it", where=str(path), code="unreadable") from error
    ids = table[CUSTOMER_ID if CUSTOMER_ID in table.columns else table.columns[0]].drop_nulls()
    if ids.is_empty():
        raise UsageError(
            "holds no ids",
            where=str(path),
            remedy="one id a line, below the header customer_id",
            code="no-ids",
        )
    return ids.unique().sort().to_arrow().cast(pa.string())


def reasoned_offers(
    explainer: Explainer,
    view: View,
    top: int,
    step: Step = silent,
    channel: str = DEFAULT_CHANNEL,
    shown: int | None = None,
) -> Iterator[pl.DataFrame]:
    """Give the first `top` offers of each customer with their reasons, in chunks, ordered by customer.

    Args:
        explainer: Of a recommender.
        view: Of the customers.
        top: Maximum of offers of a customer.
        step: Gets the name of each stage as it begins.
        channel: Of the offers.
        shown: First rows of the list that a reader is shown; the others have no reason. None: all.
    """
    step("features")
    known = explainer.recommender.context(view, channel)
    names = pl.Series(known.catalog.names, dtype=pl.String)
    step("scores and reasons")
    for decisions in explainer.recommender.decisions(known):
        ranks = decisions.slate(top)
        customers, columns = in_order(ranks, top)
        told = first_rows(decisions.priority[customers, columns], customers, shown)
        found = explainer.reasons_in(known, decisions, customers[told], columns[told])
        texts = np.full(len(customers), "", object)
        texts[told] = [SEPARATOR.join(reason.text for reason in reasons) for reasons in found.reasons]
        yield decisions.rows(customers, columns, ranks).with_columns(
            names.gather(columns).alias(PRODUCT_NAME), pl.Series(REASON, texts.tolist(), pl.String)
        )


def first_rows(
    priority: NDArray[np.float64], customers: NDArray[np.intp], shown: int | None
) -> NDArray[np.bool_]:
    """Return which offers are among the first rows of an `offer_list`, those of a customer together.

    Args:
        priority: Of each offer, shape (m,).
        customers: Place of its customer in the order of the ids, ascending, shape (m,).
        shown: Number of rows; None: all.
    """
    if shown is None or shown >= len(customers):
        return np.ones(len(customers), bool)
    _, start, count = np.unique(customers, return_index=True, return_counts=True)
    order = np.argsort(-np.maximum.reduceat(priority, start), kind="stable")
    before = np.cumsum(count[order]) - count[order]
    first = np.zeros(len(order), bool)
    first[order[before < shown]] = True
    return np.repeat(first, count)


def offer_list(
    explainer: Explainer, view: View, top: int, step: Step = silent, channel: str = DEFAULT_CHANNEL
) -> pl.DataFrame:
    """Return the offers of all customers of a view; the customer with the most valuable offer comes first.

    Returns:
        Rows customer_id, product_id, product_name, rank, propensity, priority, reason and marks; the rows of
        a customer stay together, in the order of rank.
    """
    return ordered_offers(pl.concat(reasoned_offers(explainer, view, top, step, channel)))


def explanation_table(
    explainer: Explainer,
    view: View,
    customer_id: str,
    top: int,
    channel: str = DEFAULT_CHANNEL,
    language: Language = "en",
) -> pl.DataFrame:
    """Return a customer's offers in order, then every product that is not offered, with the reasons.

    Returns:
        Rows product_id, product_name, rank (empty: not offered), propensity, reason, supported_by (the cells
        that are cited), caution, unlocked_by (what would make a product possible).

    Raises:
        InputRejectedError: The customer is not in the newest snapshot.
    """
    explanation = explainer.explain(view, customer_id, top, channel, language)
    rows: list[tuple[object, ...]] = [
        (
            offer.product_id,
            rank,
            offer.propensity,
            SEPARATOR.join(reason.text for reason in offer.reasons),
            [fact.citation for reason in offer.reasons for fact in reason.facts],
            offer.caution.text if offer.caution else "",
            "",
        )
        for rank, offer in enumerate(explanation.offers, start=1)
    ]
    rows += [
        (item.product_id, None, None, item.text, [], "", item.unlock) for item in explanation.not_offered
    ]
    sheet = pl.DataFrame(rows, schema=SHEET, orient="row")
    names = pl.DataFrame(view.catalog_table().select(["product_id", "name"]))
    named = sheet.join(
        names.rename({"name": "product_name"}), on="product_id", how="left", maintain_order="left"
    )
    return named.select("product_id", "product_name", pl.exclude("product_id", "product_name"))
