"""Actions: scripts that run when they are asked to, by a button, by ``enqueue`` or by the API, with the asker's rights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trellis.access import Cause
from trellis.access.accounts import principal_of
from trellis.access.principal import SYSTEM
from trellis.jobs.job import Job, JobFailed
from trellis.query import get_record
from trellis.transaction import Transaction
from trellis.transaction.errors import NotFound
from trellis_metadata.errors import TrellisError
from trellis_plugins.scripts.catalogue import Script, catalogue_of
from trellis_plugins.scripts.host.values import plain
from trellis_plugins.scripts.jail.values import pack
from trellis_plugins.scripts.record_wire import Columns
from trellis_plugins.scripts.session import ScriptStopped, Session

TOPIC = "script_action"


class UnknownScript(TrellisError):
    """There is no active script of that name for this."""

    code = "unknown_script"


class ScriptRejected(TrellisError):
    """The script refused: ``details["refusals"]`` lists messages and fields."""

    code = "script_rejected"


def find_action(tx: Transaction, name: str, object_name: str | None = None, pack_name: str | None = None) -> Script:
    """Return an active script with the event ``action``. Raises :class:`UnknownScript`."""
    found = catalogue_of(tx.model).scripts.get(name)
    fits = found is not None and found.definition.active and "action" in found.definition.events
    if found is None or not fits or (pack_name is not None and found.pack != pack_name):
        raise UnknownScript(f"There is no action '{name[:60]}'.")
    if object_name is not None and found.definition.object != object_name:
        raise UnknownScript(f"The action '{name[:60]}' is not one of '{object_name[:60]}'.")
    return found


def run_on_record(tx: Transaction, script: Script, record: int) -> dict[str, Any]:
    """Run an action on a record that the asker may read; its changes are written like the asker's own."""
    name = script.definition.object
    if name is None:
        raise UnknownScript(f"The action '{script.name}' takes no record.")
    model = tx.model.object(name)
    get_record(tx.tenant, tx.connection, tx.model, tx.principal, name, record)
    from trellis.transaction.statements import statements_of

    stored = statements_of(model).fetch(tx.connection, [record], lock=False).get(record)
    if stored is None:
        raise NotFound(f"There is no such record of '{name}'.")
    columns = Columns(model, tx.principal)
    values = columns.values(stored)
    message = {"shape": columns.shape, "rows": [[columns.text_id(record), values, values]]}
    answer = Session.of(tx).invoke(script, "action", message, object_name=name, record=record, records=1)
    result = _first(script, answer)
    changes = {k: plain(v) for k, v in (result.get("changes") or {}).items()}
    if changes:
        tx.update(name, [{**changes, "id": record}])
    return {"result": plain(result.get("value")), "changed": sorted(changes)}


def run_alone(tx: Transaction, script: Script, event: str, **names: Any) -> Any:
    """Run a script without a record; return its result. ``names`` are given to it (``args`` or ``request``)."""
    message = {"mode": "once", **{k: pack(v) for k, v in names.items()}}
    answer = Session.of(tx).invoke(script, event, message)
    return plain(_first(script, answer).get("value"))


def _first(script: Script, answer: Mapping[str, Any]) -> Mapping[str, Any]:
    result = answer["results"][0] if answer["results"] else {}
    if not isinstance(result, dict):
        raise ScriptStopped(f"Script '{script.name}': its worker sent what is no answer.")
    error = result.get("error")
    if error:
        told = f"{error['type']}: {error['message']}"
        raise ScriptStopped(f"Script '{script.name}', line {error['line']}: {told} Nothing was saved.")
    refusals = [*(answer.get("refusals") or ()), *(result.get("refusals") or ())]
    if refusals:
        raise ScriptRejected(str(refusals[0][0]), refusals=refusals)
    return result


def enqueue(tx: Transaction, pack_name: str, name: str, arguments: Any) -> None:
    """Let an action of a pack run after the commit, with the rights that the same user has then."""
    find_action(tx, name, pack_name=pack_name)
    tx.trail.enqueue(
        TOPIC, {"script": name, "args": arguments, "user": tx.principal.user, "system": tx.principal.user is None}
    )


def handle(job: Job) -> None:
    """Run a queued action. A refusal or a script that does not work is not tried again."""
    tenant, payload = job.tenant, job.payload
    with tenant.database.reading() as connection:
        principal = SYSTEM if payload["system"] else principal_of(tenant, connection, payload["user"])
    if principal is None:
        raise JobFailed(f"The user who started the action '{payload['script']}' may not log in any more.")

    def body(tx: Transaction) -> None:
        script = find_action(tx, payload["script"])
        if script.definition.object is not None and isinstance(payload["args"], str):
            number = tx.model.env.parse_id(payload["args"], [script.definition.object])[1]
            run_on_record(tx, script, number)
        else:
            run_alone(tx, script, "action", args=payload["args"])

    try:
        tenant.run(principal, Cause(TOPIC, {"script": payload["script"]}), body)
    except (UnknownScript, ScriptRejected) as problem:
        raise JobFailed(problem.message) from None
    except ScriptStopped as problem:
        if job.attempts >= 3:
            raise JobFailed(problem.message) from None
        raise
