"""What can stand at the cursor of a script: the names of the API, as its types say them, and the fields of its object."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from trellis.model import Model
from trellis_metadata.labels import text_of

STUB = Path(__file__).with_name("trellis_script.pyi")
MOST = 20
RECORDS = ("record", "old")
Word = Mapping[str, str]


def complete(model: Model, object_name: str | None, word: str, language: str) -> Sequence[Word]:
    """Return what begins with ``word`` (letters, digits, dots), at most 20: ``value``, ``text`` and ``hint`` of each."""
    owner, dot, begun = word.rpartition(".")
    known = _members(model, object_name, owner, language) if dot else _names(object_name)
    prefix = f"{owner}." if dot else ""
    found = [(name, hint) for name, hint in known if name.lower().startswith(begun.lower())]
    return [{"value": prefix + name, "text": prefix + name, "hint": hint} for name, hint in found[:MOST]]


def _names(object_name: str | None) -> Iterator[tuple[str, str]]:
    for name, kind in sorted(_stub()[0].items()):
        if object_name is not None or name not in (*RECORDS, "records"):
            yield name, kind


def _members(model: Model, object_name: str | None, owner: str, language: str) -> Iterator[tuple[str, str]]:
    if owner in RECORDS and object_name in model.object_names:
        for name, field in sorted(model.object(str(object_name)).fields.items()):
            yield name, text_of(field.doc.get("label"), language, field.doc["type"])
    names, classes = _stub()
    yield from sorted(classes.get(names.get(owner, "").partition(" ")[0].strip("_"), {}).items())


@cache
def _stub() -> tuple[Mapping[str, str], Mapping[str, Mapping[str, str]]]:
    """Return the names of the API with their types, and the members of each type with their signatures."""
    names: dict[str, str] = {}
    classes: dict[str, dict[str, str]] = {}
    for node in ast.parse(STUB.read_text("utf-8")).body:
        if isinstance(node, ast.ClassDef):
            classes[node.name.strip("_")] = {n: hint for n, hint in map(_told, node.body) if n and n[0] != "_"}
            continue
        name, hint = _told(node)
        if name and name[0] != "_" and name not in ("Values", "Filters"):
            names[name] = hint
    return names, classes


def _told(node: ast.stmt) -> tuple[str, str]:
    if isinstance(node, ast.FunctionDef):
        arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg != "self"]
        return node.name, f"({', '.join(arguments)})"
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id, ast.unparse(node.annotation)
    if isinstance(node, ast.ImportFrom) and node.names[0].asname:
        return node.names[0].asname, node.module or ""
    return "", ""
