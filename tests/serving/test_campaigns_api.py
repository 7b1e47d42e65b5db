"""Campaigns over HTTP: file, plan, run, recheck, report, comparison and lists, as the pages have them."""

from __future__ import annotations

import fcntl
import json
from typing import Any

import httpx
import polars as pl
import pytest

from serving.api import API_OPERATIONS
from serving.api.campaign_models import (
    CampaignAnswer,
    CampaignsAnswer,
    ComparedPlansAnswer,
    PlanWorkAnswer,
    RecheckWorkAnswer,
    ReportWorkAnswer,
    RunWorkAnswer,
)
from serving.http import openapi
from serving.workspace.campaign_work import FILES, MAX_FILE_BYTES, XLSX
from serving.workspace.jobs import Jobs
from tests.serving.small_bank import OWN, Bank
from vipreco.campaign import CampaignFolder, parse_campaign
from vipreco.campaign.folder import write_manifest
from vipreco.errors import BusyError
from vipreco.store import Role
from vipreco.store.campaigns import MEMBER_COLUMNS

START = Jobs.start
MARKETER = Role.MARKETING
TEXT = """\
key = "{key}"
name = "Funds in spring"
start_date = 2026-03-01
end_date = 2026-03-31

[channels.call]
minutes = 10
"""
ARMS = {"offered": 30, "explored": 0, "control": 8, "unallocated": 2}
PLAN: dict[str, Any] = {
    "campaign_id": "spring",
    "campaign": {"name": "Funds in spring", "start_date": "2026-03-01", "end_date": "2026-03-31"},
    "as_of_date": "2025-12-31",
    "snapshot_id": "s",
    "policy_version": "p",
    "customers": 40,
    "arms": ARMS,
    "value_amount": 100.0,
    "bound_amount": 101.0,
    "gap_rate": 0.01,
    "shortfall": {},
    "waterfall": [{"rule": "in the newest snapshot", "before": 50, "fell": 10, "left": 40}],
    "limits": [{"limit": "manager", "group": "M1", "used": 60, "max": 60, "price": 5.5,
                "meaning": "one more"}],
    "what_if": [{"limit": "manager", "fewer": 54, "now": 60, "more": 66, "value_of_fewer": -9.0,
                 "value_of_more": 7.5}],
    "power": {"effect_rate": 0.02, "base_rate": 0.1, "treated": 30, "control": 8, "power_rate": 0.25,
              "needed": 900},
}  # fmt: skip
REMOVED = [
    {"customer_id": "c1", "manager_id": None, "channel": "call", "product_id": "P1",
     "reason_code": "SWITCHED_OFF", "reason": "the product is switched off"}
]  # fmt: skip
NOTHING = {"value": None, "low": None, "high": None, "lacks": "acquisitions"}
EFFECT = dict.fromkeys(("lift", "adjusted", "relative", "extra", "value", "extra_value"), NOTHING)
COUNTS = {"treated": 30, "control": 8, "treated_acquired": 2, "control_acquired": 1, "p": None}
REPORT = {
    "campaign_id": "spring",
    "name": "",
    "start_date": "2026-03-01",
    "end_date": "2026-03-31",
    "until_date": "2026-03-31",
    "complete": True,
    **{name: {**EFFECT, **COUNTS} for name in ("primary", "campaign_products", "any_product")},
    "money": {"cost_amount": 3.0, "value_amount": NOTHING, "value_a_unit": NOTHING},
    "checks": [{"check": "share", "fine": True, "first": 0.2}],
}
LISTS = {"call.csv": b"customer_id\n0001\n", "call/M1.csv": b"customer_id\n0001\n", "call/M1.xlsx": b"PK"}


def sent(bank: Bank, key: str = "spring", text: str = TEXT, **given: Any) -> httpx.Response:
    body = {"file": text.replace("{key}", key)}
    return bank.ask("POST", "/v1/campaigns", MARKETER, json=body, **given)


