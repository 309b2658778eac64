"""Automations: what happens by itself when something happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Kind, Reference
from trellis_metadata.labels import Label
from trellis_metadata.relations import Found
from trellis_metadata.snapshot import Document, Snapshot

if TYPE_CHECKING:
    from trellis_metadata.context import Check
    from trellis_metadata.language import Language

KEYS_OF: Mapping[str, frozenset[str]] = {
    "created": frozenset(),
    "updated": frozenset(),
    "deleted": frozenset(),
    "restored": frozenset(),
    "changed": frozenset({"field", "from", "to"}),
    "stage_entered": frozenset({"field", "stages"}),
    "stage_left": frozenset({"field", "stages"}),
    "date": frozenset({"field", "offset", "at", "working_time", "calendar"}),
    "schedule": frozenset({"cron", "zone"}),
    "webhook": frozenset({"key", "match"}),
    "button": frozenset({"label"}),
    "manual": frozenset({"label"}),
    "called": frozenset(),
}
"""The keys that each trigger knows besides ``on``."""
NEEDED: Mapping[str, tuple[str, ...]] = {"changed": ("field",), "date": ("field",), "schedule": ("cron",)}
ON_WRITE = frozenset({"created", "updated", "deleted", "restored", "changed", "stage_entered", "stage_left"})
BEFORE = frozenset({"created", "updated", "changed"})
BY_HAND = frozenset({"button", "manual"})
WITHOUT_RECORD = frozenset({"schedule", "webhook", "called"})
WITHOUT_PERSON = frozenset({"date", "schedule", "webhook"})


@dataclass(frozen=True, slots=True)
class AutomationDef:
    """An automation. ``object`` is None where it works on no record; ``acts_as`` is None where the trigger decides."""

    name: str
    label: Label
    object: str | None
    triggers: tuple[Document, ...]
    when: str | None
    fires: str
    run: str
    on_error: str
    acts_as: str | None
    order: int
    active: bool
    steps: tuple[Document, ...]
    document: Document

    def to_json(self) -> dict[str, Any]:
        """Return the document from which the automation was read."""
        return dict(self.document)


class AutomationKind(Kind):
    """The kind ``automation``."""

    name = "automation"
    folder = "automations"
    label = {"en": "automation", "zh": "自动化"}
    nouns = {"steps": ("step", "步骤")}

    def read(self, document: Document) -> AutomationDef:
        return AutomationDef(
            document["name"],
            document.get("label", document["name"]),
            document.get("object"),
            tuple(document["triggers"]),
            document.get("when"),
            document.get("fires", "each_time"),
            document.get("run", "after"),
            document.get("on_error", "stop"),
            document.get("as"),
            document.get("order", 100),
            document.get("active", True),
            tuple(document["steps"]),
            document,
        )

    def references(self, document: Document) -> Iterator[Reference]:
        owner = document.get("object")
        if owner is not None:
            yield Reference("/object", "object", owner)
        for number, trigger in enumerate(document["triggers"]):
            if owner is not None and "field" in trigger:
                yield Reference(f"/triggers/{number}/field", "object", owner, trigger["field"])
            if "calendar" in trigger:
                yield Reference(f"/triggers/{number}/calendar", "calendar", trigger["calendar"])
        yield from step_references(document["steps"], "/steps")

    def check(self, document: Document, snapshot: Snapshot, language: Language) -> Iterator[Diagnostic]:
        context = language.context(snapshot)
        owner = document.get("object")
        for number, trigger in enumerate(document["triggers"]):
            yield from _trigger(document, trigger, f"/triggers/{number}")
            if owner is not None and context.relations.has_object(owner):
                yield from _fields(trigger, owner, f"/triggers/{number}", context)
        yield from _options(document)
        if owner is None or context.relations.has_object(owner):
            yield from context.automation(document)


def step_references(steps: Sequence[Any], pointer: str) -> Iterator[Reference]:
    """Yield the documents that steps name, those of nested lists included.

    By convention a key ``object`` names an object, ``values`` and ``match`` its fields, ``automation`` an automation.
    """
    for number, step in enumerate(steps):
        told = step.get("with", {}) if isinstance(step, Mapping) else {}
        at = f"{pointer}/{number}/with"
        for key, kind in (("object", "object"), ("automation", "automation"), ("calendar", "calendar")):
            if isinstance(told.get(key), str):
                yield Reference(f"{at}/{key}", kind, told[key])
        for value in told.items():
            if isinstance(value[1], list) and all(isinstance(s, Mapping) and "action" in s for s in value[1]):
                yield from step_references(value[1], f"{at}/{value[0]}")


def _trigger(document: Document, trigger: Document, at: str) -> Iterator[Diagnostic]:
    on, owner = trigger["on"], document.get("object")
    for key in sorted(set(trigger) - {"on"} - KEYS_OF[on]):
        known = ", ".join(sorted(KEYS_OF[on])) or "none"
        yield Diagnostic(
            "key_without_effect", f"{at}/{key}", f"'{key}' has no effect on '{on}'. Its keys: {known}.", "Remove it."
        )
    for key in NEEDED.get(on, ()):
        if key not in trigger:
            yield Diagnostic("missing_key", at, f"The trigger '{on}' needs '{key}'.", f"Add '{key}'.")
    if owner is None and on not in WITHOUT_RECORD:
        yield Diagnostic("missing_key", "", f"The trigger '{on}' is about records, and 'object' is missing.", "Add it.")
    if owner is None and "match" in trigger:
        yield Diagnostic("key_without_effect", f"{at}/match", "Without 'object' there is no record to find.", "Add it.")
    if owner is not None and on == "webhook" and "match" not in trigger:
        yield Diagnostic("missing_key", at, "A message needs 'match' to say which record it is about.", "Add 'match'.")
    if "calendar" in trigger and not trigger.get("working_time"):
        yield Diagnostic("key_without_effect", f"{at}/calendar", "'calendar' counts only with 'working_time'.", "")
    run = document.get("run", "after")
    if run == "before" and on not in BEFORE:
        yield Diagnostic(
            "not_before",
            f"{at}/on",
            f"An automation that runs before the record is stored cannot wait for '{on}'.",
            f"Use one of {', '.join(sorted(BEFORE))}, or 'run': 'after'.",
        )
    if document.get("as") == "user" and on in WITHOUT_PERSON:
        yield Diagnostic("no_person", f"{at}/on", f"No person causes '{on}', so it cannot run as the user.", "")


def _options(document: Document) -> Iterator[Diagnostic]:
    on = {t["on"] for t in document["triggers"]}
    if document.get("fires") == "becomes_true" and ("when" not in document or not on & ON_WRITE):
        yield Diagnostic(
            "key_without_effect",
            "/fires",
            "'becomes_true' compares the condition before and after a change.",
            "Add 'when' and a trigger about a change of the record, or remove 'fires'.",
        )
    if "on_error" in document and (document.get("run") == "later" or not on & ON_WRITE):
        yield Diagnostic(
            "key_without_effect", "/on_error", "No write waits for it, so none can be refused.", "Remove 'on_error'."
        )
    if document.get("run") == "before" and document.get("on_error") == "isolate":
        yield Diagnostic(
            "key_without_effect", "/on_error", "A record whose fields cannot be worked out is refused.", "Remove it."
        )
    if "run" in document and not on & ON_WRITE:
        yield Diagnostic("key_without_effect", "/run", "No write starts it.", "Remove 'run'.")


def _fields(trigger: Document, owner: str, at: str, context: Check) -> Iterator[Diagnostic]:
    fields = context.relations.fields(owner)
    stages = [n for n, f in fields.items() if f.get("type") == "stage"]
    on, name = trigger["on"], trigger.get("field")
    found = context.relations.resolve(owner, name) if name is not None else None
    if on == "date" and isinstance(found, Found) and found.category not in ("date", "datetime"):
        yield Diagnostic("wrong_field_type", f"{at}/field", f"'{name}' is a {found.type}, not a date.", "")
    if on == "date" and isinstance(found, Found) and found.type and not context.is_stored(found.type):
        yield Diagnostic("not_stored", f"{at}/field", f"'{name}' is computed when it is read: no clock waits.", "")
    if on not in ("stage_entered", "stage_left"):
        return
    if name is None and len(stages) != 1:
        told = f"'{owner}' has {len(stages)} stage fields"
        yield Diagnostic("missing_key", at, f"{told}: say which one by 'field'.", "Add 'field'.")
        return
    name = name or stages[0]
    if name in fields and name not in stages:
        yield Diagnostic("wrong_field_type", f"{at}/field", f"'{name}' is no stage field.", "Name a stage field.")
        return
    known = _stages(context, fields.get(name, {}))
    for number, stage in enumerate(trigger.get("stages", ())):
        if stage not in known:
            yield Diagnostic(
                "unknown_stage",
                f"{at}/stages/{number}",
                f"'{name}' has no stage '{stage}'.{did_you_mean(stage, known)}",
                f"Stages: {', '.join(known)}.",
            )


def _stages(context: Check, field: Mapping[str, Any]) -> list[str]:
    if "pipelines" not in field:
        return [o["name"] for o in field.get("options", ())]
    found = [context.snapshot.get("pipeline", name) for name in field["pipelines"]]
    return list(dict.fromkeys(s["name"] for p in found if p for s in p.get("stages", ())))


KIND = AutomationKind()
