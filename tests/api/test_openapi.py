"""The OpenAPI document is true: every operation is called with values made from it, good and bad."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.app import World

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


@schemathesis.serializer("application/zip")
def as_given(_context: Any, value: Any) -> bytes:
    return value if isinstance(value, bytes) else b"not an archive"


SKIPPED = ("/metadata/apply", "/metadata/undo")
"""They change the model under the feet of the test; they have tests of their own."""


def test_document_describes_the_tenants_model(world: World) -> None:
    document = world.ada.get("/openapi.json").get_json()
    assert document["openapi"] == "3.1.0"
    new = document["components"]["schemas"]["account_new"]
    assert new["required"] == ["name"] and new["additionalProperties"] is False
    assert (
        "number" not in new["properties"]
        and "number" in document["components"]["schemas"]["account_record"]["properties"]
    )
    assert "/records/account/{record}/related/{relationship}" in document["paths"]
    described = world.bob.get("/objects/account?language=zh").get_json()
    assert described["label"] == "客户" and described["create_schema"]["required"] == ["name"]
    assert {o["name"] for o in world.bob.get("/objects").get_json()["objects"]} == {
        "account",
        "contact",
        "notice",
        "user",
    }
    assert world.bob.get("/objects/nope").status_code == 404


@pytest.mark.slow
@pytest.mark.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)
def test_no_operation_breaks_or_answers_what_it_does_not_declare(world: World) -> None:
    app: Any = world.ada.http.application
    headers = {"Authorization": f"Bearer {world.ada.token}"}
    schema = schemathesis.openapi.from_dict(world.ada.get("/openapi.json").get_json())
    schema.app = app
    record = world.ada.create("account", name="Given")["id"]
    problems: list[str] = []
    seen: set[int] = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path in SKIPPED or operation.path.startswith(("/records/user", "/records/notice")):
            continue
        _exercise(operation, headers, record, problems, seen)
    assert seen >= {200, 400, 404, 422}
    assert not problems, "\n\n".join(problems[:8])


def _exercise(operation: Any, headers: dict[str, str], record: str, problems: list[str], seen: set[int]) -> None:
    @given(case=operation.as_strategy())
    @settings(
        max_examples=8,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    def call(case: Any) -> None:
        if "record" in case.path_parameters and len(str(case.body)) % 2:
            case.path_parameters["record"] = record
        response = case.call(headers=headers)
        seen.add(response.status_code)
        for check in CHECKS:
            try:
                case.validate_response(response, checks=[check])
            except (schemathesis.errors.SchemathesisError, Exception) as problem:
                problems.append(f"{operation.method} {operation.path} {check.__name__}: {str(problem)[:600]}")
                raise

    try:
        call()
    except BaseException as problem:
        if isinstance(problem, KeyboardInterrupt):
            raise
        if not problems or operation.path not in problems[-1]:
            problems.append(f"{operation.method} {operation.path}: {type(problem).__name__} {str(problem)[:600]}")