def changed(bank: Bank, text: str, key: str = "spring") -> httpx.Response:
    return bank.ask("PUT", f"/v1/campaigns/{key}/file", MARKETER, json={"file": text})


def read(bank: Bank, path: str = "spring") -> Any:
    answer = bank.ask("GET", f"/v1/campaigns/{path}", MARKETER)
    assert answer.status_code == 200, answer.text
    return answer.json()


def kept(bank: Bank, name: str, content: Any, key: str = "spring") -> None:
    """Keep the output of a command as that of a job that ran."""
    text = content if isinstance(content, str) else json.dumps(content)
    Jobs(bank.state.root).keep(f"campaign-{name}-{key}", [], text.encode())


def finished(bank: Bank, key: str = "spring") -> None:
    """Leave a finished run with its lists."""
    root, store = bank.state.root, bank.state.store
    (root / "vipreco.toml").write_text('[project]\nname = "small"\n')
    folder = CampaignFolder(root / "data" / "campaigns").path_of(key)
    for name, content in LISTS.items():
        path = folder / "lists" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    store.campaigns.begin("user:ann", key, {}, "0")
    members = pl.DataFrame(schema=dict.fromkeys(MEMBER_COLUMNS, pl.String))
    store.campaigns.finish(key, write_manifest(folder, {**PLAN, "campaign_id": key}), members)


def audited(bank: Bank) -> list[tuple[str, str]]:
    return [(row["action"], row["object"]) for row in bank.audit() if row["action"].startswith("campaign")]


def test_a_campaign_goes_from_its_file_to_its_lists(bank: Bank, commands: list[tuple[str, ...]]) -> None:
    created = sent(bank)
    assert (created.status_code, created.json()) == (201, {"campaign_id": "spring"})
    assert created.headers["location"] == "/v1/campaigns/spring"
    draft = CampaignAnswer.model_validate(read(bank))
    assert (draft.state, draft.finished, draft.may_start) == ("draft", False, ["plan", "run"])
    assert (draft.file, draft.lists, draft.manifest) == (TEXT.format(key="spring"), [], None)
    assert changed(bank, TEXT.format(key="spring") + "capacity = 9\n").json() == {"campaign_id": "spring"}
    assert read(bank)["file"].endswith("capacity = 9\n")

    asked = bank.ask("POST", "/v1/campaigns/spring/plan", MARKETER)
    assert (asked.status_code, asked.headers["location"]) == (202, "/v1/campaigns/spring/plan")
    token = f"token:{bank.tokens[MARKETER].split('_')[2]}"
    file = f"{FILES}/spring.toml"
    assert commands == [("campaign-plan-spring", token, "campaign", "plan", file, "--format", "json")]
    settings = parse_campaign(read(bank)["file"].encode(), "file").record()
    kept(bank, "plan", {**PLAN, "campaign": settings})
    planned = CampaignAnswer.model_validate(read(bank))
    assert (planned.state, planned.outdated) == ("planned", False)
    changed(bank, TEXT.format(key="spring") + "capacity = 8 # fewer\n")
    assert read(bank)["outdated"] is True
    changed(bank, TEXT.format(key="spring") + "capacity = 9 # as before\n")
    assert read(bank)["outdated"] is False
    assert planned.jobs.plan is not None
    assert (planned.jobs.plan.state, planned.jobs.plan.exit_code, planned.jobs.run) == ("succeeded", 0, None)

    bank.ask("POST", "/v1/campaigns/spring/run", MARKETER)
    assert commands[-1] == ("campaign-run-spring", token, "campaign", "run", file)
    finished(bank)
    kept(bank, "run", "40 eligible customers\n")
    assert RunWorkAnswer.model_validate(read(bank, "spring/run")).text == "40 eligible customers\n"
    done = CampaignAnswer.model_validate(read(bank))
    assert (done.state, done.finished, done.may_start) == ("finished", True, ["recheck", "report"])
    assert done.lists == ["call.csv", "call/M1.csv", "call/M1.xlsx"]
    for job in ("recheck", "report"):
        assert bank.ask("POST", f"/v1/campaigns/spring/{job}", MARKETER).status_code == 202
        assert commands[-1][2:] == ("campaign", job, "spring", "--format", "json")
    assert [one for one in audited(bank) if one[0] != "campaign.read"] == [
        ("campaign.file", "spring"),
        ("campaign.file", "spring"),
        ("campaign.plan", "spring"),
        ("campaign.file", "spring"),
        ("campaign.file", "spring"),
        *((f"campaign.{job}", "spring") for job in ("run", "recheck", "report")),
    ]


