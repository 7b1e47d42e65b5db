"""`effects`: what contacts add, with the evidence, and how it comes into the settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vipreco.cli.effect_commands import write_effects
from vipreco.cli.entry import main
from vipreco.contact_effect import ContactEffects, LearntEffects
from vipreco.project import Project
from vipreco.settings import ContactEffectSettings

TOML = """# our bank
[project]
name = "test"   # stays

[contact_effects]
channels = { call = 0.1 }

[call_list]
minutes = 45
"""


@pytest.mark.usefixtures("bank_folder")
def test_the_effects_in_force_are_shown_with_their_basis(capsys: pytest.CaptureFixture[str]):
    assert main(["effects", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    channels = {row["channel"]: row for row in rows if row["what"] == "channel"}
    assert set(channels) == {"app", "branch", "call", "sms"}
    assert {row["basis"] for row in channels.values()} == {"assumed"}  # 500 customers say too little
    assert (channels["branch"]["contacts"], channels["branch"]["in_force"]) == (0, 0.7)
    assert channels["call"]["contacts"] > 0
    assert channels["call"]["low"] is None or channels["call"]["low"] < channels["call"]["high"]


@pytest.mark.usefixtures("bank_folder")
def test_nothing_is_written_where_nothing_was_learnt(capsys: pytest.CaptureFixture[str]):
    before = Path("vipreco.toml").read_bytes()
    assert main(["effects", "--write"]) == 2
    assert "learnt no effect" in capsys.readouterr().err
    assert Path("vipreco.toml").read_bytes() == before


def test_learnt_effects_take_the_place_of_the_section_and_leave_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "vipreco.toml").write_text(TOML, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    learnt = LearntEffects({"call": 1.23456}, {"call": {"loan": -0.5}}, {"GOLD": 0.25}, {})
    write_effects(Project.find(), ContactEffects(ContactEffectSettings(), learnt))
    text = (tmp_path / "vipreco.toml").read_text(encoding="utf-8")
    assert "# our bank" in text
    assert "# stays" in text
    settings = Project.find().settings
    assert settings.call_list.minutes == 45
    written = settings.contact_effects
    assert written is not None
    assert (written.channels["call"], written.channels["sms"]) == (1.235, 0.2)
    assert (written.families, written.tiers) == ({"call": {"loan": -0.5}}, {"GOLD": 0.25})
    assert written.learnt_channels == ("call",)
