"""The document of an approval from the builder's form, and the form from the document.

The form knows the keys that people mostly need; what else the document holds (actions, reminders …) stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.datastructures import MultiDict

from trellis_admin.setup_documents import api_name, label
from trellis_metadata.named_people import WAYS

CHOICES: Mapping[str, tuple[str, ...]] = {
    "decide": ("first", "all", "majority"),
    "nobody": ("refuse", "skip"),
    "comment": ("optional", "on_reject", "always"),
    "then": ("remind", "escalate", "reject"),
}


def rule_row(rule: Mapping[str, Any]) -> dict[str, str]:
    """Return one entry of people as the form shows it: the way, its value, and one detail."""
    way = next((w for w in WAYS if w in rule), "role")
    value = rule.get(way, "")
    detail = next((str(rule[k]) for k in ("levels", "within", "of", "as") if k in rule), "")
    return {"way": way, "value": ", ".join(value) if isinstance(value, list) else str(value), "detail": detail}


def rule_of(way: str, value: str, detail: str) -> dict[str, Any] | None:
    """Return the entry that a row of the form stands for; None for an empty row."""
    value, detail = value.strip(), detail.strip()
    if not value or way not in WAYS:
        return None
    if way == "users":
        return {"users": [v.strip() for v in value.replace("，", ",").split(",") if v.strip()]}
    rule: dict[str, Any] = {way: value}
    if detail:
        if way in ("manager_of", "head_of") and detail.isdigit():
            rule["levels"] = int(detail)
        elif way == "head_of":
            rule["of"] = detail
        elif way == "formula":
            rule["as"] = detail
        elif way in ("role", "group"):
            rule["within"] = detail
    return rule


def document_of(form: MultiDict[str, str], stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document that the form stands for."""
    document = dict(stored)
    document["label"] = label(form.get("label", "").strip(), form.get("label_zh", "").strip()) or stored["name"]
    _put(document, "when", form.get("when", "").strip())
    separation = dict(stored.get("separation", {}))
    for key in ("submitter", "owner", "steps"):
        separation.pop(key, None)
    for key, default in (("submitter", True), ("owner", True), ("steps", False)):
        if (key in form) is not default:
            separation[key] = not default
    separation.pop("override", None)
    if "override" in form:
        separation["override"] = "administrators"
    _put(document, "separation", separation)
    document.pop("lock", None)
    if "lock" in form:
        lock = {k: v for k, v in stored.get("lock", {}).items() if k != "open"}
        opened = _names(form.get("open", ""))
        document["lock"] = {**({"open": opened} if opened else {}), **lock}
    _put(document, "fields", _names(form.get("fields", "")))
    _put(document, "approvers_see", "fields" if form.get("sees") == "fields" else "")
    document["steps"] = steps_of(form, stored.get("steps", ()))
    return _ordered(document)


def _put(document: dict[str, Any], key: str, value: Any) -> None:
    document.pop(key, None)
    if value:
        document[key] = value


def _names(text: str) -> list[str]:
    return [n.strip() for n in text.replace("，", ",").split(",") if n.strip()]


def steps_of(form: MultiDict[str, str], stored: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the steps of the form; each keeps what the form does not show of the stored step of its name."""
    known = {s["name"]: s for s in stored}
    numbers = [n for n in form.getlist("step") if n.isdigit()]
    return [_step(form, n, known) for n in numbers[:50]]


def _step(form: MultiDict[str, str], n: str, known: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    def said(key: str) -> str:
        return form.get(f"s{n}.{key}", "").strip()

    name = said("name") or api_name(said("label") or f"step {n}")
    step = dict(known.get(name, {}))
    step["name"] = name
    _put(step, "label", label(said("label"), said("label_zh")))
    _put(step, "when", said("when"))
    _put(step, "together", bool(said("together")))
    for key in ("decide", "nobody", "comment"):
        _put(step, key, said(key) if said(key) != CHOICES[key][0] else "")
    _put(step, "queue", said("queue"))
    ways, values, details = (form.getlist(f"s{n}.{k}") for k in ("way", "value", "detail"))
    rules = [r for row in zip(ways, values, details, strict=False) if (r := rule_of(*row)) is not None]
    _put(step, "approvers", rules)
    deadline = {k: v for k, v in step.pop("deadline", {}).items() if k not in ("within", "then", "working_time")}
    if said("within"):
        then = {"then": said("then")} if said("then") not in ("", "remind") else {}
        working = {"working_time": True} if said("working_time") else {}
        step["deadline"] = {"within": said("within"), **working, **then, **deadline}
    return step


def _ordered(document: Mapping[str, Any]) -> dict[str, Any]:
    first = ("kind", "name", "label", "description", "object", "when", "message", "submitters", "separation", "lock")
    middle = ("on_change", "approvers_see", "fields", "steps")
    keys = [*(k for k in (*first, *middle) if k in document), *(k for k in document if k not in (*first, *middle))]
    return {k: document[k] for k in keys}


def rearranged(document: Mapping[str, Any], action: str) -> dict[str, Any]:
    """Return the document with a step added, moved or removed, or with a row for one more approver."""
    what, _colon, at = action.partition(":")
    steps = [dict(s) for s in document["steps"]]
    index = int(at) if at.isdigit() else -1
    if what == "add":
        taken = {s["name"] for s in steps}
        name = next(f"step_{i}" for i in range(len(steps) + 1, len(steps) + 60) if f"step_{i}" not in taken)
        steps.append({"name": name, "approvers": []})
    elif 0 <= index < len(steps) and what in ("up", "down", "remove"):
        step = steps.pop(index)
        if what != "remove":
            steps.insert(max(0, index - 1) if what == "up" else index + 1, step)
    return {**document, "steps": steps}
