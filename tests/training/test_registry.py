from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from training import flow, registry
from training.result import Fit, TrainingJob, user_name
from training.server import connect
from vipreco.artifact import verify
from vipreco.errors import DependencyDownError, IntegrityError, UsageError

MakeFit = Callable[..., Fit]
DEAD = "http://127.0.0.1:9"


@pytest.fixture
def two(job: TrainingJob, fit: MakeFit) -> TrainingJob:
    """Version 1 is champion, version 2 is challenger."""
    flow.run(job, fit("one"))
    flow.run(job, fit("two", map_at_7=0.9))
    return job


def test_a_version_is_found_by_alias_by_number_and_by_v_number(two: TrainingJob) -> None:
    found = {name: registry.resolve(two.project, name) for name in ("champion", "1", "v1", "challenger", "2")}
    assert found["champion"] == found["1"] == found["v1"]
    assert found["challenger"] == found["2"]
    assert found["1"].folder != found["2"].folder


def test_an_unknown_version_is_told_with_what_there_is(two: TrainingJob) -> None:
    with pytest.raises(UsageError, match="there is no version 7 of vipreco") as caught:
        registry.resolve(two.project, "7")
    assert caught.value.remedy == "registered: 2 challenger; 1 champion"


def test_a_project_without_versions_says_how_to_get_one(job: TrainingJob) -> None:
    assert registry.list_versions(job.project) == []
    with pytest.raises(UsageError, match="vipreco train"):
        registry.resolve(job.project)


def test_versions_are_listed_newest_first_with_their_numbers(two: TrainingJob) -> None:
    newest, oldest = registry.list_versions(two.project, metrics=True)
    assert (newest.version, newest.metrics["map_at_7"]) == ("2", 0.9)
    assert (oldest.version, oldest.metrics["map_at_7"]) == ("1", 0.8)
    assert (oldest.snapshot_id, oldest.as_of_date, oldest.recipe) == ("00112233", "2015-05-28", "plain")


def test_promotion_crowns_and_roll_back_returns_the_old_champion(two: TrainingJob) -> None:
    findings = registry.promote(two.project, "challenger")
    assert all(finding.passed for finding in findings)
    aliases = {v.version: v.aliases for v in registry.list_versions(two.project)}
    assert aliases == {"2": ("champion",), "1": ("previous",)}
    assert registry.roll_back(two.project).version == "1"
    aliases = {v.version: v.aliases for v in registry.list_versions(two.project)}
    assert aliases == {"1": ("champion",), "2": ("previous",)}


def test_four_eyes_refuse_the_trainer_as_approver(job: TrainingJob, fit: MakeFit, new_job: Any) -> None:
    """B107: nobody promotes a model that they trained, not even the first."""
    strict = new_job(job.project, governance={"four_eyes": True})
    assert not flow.run(strict, fit(), promote=True).champion
    with pytest.raises(UsageError, match=f"approver is {user_name()}"):
        registry.promote(job.project, "1")
    registry.promote(job.project, "1", approver="somebody-else")
    assert registry.resolve(job.project).version == "1"


@pytest.mark.parametrize("tag", ["snapshot_id", "feature_fingerprint"])
def test_a_version_whose_data_nobody_can_tell_is_not_promoted(two: TrainingJob, tag: str) -> None:
    """B107."""
    connect(two.project).delete_model_version_tag("vipreco", "2", tag)
    with pytest.raises(UsageError, match=f"{tag} is not recorded"):
        registry.promote(two.project, "2")
    assert registry.resolve(two.project).version == "1"


def test_a_changed_artifact_on_this_disk_is_refused(two: TrainingJob) -> None:
    folder = registry.resolve(two.project).folder
    (folder / "booster.txt").write_text("another")
    with pytest.raises(IntegrityError, match=r"booster\.txt"):
        registry.resolve(two.project)


def test_an_artifact_that_is_not_here_is_fetched_and_verified(two: TrainingJob) -> None:
    resolved = registry.resolve(two.project)
    shutil.rmtree(resolved.folder)
    again = registry.resolve(two.project)
    assert again == resolved
    assert verify(again.folder, resolved.artifact_hash)


def test_a_changed_artifact_in_the_store_is_fetched_by_nobody(two: TrainingJob) -> None:
    resolved = registry.resolve(two.project)
    shutil.rmtree(resolved.folder)
    stored = two.project.root / "data" / "tracking-artifacts"
    for path in stored.rglob("booster.txt"):
        path.write_text("another model")
    with pytest.raises(IntegrityError):
        registry.resolve(two.project)
    assert not resolved.folder.exists()


def test_a_whole_other_artifact_in_the_store_is_refused_by_the_registered_hash(two: TrainingJob) -> None:
    champion, challenger = (registry.resolve(two.project, name) for name in ("1", "2"))
    run_id = registry.list_versions(two.project)[1].run_id
    stored = Path(connect(two.project).get_run(run_id).info.artifact_uri) / "artifact"
    shutil.rmtree(stored)
    shutil.copytree(challenger.folder, stored)
    shutil.rmtree(champion.folder)
    with pytest.raises(IntegrityError) as caught:
        registry.resolve(two.project, "1")
    assert caught.value.code == "other-artifact"


def test_the_champion_is_found_while_the_registry_is_down(two: TrainingJob, new_project: Any) -> None:
    champion = registry.resolve(two.project)
    down = new_project(two.project.root, DEAD)
    remembered = registry.resolve(down)
    assert remembered.remembered
    assert (remembered.version, remembered.folder) == (champion.version, champion.folder)
    with pytest.raises(DependencyDownError):
        registry.resolve(down, "7")
    with pytest.raises(DependencyDownError):
        registry.promote(down, "2")


def test_a_remembered_champion_is_verified_too(two: TrainingJob, new_project: Any) -> None:
    folder = registry.resolve(two.project).folder
    (folder / "booster.txt").write_text("another")
    with pytest.raises(IntegrityError):
        registry.resolve(new_project(two.project.root, DEAD))
