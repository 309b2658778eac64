"""Scripts in the write path: before-scripts change rows, validation refuses them, after-scripts see what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trellis.access.rights import rights
from trellis.model import ObjectModel
from trellis.transaction import Transaction
from trellis.transaction.parsing import parse_row
from trellis.transaction.row import Row
from trellis_plugins.scripts.catalogue import Script, catalogue_of
from trellis_plugins.scripts.host.values import plain
from trellis_plugins.scripts.record_wire import Columns
from trellis_plugins.scripts.session import ScriptStopped, Session, clean

WHOLE = "_record"


def before(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Run before-scripts; their changes become part of the rows and are judged like everybody's."""
    _run_events(tx, model, rows, "before", changing=True)


def validate(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Run validation scripts. They may refuse, not change."""
    scripts = catalogue_of(tx.model).hooks.get((model.name, "validation"), ())
    for script in scripts:
        _run(tx, model, script, "validation", [r for r in rows if not r.errors], changing=False)


def after(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Run after-scripts. They act through ``crm``; a refusal ends the transaction."""
    _run_events(tx, model, rows, "after", changing=False)


def before_delete(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Let scripts refuse a deletion."""
    for script in catalogue_of(tx.model).hooks.get((model.name, "before_delete"), ()):
        _run(tx, model, script, "before_delete", [r for r in rows if not r.errors], changing=False)


def after_delete(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Let scripts act when records were deleted."""
    for script in catalogue_of(tx.model).hooks.get((model.name, "after_delete"), ()):
        _run(tx, model, script, "after_delete", list(rows), changing=False)


def commit(tx: Transaction) -> None:
    """Store the record of runs."""
    found = tx.notes.get("scripts")
    if isinstance(found, Session):
        found.commit()


def _run_events(tx: Transaction, model: ObjectModel, rows: Sequence[Row], when: str, *, changing: bool) -> None:
    hooks = catalogue_of(tx.model).hooks
    if not any((model.name, f"{when}_{e}") in hooks for e in ("create", "update", "stage_move")):
        return
    seen: set[str] = set()
    for event, chosen in _events(model, rows):
        for script in hooks.get((model.name, f"{when}_{event}"), ()):
            # A script that waits for updates and stage moves runs once for a row.
            if script.name not in seen or event == "create":
                fit = [r for r in chosen if not r.errors]
                _run(tx, model, script, f"{when}_{event}", fit, changing=changing)
            if event != "create":
                seen.add(script.name)


def _events(model: ObjectModel, rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    stages = [f.name for f in model.all_fields if f.doc["type"] == "stage"]
    new = [r for r in rows if r.old is None]
    changed = [r for r in rows if r.old is not None and r.new]
    moved = [r for r in changed if any(s in r.new and r.new[s] != (r.old or {}).get(s) for s in stages)]
    return [("create", new), ("update", changed), ("stage_move", moved)]


def _run(
    tx: Transaction, model: ObjectModel, script: Script, event: str, rows: Sequence[Row], *, changing: bool
) -> None:
    if not rows:
        return
    session = Session.of(tx)
    columns = Columns(model, session.principal)
    shape = columns.shape if changing else {**columns.shape, "writable": []}
    message = {"shape": shape, "rows": [_sent(columns, r) for r in rows]}
    try:
        answer = session.invoke(
            script,
            event,
            message,
            object_name=model.name,
            record=rows[0].id if len(rows) == 1 else None,
            records=len(rows),
        )
        _apply(tx, model, script, rows, answer, changing=changing)
    except ScriptStopped as stopped:
        for row in rows:
            row.refuse(WHOLE, "script_failed", stopped.message)
    if not changing and event.startswith("after") and any(r.errors for r in rows):
        from trellis.transaction.errors import RecordsInvalid

        raise RecordsInvalid([r.errors or None for r in rows])


def _sent(columns: Columns, row: Row) -> list[Any]:
    now = {**(row.old or {}), **row.new}
    return [columns.text_id(row.id), columns.values(now), None if row.old is None else columns.values(row.old)]


def _apply(
    tx: Transaction,
    model: ObjectModel,
    script: Script,
    rows: Sequence[Row],
    answer: Mapping[str, Any],
    *,
    changing: bool,
) -> None:
    """Take changes and refusals over. An answer of another form than expected refuses everything."""
    results = answer["results"]
    session = Session.of(tx)
    run = session.runs[-1]
    if len(results) != len(rows):
        raise ScriptStopped(f"Script '{script.name}': its worker sent {len(results)} answers for {len(rows)} records.")
    try:
        for message, _field in answer.get("refusals") or ():
            for row in rows:
                row.refuse(WHOLE, "rejected", clean(message))
            run.update(outcome="rejected", message=clean(message))
        for row, result in zip(rows, results, strict=True):
            _take(tx, model, script, row, result, run, changing=changing)
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as problem:
        raise ScriptStopped(
            f"Script '{script.name}': its worker sent what is no answer ({type(problem).__name__})."
        ) from None


def _take(
    tx: Transaction,
    model: ObjectModel,
    script: Script,
    row: Row,
    result: Mapping[str, Any],
    run: dict[str, Any],
    *,
    changing: bool,
) -> None:
    error = result.get("error")
    if error is not None:
        told = clean(f"{error['type']}: {error['message']}")
        run.update(outcome="error", line=min(max(int(error["line"]), 0), 100_000), message=told)
        row.refuse(WHOLE, "script_failed", f"Script '{script.name}', line {run['line']}: {told}")
        return
    for message, field in result.get("refusals") or ():
        run.update(outcome="rejected", message=clean(message))
        row.refuse(field if field in model.fields else WHOLE, "rejected", clean(message))
    changes = result.get("changes") or {}
    if not isinstance(changes, dict) or (changes and not changing):
        raise ValueError("changes")
    if changes:
        parsed = parse_row(model, row.index, {k: plain(v) for k, v in changes.items()}, with_id=False)
        for name, found in parsed.errors.items():
            for entry in found if isinstance(found, list) else [{"code": "bad_value", "message": str(found)}]:
                row.refuse(name, entry["code"], f"Script '{script.name}': {entry['message']}")
        principal = Session.of(tx).principal
        allowed = rights(principal, model.doc)
        for name, value in parsed.given.items():
            if principal is not tx.principal and not allowed.may_edit_field(name):
                # A write with granted rights called this script: its changes are still judged by the user's.
                row.refuse(name, "access_denied", f"You may not change '{name}'.")
                continue
            if (row.old or {}).get(name) != value or row.old is None or name in row.new:
                # As if the user had sent it: his rights on the field are judged with the row.
                row.given[name] = row.new[name] = value
