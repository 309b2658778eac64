"""Objects that automations of the tests work on: deals with lines, of accounts; tasks about deals."""

from __future__ import annotations

from typing import Any

from support.kernel import field, obj, rows

from trellis.tenant import Tenant

ACCOUNT = obj("account", field("name"), field("status"), field("domain"), field("touched", "integer"))
DEAL = obj(
    "deal",
    field("name"),
    field("amount", "number", scale=2),
    field("status"),
    field("note"),
    field("count", "integer"),
    field("close_date", "date"),
    field("start_at", "datetime"),
    field("tags", "tags"),
    field("domain"),
    field("account", "lookup", target="account", on_delete="set_null", relationship="deals"),
    field("seller", "user"),
    field(
        "stage",
        "stage",
        options=[{"name": "new"}, {"name": "talk"}, {"name": "won"}, {"name": "lost"}],
    ),
)
LINE = obj(
    "line",
    field("name"),
    field("price", "number", scale=2),
    field("state"),
    field("deal", "master_detail", target="deal", relationship="lines"),
)
TASK = obj(
    "task",
    field("subject"),
    field("due_on", "date"),
    field("status"),
    field("deal", "lookup", target="deal", on_delete="set_null", relationship="tasks"),
)
OBJECTS = (ACCOUNT, DEAL, LINE, TASK)


def step(name: str, action: str, **told: Any) -> dict[str, Any]:
    """A step document."""
    return {"name": name, "action": action, "with": told} if told else {"name": name, "action": action}


def rule(
    name: str, *steps: dict[str, Any], on: Any = "created", object: str | None = "deal", **more: Any
) -> dict[str, Any]:
    """An automation; ``on`` is a trigger, or several, each a name or a document."""
    listed = on if isinstance(on, list) else [on]
    triggers = [{"on": t} if isinstance(t, str) else t for t in listed]
    owner = {} if object is None else {"object": object}
    return {"kind": "automation", "name": name, **owner, "triggers": triggers, **more, "steps": list(steps)}


def formula(text: str) -> dict[str, str]:
    """A value by formula."""
    return {"formula": text}


def shown(tenant: Tenant, name: str, *paths: str, **query: Any) -> list[tuple[Any, ...]]:
    """The values of some fields of all records, in the order of creation."""
    return [tuple(r[p] for p in paths) for r in rows(tenant, name, fields=list(paths), **query)]
