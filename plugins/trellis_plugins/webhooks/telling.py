"""Puts calls down: in the transaction of the write that they tell of, with the values that it wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trellis.deliveries import Outgoing, send_many
from trellis.model import Model, ObjectModel
from trellis.transaction import Transaction
from trellis.transaction.row import Row
from trellis_metadata.kinds.webhook import KIND, WebhookDef
from trellis_plugins.webhooks.calling import address, connection_of

_KEY = "webhooks"


def webhooks_of(model: Model, object_name: str) -> Sequence[WebhookDef]:
    """Return the active webhooks of an object, in order of name."""
    found: dict[str, list[WebhookDef]] | None = model.cache.get(_KEY)
    if found is None:
        found = {}
        for _, document in sorted(model.snapshot.of_kind("webhook").items()):
            webhook = KIND.read(document)
            if webhook.active:
                found.setdefault(webhook.object, []).append(webhook)
        model.cache[_KEY] = found
    return found.get(object_name, ())


def after(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """Tell of records that were created, changed, deleted (also along with another one) or brought back."""
    webhooks = webhooks_of(tx.model, model.name)
    if webhooks:
        events = [(row, _event(model, row)) for row in rows]
        found = [(w, row, event) for w in webhooks for row, event in events if event in w.events]
        _tell_all(tx, model, [f for f in found if f[2] != "updated" or _concerns(f[0], f[1])])


def _event(model: ObjectModel, row: Row) -> str:
    if row.old is None:
        return "created"
    if row.new.get("deleted_at") != row.old.get("deleted_at") and "deleted_at" in row.new:
        return "restored" if row.new["deleted_at"] is None else "deleted"
    return "updated" if set(row.changed) & model.fields.keys() else ""


def _concerns(webhook: WebhookDef, row: Row) -> bool:
    return not webhook.only_when_changed or bool(set(row.changed) & webhook.only_when_changed)


def _tell_all(tx: Transaction, model: ObjectModel, told: Sequence[tuple[WebhookDef, Row, str]]) -> None:
    # One record's events leave in the order in which they happened.
    messages = [(_message(tx, model, w, row, event), f"webhook:{w.name}:{row.id}") for w, row, event in told]
    send_many(tx.connection, tx.now, messages)


def _message(tx: Transaction, model: ObjectModel, webhook: WebhookDef, row: Row, event: str) -> Outgoing:
    assert row.id is not None
    now, target = {**(row.old or {}), **row.new}, connection_of(tx.model, webhook.connection)
    body = {
        "event": f"{model.name}.{event}",
        "webhook": webhook.name,
        "tenant": tx.tenant.name,
        "at": tx.now.isoformat(),
        "id": tx.model.env.format_id(model.name, row.id),
        "record": _values(model, webhook, now),
        "changed": sorted(set(row.changed) & set(webhook.fields)) if event == "updated" else [],
    }
    if event == "updated":
        body["old"] = _values(model, webhook, row.old or {})
    payload = {"connection": webhook.connection, "path": webhook.path, "event": body["event"], "body": body}
    return Outgoing(
        "webhook", address(target, webhook.path), f"{body['event']} {body['id']}", payload, (model.name, row.id)
    )


def _values(model: ObjectModel, webhook: WebhookDef, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _json(model, name, values.get(name)) for name in webhook.fields if name in model.fields}


def _json(model: ObjectModel, name: str, value: Any) -> Any:
    if value is None:
        return None
    write = model.fields[name].json_writer()
    plain = value if write is None else write(value)
    return plain if isinstance(plain, (str, int, float, bool, list, dict)) else str(plain)
