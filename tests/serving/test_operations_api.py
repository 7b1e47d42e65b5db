"""Models, prices of rules, replays and operations over HTTP: what pages start and show, for programs."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import httpx
import pytest

from serving.api.operations_models import (
    DecidedAnswer,
    FindingsAnswer,
    ManagerHoursAnswer,
    ModelComparisonAnswer,
    ModelsAnswer,
    RefusedOffersAnswer,
    ReplayAnswer,
    RulePricesAnswer,
    StoreAnswer,
    WrittenAnswer,
)
from serving.workspace.jobs import Jobs
from tests.serving.small_bank import BRANCH, DAY, FOREIGN, MANAGER, OTHER_MANAGER, OWN, Bank
from vipreco.errors import BusyError
from vipreco.store import Decision, Feedback, Role, Scope

START = Jobs.start
SCIENTIST, APPROVER, AUDITOR, ADMIN = Role.SCIENTIST, Role.APPROVER, Role.AUDITOR, Role.ADMIN
VERSION = {"version": "2", "aliases": ["champion"], "as_of_date": "2025-11-30", "recipe": "quick"}
VERSION |= {"trained_by": "li", "snapshot_id": "s", "artifact_hash": "a" * 64}
DESCRIBED = {**VERSION, "run_id": "r", "retired": "", "passes": True, "verdict": ["passes"], "broken": []}
DESCRIBED |= {"cases": 37.0, "approved": [], "numbers": [{"metric": "auc", "ours": 0.8}], "calibration": []}
DESCRIBED |= {"mlflow": ""}
PRICE = {
    "rule": "age",
    "stage": "suitability",
    "reason_code": "AGE",
    "law": True,
    "relaxing_opens_value": None,
}
PRICE |= {
    f"{when}_{what}": 3 for when in ("first", "alone", "all") for what in ("customers", "pairs", "value")
}


@pytest.fixture
def kept(bank: Bank) -> Any:
    """Keep the output of a command as that of a job that ran."""

    def keep(name: str, content: Any, arguments: Sequence[str] = ()) -> None:
        text = content if isinstance(content, str) else json.dumps(content)
        Jobs(bank.state.root).keep(name, arguments, text.encode())

    return keep


def test_a_list_that_was_read_is_answered_with_its_time(bank: Bank, kept: Any) -> None:
    kept("models", [VERSION])
    answer = bank.ask("GET", "/v1/models", SCIENTIST)
    told = ModelsAnswer.model_validate_json(answer.content)
    assert answer.status_code == 200
    assert told.versions is not None
    assert (told.versions[0].version, told.job.state, told.job.exit_code) == ("2", "succeeded", 0)
    assert told.job.finished_at is not None
    assert told.job.finished_at.tzinfo is not None
    assert bank.audit()[-1]["action"] == "models.read"


def test_a_list_that_was_never_read_is_read_and_answered_when_it_is_there(
    bank: Bank, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen

    def start(command: list[str], **given: Any) -> subprocess.Popen[bytes]:
        assert command[-4:] == ["models", "list", "--format", "json"]
        running.append(popen(["sleep", "60"], pass_fds=given["pass_fds"]))
        return running[-1]

    monkeypatch.setattr(Jobs, "start", START)
    monkeypatch.setattr(subprocess, "Popen", start)
    for _ in range(2):
        answer = bank.ask("GET", "/v1/models", APPROVER)
        told = ModelsAnswer.model_validate_json(answer.content)
        assert (answer.status_code, answer.headers["retry-after"]) == (202, "5")
        assert (told.versions, told.job.state, told.job.finished_at) == (None, "running", None)
    (process,) = running
    process.kill()
    process.wait()
    kept("models", [])
    assert bank.ask("GET", "/v1/models", APPROVER).json()["versions"] == []


def test_a_promotion_is_started_once_a_key_and_tells_where_its_state_is(
    bank: Bank, kept: Any, commands: list[tuple[str, ...]]
) -> None:
    first, again, other = (
        bank.ask("POST", f"/v1/models/{version}/promote", APPROVER, headers={"Idempotency-Key": "k"})
        for version in ("2", "2", "3")
    )
    assert (first.status_code, first.headers["location"]) == (202, "/v1/models/decision")
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["location"] == "/v1/models/decision"
    assert (other.status_code, other.json()["type"]) == (422, "urn:vipreco:problem:other-content")
    approver = f"token:{bank.tokens[APPROVER].split('_')[2]}"
    assert commands == [("model-decision", approver, "models", "promote", "2")]
    decided = [row for row in bank.audit() if row["action"] == "model.decide"]
    assert [(row["actor"], row["object"]) for row in decided] == [(approver, "promote 2")]
    kept("model-decision", "2 is champion\n", ["models", "promote", "2"])
    told = DecidedAnswer.model_validate(bank.ask("GET", "/v1/models/decision", SCIENTIST).json())
    assert (told.command, told.text) == (["models", "promote", "2"], "2 is champion\n")


def test_a_roll_back_that_is_sent_twice_goes_back_once(bank: Bank, commands: list[tuple[str, ...]]) -> None:
    for _ in range(2):
        bank.ask("POST", "/v1/models/rollback", APPROVER, headers={"Idempotency-Key": "back"})
    assert [command[2:] for command in commands] == [("models", "rollback")]


@pytest.mark.parametrize("code", ["jobs-running", "job-running"])
def test_work_that_finds_no_room_is_told_when_to_come_again_and_may(
    bank: Bank, commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """The refusal is not kept under the key: it would be answered for as long as keys are kept."""

    def full(*_: Any) -> None:
        raise BusyError("other work runs", code=code)

    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "start", full)
        answer = bank.ask("POST", "/v1/store/backup", ADMIN, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == f"urn:vipreco:problem:{code}"
    assert bank.ask("POST", "/v1/store/backup", ADMIN, headers={"Idempotency-Key": "k"}).status_code == 202
    ((name, _, *arguments),) = commands
    assert (name, arguments[:2]) == ("store-backup", ["store", "backup"])


def test_two_versions_are_compared_and_findings_told(bank: Bank, kept: Any) -> None:
    kept("model-about-2", DESCRIBED)
    waits = bank.ask("GET", "/v1/models/2/compare/1", SCIENTIST)
    assert (waits.status_code, waits.json()["other"]) == (202, None)
    kept("model-about-1", {**DESCRIBED, "version": "1"})
    told = ModelComparisonAnswer.model_validate(bank.ask("GET", "/v1/models/2/compare/1", SCIENTIST).json())
    assert [one.model.version for one in (told.one, told.other) if one and one.model] == ["2", "1"]
    assert bank.audit()[-1]["object"] == "2 1"
    assert bank.ask("GET", "/v1/models/champion", SCIENTIST).status_code == 404
    assert bank.ask("GET", "/v1/models/monitor", SCIENTIST).json()["type"].endswith("never-started")
    finding = dict.fromkeys(("severity", "code", "subject", "what", "assumption", "owner", "page"), "x")
    kept("monitor", [{**finding, "effect": 1.0, "tolerance": 0.5, "psi": None}])
    told_findings = FindingsAnswer.model_validate(bank.ask("GET", "/v1/models/monitor", SCIENTIST).json())
    assert told_findings.findings is not None
    assert told_findings.findings[0].effect == 1.0


def test_prices_of_rules_are_measured_by_the_command(
    bank: Bank, kept: Any, commands: list[tuple[str, ...]]
) -> None:
    answer = bank.ask("POST", "/v1/rules/price", AUDITOR)
    assert (answer.status_code, answer.headers["location"]) == (202, "/v1/rules/price")
    assert commands[0][2:] == ("policy", "price", "--channel", "call", "--format", "json")
    kept("rule-price", [PRICE])
    told = RulePricesAnswer.model_validate(bank.ask("GET", "/v1/rules/price", APPROVER).json())
    assert told.rules is not None
    assert (told.rules[0].rule, told.rules[0].all_customers) == ("age", 3)


def test_an_auditor_reads_and_replays_a_decision_without_learning_the_customer(
    bank: Bank, kept: Any, commands: list[tuple[str, ...]]
) -> None:
    record = json.dumps({"customer_id": OWN, "offers": [], "decided_on": {"basis": "b"}})
    bank.state.store.decisions.add([Decision("d1", OWN, datetime(2025, 12, 31, 9), "token:x", record)])  # noqa: DTZ001
    pseudonym = bank.state.keys.pseudonym_of(OWN)
    read = bank.ask("GET", "/v1/decisions/d1", AUDITOR).json()
    told_record = {"customer_id": pseudonym, "offers": [], "decided_on": {"basis": "b"}}
    assert (read["customer_id"], read["record"]) == (pseudonym, told_record)
    answer = bank.ask("POST", "/v1/decisions/d1/replay", AUDITOR)
    assert (answer.status_code, answer.headers["location"]) == (202, "/v1/decisions/d1/replay")
    assert commands[0][2:] == ("replay", "--decision", "d1", "--format", "json")
    again = {"identical": True, "differences": [], "notes": [], "receipt": {"question": {"customer_id": OWN}}}
    kept("replay-d1", again)
    text = bank.ask("GET", "/v1/decisions/d1/replay", AUDITOR).text
    told = ReplayAnswer.model_validate_json(text).replay
    assert told is not None
    assert (told.identical, told.receipt["question"]) == (True, {"customer_id": pseudonym})
    assert f'"{OWN}"' not in text
    found = [(row["action"], row["object"]) for row in bank.audit()]
    assert found == [
        ("decision.read", pseudonym),
        ("decision.replay", pseudonym),
        ("decision.read", pseudonym),
    ]


def test_the_state_of_the_store_tells_backup_and_night(
    bank: Bank, kept: Any, commands: list[tuple[str, ...]]
) -> None:
    told = StoreAnswer.model_validate(bank.ask("GET", "/v1/store", ADMIN).json())
    assert (told.backup, told.backup_job, told.night_job, told.releases) == (None, None, None, [])
    assert (told.rows["books"], told.pending) == (2, 0)
    for address in ("/v1/store/backup", "/v1/store/prepare"):
        assert bank.ask("POST", address, ADMIN).headers["location"] == address
    assert [command[2:4] for command in commands] == [("store", "backup"), ("prepare",)]
    kept("prepare", "release 0011 is in force\n")
    night = WrittenAnswer.model_validate(bank.ask("GET", "/v1/store/prepare", ADMIN).json())
    assert (night.job.state, night.text) == ("succeeded", "release 0011 is in force\n")
    told = StoreAnswer.model_validate(bank.ask("GET", "/v1/store", ADMIN).json())
    assert told.night_job is not None
    assert [row["action"] for row in bank.audit()] == ["store.read", "release.prepare", "store.read"]


def test_a_branch_head_learns_whose_hour_is_worth_most_and_what_was_refused(bank: Bank, kept: Any) -> None:
    assert bank.ask("GET", "/v1/manager-hours", Role.BRANCH_HEAD).json()["type"].endswith("no-hours")
    limits = [
        {"limit": "manager", "group": manager, "used": 60.0, "max": 60.0, "price": price}
        for manager, price in ((MANAGER, 12.5), (OTHER_MANAGER, 99.0))
    ]
    plan = {"campaign_id": "c1", "campaign": {"name": "", "start_date": "2026-01-05"}, "limits": limits}
    kept("campaign-plan-c1", plan)
    told = ManagerHoursAnswer.model_validate(bank.ask("GET", "/v1/manager-hours", Role.BRANCH_HEAD).json())
    assert (told.campaign, told.planned) == ("c1", True)
    assert [(one.manager_id, one.hour_amount) for one in told.managers] == [(MANAGER, 12.5)]
    for customer, manager in ((OWN, MANAGER), (FOREIGN, OTHER_MANAGER)):
        scope = Scope("user:a", Role.MANAGER, manager, DAY)
        bank.state.store.feedback.record(scope, Feedback(customer, "P1", "", "wrong"), DAY)
    refused = RefusedOffersAnswer.model_validate(
        bank.ask("GET", "/v1/refused-offers", Role.BRANCH_HEAD).json()
    )
    assert [one.model_dump() for one in refused.offers] == [
        {"product_id": "P1", "cause": "wrong", "customers": 1}
    ]
    assert bank.audit()[-1]["object"] == f"branch:{BRANCH}"


def test_over_the_wire_work_is_started_looked_at_and_ends(bank: Bank, kept: Any, address: str) -> None:
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {bank.tokens[ADMIN]}"}) as client:
        answer = client.post("/v1/store/prepare")
        assert answer.status_code == 202
        kept("prepare", "done\n")
        assert client.get(answer.headers["location"]).json()["text"] == "done\n"
        refused = client.get("/v1/store/prepare", headers={"Authorization": "Bearer no"})
        assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")


def test_nobody_whom_the_record_of_a_list_names_is_shown_to_an_auditor(bank: Bank) -> None:
    """Customers of covered managers stood in it by their ids."""
    question = {
        "customers": [OWN],
        "channel": "call",
        "absences": [],
        "cover_ends": [[FOREIGN, "2026-01-09"]],
    }
    record = {"kind": "page_list", "question": question, "rows": [["0003", "", 1, [1.0]]], "total": 1}
    record |= {"overlay": {"0003": "changed"}}
    made = Decision("d2", "", datetime(2025, 12, 31, 9), "user:ann", json.dumps(record))  # noqa: DTZ001
    bank.state.store.decisions.add([made])
    answer = bank.ask("GET", "/v1/decisions/d2", AUDITOR)
    own, foreign, other = (bank.state.keys.pseudonym_of(one) for one in (OWN, FOREIGN, "0003"))
    told = answer.json()["record"]
    assert told["question"]["customers"] == [own]
    assert told["question"]["cover_ends"] == [[foreign, "2026-01-09"]]
    assert (told["rows"], told["overlay"]) == ([[other, "", 1, [1.0]]], {other: "changed"})
    assert not any(f'"{one}"' in answer.text for one in (OWN, FOREIGN, "0003"))
