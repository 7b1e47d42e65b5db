"""The nightly build of some customers: all of their decisions, in arrays that answer for one in a moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.arbitration import Customers, PriorityFactors, SlateRules, priority_factors, slate
from vipreco.catalog import Catalog
from vipreco.columns import CUSTOMER_ID
from vipreco.explanations import Explainer, OfferReasons
from vipreco.features import save_features, save_packed_features
from vipreco.history import History, View
from vipreco.kpi import FigureInputs, part_figures, save_part, vip_figures
from vipreco.online.all_offers import AllWriter
from vipreco.online.offer_numbers import PARTS, PLAIN
from vipreco.online.popular import HolderCounts, StrangerVerdicts
from vipreco.online.release import BOOKS
from vipreco.online.slates import NOTHING
from vipreco.online.top_offers import TopWriter
from vipreco.policy import ALLOWED, CHANNELS, Language, Policy, PolicyFacts, gather_facts
from vipreco.recommender import (
    DecisionContext,
    Decisions,
    Recommender,
    Step,
    in_columns,
)

RECORDS, FEATURES, REASONS = "records", "features", "reasons.arrow"
CUSTOMERS: Final = "customers"
EXPLAINED_OFFERS = 3
LANGUAGES: tuple[Language, ...] = ("en", "zh")


@dataclass(frozen=True)
class PartInputs:
    """The inputs of the nightly build of some customers.

    Args:
        recommender: With the rules and weights in force.
        history: The tables.
        view: The customers on the day of the build.
        vip: Tiers whose offers get their reasons at night; others get them when they are asked for.
        channels: Channels that may ask; None: those of the rules and of the catalogue.
        days: Further days that the release may answer for, should the next builds fail.
        reason_weights: Share of its weight that a template of reasons keeps, by id.
        figures: Inputs of the figures of branches; without them the release has none.
        top: Offers of a customer and channel that are kept, and everything compressed; None: all products.
    """

    recommender: Recommender
    history: History
    view: View
    vip: tuple[str, ...]
    channels: tuple[str, ...] | None = None
    days: int = 0
    reason_weights: Mapping[str, float] = field(default_factory=dict)
    figures: FigureInputs | None = None
    top: int | None = None


@dataclass(frozen=True)
class PartFacts:
    """Sums over the customers of a part, and facts of the products, which all parts have.

    Args:
        channels: Channels that may ask.
        products: Ids of the products.
        names: Their names.
        effects_learnt: By channel, for which products the effect of a contact was learnt.
        holders: Customers and holders of each product by segment.
        strangers: What the rules say of somebody of whom nothing is known.
    """

    channels: tuple[str, ...]
    products: tuple[str, ...]
    names: tuple[str, ...]
    effects_learnt: Mapping[str, Sequence[bool]]
    holders: HolderCounts
    strangers: StrangerVerdicts


def fill_part(folder: Path, work: PartInputs, step: Step) -> PartFacts:
    """Write into a folder what a release has of the customers of a view, who are one at least."""
    facts = _fill_decisions(folder, work, step)
    fill_figures(folder, work, step)
    return facts


def fill_figures(folder: Path, work: PartInputs, step: Step) -> None:
    """Write the figures of branches; those who left stand in them, so that there may be nobody else."""
    if work.figures is not None:
        step("figures")
        model = vip_figures(work.recommender, work.view)
        save_part(part_figures(work.view, replace(work.figures, model=model)), folder)


def _fill_decisions(folder: Path, work: PartInputs, step: Step) -> PartFacts:
    recommender, view = work.recommender, work.view
    channels = channels_of(view) if work.channels is None else work.channels
    step("features")
    known = recommender.context(view, channels[0])
    step("scores")
    ids = known.computed.customer_ids
    writer = _Writer(folder, work, (len(ids), len(known.catalog)), channels)
    writer.customers(ids)
    (folder / FEATURES).mkdir()
    (save_features if work.top is None else save_packed_features)(known.computed, folder / FEATURES)
    later = _later(work, known)
    verdicts = {}
    for channel in channels:
        step(f"rules: {channel}")
        verdict = judged(recommender.policy, _facts(known, recommender.policy, channel))
        verdicts[channel] = verdict
        writer.whole(f"days-{channel}", _days(known, recommender.policy, later, channel, verdict))
    writer.offers.verdicts(verdicts)
    step("scores")
    rules, reasons = recommender.slate_rules(known.catalog), _Reasons(known, work)
    for rows, decisions in _with_rows(recommender.decisions(known)):
        weighed = {channel: decisions.factors.through(channel) for channel in channels}
        indices = {
            channel: ordered(weighed[channel].priority, verdict[rows] == ALLOWED, rules)
            for channel, verdict in verdicts.items()
        }
        writer.write(decisions, weighed, indices)
        step("reasons")
        reasons.add(rows, decisions, indices)
        step("scores")
    for channel in channels:
        writer.whole(PLAIN.format(channel), plain(recommender, known.catalog, channel))
    writer.close()
    reasons.write(folder / REASONS, "uncompressed" if work.top is None else "zstd")
    step("records")
    _write_records(folder, work, ids)
    return _part_facts(known, recommender, channels)


def _part_facts(known: DecisionContext, recommender: Recommender, channels: tuple[str, ...]) -> PartFacts:
    return PartFacts(
        channels,
        known.catalog.product_ids,
        known.catalog.names,
        effects_learnt(recommender, known.catalog, channels),
        HolderCounts.count(known),
        StrangerVerdicts.judge(known, recommender.policy, channels),
    )


def channels_of(view: View) -> tuple[str, ...]:
    """Return the channels of the rules, and those that a catalogue names beside them."""
    named = pl.DataFrame(view.catalog_table())["channels"].explode().drop_nulls().unique().to_list()
    return tuple(sorted({*CHANNELS, *map(str, named)}))


def effects_learnt(
    recommender: Recommender, catalog: Catalog, channels: Sequence[str]
) -> dict[str, list[bool]]:
    """Return by channel for which products the effect of a contact was learnt, shape (P,) each."""
    effects = recommender.contact_effects
    return {channel: effects.learnt(channel, catalog.families).tolist() for channel in channels}


def _later(work: PartInputs, known: DecisionContext) -> list[View]:
    """Return the views of the days ahead, as far as customers and products stay the same."""
    views: list[View] = []
    for ahead in range(1, work.days + 1):
        view = work.history.as_of(work.view.date + timedelta(days=ahead))
        same = Catalog.from_view(view).table.equals(known.catalog.table)
        if view.snapshot_date != work.view.snapshot_date or not same:
            break
        views.append(view)
    return views


def _days(
    known: DecisionContext, policy: Policy, later: Sequence[View], channel: str, verdict: NDArray[np.int16]
) -> NDArray[np.int16]:
    """Return on how many days, the first included, the rules say the same of each customer, shape (n,)."""
    found = np.ones(len(verdict), np.int16)
    scored = known.facts.products["product_scored"].to_numpy()
    for ahead, view in enumerate(later, start=1):
        facts = gather_facts(view, known.catalog, policy, channel, scored=scored)
        same = (judged(policy, facts) == verdict).all(axis=1)
        found[same & (found == ahead)] = ahead + 1
    return found


def judged(policy: Policy, facts: PolicyFacts, chunk: int = 100_000) -> NDArray[np.int16]:
    """Return the verdicts of the rules, chunk by chunk, so that a large bank needs no more memory."""
    starts = range(0, max(facts.shape[0], 1), chunk)
    return np.concatenate([policy.judge(facts.rows(slice(start, start + chunk))) for start in starts])


def _facts(known: DecisionContext, policy: Policy, channel: str) -> PolicyFacts:
    scored = known.facts.products["product_scored"].to_numpy()
    return gather_facts(known.view, known.catalog, policy, channel, known.state.held, scored)


def _with_rows(chunks: Iterator[Decisions]) -> Iterator[tuple[slice, Decisions]]:
    start = 0
    for decisions in chunks:
        yield slice(start, start + len(decisions.customer_ids)), decisions
        start += len(decisions.customer_ids)


def _write_records(folder: Path, work: PartInputs, ids: NDArray[Any]) -> None:
    books = f"SELECT {CUSTOMER_ID}, manager_id, branch_id, tier FROM customers_now ORDER BY {CUSTOMER_ID}"
    pl.DataFrame(work.view.query(books)).write_parquet(folder / BOOKS)
    (folder / RECORDS).mkdir()
    packed = work.top is not None
    work.history.save_records(folder / RECORDS, pa.array(ids.tolist(), pa.string()), packed=packed)


def ordered(priority: NDArray[Any], allowed: NDArray[np.bool_], rules: SlateRules) -> NDArray[np.int16]:
    """Return the indices of each customer's products in the order of the slate, -1 after the last, (n, P)."""
    ranks = slate(priority, allowed, rules, priority.shape[1])
    rows, columns = np.nonzero(ranks)
    found = np.full(ranks.shape, NOTHING, np.int16)
    found[rows, ranks[rows, columns] - 1] = columns
    return found


