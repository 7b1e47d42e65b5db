"""Audit, kept lists and gates in words of both languages: readers meet no raw code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from serving.page.languages import wording
from serving.page.model_pages import _lines
from serving.workspace.campaign_work import COMMANDS
from tests.page.page_bank import PageBank
from tests.page.test_page_access import Browser
from training.approval import ACTIONS, TRAIN
from training.gates import MEANINGS, OTHERWISE, Gate, judge
from training.version_page import _gate
from vipreco.store import OF_A_LIST, Decision, Event, Role

ROOT = Path(__file__).parents[2]
WRITERS = {"Event", "audited", "audited_read", "note", "note_change", "note_customers", "read_of", "_changed"}
WRITERS |= {"_note", "_refused"}
LIKELY = re.compile(r"(?:Event|audited|audited_read|note\w*|read_of|_changed|_refused)\(")
ACTION = re.compile(r"[a-z]+\.[a-z_]+|login|logout")
FILES = {"contacts.csv", "holdings.parquet"}  # notes of the simulator, which are none of the audit


def actions() -> set[str]:
    """Return the actions that the sources write into the audit."""
    lists = {f"relationships.{one}" for one in ("keep", "grow", "develop")}
    found = {f"campaign.{work}" for work in COMMANDS} | lists | {*ACTIONS, TRAIN}
    for folder in ("serving", "src/vipreco", "training"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            for node in ast.walk(ast.parse(text)) if LIKELY.search(text) else ():
                if isinstance(node, ast.Call) and _name(node.func) in WRITERS:
                    texts = (one.value for one in node.args if isinstance(one, ast.Constant))
                    found |= {one for one in texts if isinstance(one, str) and ACTION.fullmatch(one)}
    return found - FILES


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def test_every_action_of_the_audit_has_a_name() -> None:
    say, written = wording("zh"), actions()
    assert {
        "cover.grant",
        "book.hand_over",
        "login",
        "list.read",
        "campaign.plan",
        "model.promote",
    } <= written
    assert [one for one in sorted(written) if not say.has(f"audit_action.{one}")] == []


def test_the_auditor_reads_names_of_actions_and_products(bank: PageBank) -> None:
    bank.state.store.audit.append([Event("user:ann", "cover.grant", "M1>M2")])
    page = Browser(bank, Role.AUDITOR).ask("GET", "/audit").text
    assert '<span title="cover.grant">Leave cover granted</span>' in page
    assert '<option value="cover.grant">Leave cover granted</option>' in page
    rows = '[["00004","loan",1,[0.1,0.2,3.0]],["00004","gone",2,[0.1,0.2,3.0]]]'
    record = (
        f'{{"kind":"offers","question":{{}},"rows":{rows},"total":2,"day":"2025-12-31","artifact_hash":"a",'
        '"snapshot_id":"s","policy_version":"p"}'
    )
    made_at = bank.state.now()
    bank.state.store.decisions.add([Decision("d" * 32, OF_A_LIST, made_at, "user:ann", record)])
    page = Browser(bank, Role.AUDITOR).ask("GET", f"/decisions/{'d' * 32}").text
    cells = re.findall(r'<td data-label="[^"]*">(\w+)</td>', page)
    assert cells == ["Loan", "gone"]  # a product that is no more has its id alone
    assert "chance</span> 10.0%" in page


def test_gates_that_do_not_hold_are_told_with_their_numbers_in_both_languages() -> None:
    gates = [
        Gate(metric="map-above-popularity", min_value=0.0, surely=True),
        Gate(metric="calibration_slope", max_value=1.25),
        Gate(metric="auc", min_value=0.6),
        Gate(metric="artifact/megabytes", champion_margin=5.0, higher_is_better=False),
    ]
    metrics = {"map-above-popularity": 0.01, "calibration_slope": 1.5, "artifact/megabytes": 90.0}
    ends = {"map-above-popularity/low": -0.02, "map-above-popularity/high": 0.04, "acquirers": 900.0}
    found = judge(gates, {**metrics, **ends}, {"artifact/megabytes": 60.0})
    broken = [_gate(one) for one in found if not one.passed]
    told = {"passes": False, "broken": broken, "cases": None, "approved": []}
    english, chinese = (_lines(told, wording(language)) for language in ("en", "zh"))
    interval = "MAP above the most popular products is 0.01, the end of its interval that counts -0.02"
    assert english[1:5] == [
        f"Gate not passed: {interval}; needed is at least 0",
        "Gate not passed: Calibration: slope is 1.5, needed is at most 1.25",
        "Gate not passed: AUC is not known",
        "Gate not passed: Size of the artifact in MB is 90, the champion has 60; allowed is to be worse by 5",
    ]
    assert chinese[1:5] == [
        "未达标：MAP 高于热门产品为 0.01，计入判断的区间端点为 -0.02，要求不低于 0",
        "未达标：校准：斜率为 1.5，要求不高于 1.25",
        "未达标：AUC：无数据",
        "未达标：模型文件大小（MB）为 90，现役模型为 60，允许落后 5",
    ]
    assert english[5].startswith("This means: its lists are not surely better")
    assert [line[:3] for line in chinese[5:]] == ["含义：", "改进办"]


def test_the_meanings_of_gates_are_those_of_the_training() -> None:
    say = wording("en")
    for name, (means, _) in {**MEANINGS, "other": OTHERWISE}.items():
        assert say(f"gate_means.{name}") == means
        assert say.has(f"gate_helps.{name}")
