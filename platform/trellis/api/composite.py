"""Several writes in one transaction: ``POST /composite``.

``{"operations": [{"op", "object", "id", "version", "body", "as"}]}``: ``op`` is ``create``, ``update`` or ``delete``; ``as``
names the result, and ``@{name.id}`` in a later ``id`` or body stands for a value of it (alone in a text: the value itself).
Either all operations are written or none. Everything that is wrong is told at once, by the number of the operation; an
operation that needs the result of a refused one says so.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from trellis.access.masking import hidden_fields, visible
from trellis.api import reading
from trellis.api.context import Api
from trellis.api.errors import BadRequest
from trellis.api.once import Reply, once
from trellis.api.record_answers import number_of
from trellis.record_json import record_writer
from trellis.transaction import Outcome, RecordsInvalid, Transaction
from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

MAX_OPERATIONS = 200
_KEYS = ("op", "object", "id", "version", "body", "as")
_NEEDS = {"create": {"body"}, "update": {"id", "body"}, "delete": {"id"}}
_ALLOWS = {"create": {"body"}, "update": {"id", "version", "body"}, "delete": {"id", "version"}}
_REFERENCE = re.compile(r"@\{([a-z][a-z0-9_]{0,39})\.([a-z][a-z0-9_]{0,39})\}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}\Z")


class InvalidOperations(TrellisError):
    """At least one operation was refused and nothing was written. ``details["operations"]`` has the errors by number."""

    code = "invalid_operations"


class _Unmet(Exception):
    """An operation refers to a result that does not exist."""


def install(blueprint: Blueprint, api: Api) -> None:
    """Add the route of composite writes."""

    @blueprint.post("/composite")
    def composite() -> Response:
        reading.allow_parameters(())
        operations = _operations(reading.object_body())
        return once(api, lambda tx: _run(tx, operations))


def _operations(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    for key in body:
        if key != "operations":
            raise BadRequest(
                f"Unknown key '{key[:60]}'.{did_you_mean(key, ('operations',))} Expected {{\"operations\": […]}}."
            )
    operations = body.get("operations")
    if not isinstance(operations, list) or not 1 <= len(operations) <= MAX_OPERATIONS:
        raise BadRequest(f"'operations' is a list of 1 to {MAX_OPERATIONS} operations.")
    problems = {str(i): p for i, o in enumerate(operations) if (p := _shape(o)) is not None}
    if problems:
        raise _refusal(problems, len(operations))
    return operations


def _shape(operation: object) -> dict[str, Any] | None:
    """Return what is wrong with the form of an operation, or None."""

    def wrong(message: str) -> dict[str, Any]:
        return {"code": "bad_operation", "message": message}

    if not isinstance(operation, Mapping):
        return wrong('An operation is an object: {"op", "object", "id", "body", "as"}.')
    for key in operation:
        if key not in _KEYS:
            return wrong(f"Unknown key '{key[:60]}'.{did_you_mean(key, _KEYS)}")
    op = operation.get("op")
    if not isinstance(op, str) or op not in _NEEDS:
        return wrong(f"'op' is one of {', '.join(_NEEDS)}, not '{str(op)[:40]}'.{did_you_mean(str(op)[:40], _NEEDS)}")
    given = set(operation) - {"op", "object", "as"}
    if not given >= _NEEDS[op] or not given <= _ALLOWS[op]:
        return wrong(
            f"'{op}' takes {', '.join(sorted(_ALLOWS[op]))}; found {', '.join(sorted(given)) or 'none of them'}."
        )
    if not isinstance(operation.get("object"), str) or not isinstance(operation.get("id", ""), str):
        return wrong("'object' and 'id' are texts.")
    if not isinstance(operation.get("body", {}), Mapping) or "id" in operation.get("body", {}):
        return wrong("'body' is an object with the record's fields, without its id.")
    if "version" in operation and type(operation["version"]) is not int:
        return wrong("'version' is a whole number.")
    if "as" in operation and (not isinstance(operation["as"], str) or not _NAME.match(operation["as"])):
        return wrong("'as' is a name of lower-case letters, digits and '_'.")
    return None


def _refusal(problems: Mapping[str, Any], count: int) -> InvalidOperations:
    first = next(iter(problems.items()))
    message = f"{len(problems)} of {count} operation(s) refused; nothing was written. First ({first[0]}): {first[1]['message']}"
    return InvalidOperations(message, operations=dict(problems))


def _run(tx: Transaction, operations: list[Mapping[str, Any]]) -> Reply:
    results: list[dict[str, Any]] = []
    named: dict[str, Mapping[str, Any]] = {}
    problems: dict[str, Any] = {}
    for index, operation in enumerate(operations):
        try:
            result = _operate(tx, operation, named)
        except _Unmet as unmet:
            problems[str(index)] = {"code": "unmet_reference", "message": str(unmet)}
        except RecordsInvalid as problem:
            problems[str(index)] = {"code": problem.code, "message": problem.message, "fields": problem.errors[0]}
        except TrellisError as problem:
            if problem.code == "stale_model":
                raise
            problems[str(index)] = {"code": problem.code, "message": problem.message}
        else:
            results.append(result)
            if "as" in operation:
                named[operation["as"]] = result.get("record") or result
    if problems:
        raise _refusal(problems, len(operations))
    return {"results": results}, 200, {}


def _operate(tx: Transaction, operation: Mapping[str, Any], named: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    name, op = operation["object"], operation["op"]
    model = tx.model.object(name)
    if op == "create":
        return _result(tx, tx.create(name, [_filled(operation["body"], named)])[0])
    number = number_of(name, str(_filled(operation["id"], named)))
    versions = {number: operation["version"]} if "version" in operation else {}
    if op == "delete":
        tx.delete(name, [number], versions=versions)
        return {"action": "deleted", "object": name, "id": model.env.format_id(name, number)}
    version = {"version": versions[number]} if versions else {}
    return _result(tx, tx.update(name, [{**_filled(operation["body"], named), "id": number, **version}])[0])


def _result(tx: Transaction, outcome: Outcome) -> dict[str, Any]:
    model = tx.model.object(outcome.object)
    values = visible(tx.principal, model, {**outcome.values, "id": outcome.id})
    record = record_writer(model, hidden_fields(tx.principal, model))(values)
    return {"action": outcome.action, "object": outcome.object, "id": record["id"], "record": record}


def _filled(value: Any, named: Mapping[str, Mapping[str, Any]]) -> Any:
    """Replace references in every text of a JSON value."""
    if isinstance(value, dict):
        return {k: _filled(v, named) for k, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, named) for v in value]
    if not isinstance(value, str) or "@{" not in value:
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _value(whole, named)
    return _REFERENCE.sub(lambda m: str(_value(m, named)), value)


def _value(match: re.Match[str], named: Mapping[str, Mapping[str, Any]]) -> Any:
    name, field = match.groups()
    if name not in named:
        raise _Unmet(
            f"'@{{{name}.{field}}}' refers to '{name}', which no earlier operation made.{did_you_mean(name, named)}"
        )
    if field not in named[name]:
        raise _Unmet(f"The result '{name}' has no '{field}'.{did_you_mean(field, named[name])}")
    return named[name][field]


__all__ = ["InvalidOperations", "install"]
