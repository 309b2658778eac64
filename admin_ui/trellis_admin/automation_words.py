"""Automations in words: when, if, then, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from babel.dates import format_datetime
from flask import g
from flask_babel import gettext as _

from trellis.automation.action import Action, actions
from trellis_admin.i18n import language
from trellis_admin.session import time_zone
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Snapshot


def states() -> dict[str, str]:
    """Return what the states of runs are called."""
    return {
        "queued": _("Queued"),
        "running": _("Running"),
        "waiting": _("Waiting"),
        "done": _("Done"),
        "failed": _("Failed"),
        "refused": _("Refused with the save"),
        "cancelled": _("Cancelled"),
    }


COLORS = {
    "queued": "blue",
    "running": "indigo",
    "waiting": "orange",
    "done": "green",
    "failed": "red",
    "refused": "red",
    "cancelled": "gray",
}


def triggers() -> dict[str, str]:
    """Return what the triggers are called."""
    return {
        "created": _("A record is created"),
        "updated": _("A record is changed"),
        "deleted": _("A record is deleted"),
        "restored": _("A record is restored"),
        "changed": _("A field changes"),
        "stage_entered": _("A stage is entered"),
        "stage_left": _("A stage is left"),
        "date": _("A date is near or past"),
        "schedule": _("At a time of the clock"),
        "webhook": _("A message comes from outside"),
        "button": _("Somebody presses a button on the record"),
        "manual": _("Somebody chooses records in a list"),
        "called": _("Another automation calls it"),
    }


def reasons() -> dict[str, str]:
    """Return why an automation did not fire."""
    return {
        "condition": _("its condition did not hold"),
        "held_before": _("its condition held before the change already"),
        "once": _("it had run for this record in the same save"),
        "error": _("its condition could not be worked out"),
        "trigger": _("the change does not concern it"),
    }


def reason_words(reason: str) -> str:
    """Return a reason in words; a circle with its path."""
    head, colon, rest = reason.partition(":")
    if head == "circle":
        return _("it would have gone round in a circle: %(path)s", path=rest.strip())
    if head == "error" and colon:
        return _("its condition could not be worked out: %(why)s", why=rest.strip())
    return reasons().get(head, reason)


def outcomes() -> dict[str, str]:
    """Return what the outcomes of steps are called."""
    return {
        "done": _("done"),
        "failed": _("failed"),
        "waiting": _("waiting"),
        "came_true": _("the condition came true"),
        "timed_out": _("the time was over"),
        "cut": _("more steps than are kept"),
    }


def field_label(owner: str | None, name: str | None) -> str:
    """Return what a field is called."""
    if owner is None or name is None or owner not in g.model.object_names:
        return str(name or "")
    field = g.model.object(owner).field(name)
    return field.label(language().code) if field is not None else name


def stage_label(snapshot: Snapshot, owner: str | None, name: str, code: str) -> str:
    """Return what the pipelines of an object call a stage: its label, or the name where they do not agree."""
    pipelines = (p for p in snapshot.of_kind("pipeline").values() if p["object"] == owner)
    stages = (stage for pipeline in pipelines for stage in pipeline["stages"] if stage["name"] == name)
    labels = {text_of(stage.get("label"), code, name) for stage in stages}
    return labels.pop() if len(labels) == 1 else name


def trigger_words(document: Mapping[str, Any], trigger: Mapping[str, Any]) -> str:
    """Return what starts an automation, as a phrase."""
    owner = document.get("object")
    name = field_label(owner, trigger.get("field"))
    words = triggers()[trigger["on"]]
    if trigger["on"] == "changed":
        words = _("“%(field)s” changes", field=name)
        for key, text in (("from", _("from %(values)s")), ("to", _("to %(values)s"))):
            if key in trigger:
                words += " " + text % {"values": ", ".join("–" if v is None else str(v) for v in trigger[key])}
        return words
    if trigger["on"] in ("stage_entered", "stage_left"):
        found = (stage_label(g.model.snapshot, owner, n, language().code) for n in trigger.get("stages", ()))
        stages = ", ".join(found) or _("any stage")
        return _("%(stages)s is entered", stages=stages) if trigger["on"] == "stage_entered" else _("%(stages)s is left", stages=stages)  # fmt: skip
    if trigger["on"] == "date":
        offset = str(trigger.get("offset", "P0D"))
        if offset.lstrip("-") in ("P0D", "PT0M"):
            return _("“%(field)s” has come", field=name)
        length = duration_words(offset.lstrip("-"))
        return _("%(time)s before “%(field)s”", time=length, field=name) if offset.startswith("-") else _("%(time)s after “%(field)s”", time=length, field=name)  # fmt: skip
    if trigger["on"] == "schedule":
        return _("by the clock: %(cron)s", cron=trigger["cron"])
    # Inside a sentence.
    return words[:1].lower() + words[1:] if language().code == "en" else words


def duration_words(text: str) -> str:
    """Return an ISO 8601 duration in words."""
    from trellis.automation.durations import duration

    length = duration(text)
    parts = []
    if length.days:
        parts.append(_("%(n)s days", n=length.days))
    if length.seconds // 3600:
        parts.append(_("%(n)s hours", n=length.seconds // 3600))
    if length.seconds % 3600 // 60:
        parts.append(_("%(n)s minutes", n=length.seconds % 3600 // 60))
    return " ".join(parts) or _("no time")


def action_label(action: Action) -> str:
    """Return what an action is called."""
    return text_of(action.label, language().code, action.name)


def action_labels() -> dict[str, str]:
    """Return what all actions are called."""
    return {name: action_label(a) for name, a in actions().items()}


def moment(value: datetime) -> str:
    """Return a moment in the person's zone and language."""
    return str(format_datetime(value.astimezone(time_zone()), "y-MM-dd HH:mm", locale=language().locale))


def step_words(step: Mapping[str, Any]) -> str:
    """Return what a step does, as a phrase."""
    action, told = actions().get(step["action"]), step.get("with", {})
    words = action_label(action) if action is not None else step["action"]
    detail = ""
    if "object" in told:
        detail = object_label(told["object"])
    elif "related" in told:
        detail = str(told["related"])
    elif "values" in told:
        detail = ", ".join(told["values"])
    elif "to" in told and isinstance(told["to"], str):
        detail = told["to"]
    elif "automation" in told:
        detail = told["automation"]
    elif "for" in told:
        detail = duration_words(told["for"])
    elif "when" in told:
        detail = told["when"]
    return f"{words}: {detail}" if detail else words


def object_label(name: str | None) -> str:
    """Return what an object is called."""
    document = g.model.display.get("object", name or "")
    return text_of((document or {}).get("label"), language().code, name or "")


def flow_words(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return an automation as When … if … then …"""
    return {
        "when": [trigger_words(document, t) for t in document["triggers"]],
        "if": document.get("when"),
        "then": _tree(document["steps"]),
    }


def _tree(steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        told = step.get("with", {})
        inner = [(key, told[key]) for key in ("then", "else", "steps") if key in told]
        found.append({"words": step_words(step), "inner": [(key, _tree(listed)) for key, listed in inner]})
    return found
