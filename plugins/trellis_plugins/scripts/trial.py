"""The author's test run: a script against a record inside a transaction that is rolled back, with a gauge per limit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from trellis.access import Cause, Principal
from trellis.access.principal import SYSTEM
from trellis.model import ObjectModel
from trellis.tenant import Tenant
from trellis.transaction import Transaction
from trellis.transaction.parsing import parse_row
from trellis.transaction.row import Row
from trellis_plugins.scripts.catalogue import Script, read_script
from trellis_plugins.scripts.host.values import plain
from trellis_plugins.scripts.record_wire import Columns
from trellis_plugins.scripts.session import ScriptStopped, Session

_GAUGES = ("steps", "queries", "rows", "writes")


def try_on_record(tenant: Tenant, principal: Principal, script: Script, record: int) -> dict[str, Any]:
    """Run ``script`` against a stored record; nothing of it stays."""

    def body(tx: Transaction) -> dict[str, Any]:
        from trellis.query import get_record
        from trellis.transaction.statements import statements_of

        model = _model(tx, script)
        get_record(tenant, tx.connection, tx.model, principal, model.name, record)
        stored = statements_of(model).fetch(tx.connection, [record], lock=False)[record]
        return _try(tx, script, model, Row(0, record, old=stored))

    return tenant.run(principal, Cause("script_trial"), body, preview=True)


def try_on_values(
    tenant: Tenant, principal: Principal, script: Script, given: Mapping[str, Any], old: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Run ``script`` against a record that is only thought of."""

    def body(tx: Transaction) -> dict[str, Any]:
        model = _model(tx, script)
        row = parse_row(model, 0, given, with_id=False)
        before = parse_row(model, 0, old, with_id=False) if old is not None else None
        errors = {**row.errors, **(before.errors if before else {})}
        if errors:
            return {"outcome": "error", "message": f"The values do not fit the object: {errors}", "changes": {}}
        now = {**(before.given if before else {}), **row.given}
        return _try(tx, script, model, Row(0, None, old=before.given if before else None, new=now))

    return tenant.run(principal, Cause("script_trial"), body, preview=True)


def failure_of(tenant: Tenant, principal: Principal, script: Script, case: Mapping[str, Any]) -> str:
    """Run a test that a script's document holds; return why it fails, nothing when it passes."""
    found = try_on_values(tenant, principal, script, case["given"], case.get("old"))
    told = [str(r[0]) for r in found.get("refusals", ())]
    if "rejects" in case:
        good = any(case["rejects"] in t for t in told)
        return "" if good else f"It did not refuse; outcome {found['outcome']}."
    if found["outcome"] != "ok":
        return str(found.get("message") or told)
    wrong = {k: found["changes"].get(k) for k, v in case.get("expect", {}).items() if found["changes"].get(k) != v}
    return f"It set {wrong} where {case['expect']} was expected." if wrong else ""


def tests_of(tenant: Tenant, document: Any) -> Iterator[tuple[str, str]]:
    """Run the tests of a script's document, with the rights of an administrator; yield name and failure of each."""
    if not isinstance(document, Mapping) or document.get("kind") != "script":
        return
    script = read_script(document)
    for case in document.get("tests", ()):
        yield case["name"], failure_of(tenant, SYSTEM, script, case)


def _model(tx: Transaction, script: Script) -> ObjectModel:
    if script.definition.object is None:
        raise ScriptStopped(f"Script '{script.name}' has no object: there is no record to try it on.")
    return tx.model.object(script.definition.object)


def _try(tx: Transaction, script: Script, model: ObjectModel, row: Row) -> dict[str, Any]:
    session = Session.of(tx)
    session.trial = True
    columns = Columns(model, tx.principal)
    values = columns.values({**(row.old or {}), **row.new})
    message = {
        "shape": columns.shape,
        "rows": [[columns.text_id(row.id), values, None if row.old is None else columns.values(row.old)]],
    }
    answer: dict[str, Any] = {"changes": {}, "refusals": [], "result": None}
    try:
        raw = session.invoke(script, "trial", message, object_name=model.name, record=row.id, records=1)
        first = raw["results"][0] if raw["results"] else {}
        answer["changes"] = {k: plain(v) for k, v in (first.get("changes") or {}).items()}
        answer["refusals"] = [*(raw.get("refusals") or ()), *(first.get("refusals") or ())]
        answer["result"] = plain(first.get("value"))
        if first.get("error"):
            session.runs[-1].update(outcome="error", line=first["error"]["line"], message=first["error"]["message"])
        elif answer["refusals"]:
            session.runs[-1].update(outcome="rejected")
    except ScriptStopped as stopped:
        answer["message"] = stopped.message
    run = session.runs[-1]
    answer.update({k: run[k] for k in ("outcome", "line", "log", "cpu_ms", "wall_ms")})
    answer.setdefault("message", run["message"])
    answer["gauges"] = {n: {"used": run[n], "allowed": getattr(session.limits, n)} for n in _GAUGES}
    answer["gauges"]["cpu_ms"] = {"used": run["cpu_ms"], "allowed": session.limits.cpu_s * 1000}
    return answer