def test_plan_recheck_and_report_come_as_the_document_describes_them(bank: Bank) -> None:
    sent(bank)
    for name, content in (("plan", PLAN), ("recheck", REMOVED), ("report", REPORT)):
        assert (
            bank.ask("GET", f"/v1/campaigns/spring/{name}", MARKETER)
            .json()["type"]
            .endswith(":never-started")
        )
        kept(bank, name, content)
    plan = PlanWorkAnswer.model_validate(read(bank, "spring/plan")).plan
    assert plan is not None
    assert plan.power is not None
    assert (plan.gap_rate, plan.limits[0].price, plan.power.needed) == (0.01, 5.5, 900)
    assert (plan.waterfall[0].left, plan.what_if[0].value_of_more) == (40, 7.5)
    removed = RecheckWorkAnswer.model_validate(read(bank, "spring/recheck")).removed
    assert removed is not None
    assert [one.reason_code for one in removed] == ["SWITCHED_OFF"]
    report = ReportWorkAnswer.model_validate(read(bank, "spring/report")).report
    assert report is not None
    assert (report.primary.treated, report.primary.lift.lacks) == (30, "acquisitions")


def test_campaigns_are_listed_with_their_state_and_the_numbers_that_there_are(bank: Bank) -> None:
    for key in ("autumn", "spring"):
        sent(bank, key)
    kept(bank, "plan", PLAN)
    (bank.state.root / FILES / "No Key.toml").write_text("")
    bank.state.store.campaigns.begin("user:ann", "summer", {}, "0")
    finished(bank, "winter")
    listed = bank.ask("GET", "/v1/campaigns", MARKETER).json()
    CampaignsAnswer.model_validate(listed)
    found = [(one["campaign_id"], one["state"], one["finished"]) for one in listed["campaigns"]]
    assert found == [
        ("autumn", "draft", False),
        ("spring", "planned", False),
        ("summer", "unfinished", False),
        ("winter", "finished", True),
    ]
    assert listed["campaigns"][0] == {"campaign_id": "autumn", "state": "draft", "finished": False}
    for one in (listed["campaigns"][1], listed["campaigns"][3]):
        assert (one["customers"], one["arms"], one["value_amount"]) == (40, ARMS, 100.0)
        assert (one["name"], one["end_date"]) == ("Funds in spring", "2026-03-31")


@pytest.mark.parametrize(
    ("text", "code", "errors"),
    [
        ('key = "a"\nend = = 1', "syntax", ["is not valid TOML: Invalid value (at line 2, column 7)"]),
        (
            TEXT.format(key="x").replace("minutes = 10", "minuts = 10\ncapacity = 0"),
            "settings",
            [
                "line 7: channels.call.minuts: unknown setting, did you mean minutes?",
                "line 8: channels.call.capacity: Input should be greater than or equal to 1",
            ],
        ),
        (
            TEXT.format(key="../up"),
            "settings",
            ["line 1: key: String should match pattern '^[a-z0-9][a-z0-9._-]{0,62}$'"],
        ),
        (TEXT + "#" * (MAX_FILE_BYTES - 500) + "é" * 300, "too-large", None),
        ("a = " + "[" * 20_000, "syntax", ["is nested too deeply"]),
    ],
    ids=["no TOML", "settings", "path", "too large", "nested"],
)
def test_what_is_wrong_in_a_file_is_told_with_its_line(
    bank: Bank, text: str, code: str, errors: list[str] | None
) -> None:
    sent(bank)
    for answer in (sent(bank, text=text), changed(bank, text)):
        problem = answer.json()
        assert (answer.status_code, problem["type"]) == (422, f"urn:vipreco:problem:{code}")
        assert answer.headers["content-type"] == "application/problem+json"
        assert problem["detail"]
        assert {(one["field"], one["code"]) for one in problem["errors"]} == {("file", code)}
        if errors is not None:
            assert sorted(one["detail"] for one in problem["errors"]) == sorted(errors)
    assert [path.name for path in bank.state.root.rglob("*.toml")] == ["spring.toml"]
    assert read(bank)["file"] == TEXT.format(key="spring")


