"""Where a column goes: the targets that a mapping may name, and what each means.

======================  ==========================================================================
``name``                a field; a lookup is found by id, else by the name of the record it means
``address.city``        a part of a compound field
``account.code``        a lookup, found by another field of the record it points at
``account.external:x``  a lookup, found by the external id that system ``x`` gave that record
``external:x``          the external id of the record itself in system ``x``
``id``                  the id of the record itself: the row changes that record
(nothing)               the column is not imported
======================  ==========================================================================
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from trellis.model import FieldModel, Model, ObjectModel
from trellis.transaction.parsing import MIGRATION_FIELDS
from trellis_metadata.diagnostics import did_you_mean

EXTERNAL = "external:"
_SYSTEM = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}\Z")


class BadTarget(Exception):
    """The text names nothing that a column can go to."""


@dataclass(frozen=True, slots=True)
class Target:
    """``kind`` is ``field``, ``part``, ``lookup``, ``external`` or ``id``.

    ``by`` of a lookup is ``""`` (id or name), a field name, or ``external:system``; ``system`` belongs to ``external``.
    """

    text: str
    kind: str
    field: FieldModel | None = None
    part: str = ""
    by: str = ""
    system: str = ""


def read_target(model: Model, root: ObjectModel, text: str, *, migration: bool) -> Target:
    """Return what ``text`` names. Raises :class:`BadTarget`."""
    if text == "id":
        return Target(text, "id")
    if text.startswith(EXTERNAL):
        return Target(text, "external", system=_system(text))
    name, _, rest = text.partition(".")
    field = root.field(name)
    if field is None:
        known = [*(f.name for f in writable_fields(root, migration)), "id"]
        raise BadTarget(f"'{root.name}' has no field '{name[:60]}'.{did_you_mean(name, known)}")
    if not (field.writable or (migration and name in MIGRATION_FIELDS)):
        raise BadTarget(
            f"'{name}' is set by Trellis and cannot be imported"
            + ("." if migration or name not in MIGRATION_FIELDS else " without --migration.")
        )
    if field.category == "reference":
        return Target(text, "lookup", field, by=_lookup_by(model, field, rest))
    if not rest:
        return Target(text, "field", field)
    if rest not in field.codec.parts:
        raise BadTarget(f"'{name}' has no part '{rest[:60]}'.{did_you_mean(rest, field.codec.parts)}")
    return Target(text, "part", field, part=rest)


def _system(text: str) -> str:
    system = text[len(EXTERNAL) :]
    if not _SYSTEM.match(system):
        raise BadTarget(f"'{text[:60]}' names no system: write external: and a name of letters, digits, '_', '.', '-'.")
    return system


def _lookup_by(model: Model, field: FieldModel, rest: str) -> str:
    if rest.startswith(EXTERNAL):
        _system(rest)
        return rest
    for target in field.codec.targets:
        if rest and rest != "id" and (found := model.object(target).fields.get(rest)) is None:
            raise BadTarget(f"'{target}' has no field '{rest[:60]}'.{did_you_mean(rest, model.object(target).fields)}")
        if (
            rest
            and rest != "id"
            and found is not None
            and (found.category not in ("text", "number") or len(found.columns) != 1)
        ):
            raise BadTarget(f"Records of '{target}' cannot be looked up by '{rest}': it is not a text or a number.")
    return "" if rest == "id" else rest


def writable_fields(root: ObjectModel, migration: bool) -> list[FieldModel]:
    """Return the fields that an import may write."""
    return [f for f in root.all_fields if f.writable or (migration and f.name in MIGRATION_FIELDS)]


def guess(root: ObjectModel, headers: tuple[str, ...], *, migration: bool) -> dict[str, str]:
    """Return the likely target of each header (``""``: none): exact targets first, then names and labels alike.

    Case, spaces, punctuation and the suffixes ``__c`` and ``__s`` do not count. A header that fits two fields, and the
    second header that fits one, is left out.
    """
    exact, alike = _spellings(root, migration)
    found: dict[str, str] = {}
    for header in headers:
        name = header.split(".")[0] if header not in exact and "." in header else header
        field = exact.get(name)
        if field is not None:
            found[header] = header
    taken = set(found.values())
    for header in headers:
        target = alike.get(alike_key(header))
        if header not in found:
            found[header] = target if target and target not in taken else ""
            taken.add(found[header])
    return {h: found[h] for h in headers}


def _spellings(root: ObjectModel, migration: bool) -> tuple[dict[str, str], dict[str, str | None]]:
    exact, alike = {"id": "id"}, dict[str, str | None]()
    for field in writable_fields(root, migration):
        exact[field.name] = field.name
        exact.update((f"{field.name}.{p}", field.name) for p in field.codec.parts)
        for spelling, target in _alike(field):
            key = alike_key(spelling)
            # Two fields of one spelling: None, for nobody knows which is meant. A name outranks a label.
            alike[key] = (
                target
                if alike.get(key, target) == target
                else (alike[key] if key == alike_key(alike[key] or "") else None)
            )
    return exact, alike


def _alike(field: FieldModel) -> Iterator[tuple[str, str]]:
    yield field.name, field.name
    label = field.doc.get("label")
    for text in label.values() if isinstance(label, Mapping) else [label] if label else []:
        yield text, field.name
    if len(field.columns) > 1 and field.category != "reference":
        for part in field.codec.parts:
            yield f"{field.name} {part}", f"{field.name}.{part}"
            yield f"{part} {field.name}", f"{field.name}.{part}"
    elif field.category == "reference":
        yield f"{field.name} id", field.name


def alike_key(text: str) -> str:
    """Return what two spellings of one name have in common."""
    text = re.sub(r"__[cs]\Z", "", text.strip())
    return re.sub(r"[\W_]+", "", text).casefold()