def plain(recommender: Recommender, catalog: Catalog, channel: str) -> NDArray[np.float64]:
    """Return `PARTS` and the chance with a contact where no profile may be used, shape (5, P)."""
    customer = replace(Customers.unknown(1, len(catalog)), personalised=np.zeros(1, bool))
    rates = in_columns(recommender.base_rates[None, :], recommender.product_ids, catalog.product_ids)
    weighed = priority_factors(
        rates,
        catalog.unit_values,
        catalog.product_ids,
        catalog.families,
        customer,
        recommender.settings.arbitration,
        contact=(recommender.contact_effects, channel),
    )
    return np.concatenate([*_parts(weighed).values(), weighed.chances.with_contact])


def _parts(weighed: PriorityFactors) -> dict[str, NDArray[np.float64]]:
    """Return the arrays of `PARTS`, shape (n, P) each."""
    found = (weighed.propensity, weighed.value(), weighed.weight(), weighed.chances.without)
    return dict(zip(PARTS, found, strict=True))


class _Writer:
    """Writes what a release has of some customers besides their rows and features."""

    def __init__(
        self, folder: Path, work: PartInputs, shape: tuple[int, int], channels: tuple[str, ...]
    ) -> None:
        self.folder = folder
        self.offers: AllWriter | TopWriter = (
            AllWriter(folder, shape, channels)
            if work.top is None
            else TopWriter(folder, work.top, channels, work.recommender.policy)
        )
        self._personalised: list[NDArray[np.bool_]] = []

    def customers(self, ids: NDArray[Any]) -> None:
        """Write the ids; where all is compressed as UTF-8: a quarter of the bytes, in the same order."""
        names = np.asarray(ids, np.str_)
        packed = isinstance(self.offers, TopWriter)
        self.whole(CUSTOMERS, np.char.encode(names, "utf-8") if packed else names)

    def whole(self, name: str, values: NDArray[Any]) -> None:
        """Write an array at once."""
        np.save(self.folder / f"{name}.npy", values, allow_pickle=False)

    def write(
        self,
        decisions: Decisions,
        weighed: Mapping[str, PriorityFactors],
        indices: Mapping[str, NDArray[np.int16]],
    ) -> None:
        """Write the decisions about the next customers; factors and indices of their products by channel."""
        with_contact = {channel: factors.chances.with_contact for channel, factors in weighed.items()}
        self.offers.write(_parts(decisions.factors), with_contact, indices)
        self._personalised.append(decisions.personalised)

    def close(self) -> None:
        """Write out what is still in memory."""
        self.offers.close()
        self.whole("personalised", np.concatenate(self._personalised))


