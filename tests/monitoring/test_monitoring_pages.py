"""Every code has its page, and results become a report, gauges and files that can be read back."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from vipreco.monitoring import (
    CODES,
    ColumnCounts,
    FactFiles,
    Matured,
    MonitoringFinding,
    MonitoringResult,
    MonitoringSettings,
    Rate,
    SnapshotFacts,
    report_page,
    textfile_gauges,
)
from vipreco.project import parse_toml

ROOT = Path(__file__).parents[2]
DAY = date(2025, 12, 31)
FACTS = SnapshotFacts(
    DAY,
    100,
    {"input/customers.aum": ColumnCounts("number", 1, {"10000": 99})},
    {"offer/customers with an offer": Rate(80.0, 100.0), "rule/NO_CONSENT": Rate(5.0, 300.0)},
    {"all": Matured(10.0, 12.0, 12.0)},
    (0.8, 0.02),
    "abc",
)
RESULT = MonitoringResult(
    DAY,
    (
        MonitoringFinding("feed-broken", "alarm", 'a "column" <b>', "moved", 0.6, 0.5, 0.3, "data"),
        MonitoringFinding("labels-missing", "note", "labels", "none", 0.0, 0.0),
    ),
    (FACTS,),
)


def test_every_code_has_a_section_and_every_section_a_code() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
    assert set(re.findall(r"^### ([a-z-]+)$", text, re.MULTILINE)) == set(CODES)
    assert RESULT.findings[0].page == "docs/monitoring.md#feed-broken"


def test_the_limits_of_the_reference_project_are_the_defaults() -> None:
    assert parse_toml(ROOT / "training" / "monitoring.toml", MonitoringSettings) == MonitoringSettings()


def test_owners_answer_by_pattern() -> None:
    settings = MonitoringSettings(owners={"feed-*": "data", "*": "risk"})
    assert [settings.owner(code) for code in ("feed-broken", "ranking-fell")] == ["data", "risk"]
    assert MonitoringSettings().owner("feed-broken") == ""


def test_gauges_are_lines_that_prometheus_reads() -> None:
    lines = textfile_gauges(RESULT).splitlines()
    assert 'vipreco_monitoring_findings{severity="alarm"} 1' in lines
    escaped = r'vipreco_monitoring_effect{code="feed-broken",severity="alarm",subject="a \"column\" <b>"} 1.2'
    assert escaped in lines
    assert "vipreco_monitoring_observed_acquisitions 12" in lines
    assert all(re.match(r"(# (HELP|TYPE) )?vipreco_monitoring_\w+", line) for line in lines)


def test_the_report_shows_findings_and_plots_and_needs_nothing_else() -> None:
    page = report_page(RESULT, MonitoringSettings())
    assert "1 alarm" in page
    assert "a &#34;column&#34; &lt;b&gt;" in page
    assert page.count("data:image/svg+xml") == 3
    assert "http" not in re.sub(r"data:image/svg\+xml;base64,[^\"]*", "", page).replace("http-equiv", "")


def test_facts_are_read_back_as_they_were(tmp_path: Path) -> None:
    files = FactFiles(tmp_path / "facts", "model", "tables")
    assert files.read(DAY) is None
    files.write(FACTS)
    assert files.read(DAY) == FACTS
    assert FactFiles(tmp_path / "facts", "other", "tables").read(DAY) is None
    assert FactFiles(tmp_path / "facts", "model", "others").read(DAY) is None
    later = FactFiles(tmp_path / "facts", "model", "later", earlier=["tables", "later"])
    assert later.read(DAY) == FACTS
    assert later.read(DAY, corrected=True) is None
    (tmp_path / "facts" / "2025-12-31.json").write_text("{")
    assert files.read(DAY) is None
