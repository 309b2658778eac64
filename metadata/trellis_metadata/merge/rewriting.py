"""Rewriting: what names a thing by its old name, in references, formulas and translations, gets the new one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from typing import Any

from trellis_metadata.addresses import Path, changed
from trellis_metadata.formula.errors import FormulaError
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.tree import Name, Tree, children
from trellis_metadata.language import Language
from trellis_metadata.relations import Relations, targets_of
from trellis_metadata.snapshot import Document, Snapshot

Names = Mapping[tuple[str, str, Path], str]
"""New name by kind, document and path, all as they are before; an empty path means the document itself."""


def renamed(snapshot: Snapshot, names: Names, language: Language, around: Snapshot) -> Snapshot:
    """Return ``snapshot`` with the parts in ``names`` renamed, and with everything that names them.

    ``around`` has the documents over which paths lead that ``snapshot`` does not have.
    """
    if not names:
        return snapshot
    relations = Relations(around.with_documents(snapshot), language.field_types, language.system)
    rewriting = _Rewriting(names, language, relations)
    return Snapshot.of(rewriting.document(d) for d in snapshot)


def parts_of(pointer: str) -> list[str]:
    """Return the keys and indexes of a JSON pointer."""
    return [p.replace("~1", "/").replace("~0", "~") for p in pointer.split("/")[1:]]


def at_pointer(value: Any, pointer: str) -> Any:
    """Return what stands at a JSON pointer, or None."""
    for part in parts_of(pointer):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def formulas(document: Document, language: Language) -> Iterator[tuple[str, str]]:
    """Yield pointer and text of every formula of a document."""
    stack: list[tuple[str, Any]] = [("", document)]
    keys = _formula_keys(language, document["kind"])
    while stack:
        pointer, value = stack.pop()
        entries = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, part in entries:
            place = f"{pointer}/{key}"
            if isinstance(part, str) and key in keys:
                yield place, part
            elif isinstance(part, Mapping | list):
                stack.append((place, part))


def comparisons(document: Document) -> Iterator[tuple[str, str]]:
    """Yield pointer and field path of every comparison in the conditions of a document."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        pointer, value = stack.pop()
        if isinstance(value, Mapping):
            if isinstance(value.get("field"), str) and isinstance(value.get("op"), str):
                yield f"{pointer}/field", value["field"]
            stack += [(f"{pointer}/{k}", v) for k, v in value.items()]
        elif isinstance(value, list):
            stack += [(f"{pointer}/{i}", v) for i, v in enumerate(value)]


def names_in(text: str) -> list[Name]:
    """Return the names in a formula; none if it cannot be read."""
    try:
        tree = parse(text)
    except FormulaError:
        return []
    found: list[Name] = []
    stack: list[Tree] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Name):
            found.append(node)
        stack.extend(children(node))
    return found


def scope_of(document: Document) -> str:
    """Return the object over whose records the formulas of a document are evaluated."""
    return str(document["name"] if document["kind"] == "object" else document.get("object", ""))


def _formula_keys(language: Language, kind: str) -> frozenset[str]:
    return _keys_in(json.dumps(language.schema(kind)))


@lru_cache(maxsize=256)
def _keys_in(schema: str) -> frozenset[str]:
    found: set[str] = set()
    stack: list[Any] = [json.loads(schema)]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            stack.extend(node.values())
            for key, part in node.get("properties", {}).items() if isinstance(node.get("properties"), dict) else ():
                if isinstance(part, dict) and "formula" in (part.get("x-is"), str(part.get("$ref", ""))[8:]):
                    found.add(key)
    return frozenset(found)


class _Rewriting:
    """Rewrites documents of one side."""

    def __init__(self, names: Names, language: Language, relations: Relations) -> None:
        self.names, self.language, self.relations = names, language, relations

    def document(self, document: Document) -> Document:
        """Return a document in which every name is the new one."""
        result: Any = document
        for pointer, text in self._texts(document):
            result = _with(result, parts_of(pointer), text)
        if document["kind"] == "translation":
            result = {**result, "texts": {self._text_path(k): v for k, v in result["texts"].items()}}
        return self._renamed(document, result)

    def _texts(self, document: Document) -> Iterator[tuple[str, str]]:
        for reference in self.language.kind(document["kind"]).references(document):
            found = at_pointer(document, reference.pointer)
            name = self.names.get((reference.kind, reference.name, ()), reference.name)
            if found == reference.name and reference.field is None:
                yield reference.pointer, name
            elif reference.field is not None and isinstance(found, str):
                path = self._path([reference.name], reference.field)
                new = {reference.field: path, f"{reference.name}.{reference.field}": f"{name}.{path}"}.get(found)
                if new is not None and new != found:
                    yield reference.pointer, new
        for pointer, path in comparisons(document):
            owners = self._filtered(document, pointer)
            new = self._path(owners, path)
            if new != path:
                yield pointer, new
        for pointer, text in formulas(document, self.language):
            new = self._formula(text, scope_of(document))
            if new != text:
                yield pointer, new

    def _formula(self, text: str, scope: str) -> str:
        for name in sorted(names_in(text), key=lambda n: -n.start):
            new = self._path([scope], name.text)
            text = text[: name.start] + new + text[name.end :] if new != name.text else text
        return text

    def _filtered(self, document: Document, pointer: str) -> list[str]:
        """Return the objects whose records a condition at ``pointer`` chooses: for a reference field, its targets."""
        parts = parts_of(pointer)
        if document["kind"] == "object" and parts[0] == "fields":
            field = document["fields"][int(parts[1])]
            return list(targets_of(field, self.language.field_types.get(str(field.get("type"))))) or [document["name"]]
        return [scope_of(document)]

    def _path(self, owners: list[str], path: str) -> str:
        """Return a dotted path from ``owners`` with the new names of its steps."""
        steps = []
        for step in path.split("."):
            new = next((n for o in owners if (n := self.names.get(("object", o, ("fields", step)))) is not None), step)
            steps.append(new)
            owners = [t for o in owners for t in self._targets(o, step)]
        return ".".join(steps)

    def _targets(self, owner: str, step: str) -> tuple[str, ...]:
        field = self.relations.fields(owner).get(step)
        if field is None:
            return ("user",) if step in ("owner", "created_by", "modified_by") else ()
        return targets_of(field, self.language.field_types.get(str(field.get("type"))))

    def _text_path(self, path: str) -> str:
        kind, name, *rest = path.split(".")
        new = [self.names.get((kind, name, tuple(rest[: i + 1])), part) for i, part in enumerate(rest)]
        return ".".join([kind, self.names.get((kind, name, ()), name), *new])

    def _renamed(self, before: Document, document: Any) -> Document:
        kind, name = before["kind"], before["name"]
        own = sorted((p for k, n, p in self.names if (k, n) == (kind, name)), key=lambda p: -len(p))
        for path in own:
            document = changed(document, path, partial(_called, name=self.names[kind, name, path]))
        result: Document = document
        return result


def _called(element: Mapping[str, Any], *, name: str) -> dict[str, Any]:
    return {**element, "name": name}


def _with(value: Any, parts: list[str], new: Any) -> Any:
    if not parts:
        return new
    if isinstance(value, Mapping):
        return {**value, parts[0]: _with(value[parts[0]], parts[1:], new)}
    index = int(parts[0])
    return [*value[:index], _with(value[index], parts[1:], new), *value[index + 1 :]]