def test_bodies_are_bounded_and_have_their_fields(bank: Bank) -> None:
    for body, status in (({"file": "#" * 70_000}, 413), ({"file": ""}, 422), ({"text": "a"}, 422), ({}, 422)):
        assert bank.ask("POST", "/v1/campaigns", MARKETER, json=body).status_code == status


def test_a_key_is_taken_once_and_stays(bank: Bank) -> None:
    first, again, replayed, other = (
        sent(bank, headers={"Idempotency-Key": "k"}),
        sent(bank),
        sent(bank, headers={"Idempotency-Key": "k"}),
        sent(bank, "autumn", headers={"Idempotency-Key": "k"}),
    )
    assert (first.status_code, again.status_code, other.status_code) == (201, 409, 422)
    assert (replayed.content, replayed.headers["location"]) == (first.content, "/v1/campaigns/spring")
    problem = again.json()
    assert problem["type"] == "urn:vipreco:problem:campaign-exists"
    assert problem["detail"] == "there is a campaign spring already: choose another key"
    wrong = changed(bank, TEXT.format(key="autumn")).json()
    assert (wrong["type"], wrong["status"]) == ("urn:vipreco:problem:key-stays", 422)
    finished(bank, "winter")
    assert sent(bank, "winter").status_code == 409
    assert [one for one in audited(bank) if one[0] == "campaign.file"] == [("campaign.file", "spring")]


def test_a_campaign_that_was_run_is_neither_changed_nor_planned_nor_run_again(
    bank: Bank, commands: list[tuple[str, ...]]
) -> None:
    sent(bank)
    for job in ("recheck", "report"):
        answer = bank.ask("POST", f"/v1/campaigns/spring/{job}", MARKETER)
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:vipreco:problem:not-run")
        assert answer.json()["detail"] == "this campaign was not run to its end: run it first"
    finished(bank)
    refusals = [changed(bank, TEXT.format(key="spring") + "capacity = 9\n")]
    refusals += [bank.ask("POST", f"/v1/campaigns/spring/{job}", MARKETER) for job in ("plan", "run")]
    for answer in refusals:
        assert (answer.status_code, answer.json()["type"]) == (409, "urn:vipreco:problem:campaign-was-run")
    finished(bank, "by-command")
    bank.state.store.campaigns.begin("user:ann", "half", {}, "0")
    answer = bank.ask("POST", "/v1/campaigns/half/run", MARKETER)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:vipreco:problem:no-file")
    assert read(bank, "by-command")["file"] is None
    assert commands == []


def test_a_job_is_started_once_a_key_and_leaves_no_record_where_there_is_no_room(
    bank: Bank, commands: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent(bank)

    def full(*_: Any) -> None:
        raise BusyError("other work runs", remedy="wait", code="jobs-running")

    key = {"Idempotency-Key": "k"}
    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "start", full)
        answer = bank.ask("POST", "/v1/campaigns/spring/plan", MARKETER, headers=key)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert answer.json()["type"] == "urn:vipreco:problem:jobs-running"
    assert answer.json()["detail"] == "other work runs: wait"
    answers = [bank.ask("POST", "/v1/campaigns/spring/plan", MARKETER, headers=key) for _ in range(2)]
    assert [one.status_code for one in answers] == [202, 202]
    assert [one.headers["location"] for one in answers] == ["/v1/campaigns/spring/plan"] * 2
    assert len(commands) == 1
    assert [one for one in audited(bank) if one[0] == "campaign.plan"] == [("campaign.plan", "spring")]


