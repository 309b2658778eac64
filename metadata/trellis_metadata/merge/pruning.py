"""Pruning: taking out what no longer has a meaning because something that it used went away."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from trellis_metadata.diagnostics import Diagnostic, Severity
from trellis_metadata.language import Language
from trellis_metadata.merge.outcome import Address
from trellis_metadata.merge.rewriting import parts_of
from trellis_metadata.snapshot import Document, Key, Snapshot

ROUNDS = 200
_SHAPE = frozenset({"missing_key", "too_few", "exactly_one", "wrong_shape", "wrong_type"})


def errors_in(language: Language, snapshot: Snapshot, only: Collection[Key] | None = None) -> list[Diagnostic]:
    """Return the errors in a snapshot."""
    return [d for d in language.validate(snapshot, only) if d.severity is Severity.ERROR]


def prune(language: Language, snapshot: Snapshot, keep: Collection[Key] = ()) -> tuple[Snapshot, list[Address]]:
    """Remove the smallest parts without which the rest is valid; return what is left and what went.

    Documents in ``keep`` are left alone. Problems that no removal ends stay.
    """
    gone: list[Address] = []
    for _ in range(ROUNDS):
        errors = [e for e in errors_in(language, snapshot) if _key(e) not in keep]
        if not errors:
            break
        # From the end of a document, so that the places of the others hold.
        step = next((s for e in reversed(errors) if (s := _smaller(language, snapshot, e)) is not None), None)
        if step is None:
            break
        snapshot, address = step
        gone.append(address)
    return snapshot, gone


def _key(error: Diagnostic) -> Key:
    kind, _, name = error.document.partition("/")
    return kind, name


def _smaller(language: Language, snapshot: Snapshot, error: Diagnostic) -> tuple[Snapshot, Address] | None:
    key = _key(error)
    document = snapshot.get(*key)
    if document is None:
        return None
    before = errors_in(language, snapshot, [key])
    for address, smaller in _candidates(document, parts_of(error.pointer)):
        tried = snapshot.without([key]) if smaller is None else snapshot.with_documents([smaller])
        if smaller is None or _is_better(before, errors_in(language, tried, [key])):
            return tried, (*key, address)
    return None


def _is_better(before: list[Diagnostic], after: list[Diagnostic]) -> bool:
    """Whether something was mended and no shape was broken."""
    known = {d.code for d in before}
    return len(after) < len(before) and not any(d.code in _SHAPE and d.code not in known for d in after)


def _candidates(document: Document, parts: list[str]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield ever larger removals around a place; None stands for the whole document."""
    for length in range(len(parts), 0, -1):
        smaller, name = _removed(document, parts[:length])
        if smaller is not None:
            yield (*_names(document, parts[: length - 1]), name), smaller
    yield (), None


def _removed(value: Any, parts: list[str]) -> tuple[Any, str]:
    part, rest = parts[0], parts[1:]
    if isinstance(value, Mapping) and part in value:
        if not rest:
            return {k: v for k, v in value.items() if k != part}, part
        inner, name = _removed(value[part], rest)
        return (None if inner is None else {**value, part: inner}), name
    if isinstance(value, list) and part.isdigit() and int(part) < len(value):
        index = int(part)
        if not rest:
            return [*value[:index], *value[index + 1 :]], _name(value[index], part)
        inner, name = _removed(value[index], rest)
        return (None if inner is None else [*value[:index], inner, *value[index + 1 :]]), name
    return None, part


def _names(value: Any, parts: list[str]) -> tuple[str, ...]:
    found = []
    for part in parts:
        value = value[int(part)] if isinstance(value, list) else value[part]
        found.append(_name(value, part) if part.isdigit() else part)
    return tuple(found)


def _name(value: Any, part: str) -> str:
    if isinstance(value, Mapping) and isinstance(value.get("name"), str):
        return str(value["name"])
    return value if isinstance(value, str) else part
