"""Filters of lookups: filter trees over the target whose values may be fields of the record that holds the lookup.

Such a value is written ``"$source.account"``. It compares with one field of like kind; relations beyond it are not followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trellis_metadata import filters
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.relations import Found, Missing
from trellis_metadata.values import brief

if TYPE_CHECKING:
    from trellis_metadata.language import Check

SOURCE = "$source."
_COMPARING = frozenset({"=", "!=", "<", "<=", ">", ">=", "between"})
_ALIKE = {"choice": "text", "number": "number"}
_RELATIVE_DATE = ("date", "datetime")
_FREE = frozenset({"contains", "not_contains", "starts_with", "ends_with"})


def check(tree: object, target: str, source: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    """Yield what is wrong with a lookup's filter over ``target``; ``source`` is the object that has the lookup."""
    shape = list(filters.check(tree, target, pointer, context))
    yield from shape
    if not shape:
        for at, comparison in _comparisons(tree, pointer):
            yield from _check_comparison(comparison, target, source, at, context)


def _comparisons(tree: Any, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if "field" in tree:
        yield at, tree
    for key in ("and", "or"):
        for index, inner in enumerate(tree.get(key, ())):
            yield from _comparisons(inner, f"{at}/{key}/{index}")
    if "not" in tree:
        yield from _comparisons(tree["not"], f"{at}/not")


def _check_comparison(
    comparison: Mapping[str, Any], target: str, source: str, at: str, context: Check
) -> Iterator[Diagnostic]:
    found = context.relations.resolve(target, comparison["field"])
    if isinstance(found, Missing) or "value" not in comparison:
        return
    value = comparison["value"]
    several = isinstance(value, list)
    for index, one in enumerate(value if several else [value]):
        place = f"{at}/value/{index}" if several else f"{at}/value"
        if isinstance(one, str) and one.startswith("$source"):
            yield from _check_source(one, found, comparison["op"], source, place, context)
        else:
            yield from _check_literal(one, found, comparison["op"], place, context)


def _check_source(value: str, found: Found, op: str, source: str, at: str, context: Check) -> Iterator[Diagnostic]:
    name = value[len(SOURCE) :]
    if op not in _COMPARING:
        message = f"'{value[:60]}' stands with the operator '{op}', which does not compare with one value."
        yield Diagnostic("bad_source", at, message, f"Use one of: {', '.join(sorted(_COMPARING))}.")
        return
    if not value.startswith(SOURCE) or "." in name:
        message = f"Found '{value[:60]}', expected '{SOURCE}' and one field of '{source}'."
        yield Diagnostic("bad_source", at, message, "Copy the related value into a field of the record to compare it.")
        return
    own = context.relations.resolve(source, name)
    if isinstance(own, Missing):
        yield Diagnostic("unknown_field", at, own.message)
    elif own.category is not None and found.category is not None and not _alike(own, found):
        message = f"Field '{name}' ({own.type}) cannot be compared with '{found.name}' ({found.type})."
        yield Diagnostic("bad_source", at, message, "Compare fields of the same kind.")


def _alike(own: Found, found: Found) -> bool:
    if found.name == "id" and own.category == "reference":
        return True
    if own.category in ("opaque", "choices") or own.type in ("address", "person_name", "geolocation"):
        return False
    return _ALIKE.get(own.category or "", own.category) == _ALIKE.get(found.category or "", found.category)


def _check_literal(value: Any, found: Found, op: str, at: str, context: Check) -> Iterator[Diagnostic]:
    spec = context.field_types.get(found.type)
    judge = getattr(spec, "value_problem", None)
    if judge is None or value is None or found.name == "id" or op in _FREE or found.category == "choices":
        return
    if isinstance(value, str) and (value == "$me" or (found.category in _RELATIVE_DATE and value.isupper())):
        return
    document = found.document or {"name": found.name, "type": found.type}
    problem = judge(document, value, context.snapshot, part=found.part)
    if problem is not None:
        yield Diagnostic("bad_value", at, f"{brief(value)} is no value of '{found.name}'. {problem}")
