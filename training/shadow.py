"""Shadow: a challenger scored beside the champion each night, for no customer and no manager to see."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from training.registry import CHALLENGER, CHAMPION, Resolved, resolve
from training.result import Say, silent
from vipreco.artifact import publish, temporary_beside
from vipreco.columns import CUSTOMER_ID, PRODUCT_ID
from vipreco.durable import sha256_of, write_json
from vipreco.errors import IntegrityError, UsageError
from vipreco.failpoints import reach
from vipreco.history import History, View, label_windows
from vipreco.lists import view_at
from vipreco.project import Project
from vipreco.recommender import Recommender
from vipreco.stats import Estimate, clustered_mean
from vipreco.store import Keys

FOLDER: Final = Path("data") / "shadow"
KEYS: Final = Path("data") / "keys"
OFFERS, NIGHT = "offers.parquet", "night.json"
MODELS: Final = (CHAMPION, CHALLENGER)
NOBODY: Final = (None, None)
OUTCOMES: Final = pl.Schema(
    [("as_of", pl.Date()), ("pseudonym", pl.String()), ("acquired", pl.List(pl.String))]
)
PSEUDONYM, MODEL, RANK, CHANCE = "pseudonym", "model", "rank", "chance"
CONTACTED: Final = (
    "customers were contacted about the champion's offers alone: acquisitions that a contact brought speak "
    "for the champion"
)


@dataclass(frozen=True)
class Night:
    """A night that both models were scored in.

    Args:
        folder: With the offers, by pseudonyms of customers.
        as_of: Date whose knowledge was used.
        versions: Version of each model.
        hashes: Artifact of each model.
        top: Length of the lists.
        horizon_months, gap_months: Of the chances, to judge them by.
        new: False where the night had been scored before.
    """

    folder: Path
    as_of: date
    versions: Mapping[str, str]
    hashes: Mapping[str, str]
    top: int
    horizon_months: int
    gap_months: int
    new: bool = False

    def offers(self) -> pl.DataFrame:
        """Return rows pseudonym, model, rank, product_id, chance."""
        return pl.read_parquet(self.folder / OFFERS)


def score(
    project: Project,
    reference: str = CHALLENGER,
    as_of: date | None = None,
    top: int = 3,
    say: Say = silent,
) -> Night:
    """Score champion and challenger on all customers, and keep both lists; nobody is shown anything.

    Args:
        project: The project.
        reference: Alias or number of the challenger.
        as_of: Date whose knowledge is used; None: the newest snapshot.
        top: Length of the lists.
        say: Takes sentences about the progress.

    Raises:
        UsageError: There is no champion or no such challenger, they are the same, or one of them learnt what
            came after the date.
        IntegrityError: An artifact is not what was registered.
    """
    found = {CHAMPION: resolve(project), CHALLENGER: resolve(project, reference)}
    if found[CHAMPION].artifact_hash == found[CHALLENGER].artifact_hash:
        raise UsageError(
            f"{reference} is the champion itself",
            remedy="`vipreco retrain` makes a challenger; `vipreco models list` shows the versions",
            code="same-model",
        )
    history = History.open(project.tables, project.threads, signatures=project.signatures)
    view = view_at(history, as_of)
    folder = _folder(project, view.date, found[CHALLENGER])
    if (folder / NIGHT).exists():
        return _read(folder)
    return _scored(project, view, found, folder, top, say)


def nights(project: Project, reference: str | None = None) -> list[Night]:
    """Return the nights that were scored, oldest first; with `reference`, those of that challenger.

    Raises:
        UsageError: No such version.
        IntegrityError: Offers are not what was kept.
    """
    wanted = None if reference is None else resolve(project, reference).artifact_hash
    found = [_read(path.parent) for path in sorted((project.root / FOLDER).glob(f"[!.]*/{NIGHT}"))]
    return [night for night in found if wanted in {None, night.hashes[CHALLENGER]}]


def _folder(project: Project, day: date, challenger: Resolved) -> Path:
    return project.root / FOLDER / f"{day}-{challenger.artifact_hash[:8]}"


def _scored(
    project: Project, view: View, found: Mapping[str, Resolved], folder: Path, top: int, say: Say
) -> Night:
    keys = Keys.open(project.root / KEYS, project.settings.signatures.trusted)
    parts: list[pl.DataFrame] = []
    horizon = (0, 0)
    for model, resolved in found.items():
        say(f"scoring {model}")
        recommender = Recommender.load(resolved.folder, project.threads, checked=True)
        recommender.check_hindsight(view.date, allowed=False)
        horizon = (recommender.settings.horizon_months, recommender.settings.gap_months)
        parts += _lists(recommender, view, model, top, keys)
    content = {
        "as_of": view.date.isoformat(),
        "versions": {model: one.version for model, one in found.items()},
        "hashes": {model: one.artifact_hash for model, one in found.items()},
        "top": top,
        "horizon_months": horizon[0],
        "gap_months": horizon[1],
        "snapshot_id": view.snapshot_id,
        "scored_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    with temporary_beside(folder) as temporary:
        pl.concat(parts).write_parquet(temporary / OFFERS)
        write_json(temporary / NIGHT, {**content, "sha256": sha256_of(temporary / OFFERS)})
        reach("shadow.scored")
        publish(temporary, folder)
    return _read(folder, new=True)


def _lists(recommender: Recommender, view: View, model: str, top: int, keys: Keys) -> Iterator[pl.DataFrame]:
    for decisions in recommender.decide(view):
        rows = decisions.offers(top)
        ids = {one: keys.pseudonym_of(one) for one in rows[CUSTOMER_ID].unique().to_list()}
        yield rows.select(
            pl.col(CUSTOMER_ID).replace_strict(ids, return_dtype=pl.String).alias(PSEUDONYM),
            pl.lit(model).alias(MODEL),
            pl.col("rank").cast(pl.Int16).alias(RANK),
            pl.col(PRODUCT_ID),
            pl.col("propensity").alias(CHANCE),
        )


def _read(folder: Path, *, new: bool = False) -> Night:
    try:
        content = json.loads((folder / NIGHT).read_bytes())
        if content["sha256"] != sha256_of(folder / OFFERS):
            raise ValueError("other offers")
    except (OSError, ValueError, KeyError) as error:
        raise IntegrityError(
            "is not the night that was scored",
            where=str(folder),
            remedy="move the folder away; the night can be scored again with --as-of",
            code="shadow-night",
        ) from error
    return Night(
        folder,
        date.fromisoformat(content["as_of"]),
        content["versions"],
        content["hashes"],
        content["top"],
        content["horizon_months"],
        content["gap_months"],
        new,
    )


@dataclass(frozen=True)
class ShadowReport:
    """Champion and challenger over the nights of a shadow.

    Args:
        rows: figure, champion, challenger, difference, low, high, customers; a figure a row.
        nights: Nights that were scored.
        matured: Of these, nights whose window of outcomes has ended.
        notes: What has to be known to read it.
    """

    rows: tuple[dict[str, Any], ...]
    nights: int
    matured: int
    notes: tuple[str, ...]


def report(project: Project, reference: str | None = None) -> ShadowReport:
    """Compare lists, chances and later outcomes of champion and challenger, paired by customer.

    Raises:
        UsageError: No night was scored.
    """
    found = nights(project, reference)
    if not found:
        raise UsageError(
            "no night was scored in shadow",
            where=str(project.root / FOLDER),
            remedy="run `vipreco shadow score` after each nightly build",
            code="no-shadow",
        )
    if len({night.hashes[CHALLENGER] for night in found}) > 1:
        found = [night for night in found if night.hashes[CHALLENGER] == found[-1].hashes[CHALLENGER]]
    pairs = pl.concat([_pairs(night) for night in found])
    outcomes = _outcomes(project, found)
    rows = [*_list_rows(pairs, project.seed), *_outcome_rows(pairs, outcomes, project.seed)]
    matured = outcomes["as_of"].n_unique() if len(outcomes) else 0
    notes = [CONTACTED] if matured else ["no window of outcomes has ended yet: lists and chances alone"]
    return ShadowReport(tuple(rows), len(found), matured, tuple(notes))


def _pairs(night: Night) -> pl.DataFrame:
    """Return a row a customer of a night: list and chances of both models."""
    lists = (
        night.offers()
        .sort(PSEUDONYM, MODEL, RANK)
        .group_by(PSEUDONYM, MODEL, maintain_order=True)
        .agg(pl.col(PRODUCT_ID), pl.col(CHANCE))
    )
    sides = {
        model: lists.filter(pl.col(MODEL) == model).select(
            PSEUDONYM, pl.col(PRODUCT_ID).alias(model), pl.col(CHANCE).alias(f"{model}_{CHANCE}")
        )
        for model in MODELS
    }
    both = sides[CHAMPION].join(sides[CHALLENGER], on=PSEUDONYM, how="full", coalesce=True)
    return both.with_columns(pl.lit(night.as_of).alias("as_of"))


def _list_rows(pairs: pl.DataFrame, seed: int) -> Iterator[dict[str, Any]]:
    ids = pairs[PSEUDONYM].to_numpy()
    first = {model: pairs[model].list.first() for model in MODELS}
    changed = (first[CHAMPION] != first[CHALLENGER]).fill_null(value=True)
    yield _row("customers with a list", [float(pairs[model].is_not_null().sum()) for model in MODELS])
    yield _row("first offer is another one", NOBODY, _mean(changed, ids, seed))
    shared = pairs.select(
        pl.col(CHAMPION).list.set_intersection(CHALLENGER).list.len()
        / pl.col(CHAMPION).list.set_union(CHALLENGER).list.len()
    ).to_series()
    yield _row("products that both lists share", NOBODY, _mean(shared.fill_null(0.0), ids, seed))
    chances = {model: pairs[f"{model}_{CHANCE}"].list.first() for model in MODELS}
    yield _compared("chance of the first offer", chances, ids, seed)


def _outcome_rows(pairs: pl.DataFrame, outcomes: pl.DataFrame, seed: int) -> Iterator[dict[str, Any]]:
    if outcomes.is_empty():
        return
    seen = pairs.join(outcomes, on=["as_of", PSEUDONYM])
    ids = seen[PSEUDONYM].to_numpy()
    hits = {model: seen.select(_hits(model)).to_series().cast(pl.Float64) for model in MODELS}
    expected = {model: seen[f"{model}_{CHANCE}"].list.sum() for model in MODELS}
    yield _compared("acquired from the list, a customer", hits, ids, seed)
    first = {model: (seen[model].list.first().is_in(seen["acquired"])).cast(pl.Float64) for model in MODELS}
    yield _compared("acquired the first offer", first, ids, seed)
    yield _row(
        "chances of the list, by acquisitions",
        [_ratio(expected[model], hits[model]) for model in MODELS],
        customers=seen[PSEUDONYM].n_unique(),
    )


def _hits(model: str) -> pl.Expr:
    return pl.col(model).list.set_intersection("acquired").list.len().fill_null(0)


def _outcomes(project: Project, found: list[Night]) -> pl.DataFrame:
    """Return as_of, pseudonym and acquired products of the observed customers of matured nights."""
    history = History.open(project.tables, project.threads, signatures=project.signatures)
    keys = Keys.open(project.root / KEYS, project.settings.signatures.trusted)
    parts = [part for night in found if (part := _outcome_of(history, night, keys)) is not None]
    return pl.concat(parts) if parts else pl.DataFrame(schema=OUTCOMES)


def _outcome_of(history: History, night: Night, keys: Keys) -> pl.DataFrame | None:
    ends = label_windows(history.snapshot_dates, night.horizon_months, night.gap_months).get(night.as_of)
    if ends is None:
        return None
    labels = history.acquisitions(*ends)
    observed = pl.DataFrame({CUSTOMER_ID: labels.observed.to_pylist()}, schema={CUSTOMER_ID: pl.String})
    acquired = pl.DataFrame(labels.acquired).group_by(CUSTOMER_ID).agg(pl.col(PRODUCT_ID).alias("acquired"))
    both = observed.join(acquired, on=CUSTOMER_ID, how="left")
    names = [keys.pseudonym_of(one) for one in both[CUSTOMER_ID].to_list()]
    return both.select(
        pl.lit(night.as_of).alias("as_of"),
        pl.Series(PSEUDONYM, names, dtype=pl.String),
        pl.col("acquired").fill_null(pl.lit([], dtype=pl.List(pl.String))),
    )


def _compared(
    name: str, values: Mapping[str, pl.Series], ids: np.ndarray[Any, Any], seed: int
) -> dict[str, Any]:
    """Return the mean of both, and the difference challenger minus champion, paired by customer."""
    filled = {model: one.fill_null(0.0) for model, one in values.items()}
    difference = _mean(filled[CHALLENGER] - filled[CHAMPION], ids, seed)
    means = [float(np.asarray(filled[model].to_numpy()).mean()) for model in MODELS]
    return _row(name, means, difference)


def _mean(values: pl.Series, ids: np.ndarray[Any, Any], seed: int) -> Estimate:
    return clustered_mean(values.cast(pl.Float64).to_numpy(), ids, seed)


def _ratio(expected: pl.Series, happened: pl.Series) -> float | None:
    return float(expected.sum()) / float(happened.sum()) if happened.sum() else None


def _row(
    name: str,
    sides: Sequence[float | None],
    found: Estimate | None = None,
    customers: int | None = None,
) -> dict[str, Any]:
    return {
        "figure": name,
        CHAMPION: sides[0],
        CHALLENGER: sides[1],
        "difference": None if found is None else found.value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
        "customers": customers if found is None else found.customers,
    }