class _Reasons:
    """Collects the reasons of the first offers of VIP customers, in every language."""

    def __init__(self, known: DecisionContext, work: PartInputs) -> None:
        self.known, self.explainer = known, Explainer(work.recommender, work.reason_weights)
        self.vip = np.isin(known.relations.tiers.astype(np.str_), np.array(work.vip, np.str_))
        self.frames: list[pl.DataFrame] = []

    def add(self, rows: slice, decisions: Decisions, indices: Mapping[str, NDArray[np.int16]]) -> None:
        """Add the reasons of the first offers of some customers in any channel."""
        first = np.zeros(decisions.verdict.shape, bool)
        for order in indices.values():
            customers, ranks = np.nonzero(order[:, :EXPLAINED_OFFERS] != NOTHING)
            first[customers, order[customers, ranks]] = True
        customers, columns = np.nonzero(first & self.vip[rows, None])
        if len(customers):
            self._explain(decisions, customers, columns)

    def _explain(self, decisions: Decisions, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> None:
        explained = {
            language: self.explainer.reasons_in(self.known, decisions, rows, columns, language)
            for language in LANGUAGES
        }
        self.frames.append(_reason_frame(decisions, rows, columns, explained))

    def write(self, path: Path, compression: Literal["uncompressed", "zstd"]) -> None:
        """Write them by customer and product."""
        schema = _reason_frame_schema()
        found = pl.concat(self.frames) if self.frames else pl.DataFrame(schema=schema)
        found.sort(CUSTOMER_ID, "product_id").write_ipc(path, compression=compression)


def _reason_frame_schema() -> dict[str, Any]:
    texts = {f"reasons_{language}": pl.List(pl.String) for language in LANGUAGES}
    openings = {f"openings_{language}": pl.List(pl.String) for language in LANGUAGES}
    cautions = {f"caution_{language}": pl.String() for language in LANGUAGES}
    return {
        CUSTOMER_ID: pl.String(),
        "product_id": pl.String(),
        "codes": pl.List(pl.String),
        **texts,
        **openings,
        **cautions,
    }


def _reason_frame(
    decisions: Decisions, rows: Any, columns: Any, explained: dict[Language, OfferReasons]
) -> pl.DataFrame:
    ids: Sequence[str] = decisions.customer_ids[rows].tolist()
    columns_: dict[str, Any] = {
        CUSTOMER_ID: list(map(str, ids)),
        "product_id": [decisions.product_ids[column] for column in columns.tolist()],
        "codes": [[reason.id for reason in reasons] for reasons in explained["en"].reasons],
    }
    for language, found in explained.items():
        columns_[f"reasons_{language}"] = [[reason.text for reason in reasons] for reasons in found.reasons]
    for language, found in explained.items():
        columns_[f"openings_{language}"] = [[one.opening for one in reasons] for reasons in found.reasons]
    for language, found in explained.items():
        columns_[f"caution_{language}"] = [caution.text if caution else "" for caution in found.cautions]
    return pl.DataFrame(columns_, schema=_reason_frame_schema())
