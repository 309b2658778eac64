"""The automations of a model, compiled, by what starts them; built once per version of the metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.automation.checking import place_of
from trellis.automation.place import Place
from trellis.automation.step import Step, Value, compile_steps, formula_of
from trellis.model import Model
from trellis.rules.formulas import Formula, compiled
from trellis.storage import system
from trellis_metadata.errors import TrellisError
from trellis_metadata.formula.types import Type
from trellis_metadata.kinds.automation import BY_HAND, KIND, ON_WRITE, AutomationDef
from trellis_metadata.labels import text_of
from trellis_metadata.snapshot import Document

_KEY = "trellis.automation"


class AutomationGone(TrellisError):
    """There is no such automation, or a run's version of it does not fit the object any more."""

    code = "automation_gone"


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts an automation. ``field`` is the stage field also where the document leaves it out."""

    on: str
    field: str | None
    document: Document
    key: Formula | None
    match: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Automation:
    """One version of an automation."""

    definition: AutomationDef
    digest: str
    triggers: tuple[Trigger, ...]
    when: Formula | None
    steps: tuple[Step, ...]

    @property
    def name(self) -> str:
        """The API name."""
        return self.definition.name

    @property
    def object(self) -> str | None:
        """The object on whose records it works."""
        return self.definition.object

    def label(self, language: str) -> str:
        """Return what people call it."""
        return text_of(self.definition.document.get("label"), language, self.name.replace("_", " ").capitalize())

    def acts_as(self, on: str) -> str:
        """Return whose rights count when the trigger ``on`` starts it: ``system`` or ``user``."""
        return self.definition.acts_as or ("user" if on in BY_HAND else "system")

    def trigger(self, on: str) -> Trigger | None:
        """Return the first trigger of a sort."""
        return next((t for t in self.triggers if t.on == on), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """``before`` and ``written`` are by object, in the order in which they run; inactive ones are known by name only."""

    automations: Mapping[str, Automation]
    before: Mapping[str, tuple[Automation, ...]]
    written: Mapping[str, tuple[Automation, ...]]
    watched: frozenset[str]
    """Objects of which a run may wait for a condition."""

    def get(self, name: str) -> Automation:
        """Return an automation. Raises :class:`AutomationGone`."""
        found = self.automations.get(name)
        if found is None:
            raise AutomationGone(f"There is no automation '{name[:60]}'.")
        return found

    def started_by(self, on: str) -> list[tuple[Automation, Trigger]]:
        """Return the active automations with a trigger of a sort, each with it."""
        found = []
        for automation in self.automations.values():
            if automation.definition.active:
                found += [(automation, t) for t in automation.triggers if t.on == on]
        return found


def catalogue_of(model: Model) -> Catalogue:
    """Return the automations of a model."""
    found: Catalogue | None = model.__dict__.get(_KEY)
    if found is None:
        documents = model.snapshot.of_kind("automation")
        digests = model.snapshot.digests
        made = {n: compile_automation(d, digests["automation", n], model) for n, d in documents.items()}
        found = model.__dict__[_KEY] = _sorted(made)
    return found


def _sorted(made: Mapping[str, Automation]) -> Catalogue:
    before: dict[str, list[Automation]] = {}
    written: dict[str, list[Automation]] = {}
    for one in sorted(made.values(), key=lambda a: (a.definition.order, a.name)):
        if one.definition.active and one.object is not None and any(t.on in ON_WRITE for t in one.triggers):
            side = before if one.definition.run == "before" else written
            side.setdefault(one.object, []).append(one)
    watched = frozenset(a.object for a in made.values() if a.object is not None and waits_for_condition(a.steps))
    return Catalogue(made, {k: tuple(v) for k, v in before.items()}, {k: tuple(v) for k, v in written.items()}, watched)


def waits_for_condition(steps: Sequence[Step]) -> bool:
    """Say whether any step waits until a condition holds."""
    return any(
        (s.action.name == "wait" and "until_when" in s.told) or any(waits_for_condition(i) for i in s.steps.values())
        for s in steps
    )


def compile_automation(document: Document, digest: str, model: Model) -> Automation:
    """Return an automation ready to run. Raises ``FormulaError`` where a formula does not fit the model."""
    definition = KIND.read(document)
    place = place_of(document, model.snapshot)
    when = None
    if definition.when is not None:
        when = compiled(place.scope, definition.when, returns=Type.BOOLEAN)
    return Automation(
        definition,
        digest,
        tuple(_trigger(t, place) for t in definition.triggers),
        when,
        compile_steps(definition.steps, place),
    )


def _trigger(document: Document, place: Place) -> Trigger:
    field = document.get("field")
    if document["on"] in ("stage_entered", "stage_left") and field is None:
        owner = place.snapshot.get("object", place.object or "") or {"fields": ()}
        field = next(f["name"] for f in owner["fields"] if f["type"] == "stage")
    key = compiled(place.scope, document["key"], returns=Type.TEXT) if "key" in document else None
    bare = Place(place.snapshot, None, body=True)
    match = tuple(_match(n, v, bare) for n, v in document.get("match", {}).items())
    return Trigger(document["on"], field, document, key, match)


def _match(name: str, value: Any, place: Place) -> Value:
    text = formula_of(value)
    return Value(name, None, value) if text is None else Value(name, compiled(place.scope, text, returns=None))


def version_of(connection: Connection, model: Model, name: str, digest: str) -> Automation:
    """Return the version of an automation under which a run began. Raises :class:`AutomationGone`."""
    current = catalogue_of(model).automations.get(name)
    if current is not None and current.digest == digest:
        return current
    key = ("automation", digest)
    if key not in model.cache:
        body = connection.execute(
            sa.select(system.document.c.body).where(system.document.c.digest == digest)
        ).scalar_one_or_none()
        try:
            if body is None:
                raise AutomationGone("Its document is not kept any more.")
            model.cache[key] = compile_automation(json.loads(body), digest, model)
        except (TrellisError, KeyError) as problem:
            told = problem.message if isinstance(problem, TrellisError) else str(problem)
            raise AutomationGone(
                f"The run began under an older version of '{name}', which does not fit the objects any more: {told}"
            ) from None
    found: Automation = model.cache[key]
    return found
