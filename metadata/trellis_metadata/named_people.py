"""People named by rule in documents: ``{"manager_of": "owner", "levels": 2}``, ``{"role": "finance", "within": "branches"}`` …

An entry has exactly one of the keys in :data:`WAYS`; the others say more about it. ``unit`` as the meaning of a formula is the
head of the unit that its text names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis_metadata.diagnostics import Diagnostic, did_you_mean
from trellis_metadata.kind import Reference
from trellis_metadata.relations import Found

if TYPE_CHECKING:
    from trellis_metadata.context import Check

WAYS = ("users", "role", "group", "field", "manager_of", "head_of", "formula")
ACTOR = "$user"
"""Who did what the rule is about."""
_MORE: Mapping[str, tuple[str, ...]] = {
    "within": ("role", "group"),
    "levels": ("manager_of", "head_of"),
    "of": ("head_of",),
    "as": ("formula",),
}
_PATHS = ("field", "manager_of", "of")


def references(people: Sequence[Mapping[str, Any]], owner: str | None, pointer: str) -> Iterator[Reference]:
    """Yield what a list of people names: documents, and fields of ``owner``, the object whose records are meant."""
    for index, entry in enumerate(people):
        at = f"{pointer}/{index}"
        for key in ("role", "group"):
            if key in entry:
                yield Reference(f"{at}/{key}", key, entry[key])
        for key in ("within", "head_of"):
            if key in entry:
                yield Reference(f"{at}/{key}", "org_unit_tree", entry[key].partition(".")[0])
        for key in _PATHS:
            if owner is not None and entry.get(key, ACTOR) != ACTOR:
                yield Reference(f"{at}/{key}", "object", owner, entry[key])


def check(people: Sequence[Mapping[str, Any]], owner: str | None, pointer: str, context: Check) -> Iterator[Diagnostic]:
    """Yield what is wrong with a list of people. ``owner`` None: there is no record."""
    for index, entry in enumerate(people):
        at = f"{pointer}/{index}"
        wrong = list(_keys(entry, at))
        yield from wrong
        if not wrong:
            yield from _unit(entry, at, context)
            yield from _paths(entry, owner, at, context)
            yield from _formula(entry, owner, at, context)


def way_of(entry: Mapping[str, Any]) -> str:
    """Return the key that says how an entry names people."""
    return next(key for key in WAYS if key in entry)


def needs_record(entry: Mapping[str, Any]) -> bool:
    """Whether an entry reads the record."""
    paths = [entry.get(key) for key in _PATHS if key in entry]
    return (
        "formula" in entry
        or "within" in entry
        or ("head_of" in entry and "." not in entry["head_of"] and entry.get("of", "owner") != ACTOR)
        or any(path != ACTOR for path in paths)
    )


def _keys(entry: Mapping[str, Any], at: str) -> Iterator[Diagnostic]:
    ways = [key for key in WAYS if key in entry]
    if len(ways) != 1:
        found = " and ".join(f"'{w}'" for w in ways) or "none"
        yield Diagnostic(
            "one_way",
            at,
            f"An entry names people in exactly one way; found {found}.",
            f"Give one of {', '.join(WAYS)}, and a further entry for each further way.",
        )
        return
    for key, fitting in _MORE.items():
        if key in entry and ways[0] not in fitting:
            yield _pointless(key, at, f"It goes with {' or '.join(fitting)}.")
    if "of" in entry and "." in entry["head_of"]:
        yield _pointless("of", at, "The unit is named.")
    if entry.get("levels") == 0 and ways[0] == "manager_of":
        yield Diagnostic(
            "out_of_range", f"{at}/levels", "A manager is at least 1 level up; found 0.", "Give 1 or more."
        )


def _pointless(key: str, at: str, why: str) -> Diagnostic:
    return Diagnostic("no_effect", f"{at}/{key}", f"'{key}' has no effect here. {why}", f"Remove '{key}'.")


def _unit(entry: Mapping[str, Any], at: str, context: Check) -> Iterator[Diagnostic]:
    tree_name, dot, unit = entry.get("head_of", "").partition(".")
    tree = context.snapshot.get("org_unit_tree", tree_name) if dot else None
    known = [u["name"] for u in tree.get("units", ())] if tree else []
    if tree and unit not in known:
        yield Diagnostic(
            "unknown_unit",
            f"{at}/head_of",
            f"The tree '{tree_name}' has no unit '{unit}'.{did_you_mean(unit, known)}",
            "Name one of its units, or add the unit.",
        )


def _paths(entry: Mapping[str, Any], owner: str | None, at: str, context: Check) -> Iterator[Diagnostic]:
    for key in _PATHS:
        path = entry.get(key, ACTOR)
        if path == ACTOR or (owner is not None and not context.relations.has_object(owner)):
            continue
        if owner is None:
            yield Diagnostic(
                "no_record",
                f"{at}/{key}",
                f"There is no record here from which '{path}' could be read.",
                "Use '$user'.",
            )
            continue
        found = context.relations.resolve(owner, path)
        if isinstance(found, Found) and found.category is not None and not _names_a_person(found):
            yield Diagnostic(
                "not_a_person",
                f"{at}/{key}",
                f"Field '{path}' of '{owner}' is a {found.type}; expected a user field.",
                "Name a user field, such as 'owner' or 'account.owner'.",
            )


def _names_a_person(found: Found) -> bool:
    return found.part is None and (found.type == "user" or (found.document or {}).get("target") == "user")


def _formula(entry: Mapping[str, Any], owner: str | None, at: str, context: Check) -> Iterator[Diagnostic]:
    if "formula" not in entry:
        return
    if owner is None:
        yield Diagnostic(
            "no_record",
            f"{at}/formula",
            "There is no record here over which a formula could run.",
            "Name people otherwise.",
        )
        return
    text = {"name": "who", "type": "text", "max_length": 255}
    yield from context.formula(entry["formula"], owner, f"{at}/formula", default_of=text)
