"""A fitted recommender as an artifact: booster text, arrays, feature SQL, JSON; no code, no pickle."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vipreco.artifact import Manifest, read_arrays, saving, verify, write_arrays, write_golden, write_manifest
from vipreco.collaborative import CoHoldings
from vipreco.contact_effect import LearntEffects
from vipreco.durable import canonical_json
from vipreco.errors import IntegrityError, UsageError
from vipreco.features import FeatureSet, Vocabulary
from vipreco.policy import Policy
from vipreco.propensity import (
    ATTRITION,
    CHANGES,
    TIER_UPGRADE,
    AcquisitionModel,
    Booster,
    Calibration,
    ChangeModel,
    LineStart,
    ProductModel,
    RelationshipModel,
    RuleComparison,
)
from vipreco.recommender.filtering_storage import (
    filtering_arrays,
    formats,
    numbers,
    read_hybrid,
    read_prior,
    read_source,
    write_sources,
)
from vipreco.recommender.fitted import Fitted
from vipreco.recommender.inspection import check_columns
from vipreco.recommender.settings import RecommenderSettings
from vipreco.uplift import UpliftModel, storage

RECOMMENDER_FILE = "recommender.json"
VOCABULARY_FILE = "vocabulary.json"
METRICS_FILE = "metrics.json"
WARNINGS = "warnings"
"""Key, among the metrics, of the sentences of gates that the model does not pass."""
PRODUCT_BOOSTER = "boosters/product-{}.txt"
ANY_BOOSTER = "boosters/any.txt"
FEATURES = "features"
POLICY = "policy"
BOOSTERS = "boosters"
UPLIFT = "uplift"
EFFECTS = "contact_effects"
CO_HOLDINGS = "co_holdings"
CHANGE_BOOSTER = "boosters/{}.txt"
ALL_CHANGES = (ATTRITION, *CHANGES)
FORMER_NAMES = {ATTRITION: "leaving", TIER_UPGRADE: "rising"}
"""Names of the changes, and of their boosters, in artifacts of before; these stay readable."""


def save(fitted: Fitted, folder: Path, metrics: Mapping[str, Any], golden: NDArray[np.float32]) -> Manifest:
    """Write the artifact, all of it or none, and return its manifest.

    Args:
        fitted: What a fit left behind.
        folder: The artifact's folder; an equal artifact that is already there is kept.
        metrics: Backtest figures that travel with the model.
        golden: Feature rows (n, k) whose scores are stored, to be met wherever the artifact is loaded.

    Raises:
        BusyError: Another artifact has that name.
        ResourcesError: The disk is full.
    """
    with saving(folder) as target:
        (target / RECOMMENDER_FILE).write_bytes(canonical_json(_facts(fitted)))
        (target / VOCABULARY_FILE).write_bytes(fitted.vocabulary.to_bytes())
        (target / METRICS_FILE).write_bytes(canonical_json(metrics))
        _write_files(target / FEATURES, fitted.features.definition)
        _write_files(target / POLICY, fitted.policy.definition)
        _write_boosters(target, fitted)
        write_arrays(target, "model", _model_arrays(fitted))
        write_arrays(target, "source", numbers(fitted.source))
        _write_co_holdings(target, fitted.co_holdings)
        write_sources(target, fitted.model)
        values = np.nan_to_num(golden)  # missing numbers have their own tests; stored arrays are finite
        write_golden(target, values, fitted.golden_scores(values))
        write_manifest(target, manifest_facts(fitted))
    return verify(folder)


def read_policy(folder: Path) -> Policy:
    """Return the rules that an artifact keeps; nothing else of it is read."""
    return Policy.from_definition(_read_files(folder / POLICY))


def load(folder: Path, threads: int, *, checked: bool = False) -> Fitted:
    """Verify the artifact, then read it.

    Args:
        folder: The artifact.
        threads: How many a score may take.
        checked: Whether it was verified just now, and was loaded with all checks before.

    Raises:
        IntegrityError: A file is not what the manifest says, or the parts do not fit together.
    """
    if not checked:
        verify(folder)
    with reading(folder):
        fitted = _read(folder, threads, checked)
        check_columns(fitted, str(folder))
    return fitted


@contextmanager
def reading(folder: Path) -> Iterator[None]:
    """Turn whatever is missing or of another kind in a verified artifact into an error that says so.

    Raises:
        IntegrityError: A part that is needed is not there, or is not what it should be.
    """
    try:
        yield
    except IntegrityError:
        raise
    except (KeyError, ValueError, TypeError, OSError, UsageError) as error:
        raise IntegrityError(
            f"a part that this version of vipreco needs is missing or of another kind: {error}",
            where=str(folder),
            remedy="load it with the version that wrote it, or train it anew",
            code="artifact-parts",
        ) from error


def _read(folder: Path, threads: int, checked: bool) -> Fitted:
    facts = json.loads((folder / RECOMMENDER_FILE).read_bytes())
    names, product_ids = tuple(facts["names"]), tuple(facts["product_ids"])
    arrays = read_arrays(folder, "model")
    model = _read_model(folder, facts, arrays, threads)
    _check_widths(folder, arrays, len(names), len(product_ids))
    return Fitted(
        product_ids=product_ids,
        names=names,
        kept=arrays["kept"],
        vocabulary=Vocabulary.from_bytes((folder / VOCABULARY_FILE).read_bytes()),
        features=FeatureSet.from_definition(_read_files(folder / FEATURES), checked=checked),
        model=model,
        source=read_source(folder, facts),
        base_rates=arrays["base_rates"],
        segments=tuple(facts["segments"]),
        settings=RecommenderSettings.model_validate_json(json.dumps(facts["settings"])),
        as_of=tuple(date.fromisoformat(day) for day in facts["as_of"]),
        snapshot_id=facts["snapshot_id"],
        policy=Policy.from_definition(_read_files(folder / POLICY)),
        relationship=_read_relationship(folder, facts, names, threads),
        uplift=_read_uplift(folder, facts, names, product_ids, threads),
        warnings=tuple(json.loads((folder / METRICS_FILE).read_bytes()).get(WARNINGS, ())),
        co_holdings=_read_co_holdings(folder, len(product_ids)),
        effects=LearntEffects.of_facts(facts[EFFECTS]) if EFFECTS in facts else None,
    )


def manifest_facts(fitted: Fitted) -> dict[str, Any]:
    """Return what the manifest says about the origin of a fit."""
    return {
        "snapshot_id": fitted.snapshot_id,
        "feature_fingerprint": fitted.features.fingerprint,
        "policy_version": fitted.policy.version,
        "as_of_date": str(fitted.as_of[-1]),
        "rates_known": fitted.model.rates_known,
    }


def _facts(fitted: Fitted) -> dict[str, Any]:
    return {
        "product_ids": list(fitted.product_ids),
        "names": list(fitted.names),
        "segments": list(fitted.segments),
        "source": fitted.source.name,
        "settings": fitted.settings.model_dump(mode="json"),
        "as_of": [str(day) for day in fitted.as_of],
        "snapshot_id": fitted.snapshot_id,
        "floor": fitted.model.product.floor,
        "slope": fitted.model.calibration.slope,
        "bags": len(fitted.model.product.boosters),
        "rates_known": fitted.model.rates_known,
        "relationship": _relationship_facts(fitted.relationship),
        **formats(fitted.model),
        **({UPLIFT: storage.facts_of(fitted.uplift)} if fitted.uplift else {}),
        **({EFFECTS: fitted.effects.facts()} if fitted.effects else {}),
    }


def _relationship_facts(model: RelationshipModel | None) -> dict[str, Any] | None:
    """Return what stands beside the boosters of attrition and tier upgrades."""
    if model is None:
        return None
    return {
        "names": list(model.names),
        "changes": {change: _change_facts(item) for change, item in model.models.items()},
        **({"lost_shares": dict(model.lost_shares)} if model.lost_shares else {}),
    }


def _change_facts(model: ChangeModel) -> dict[str, Any]:
    calibration = model.calibration
    return {
        "start": model.start.weights.tolist(),
        "centre": model.start.centre,
        "distance": model.rule_column,
        "boosted": model.booster is not None,
        "slope": calibration.slope,
        "intercept": float(calibration.intercepts[0]),
        "positives": int(calibration.positives[0]),
        **({"judged": asdict(model.judged)} if model.judged else {}),
    }


def _model_arrays(fitted: Fitted) -> dict[str, NDArray[Any]]:
    model = fitted.model
    return {
        "kept": fitted.kept,
        "base_rates": fitted.base_rates,
        "class_products": model.product.class_products,
        "intercepts": model.calibration.intercepts,
        "positives": model.calibration.positives,
        "thin_evidence": model.thin_evidence,
        "acquisitions": model.acquisitions,
        **filtering_arrays(model),
    }


def _write_co_holdings(folder: Path, found: CoHoldings | None) -> None:
    if found is not None:
        customers = np.array([found.customers], np.int64)
        write_arrays(folder, CO_HOLDINGS, {"counts": found.counts, "customers": customers})


def _read_co_holdings(folder: Path, products: int) -> CoHoldings | None:
    """Return the counts of holders; None in an artifact of before they were kept."""
    if not (folder / CO_HOLDINGS).is_dir():
        return None
    arrays = read_arrays(folder, CO_HOLDINGS)
    if arrays["counts"].shape != (products,) * 3:
        raise ValueError("the counts of holders are not of the products of the fit")
    return CoHoldings(arrays["counts"].astype(np.int32), int(arrays["customers"][0]))


def _write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)


def _read_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def _write_boosters(folder: Path, fitted: Fitted) -> None:
    (folder / BOOSTERS).mkdir()
    model, relationship = fitted.model, fitted.relationship
    named = {PRODUCT_BOOSTER.format(number): item for number, item in enumerate(model.product.boosters)}
    if model.any is not None:
        named[ANY_BOOSTER] = model.any
    for change, item in relationship.models.items() if relationship else ():
        if item.booster is not None:
            named[CHANGE_BOOSTER.format(change)] = item.booster
    for name, booster in named.items():
        (folder / name).write_text(booster.text(), encoding="utf-8")
    if fitted.uplift is not None:
        storage.write_boosters(fitted.uplift, folder / BOOSTERS)


def _read_model(
    folder: Path, facts: dict[str, Any], arrays: dict[str, NDArray[Any]], threads: int
) -> AcquisitionModel:
    names, class_products = tuple(facts["names"]), arrays["class_products"]
    boosters = tuple(
        _read_booster(folder / PRODUCT_BOOSTER.format(number), names, len(class_products), threads)
        for number in range(facts["bags"])
    )
    prior = read_prior(folder, facts, arrays)
    product = ProductModel(boosters, class_products, len(facts["product_ids"]), facts["floor"], prior)
    calibration = Calibration(facts["slope"], arrays["intercepts"], arrays["positives"])
    any_ = _read_booster(folder / ANY_BOOSTER, names, 1, threads) if facts["rates_known"] else None
    hybrid = read_hybrid(folder, facts, arrays)
    learnt = arrays.get(
        "acquisitions", arrays["positives"]
    )  # artifacts of before have those of the calibration
    return AcquisitionModel(product, any_, calibration, arrays["thin_evidence"], learnt, hybrid)


def _read_relationship(
    folder: Path, facts: dict[str, Any], names: tuple[str, ...], threads: int
) -> RelationshipModel | None:
    stored = facts["relationship"]
    if stored is None:
        return None
    seen = tuple(stored["names"])

    models = {}
    for change in ALL_CHANGES:
        name = change if change in stored["changes"] else FORMER_NAMES.get(change, change)
        if name in stored["changes"]:
            path = folder / CHANGE_BOOSTER.format(name)
            models[change] = _read_change(path, stored["changes"][name], seen, threads)
    positions = np.array([names.index(name) for name in seen], np.int64)
    return RelationshipModel(seen, positions, models, stored.get("lost_shares", {}))


def _read_change(path: Path, facts: dict[str, Any], names: tuple[str, ...], threads: int) -> ChangeModel:
    """Return the model of a change; artifacts of before have trees in each."""
    return ChangeModel(
        LineStart(np.array(facts["start"], np.float64), facts["centre"]),
        facts["distance"],
        _read_booster(path, names, 1, threads) if facts.get("boosted", True) else None,
        Calibration(facts["slope"], np.array([facts["intercept"]]), np.array([facts["positives"]])),
        RuleComparison(**facts["judged"]) if "judged" in facts else None,
    )


def _read_uplift(
    folder: Path, facts: dict[str, Any], names: tuple[str, ...], product_ids: tuple[str, ...], threads: int
) -> UpliftModel | None:
    stored = facts.get(UPLIFT)
    if stored is None:
        return None
    return storage.read_model(folder / BOOSTERS, stored, names, product_ids, threads)


def _read_booster(path: Path, names: tuple[str, ...], classes: int, threads: int) -> Booster:
    return Booster.from_text(path.read_text(encoding="utf-8"), names, classes, threads)


def _check_widths(folder: Path, arrays: dict[str, NDArray[Any]], columns: int, products: int) -> None:
    expected = {"kept": columns, **dict.fromkeys(("base_rates", "intercepts", "thin_evidence"), products)}
    wrong = [name for name, length in expected.items() if len(arrays[name]) != length]
    if wrong:
        raise IntegrityError(
            f"the array {wrong[0]} does not have one entry for each column or product",
            where=str(folder),
            remedy="fetch the version again, or train it anew",
            code="array-width",
        )


def golden_scorer(folder: Path) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Load the artifact and return what recomputes its golden scores; for `try_in_child`."""
    return load(folder, threads=1).golden_scores
