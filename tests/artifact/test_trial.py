from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vipreco.artifact import trial, try_in_child, verify, write_golden, write_manifest
from vipreco.artifact.arrays import read_array, write_array
from vipreco.artifact.golden import check_golden
from vipreco.artifact.manifest import MANIFEST_FILE
from vipreco.artifact.trial import ChildVerdict, patience
from vipreco.errors import IntegrityError, ResourcesError


def forge(folder: Path) -> None:
    """Put the hashes right after a change, as an attacker or a careless tool would."""
    (folder / MANIFEST_FILE).unlink()
    write_manifest(folder, {})


def test_a_good_artifact_is_accepted_with_its_hash(artifact: Path, loaders: str) -> None:
    verdict = try_in_child(artifact, f"{loaders}:noisy", expected_hash=verify(artifact).artifact_hash)
    assert verdict.accepted, verdict
    assert verdict.artifact_hash == verify(artifact).artifact_hash
    verdict.require(artifact)


@pytest.mark.parametrize(
    ("loader", "code", "reason"),
    [
        ("segfault", "child-crash", "SIGSEGV"),
        ("leave", "child-crash", "exit code 3"),
        ("fail", "child-error", "RuntimeError"),
        ("hungry", "child-error", "MemoryError"),
        ("absent", "child-error", "AttributeError"),
    ],
)
def test_a_loader_that_dies_is_a_refusal_and_the_caller_lives(
    artifact: Path, loaders: str, loader: str, code: str, reason: str
) -> None:
    verdict = try_in_child(artifact, f"{loaders}:{loader}")
    assert (verdict.accepted, verdict.code) == (False, code)
    assert reason in verdict.reason
    assert "4711" not in verdict.reason
    with pytest.raises(IntegrityError):
        verdict.require(artifact)


def test_a_loader_that_dies_where_memory_is_limited_may_be_right(
    artifact: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F26: it is not loaded, and nobody is told that the model is damaged."""
    monkeypatch.setattr(trial.resource, "getrlimit", lambda _: (1 << 30, 1 << 30))
    for code in ("child-crash", "child-error"):
        with pytest.raises(ResourcesError, match="ulimit"):
            ChildVerdict(False, "loading killed the process (SIGABRT)", code).require(artifact)
    with pytest.raises(IntegrityError):
        ChildVerdict(False, "the scores differ", "golden-scores").require(artifact)


def test_a_loader_that_hangs_is_a_refusal_after_the_time_out(artifact: Path, loaders: str) -> None:
    verdict = try_in_child(artifact, f"{loaders}:hang", timeout=2)
    assert (verdict.accepted, verdict.code) == (False, "child-hangs")


def test_a_changed_file_is_refused_before_the_loader_runs(artifact: Path, loaders: str) -> None:
    (artifact / "booster.txt").write_text("tree")
    verdict = try_in_child(artifact, f"{loaders}:segfault")
    assert (verdict.accepted, verdict.code) == (False, "changed-file")


def test_golden_scores_that_differ_by_more_than_the_tolerance_are_refused(
    artifact: Path, loaders: str
) -> None:
    """B104: 1e-7 on one factor is seen, though every hash is right."""
    factors = read_array(artifact / "factors" / "products.npy")
    factors[0, 0] += 1e-7
    write_array(artifact / "factors" / "products.npy", factors)
    forge(artifact)
    verdict = try_in_child(artifact, f"{loaders}:product")
    assert (verdict.accepted, verdict.code) == (False, "golden-scores")


@pytest.mark.parametrize("kind", ["cut", "split_feature", "leaf_value"])
def test_a_damaged_model_with_forged_hashes_never_gets_through(
    write_artifact: Callable[..., Path], loaders: str, kind: str
) -> None:
    """B96: LightGBM may crash at these, refuse them, or load and score otherwise; all are refusals."""
    folder = write_artifact("damaged", "booster")
    text = (folder / "booster.txt").read_text()
    damaged = {
        "cut": text[: len(text) // 2],
        "split_feature": text.replace("split_feature=", "split_feature=999999 ", 1),
        "leaf_value": text.replace("leaf_value=", "leaf_value=9", 1),
    }[kind]
    (folder / "booster.txt").write_text(damaged)
    forge(folder)
    assert not try_in_child(folder, f"{loaders}:booster").accepted


def test_an_intact_model_is_accepted(write_artifact: Callable[..., Path], loaders: str) -> None:
    assert try_in_child(write_artifact("intact", "booster"), f"{loaders}:booster").accepted


@pytest.mark.parametrize("answer", [np.full((50, 3), np.nan), np.zeros((50, 2)), np.zeros(50)])
def test_scores_that_are_not_numbers_or_of_another_shape_are_a_mismatch(
    artifact: Path, answer: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
) -> None:
    with pytest.raises(IntegrityError) as caught:
        check_golden(artifact, lambda values: answer)
    assert caught.value.code == "golden-scores"


def test_golden_values_without_scores_are_refused(tmp_path: Path) -> None:
    write_golden(tmp_path, np.zeros((60, 2), dtype=np.float32), np.zeros(60))
    assert check_golden(tmp_path, lambda values: values[:, 0]) == 0.0
    write_array(tmp_path / "golden" / "scores.npy", np.zeros(49))
    with pytest.raises(IntegrityError):
        check_golden(tmp_path, lambda values: values[:, 0])


def test_patience_is_a_setting_and_grows_on_a_slow_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """B120."""
    assert patience() >= 60
    monkeypatch.setattr("vipreco.artifact.trial.USUAL_START_SECONDS", 1e-4)
    assert patience() > 600
    monkeypatch.setenv("VIPRECO_ARTIFACT_SECONDS", "900")
    assert patience() == 900
