from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from training import approval, flow, registry
from training.result import Fit, RunningChampion, TrainingJob
from training.server import connect
from vipreco.actors import account_name
from vipreco.artifact import verify
from vipreco.errors import DependencyDownError, IntegrityError, ResourcesError, UsageError
from vipreco.project import Project
from vipreco.store import Event, Store

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
    findings = approval.promote(two.project, "challenger")
    assert all(finding.passed for finding in findings)
    aliases = {v.version: v.aliases for v in registry.list_versions(two.project)}
    assert aliases == {"2": ("champion",), "1": ("previous",)}
    assert approval.roll_back(two.project).version == "1"
    aliases = {v.version: v.aliases for v in registry.list_versions(two.project)}
    assert aliases == {"1": ("champion",), "2": ("previous",)}


def test_four_eyes_refuse_the_trainer_as_approver(
    job: TrainingJob, fit: MakeFit, new_job: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B107: nobody promotes a model that they trained, not even the first, where the recipe says so.

    Whatever a shell says about who they are.
    """
    monkeypatch.setenv("LOGNAME", "somebody-else")
    strict = new_job(job.project, governance={"four_eyes": True})
    assert not flow.run(strict, fit(), promote=True).champion
    with pytest.raises(UsageError, match=f"{account_name()} trained this version"):
        approval.promote(job.project, "1")
    approval.promote(job.project, "1", approver="somebody-else")
    assert registry.resolve(job.project).version == "1"


def test_without_the_setting_of_one_person_nobody_approves_their_own(
    project: Project, new_project: Any, new_job: Any, fit: MakeFit
) -> None:
    """B107: a project says so itself; the refusal tells the way out and stands in the audit."""
    strict = new_project(project.root, governance="")
    done = flow.run(new_job(strict), fit(), promote=True)
    assert not done.champion
    assert done.next_step.endswith(f"by somebody else than {account_name()}: vipreco models promote 1")
    with pytest.raises(UsageError) as caught:
        approval.promote(strict, "1")
    assert (caught.value.exit_code, caught.value.code) == (2, "four-eyes")
    assert "single_person = true" in caught.value.remedy
    approval.promote(strict, "1", approver="ada")
    (version,) = registry.list_versions(strict)
    newest, oldest = approval.approvals(strict, version)
    assert (newest.actor, newest.result, newest.artifact_hash) == ("os:ada", "ok", version.artifact_hash)
    assert newest.verdict_hash == done.verdict.hash
    assert (oldest.actor, oldest.result) == (f"os:{account_name()}", "denied")


def test_a_trainer_who_edits_the_tags_of_the_run_is_known_by_the_audit(
    project: Project, new_project: Any, new_job: Any, fit: MakeFit
) -> None:
    """B107: whoever may write to the tracking server may write another name there."""
    strict = new_project(project.root, governance="")
    Store.open(strict.store_url).close()
    done = flow.run(new_job(strict), fit())
    client = connect(strict)
    client.set_tag(done.run_id, "trained_by", "somebody-else")
    client.set_model_version_tag(strict.settings.project.model, done.version, "trained_by", "somebody-else")
    with pytest.raises(UsageError, match=f"{account_name()} trained this version"):
        approval.promote(strict, "1")


@pytest.mark.parametrize("action", ["user.create", "user.password"])
def test_a_trainer_approves_by_no_account_that_they_made(
    project: Project,
    new_project: Any,
    new_job: Any,
    fit: MakeFit,
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    """B107: an administrator who trains made an approver on the page and approved in that name."""
    strict = new_project(project.root, governance="")
    with Store.open(strict.store_url) as store:
        made = [(f"user:{account_name()}", "denied"), ("user:other", "ok")]
        store.audit.append([Event(actor, action, "boss", result) for actor, result in made])
    flow.run(new_job(strict), fit())
    monkeypatch.setattr(approval, "current_actor", lambda: "user:boss")
    monkeypatch.setattr(approval, "current_person", lambda: "boss")
    approval.promote(strict, "1")
    with Store.open(strict.store_url) as store:
        store.audit.append([Event(f"user:{account_name()}", action, "boss")])
    with pytest.raises(
        UsageError, match=f"{account_name()} trained this version, and made the account"
    ) as caught:
        approval.promote(strict, "1")
    assert caught.value.code == "four-eyes"
    with Store.open(strict.store_url) as store:
        newest = store.audit.read(1)[0]
    assert (newest["actor"], newest["action"], newest["result"]) == ("user:boss", "model.promote", "denied")


def test_a_trainer_approves_by_no_token_that_they_made(
    project: Project, new_project: Any, new_job: Any, fit: MakeFit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """B107: a token is no person; whoever made it stands behind it."""
    strict = new_project(project.root, governance="")
    with Store.open(strict.store_url) as store:
        makers = {"aa": "user:other", "bb": f"os:{account_name()}"}
        store.audit.append([Event(actor, "token.create", token) for token, actor in makers.items()])
    flow.run(new_job(strict), fit())
    for token in makers:
        monkeypatch.setattr(approval, "current_actor", lambda name=token: f"token:{name}")
        monkeypatch.setattr(approval, "current_person", lambda name=token: f"token:{name}")
        if token == "aa":
            approval.promote(strict, "1")
        else:
            with pytest.raises(UsageError, match="and made the account or token of token:bb"):
                approval.promote(strict, "1")


def test_no_alias_moves_without_its_record_in_the_audit(
    two: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The record comes first: a store that takes none leaves the champion."""

    def full(*_: object, **__: object) -> None:
        raise ResourcesError("the store is full")

    with monkeypatch.context() as patch:
        patch.setattr(approval, "record", full)
        with pytest.raises(ResourcesError):
            approval.promote(two.project, "2")
    assert registry.resolve(two.project).version == "1"
    with Store.open(two.project.store_url) as store:
        newest = [row["action"] for row in store.audit.read()]
        assert newest == ["model.train", "model.promote", "model.train"]
        store.audit.verify()


def test_a_retired_version_is_put_in_force_by_nobody(two: TrainingJob, fit: MakeFit) -> None:
    with pytest.raises(UsageError, match="is the champion"):
        approval.retire(two.project, "champion")
    assert approval.retire(two.project, "2").aliases == ()
    with pytest.raises(UsageError, match="version 2 was retired on"):
        approval.promote(two.project, "2")
    assert not flow.run(two, fit("two", map_at_7=0.9), promote=True).champion
    assert registry.resolve(two.project).version == "1"
    assert registry.list_versions(two.project)[0].aliases == ()


def test_a_comparison_with_another_champion_does_not_count(
    project: Project, new_job: Any, fit: MakeFit
) -> None:
    """What was compared with version 1 is compared anew before it replaces version 2."""
    lead = {"map-above-champion": 0.1, "map-above-champion/low": 0.05, "map-above-champion/high": 0.2}
    rules = [{"metric": "map-above-champion", "min_value": -0.01, "surely": True}]

    def run(content: str, **more: Any) -> flow.Published:
        found = registry.resolve(project) if content != "one" else None
        rival = RunningChampion(found.version, found.artifact_hash, found.folder) if found else None
        job = replace(new_job(project, gate=rules), champion=rival)
        return flow.run(job, fit(content, champion={} if rival else None, **lead), **more)

    assert run("one").champion
    second = run("two")
    assert run("three", promote=True).champion
    with pytest.raises(UsageError) as caught:
        approval.promote(project, second.version)
    assert caught.value.examples == ("map-above-champion is not known beside the present champion",)
    assert run("two", promote=True).champion


def test_a_bound_that_another_champion_broke_by_more_counts_again(
    project: Project, new_job: Any, fit: MakeFit
) -> None:
    rules = [{"metric": "sum", "max_value": 1.25, "or_nearer_than_champion": True}]
    worse = {"sum": 1.3, "sum/beside-champion": 1.28, "sum/champion": 1.4}

    def run(content: str, **metrics: float) -> flow.Published:
        found = registry.resolve(project) if content != "one" else None
        rival = RunningChampion(found.version, found.artifact_hash, found.folder) if found else None
        job = replace(new_job(project, gate=rules), champion=rival)
        found_fit = fit(content, champion={} if rival else None, **metrics)
        return flow.run(job, found_fit, promote="sum/champion" not in metrics)

    assert run("one", sum=1.0).champion
    second = run("two", **worse)
    assert second.refusals == []
    assert run("three", sum=1.1).champion
    with pytest.raises(UsageError) as caught:
        approval.promote(project, second.version)
    assert caught.value.examples == ("sum is 1.3, needed is at most 1.25",)


@pytest.mark.parametrize("tag", ["snapshot_id", "feature_fingerprint"])
def test_a_version_whose_data_nobody_can_tell_is_not_promoted(two: TrainingJob, tag: str) -> None:
    """B107."""
    connect(two.project).delete_model_version_tag("vipreco", "2", tag)
    with pytest.raises(UsageError, match=f"{tag} is not recorded"):
        approval.promote(two.project, "2")
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
        approval.promote(down, "2")


def test_a_remembered_champion_is_verified_too(two: TrainingJob, new_project: Any) -> None:
    folder = registry.resolve(two.project).folder
    (folder / "booster.txt").write_text("another")
    with pytest.raises(IntegrityError):
        registry.resolve(new_project(two.project.root, DEAD))
