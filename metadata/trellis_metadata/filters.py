"""Filter trees: whether a condition on records is well-formed and speaks of fields that exist.

A node is ``{"and": […]}``, ``{"or": […]}``, ``{"not": …}``, ``{"field", "op", "value"}`` or ``{"formula": …}``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trellis_metadata import pointers
from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.relations import Missing
from trellis_metadata.values import brief, json_type

if TYPE_CHECKING:
    from trellis_metadata.language import Check

NULL_OPERATORS = frozenset({"is_blank", "is_not_blank"})
_SET = ("includes_any", "includes_all", "excludes")
LIST_OPERATORS = frozenset({"in", "not_in", *_SET})
_BLANK = ("is_blank", "is_not_blank")
_EQUAL = ("=", "!=", "in", "not_in")
_ORDER = ("<", "<=", ">", ">=", "between")
_TEXT = ("contains", "not_contains", "starts_with", "ends_with")
OPERATORS: Mapping[str, tuple[str, ...]] = {
    "text": (*_EQUAL, *_ORDER, *_TEXT, *_BLANK),
    "number": (*_EQUAL, *_ORDER, *_BLANK),
    "boolean": ("=", "!=", *_BLANK),
    "date": (*_EQUAL, *_ORDER, *_BLANK),
    "datetime": (*_EQUAL, *_ORDER, *_BLANK),
    "time": (*_EQUAL, *_ORDER, *_BLANK),
    "choice": (*_EQUAL, *_BLANK),
    "choices": (*_SET, *_BLANK),
    "reference": (*_EQUAL, *_BLANK),
    "id": (*_EQUAL, *_ORDER),
    "opaque": _BLANK,
}
"""The comparisons that fields of a category allow, in the order in which people are offered them. Queries run these."""
ALL_OPERATORS = frozenset().union(*OPERATORS.values())
_KEYS = ("and", "or", "not", "field", "formula")
MAX_CONDITIONS = 200
MAX_DEPTH = 40
"""What queries run at most."""


def check(tree: object, object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    """Yield what is wrong with the filter ``tree``, or the text of a formula, over records of ``object_name``."""
    if isinstance(tree, str):
        yield from context.formula(tree, object_name, pointer)
        return
    conditions = _conditions(tree)
    if conditions > MAX_CONDITIONS:
        message = f"The filter has {conditions} conditions, expected at most {MAX_CONDITIONS}."
        yield Diagnostic("too_many", pointer, message, "Use 'in' with a list of values.")
    else:
        yield from _check(tree, object_name, pointer, context, 0)


def tree_of(filter: Any) -> Any:
    """Return a filter as a tree: the text of a formula becomes the condition ``{"formula": …}``."""
    return {"formula": filter} if isinstance(filter, str) else filter


def _conditions(tree: object) -> int:
    if isinstance(tree, list):
        return sum(map(_conditions, tree))
    if not isinstance(tree, dict):
        return 0
    inner = [tree[key] for key in ("and", "or", "not") if key in tree]
    return sum(map(_conditions, inner)) if inner else 1


def _check(tree: object, object_name: str, pointer: str, context: Check, depth: int) -> Iterator[Diagnostic]:
    if depth > MAX_DEPTH:
        yield Diagnostic("too_deep", pointer, f"The filter is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
        return
    if not isinstance(tree, dict):
        yield Diagnostic(
            "wrong_type", pointer, f"Found {brief(tree)} ({json_type(tree)}), expected a condition (object)."
        )
        return
    heads = [key for key in _KEYS if key in tree]
    if len(heads) != 1:
        found = ", ".join(f"'{key[:40]}'" for key in list(tree)[:5]) or "nothing"
        yield Diagnostic(
            "bad_filter", pointer, f"Found {found}, expected exactly one of 'and', 'or', 'not', 'field', 'formula'."
        )
        return
    head = heads[0]
    known = ("field", "op", "value") if head == "field" else (head,)
    for key in tree:
        if key not in known:
            yield Diagnostic(
                "unknown_key",
                pointers.join(key, at=pointer),
                f"Unknown key {brief(key)}.{did_you_mean(key[:100], known)}",
                f"Known: {', '.join(known)}.",
            )
    if head in ("and", "or"):
        yield from _check_list(tree, object_name, f"{pointer}/{head}", context, depth)
    elif head == "not":
        yield from _check(tree["not"], object_name, f"{pointer}/not", context, depth + 1)
    elif head == "formula":
        yield from _check_formula(tree, object_name, pointer, context)
    else:
        yield from _check_comparison(tree, object_name, pointer, context)


def _check_list(tree: dict[str, Any], object_name: str, at: str, context: Check, depth: int) -> Iterator[Diagnostic]:
    key = "and" if "and" in tree else "or"
    items = tree[key]
    if not isinstance(items, list):
        yield Diagnostic("wrong_type", at, f"Found {brief(items)} ({json_type(items)}), expected a list of conditions.")
    elif not items:
        yield Diagnostic(
            "too_few",
            at,
            f"'{key}' has no conditions, expected at least one.",
            "Leave the filter out to select everything.",
        )
    else:
        for index, item in enumerate(items):
            yield from _check(item, object_name, f"{at}/{index}", context, depth + 1)


def _check_formula(tree: dict[str, Any], object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    if not isinstance(tree["formula"], str):
        yield Diagnostic(
            "wrong_type", f"{pointer}/formula", f"Found {brief(tree['formula'])}, expected a formula (string)."
        )
    else:
        yield from context.formula(tree["formula"], object_name, f"{pointer}/formula")


def _check_comparison(tree: dict[str, Any], object_name: str, pointer: str, context: Check) -> Iterator[Diagnostic]:
    field, op = tree["field"], tree.get("op")
    if not isinstance(op, str) or op not in ALL_OPERATORS:
        guess = did_you_mean(op[:100], ALL_OPERATORS) if isinstance(op, str) else ""
        at, code = (f"{pointer}/op", "unknown_operator") if "op" in tree else (pointer, "missing_key")
        yield Diagnostic(
            code,
            at,
            f"Found {brief(op)}, expected an operator.{guess}",
            f"Operators: {', '.join(sorted(ALL_OPERATORS))}.",
        )
        return
    yield from _check_value(tree, op, pointer)
    if not isinstance(field, str):
        yield Diagnostic(
            "wrong_type", f"{pointer}/field", f"Found {brief(field)} ({json_type(field)}), expected a field path."
        )
        return
    found = context.relations.resolve(object_name, field)
    if isinstance(found, Missing):
        yield Diagnostic("unknown_field", f"{pointer}/field", found.message)
    elif found.category is not None and op not in OPERATORS.get(found.category, ALL_OPERATORS):
        yield Diagnostic(
            "unsupported_operator",
            f"{pointer}/op",
            f"Operator '{op}' does not work on field '{field[:100]}' ({found.type}).",
            f"Use one of: {', '.join(sorted(OPERATORS[found.category]))}.",
        )


def _check_value(tree: dict[str, Any], op: str, pointer: str) -> Iterator[Diagnostic]:
    value, at = tree.get("value"), f"{pointer}/value"
    if op in NULL_OPERATORS:
        if "value" in tree:
            yield Diagnostic("unknown_key", at, f"Operator '{op}' takes no value.", "Remove 'value'.")
    elif "value" not in tree:
        yield Diagnostic("missing_key", pointer, f"Operator '{op}' needs a 'value'.")
    elif op == "between":
        if not isinstance(value, list) or len(value) != 2:
            yield Diagnostic("wrong_type", at, f"Found {brief(value)}, expected a list of two values.")
    elif op in LIST_OPERATORS:
        if not isinstance(value, list) or not value:
            yield Diagnostic("wrong_type", at, f"Found {brief(value)}, expected a list of at least one value.")
    elif value is None or isinstance(value, list) or (op in (*_ORDER, *_TEXT) and isinstance(value, bool)):
        yield Diagnostic("wrong_type", at, f"Found {brief(value)}, expected one value to compare with.")
