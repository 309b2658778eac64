"""Where a document or a field is used: every reference between documents that points at it, paths over relations included."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trellis.rules.scope import OLD, USER, ObjectScope
from trellis_metadata.field_checks import CONDITIONS, is_formula
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.typed import Field, walk
from trellis_metadata.language import Language
from trellis_metadata.snapshot import Document, Snapshot


@dataclass(frozen=True, slots=True)
class Use:
    """One reference: the document that holds it, and its place there as a JSON pointer."""

    kind: str
    name: str
    pointer: str

    def to_json(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "pointer": self.pointer}


def where_used(language: Language, snapshot: Snapshot, kind: str, name: str, field: str | None = None) -> list[Use]:
    """Return the uses of a document, or with ``field`` those of one field of an object, in order of kind and name."""
    found: list[Use] = []
    for document in snapshot:
        for pointer, target, path in _references(language, snapshot, document):
            if (field is None and target == (kind, name)) or (
                field is not None
                and path
                and target[0] == "object"
                and (name, field) in _steps(snapshot, target[1], path)
            ):
                found.append(Use(document["kind"], document["name"], pointer))
    return list(dict.fromkeys(found))


def _references(
    language: Language, snapshot: Snapshot, document: Document
) -> Iterator[tuple[str, tuple[str, str], str | None]]:
    for reference in language.kind(document["kind"]).references(document):
        yield reference.pointer, (reference.kind, reference.name), reference.field
    for pointer, text in _formulas(document) if document["kind"] == "object" else ():
        for path in _paths_of(snapshot, document["name"], text):
            owner = ("object", "user" if path.startswith(USER) else document["name"])
            yield pointer, owner, path.removeprefix(f"{USER}.").removeprefix(f"{OLD}.")
        for table in _TABLE.findall(text):
            yield pointer, ("decision_table", table), None


def _formulas(document: Document) -> Iterator[tuple[str, str]]:
    """Yield the place and the text of every rule, condition and default of an object."""
    for i, rule in enumerate(document.get("validation", ())):
        yield f"/validation/{i}/when", rule["when"]
    for i, field in enumerate(document["fields"]):
        yield from ((f"/fields/{i}/{key}", field[key]) for key in CONDITIONS if key in field)
        if is_formula(field.get("default")):
            yield f"/fields/{i}/default/formula", field["default"]["formula"]


_TABLE = re.compile(r"""LOOKUP\s*\(\s*["']([a-z][a-z0-9_]*)["']""", re.IGNORECASE)
"""Decision tables are named by fixed texts."""


def _paths_of(snapshot: Snapshot, object_name: str, text: str) -> list[str]:
    try:
        typed = check(parse(text), ObjectScope(snapshot, object_name), text=text)
    except FormulaError:
        return []
    return [n.symbol.path for n in walk(typed.root) if isinstance(n, Field) and not n.symbol.path.startswith("$System")]


def _steps(snapshot: Snapshot, object_name: str, path: str) -> list[tuple[str, str]]:
    """Return every (object, field) that a path goes over."""
    steps: list[tuple[str, str]] = []
    owners = [object_name]
    for step in path.split("."):
        steps.extend((owner, step) for owner in owners)
        owners = [target for owner in owners for target in _targets(snapshot, owner, step)]
    return steps


def _targets(snapshot: Snapshot, object_name: str, field_name: str) -> tuple[str, ...]:
    document: Any = snapshot.get("object", object_name) or {"fields": ()}
    field = next((f for f in document["fields"] if f["name"] == field_name), None)
    if field is None:
        return ("user",) if field_name in ("owner", "created_by", "modified_by") else ()
    if field["type"] == "user":
        return ("user",)
    target = field.get("target", ())
    return (target,) if isinstance(target, str) else tuple(target)