def test_two_plans_are_compared(bank: Bank) -> None:
    for key in ("spring", "autumn", "summer"):
        sent(bank, key)
    kept(bank, "plan", PLAN)
    shorter = {**PLAN["campaign"], "end_date": "2026-03-15"}
    other = {**PLAN, "customers": 60, "value_amount": 150.5, "power": None, "campaign": shorter}
    kept(bank, "plan", other, "autumn")

    def compare(one: str, other: str) -> httpx.Response:
        return bank.ask("POST", "/v1/campaigns:compare", MARKETER, json={"one": one, "other": other})

    told = ComparedPlansAnswer.model_validate(compare("spring", "autumn").json())
    figures = {one.figure: (one.one, one.other, one.difference) for one in told.figures}
    assert figures["customers"] == (40, 60, 20)
    assert figures["value_amount"] == (100.0, 150.5, 50.5)
    assert figures["power_rate"] == (0.25, None, None)
    changes = [(one.setting, one.one, one.other) for one in told.settings]
    assert changes == [("end_date", "2026-03-31", "2026-03-15")]
    unplanned = compare("spring", "summer").json()
    assert (unplanned["status"], unplanned["type"]) == (409, "urn:vipreco:problem:not-planned")
    assert unplanned["errors"] == [{"field": "other", "code": "not-planned"}]
    assert [compare("spring", other).status_code for other in ("nobody", "../spring", "sPring")] == [404] * 3
    assert ("campaigns.compare", "spring autumn") in audited(bank)


def test_a_list_is_sent_as_the_run_wrote_it_or_not_at_all(bank: Bank) -> None:
    sent(bank)
    assert bank.ask("GET", "/v1/campaigns/spring/lists/call.csv", MARKETER).status_code == 404
    finished(bank)
    kinds = {"call.csv": "text/csv; charset=utf-8", "call/M1.xlsx": XLSX}
    for name, kind in kinds.items():
        answer = bank.ask("GET", f"/v1/campaigns/spring/lists/{name}", MARKETER)
        assert (answer.status_code, answer.content) == (200, LISTS[name])
        assert answer.headers["content-type"] == kind
        saved = f'attachment; filename="spring-{name.replace("/", "-")}"'
        assert answer.headers["content-disposition"] == saved
    for name in ("sms.csv", "../manifest.json", "%2e%2e/manifest.json", "..%2fmanifest.json", "..\\x"):
        answer = bank.ask("GET", f"/v1/campaigns/spring/lists/{name}", MARKETER)
        assert answer.status_code in {400, 404}
    path = bank.state.root / "data" / "campaigns" / "spring" / "lists" / "call.csv"
    for damage in (lambda: path.write_text("customer_id\n0002\n"), path.unlink):
        damage()
        answer = bank.ask("GET", "/v1/campaigns/spring/lists/call.csv", MARKETER)
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:vipreco:problem:campaign-changed")
        assert "is not the list that the run wrote: restore it" in answer.json()["detail"]
        assert OWN not in answer.text
        assert "retry-after" not in answer.headers
    exported = [one[1] for one in audited(bank) if one[0] == "campaign.export" and one[1] != "unknown"]
    assert exported == ["spring/call.csv", "spring/call/M1.xlsx"]


