"""The validation report: one page that loads nothing, with every gate and the decisions of the audit."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.training.test_rules import record
from training import approval, flow
from training.approval import Approval
from training.gates import Gate
from training.report import coded, html_of_markdown, html_table, render_report, report_of, with_decisions
from training.result import CardInputs, CardTable, Fit, TrainingJob
from vipreco.errors import UsageError

CARD = CardInputs("12 customers.", "Trees.", ("Mortgages: <thin>.",), "", (CardTable("T", ("a",), ((1,),)),))


def test_the_order_is_that_of_supervisors_and_nothing_is_loaded_from_elsewhere() -> None:
    page = render_report(record(), CARD, {"quality": b"png"}, "Next best <product>.")
    heads = re.findall(r"<h2 id=\"s\d+\">(\d+) ([^<]+)</h2>", page)
    assert [int(number) for number, _ in heads] == list(range(1, 16))
    assert [name for _, name in heads[:3]] == ["Scope and use", "Data", "Method"]
    assert 'src="data:image/png;base64,cG5n"' in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#s)", page)
    assert "Next best &lt;product&gt;." in page
    assert "Mortgages: &lt;thin&gt;." in page
    assert "NOT passed" in page


def test_an_open_finding_has_an_owner_and_a_day() -> None:
    gates = (Gate(metric="auc", min_value=0.9),)
    assert "Owner of each open finding: ada" in render_report(record(gates=gates), CARD, {})
    assert "Owner of" not in render_report(record(summary_metrics={"auc": 0.95}), CARD, {})


def test_decisions_come_from_the_audit_when_the_report_is_asked_for() -> None:
    page = render_report(record(), CARD, {})
    assert "Nobody has decided" in with_decisions(page, [])
    one = Approval("2026-01-02T03:04", "os:ada", "model.promote", "ok", "ab" * 32, "cd" * 32)
    assert "<td>os:ada</td><td>model.promote</td><td>ok</td>" in with_decisions(page, [one])


def test_cells_are_escaped_and_markdown_of_ours_becomes_tables() -> None:
    assert html_table(("a",), [("<b>",), (1234,), (0.5,), (None,)]).count("&lt;b&gt;") == 1
    found = html_of_markdown("### Ranking\n| slice | map |\n|---|---:|\n| all | **0.5** [0.4, 0.6] |\n")
    assert found == (
        "<h3>Ranking</h3><table><tr><th>slice</th><th>map</th></tr>"
        '<tr><td>all</td><td class="number">0.5 [0.4, 0.6]</td></tr></table>'
    )


def test_names_in_backticks_are_code_and_nothing_else_is_markup() -> None:
    assert str(coded("see `groups` & <b>")) == "see <code>groups</code> &amp; &lt;b&gt;"


def test_the_report_of_a_version_is_fetched_from_its_run(job: TrainingJob, fit: Callable[..., Fit]) -> None:
    flow.run(job, fit())
    page = report_of(job.project, "champion")
    assert page.startswith("<!doctype html>")
    assert "model.promote" in page
    with pytest.raises(UsageError):
        report_of(job.project, "7")
    assert approval.PROMOTE == "model.promote"
