"""The night's work: all decisions of a bank, laid down so that one customer's answer takes a moment."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from vipreco.answering.popular import popular_lists
from vipreco.answering.publication import Publications
from vipreco.artifact import verify
from vipreco.columns import CUSTOMER_ID
from vipreco.durable import canonical_json
from vipreco.history import AsOf
from vipreco.policy import Policy, PolicyFacts, gather_facts
from vipreco.recommender import Decisions, Recommender
from vipreco.recommender.deciding import DEFAULT_CHANNEL, Situation, decide, situation
from vipreco.recommender.fitting import Step, silent
from vipreco.recommender.reasons import told_for

Files = dict[str, NDArray[np.generic]]
RECORDS, BOOKS = "records", "books.parquet"
POPULAR, POLICY, REASONS = "popular.json", "policy.json", "reasons.arrow"
TOLD_OFFERS = 3
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Preparation:
    """What is laid down.

    Args:
        recommender: With the rules and weights in force.
        artifact: Its folder.
        view: What is known of all customers.
        vip: Tiers whose offers get their reasons at night; those of others are told when they are asked for.
        channels: Channels that may ask.
        store_sequence: Number of the last change in the store that the tables hold.
    """

    recommender: Recommender
    artifact: Path
    view: AsOf
    vip: tuple[str, ...]
    channels: tuple[str, ...]
    store_sequence: int = 0


def prepare(publications: Publications, preparation: Preparation, step: Step = silent) -> Path:
    """Decide for all customers, lay it down, and put it in force; returns the prepared folder.

    Raises:
        BusyError: Another process prepares.
        IntegrityError: The artifact is not what its manifest says.
        ResourcesError: The disk is full; what was in force stays so.
    """
    return publications.publish(lambda folder: _fill(folder, preparation, step))


def channels_of(view: AsOf) -> tuple[str, ...]:
    """Return the channels that a catalogue names, and the branch."""
    named = pl.DataFrame(view.catalog_table())["channels"].explode().drop_nulls().unique().to_list()
    return tuple(sorted({DEFAULT_CHANNEL, *map(str, named)}))


def _fill(folder: Path, work: Preparation, step: Step) -> dict[str, Any]:
    fitted, view = work.recommender.fitted, work.view
    artifact = verify(work.artifact)
    step("features")
    known = situation(fitted, view, work.channels[0])
    step("scores")
    ids = known.computed.customer_ids
    writer = _Writer(folder, len(ids), len(known.catalog))
    writer.whole("customers", np.asarray(ids, np.str_))
    reasons = _Reasons(known, work)
    for place, decisions in _with_places(decide(fitted, known)):
        writer.decisions(place, decisions)
        step("reasons")
        reasons.add(decisions)
        step("scores")
    for channel in work.channels:
        step(f"rules: {channel}")
        writer.verdicts(channel, fitted.policy, _facts(known, fitted.policy, channel))
    writer.close()
    reasons.write(folder / REASONS)
    step("records")
    _lay_down(folder, view, ids)
    popular = popular_lists(known, fitted.policy, work.channels)
    (folder / POPULAR).write_bytes(canonical_json(popular))
    policy = {name: text.decode() for name, text in fitted.policy.definition.items()}
    (folder / POLICY).write_bytes(canonical_json(policy))
    return _manifest(work, known, artifact.artifact_hash)


def _manifest(work: Preparation, known: Situation, artifact_hash: str) -> dict[str, Any]:
    fitted, catalog = work.recommender.fitted, known.catalog
    shape = fitted.settings.arbitration.slate
    return {
        "artifact": str(work.artifact.resolve()),
        "artifact_hash": artifact_hash,
        "snapshot_id": work.view.snapshot_id,
        "snapshot_date": work.view.snapshot_date.isoformat(),
        "as_of": work.view.date.isoformat(),
        "calendar": [day.isoformat() for day in sorted(work.view.snapshots)],
        "policy_version": fitted.policy.version,
        "arbitration": json.loads(fitted.settings.arbitration.model_dump_json()),
        "channels": list(work.channels),
        "products": list(catalog.product_ids),
        "names": list(catalog.names),
        "families": list(catalog.families),
        "exclusions": catalog.exclusions.astype(int).tolist(),
        "per_family": shape.per_family,
        "least_priority": shape.least_priority,
        "store_sequence": work.store_sequence,
    }


def _facts(known: Situation, policy: Policy, channel: str) -> PolicyFacts:
    scored = known.facts.products["product_scored"].to_numpy()
    return gather_facts(known.view, known.catalog, policy, channel, known.state.held, scored)


def _with_places(chunks: Iterator[Decisions]) -> Iterator[tuple[int, Decisions]]:
    start = 0
    for decisions in chunks:
        yield start, decisions
        start += len(decisions.customer_ids)


def _lay_down(folder: Path, view: AsOf, ids: NDArray[Any]) -> None:
    books = f"SELECT {CUSTOMER_ID}, manager_id, branch_id, tier FROM customers_now ORDER BY {CUSTOMER_ID}"
    pl.DataFrame(view.query(books)).write_parquet(folder / BOOKS)
    (folder / RECORDS).mkdir()
    view.keep(folder / RECORDS, pa.array(ids.tolist(), pa.string()))


class _Writer:
    """Arrays of a prepared folder, filled chunk by chunk where they are as long as the bank."""

    PARTS = {"propensity": np.float64, "priority": np.float64, "value": np.float64}

    def __init__(self, folder: Path, customers: int, products: int) -> None:
        self.folder, self.shape = folder, (customers, products)
        self.files = {name: self._file(name, kind, self.shape) for name, kind in self.PARTS.items()}
        self.personalised = self._file("personalised", np.bool_, (customers,))

    def whole(self, name: str, values: NDArray[Any]) -> None:
        """Write an array at once."""
        np.save(self.folder / f"{name}.npy", values, allow_pickle=False)

    def decisions(self, place: int, decisions: Decisions) -> None:
        """Write what is decided whatever the channel."""
        rows = slice(place, place + len(decisions.customer_ids))
        self.files["propensity"][rows] = decisions.propensity
        self.files["priority"][rows] = decisions.priority
        self.files["value"][rows] = decisions.worth.value()
        self.personalised[rows] = decisions.personalised

    def verdicts(self, channel: str, policy: Policy, facts: PolicyFacts, chunk: int = 100_000) -> None:
        """Write what the rules say of a channel."""
        target = self._file(f"verdict-{channel}", np.int16, self.shape)
        for start in range(0, self.shape[0], chunk):
            rows = slice(start, start + chunk)
            target[rows] = policy.judge(facts.rows(rows))
        target.flush()

    def close(self) -> None:
        """Write out what is still in memory."""
        for file in (*self.files.values(), self.personalised):
            file.flush()

    def _file(self, name: str, kind: Any, shape: tuple[int, ...]) -> np.memmap[Any, Any]:
        path = self.folder / f"{name}.npy"
        return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)  # type: ignore[no-untyped-call,no-any-return]


class _Reasons:
    """Reasons of the first offers of VIP customers, in every language, as they are told by day."""

    def __init__(self, known: Situation, work: Preparation) -> None:
        self.known, self.fitted = known, work.recommender.fitted
        self.vip = np.isin(known.relations.tiers.astype(np.str_), np.array(work.vip, np.str_))
        self.done = 0
        self.frames: list[pl.DataFrame] = []

    def add(self, decisions: Decisions) -> None:
        """Tell the offers of a chunk."""
        rows, columns = decisions.listed(TOLD_OFFERS)
        here = self.vip[self.done : self.done + len(decisions.customer_ids)]
        self.done += len(decisions.customer_ids)
        rows, columns = rows[here[rows]], columns[here[rows]]
        if not len(rows):
            return
        told = {
            language: told_for(self.fitted, self.known, decisions, rows, columns, language)
            for language in LANGUAGES
        }
        self.frames.append(_reason_frame(decisions, rows, columns, told))

    def write(self, path: Path) -> None:
        """Write them by customer and product."""
        schema = _reason_frame_schema()
        found = pl.concat(self.frames) if self.frames else pl.DataFrame(schema=schema)
        found.sort(CUSTOMER_ID, "product_id").write_ipc(path, compression="uncompressed")


def _reason_frame_schema() -> dict[str, Any]:
    texts = {f"reasons_{language}": pl.List(pl.String) for language in LANGUAGES}
    cautions = {f"caution_{language}": pl.String() for language in LANGUAGES}
    return {
        CUSTOMER_ID: pl.String(),
        "product_id": pl.String(),
        "codes": pl.List(pl.String),
        **texts,
        **cautions,
    }


def _reason_frame(decisions: Decisions, rows: Any, columns: Any, told: dict[str, Any]) -> pl.DataFrame:
    ids: Sequence[str] = decisions.customer_ids[rows].tolist()
    columns_: dict[str, Any] = {
        CUSTOMER_ID: list(map(str, ids)),
        "product_id": [decisions.product_ids[column] for column in columns.tolist()],
        "codes": [[reason.id for reason in reasons] for reasons in told["en"].reasons],
    }
    for language, found in told.items():
        columns_[f"reasons_{language}"] = [[reason.text for reason in reasons] for reasons in found.reasons]
    for language, found in told.items():
        columns_[f"caution_{language}"] = [caution.text if caution else "" for caution in found.cautions]
    return pl.DataFrame(columns_, schema=_reason_frame_schema())


def day_of(text: str) -> date:
    """Return the date of a manifest."""
    return date.fromisoformat(text)
