"""The OpenAPI document holds for every role: Schemathesis tries every operation with all checks."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from serving import api
from serving.api import decisions
from serving.api.idempotent import KEY_HEADER
from serving.http import openapi
from serving.http.operation import Operation
from tests.serving.small_bank import Bank, made
from vipreco.settings import ServingSettings
from vipreco.store import Role

BOUNDED = settings(
    max_examples=8,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
NUMBERS, LONG_KEY = count(), 240
TOLD = [operation for operation in api.OPERATIONS if operation.summary]
# Answers from tables, which this bank has none of; tests/page/test_records_api.py checks their models.
FROM_TABLES = {"/v1/book", "/v1/call-list", "/v1/rules"}
FROM_TABLES |= {"/v1/rules/versions", "/v1/rules/compare/{before}/{after}"}
# Bodies that hold a text of another language, which no schema of JSON describes: most texts are refused.
TEXTS = {"/v1/campaigns"}
# Jobs of a campaign whose operations are made as those of its plan are, with the same handlers.
AS_THE_PLAN = {f"/v1/campaigns/{{key}}/{job}" for job in ("run", "recheck", "report")}
TRIED = [operation for operation in TOLD if operation.path not in FROM_TABLES | AS_THE_PLAN]


def roles_of(operation: Operation) -> list[Role]:
    """Return who may call, and one role that may not: `test_access` tries all of them."""
    admitted = [role for role in Role if role in operation.access.roles or operation.access.public]
    return [*admitted, *(role for role in Role if role not in admitted)][: len(admitted) + 1]


@pytest.fixture(scope="module")
def service(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    bank = made(template, tmp_path_factory.mktemp("schema"), ServingSettings(business_date="snapshot"))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(decisions, "PAUSE_SECONDS", 0.0)  # no decision of these ids is on its way
        yield bank
    bank.state.spool.close()
    bank.state.store.close()


@pytest.fixture(scope="module")
def schema(service: Bank) -> Any:
    """The document as it is served, over an application that is called as `localhost`."""
    document = service.ask("GET", "/v1/openapi.json").json()
    found = schemathesis.openapi.from_dict(document)
    found.app = service.app
    found.config.update(base_url="http://localhost")
    return found


@pytest.mark.parametrize(
    ("operation", "role"),
    [
        pytest.param(operation, role, id=f"{operation.method} {operation.path}-{role}")
        for operation in TRIED
        for role in roles_of(operation)
    ],
)
def test_all_checks_hold(service: Bank, schema: Any, operation: Operation, role: Role) -> None:
    headers = {"Authorization": f"Bearer {service.tokens[role]}"}

    @settings(BOUNDED)
    @given(case=schema[operation.path][operation.method].as_strategy())
    def tried(case: schemathesis.Case) -> None:
        given = case.headers or {}
        key = str(given.get(KEY_HEADER, ""))
        if key and len(key) < LONG_KEY:  # no other case has this key, under which its answer would be kept
            given[KEY_HEADER] = f"{next(NUMBERS)}-{key}"
        wrong = [positive_data_acceptance] if operation.path in TEXTS else []
        case.call_and_validate(headers=headers, excluded_checks=wrong)

    tried()


def test_every_operation_that_answers_programs_is_described() -> None:
    document = openapi.document(api.OPERATIONS)
    told = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert told == {(operation.method, operation.path) for operation in TOLD}
    assert document["openapi"].startswith("3.1")