def test_a_key_that_is_none_is_not_found_anywhere(bank: Bank, commands: list[tuple[str, ...]]) -> None:
    sent(bank)
    (bank.state.root / "outside.toml").write_text(TEXT.format(key="outside"))
    for key in ("nobody", "..", ".hidden", "SPRING", "spring.toml", "a" * 64, "%2e%2e", "春"):
        one = f"/v1/campaigns/{key}"
        asked = [("GET", one), ("GET", f"{one}/plan"), ("POST", f"{one}/run"), ("GET", f"{one}/lists/a.csv")]
        for method, path in asked:
            assert bank.ask(method, path, MARKETER).status_code in {400, 404}, (method, path)
        answer = bank.ask("PUT", f"{one}/file", MARKETER, json={"file": TEXT})
        assert answer.status_code in {400, 404}, key
    assert commands == []


def test_no_log_has_a_word_of_the_file(bank: Bank, capfd: pytest.CaptureFixture[str]) -> None:
    text = TEXT.format(key="spring") + '"Zhang San 6222021234" = "VIP"\n'
    problem = sent(bank, text=text).json()
    assert "Zhang San 6222021234: unknown setting" in problem["errors"][0]["detail"]
    told = capfd.readouterr()
    assert "settings" in told.err  # the refusal is logged by its code
    assert "Zhang" not in told.err + told.out + json.dumps([*bank.audit()], default=str)


def test_the_document_names_models_files_and_refusals() -> None:
    paths = openapi.document(API_OPERATIONS)["paths"]
    described = {path: {*methods} for path, methods in paths.items() if path.startswith("/v1/campaigns")}
    jobs = {f"/v1/campaigns/{{key}}/{job}": {"get", "post"} for job in ("plan", "run", "recheck", "report")}
    assert described == {
        "/v1/campaigns": {"get", "post"},
        "/v1/campaigns/{key}": {"get"},
        "/v1/campaigns/{key}/file": {"put"},
        **jobs,
        "/v1/campaigns:compare": {"post"},
        "/v1/campaigns/{key}/lists/{name}": {"get"},
        "/v1/campaigns/{key}/lists/{channel}/{name}": {"get"},
    }
    answers = paths["/v1/campaigns/{key}/lists/{name}"]["get"]["responses"]
    assert {*answers["200"]["content"]} == {"text/csv", XLSX, "application/octet-stream"}
    assert {"404", "503"} <= {*answers}
    plan = paths["/v1/campaigns/{key}/plan"]
    reference = plan["get"]["responses"]["200"]["content"]["application/json"]["schema"]["$ref"]
    assert reference.endswith("/PlanWorkAnswer")
    assert {"202", "404", "409", "503"} <= {*plan["post"]["responses"]}
    created = paths["/v1/campaigns"]["post"]
    assert {"201", "409", "413", "422"} <= {*created["responses"]}
    assert [one["name"] for one in created["parameters"]] == ["Idempotency-Key"]


@pytest.mark.long  # a command of its own takes seconds
def test_a_job_runs_as_a_command_and_its_failure_is_told(
    bank: Bank, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP, with the command itself: the small bank has no tables to plan over."""
    monkeypatch.setattr(Jobs, "start", START)
    (bank.state.root / "vipreco.toml").write_text('[project]\nname = "small"\n')
    headers = {"Authorization": f"Bearer {bank.tokens[MARKETER]}"}
    with httpx.Client(base_url=address, headers=headers, timeout=30) as client:
        assert client.post("/v1/campaigns", json={"file": TEXT.format(key="spring")}).status_code == 201
        started = client.post("/v1/campaigns/spring/plan")
        running = client.get(started.headers["location"])
        assert (started.status_code, running.status_code) == (202, 202)
        assert (running.json()["job"]["state"], running.json()["plan"]) == ("running", None)
        with (Jobs(bank.state.root).folder / "campaign-plan-spring.lock").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH)  # until the command has ended
        ended = client.get(started.headers["location"]).json()
    assert (ended["job"]["state"], ended["job"]["exit_code"], ended["plan"]) == ("failed", 2, None)
    assert "import" in ended["job"]["said"]
    assert str(bank.state.root) not in ended["job"]["said"]
