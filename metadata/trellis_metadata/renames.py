"""Renames: which part of one snapshot is which part of another under a new name.

People answer ("is this the same field?"), or the documents say so in ``was``. Both end up in ``was`` of the target,
so that every later comparison knows too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

from trellis_metadata.addresses import ABSENT, Path, changed, find
from trellis_metadata.errors import TrellisError
from trellis_metadata.snapshot import Snapshot
from trellis_metadata.structure import Form, Node

Rename = tuple[str, str, Path, str]
"""Kind, name of the document (as it is before), path of the element (empty: the document itself), new name."""


class BadRename(TrellisError):
    """A rename names a part that is not there before, or not there afterwards."""

    code = "bad_rename"


def recorded(target: Snapshot, renames: Iterable[Rename], structures: Mapping[str, Node]) -> Snapshot:
    """Return ``target`` with the answered ``renames`` written into ``was``. Documents first, then outer before
    inner."""
    answers = by_document(renames)
    for kind, name, path, to in sorted(renames, key=lambda r: (len(r[2]), r)):
        answered = answers[kind, name]
        document = target.get(kind, answered.get((), name))
        place = moved(path, answered)
        if document is None or find(document, place) is ABSENT:
            raise BadRename(f"There is no '{to}' that '{(path or (name,))[-1]}' of {kind} '{name}' could have become.")
        if keeps_names(document, place, structures[kind]):
            old = path[-1] if path else name
            target = target.with_documents([changed(document, place, partial(_with_old, old=old))])
    return target


def by_document(renames: Iterable[Rename]) -> dict[tuple[str, str], dict[Path, str]]:
    """Return the answers by document and path, all as they are before."""
    found: dict[tuple[str, str], dict[Path, str]] = {}
    for kind, name, path, to in renames:
        found.setdefault((kind, name), {})[path] = to
    return found


def moved(path: Path, answers: Mapping[Path, str]) -> Path:
    """Return where ``path`` leads after the renames in ``answers``, outer ones included."""
    return tuple(answers.get(path[: i + 1], part) for i, part in enumerate(path))


def _with_old(element: Mapping[str, Any], *, old: str) -> dict[str, Any]:
    was = list(element.get("was", ()))
    return {**element, "was": was if old in was else [*was, old]}


def keeps_names(document: Mapping[str, Any], path: Path, node: Node) -> bool:
    """Say whether the element at ``path`` can record old names."""
    value: Any = document
    for part in path:
        if node.form is Form.LIST and node.item is not None:
            node = node.item
            value = find(value, (part,))
        else:
            node = node.of(value).child(part)
            value = find(value, (part,))
    return node.keeps_names


def matched(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return old name → new name for elements (or documents) that changed their name, as ``was`` on either side says.

    ``was`` of the new element names the old one; or, on the way back, ``was`` of the old element names the new one.
    """
    gone = [name for name in before if name not in after]
    new = [name for name in after if name not in before]
    found: dict[str, str] = {}
    for name in sorted(new):
        candidates = [old for old in reversed(list(after[name].get("was", ()))) if old in gone and old not in found]
        candidates += [old for old in sorted(gone) if name in before[old].get("was", ()) and old not in found]
        if candidates:
            found[candidates[0]] = name
    return found


def remembering(
    document: Mapping[str, Any], before: Mapping[str, Any], node: Node, taken: Collection[str] = ()
) -> Mapping[str, Any]:
    """Return ``document`` with the old names that ``before``, its earlier form, knows and it does not mention.

    Old names are history: a file that was written before a rename was answered does not take them back. A document
    or element that has a ``was`` of its own keeps that one, and names that are ``taken``, by a neighbour as its name or as
    one of its old names, are not remembered. Wrong shapes are returned as they are.
    """
    fitting, result = node.of(document), dict(document)
    if node.keeps_names and "was" in before and "was" not in document:
        known = [name for name in before["was"] if name not in taken]
        if known:
            result["was"] = known
    for key, value in document.items():
        child, earlier = fitting.child(key), before.get(key)
        if child.form is Form.LIST and child.item is not None and isinstance(value, list) and isinstance(earlier, list):
            result[key] = _elements_remembering(value, earlier, child.item)
    return result if result != document else document


def _elements_remembering(value: list[Any], earlier: list[Any], item: Node) -> list[Any]:
    known = {str(e["name"]): e for e in earlier if isinstance(e, dict) and "name" in e}
    elements = [e for e in value if isinstance(e, dict)]
    taken = {str(e["name"]) for e in elements if "name" in e}
    taken |= {str(old) for e in elements if isinstance(e.get("was"), list) for old in e["was"]}
    return [
        remembering(element, known[str(element["name"])], item, taken)
        if isinstance(element, dict) and str(element.get("name")) in known
        else element
        for element in value
    ]
