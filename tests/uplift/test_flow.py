"""The commands on a bank without randomised history, and on the same bank once its campaigns are there."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.uplift.campaign_bank import CampaignBank
from training.recipe import read_recipe
from training.result import TrainingJob
from training.uplift import Attempt, try_uplift
from vipreco.cli.entry import main
from vipreco.project import Project
from vipreco.recommender import Recommender
from vipreco.recommender.storage import load
from vipreco.tables import Tables

pytestmark = pytest.mark.slow
TINY = Path(__file__).parents[1] / "recipes" / "tiny.toml"
COUNTED = """
[uplift]
folds = 2
resamples = 50
min_cases = 20
[uplift.learners]
patience = 8
outcome = { rounds = 30, learning_rate = 0.2, num_leaves = 4, min_data_in_leaf = 50, feature_fraction = 1.0 }
effect = { rounds = 30, learning_rate = 0.2, num_leaves = 4, min_data_in_leaf = 50, feature_fraction = 1.0 }
"""
CAMPAIGN = """
key = "spring"
start_date = 2024-05-02
end_date = 2024-05-30
products = ["fund"]
control_share = 0.2
[channels.call]
capacity = 100
"""
WORD = re.compile("uplift", re.IGNORECASE)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> CampaignBank:
    return CampaignBank(1400, campaigns=(1, 2))


@pytest.fixture(scope="module")
def folder(bank: CampaignBank, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with imported tables and two recipes: `tiny`, and `counted`, which asks for uplift."""
    home = tmp_path_factory.mktemp("home")
    files = bank.write_files(home / "files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert main(["new", "bank"]) == 0
        patch.chdir(home / "bank")
        settings = (home / "bank" / "vipreco.toml").read_text(encoding="utf-8")
        assert "threads = 2" in settings
        (home / "bank" / "vipreco.toml").write_text(settings.replace("threads = 2", "threads = 1"), "utf-8")
        recipes = home / "bank" / "training" / "recipes"
        shutil.copy(TINY, recipes)
        text = TINY.read_text(encoding="utf-8").replace('name = "tiny"', 'name = "counted"')
        (recipes / "counted.toml").write_text(text + COUNTED, encoding="utf-8")
        assert main(["import", "--mapping", "../files/mapping.toml", *map(str, files)]) == 0
    return home / "bank"


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    return folder


def newest_folder(project: Path) -> Path:
    found = [path.parent for path in (project / "data" / "artifacts").rglob("recommender.json")]
    return max(found, key=lambda path: path.stat().st_mtime_ns)


def test_without_randomised_history_it_trains_as_usual_and_the_word_is_nowhere(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "--recipe", "counted"]) == 0
    told = capsys.readouterr()
    text = told.out + told.err
    assert text.count("No finished campaign has a control group: what a contact adds is not learnt.") == 1
    (here / "spring.toml").write_text(CAMPAIGN, encoding="utf-8")
    commands = [
        ["models", "show"],
        ["offers", "--all", "--top", "2", "--out", "offers.csv"],
        ["campaign", "plan", "spring.toml"],
        ["campaign", "run", "spring.toml"],
    ]
    for command in commands:
        assert main(command) == 0, command
    told = capsys.readouterr()
    assert WORD.findall(text + told.out + told.err) == []
    written = [path for path in (here / "data").rglob("*") if path.is_file()]
    assert any(path.name == "model_card.md" for path in written)
    named = [path for path in written if WORD.search(path.name) or WORD.search(readable(path))]
    assert named == []


def readable(path: Path) -> str:
    return (
        path.read_bytes().decode("utf-8", "ignore") if path.suffix in {".md", ".json", ".csv", ".txt"} else ""
    )


def test_once_campaigns_are_there_the_learner_is_judged_told_and_kept(
    here: Path, bank: CampaignBank, capsys: pytest.CaptureFixture[str]
) -> None:
    bank.write_campaigns(here / "data" / "campaigns")
    assert main(["train", "--recipe", "counted", "--promote"]) == 0
    told = capsys.readouterr()
    assert "Uplift beats propensity on unseen customers" in told.out + told.err
    artifact = newest_folder(here)
    uplift = load(artifact, threads=1).uplift
    assert uplift is not None
    assert uplift.reach_rate == pytest.approx(0.8)
    metrics = json.loads((artifact / "metrics.json").read_bytes())
    assert metrics["contact-effect/used"] == 1.0
    assert metrics["contact-effect/qini-above-propensity/low"] > 0
    capsys.readouterr()
    assert main(["models", "show", "champion", "--all", "--format", "json"]) == 0
    shown = {row["metric"] for row in json.loads(capsys.readouterr().out)}
    assert {"contact-effect/qini", "contact-effect/newest-qini-above-propensity/low"} <= shown
    cards = [
        path.read_text(encoding="utf-8") for path in Project.find().artifacts.parent.rglob("model_card.md")
    ]
    (card,) = [text for text in cards if "### Uplift: orders of unseen customers" in text]
    assert "| propensity of the campaigns |" in card
    assert "Uplift was learnt from 2 campaign(s)" in card


def test_too_few_acquisitions_are_told_with_both_numbers_and_nobody_asked_is_nothing(here: Path) -> None:
    recipe = read_recipe(here / "training" / "recipes" / "counted.toml")
    demanding = recipe.model_copy(update={"uplift": recipe.uplift.model_copy(update={"min_cases": 5000})})
    recommender, project = Recommender.load(newest_folder(here), threads=1), Project.find()
    snapshot = Tables.open(project.tables).snapshot_id
    plain = recommender.with_uplift(None)
    attempt = try_uplift(TrainingJob(project, demanding, (), snapshot, here), plain)
    assert attempt.trial is None
    assert attempt.recommender is plain
    (remark,) = attempt.remarks
    found = re.fullmatch(
        r"2 finished campaign\(s\) with (\d+) acquisitions of the treated and (\d+) of the control group, "
        r"less than 5000: what a contact adds is not learnt\.",
        remark,
    )
    assert found is not None
    assert all(20 <= int(count) < 5000 for count in found.groups())
    unasked = recipe.model_copy(update={"uplift": None})
    assert try_uplift(TrainingJob(project, unasked, (), snapshot, here), plain) == Attempt(plain)
