"""VLOOKUP"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from trellis.formula.function import Blanks, Function, Reads
from trellis.formula.numbers import WIDE
from trellis.formula.values import Closure, Context, fail
from trellis_metadata.formula.functions import Complaint
from trellis_metadata.formula.typed import Field, Node
from trellis_metadata.formula.types import WORDS, Type, common, fits
from trellis_metadata.snapshot import Snapshot

OBJECT = "$object."


def _bind(snapshot: Snapshot) -> Function:
    """Return VLOOKUP over the objects of one version."""

    def check(nodes: Sequence[Node]) -> Type | Complaint:
        for index in (0, 1):
            if not _is_foreign(nodes[index]):
                return Complaint("VLOOKUP asks a field of another object, such as $object.city.code.", index)
        shown, key = _place(nodes[0]), _place(nodes[1])
        if shown[0] != key[0]:
            return Complaint(f"Both fields must belong to one object, not to {shown[0]} and {key[0]}.", 1)
        document = snapshot.get("object", key[0]) or {}
        if key[1] not in _unique(document):
            return Complaint(f"The field '{key[1]}' of '{key[0]}' is not unique, so it cannot be a key.", 1)
        given, wanted = nodes[2].type, nodes[1].type
        if not fits(given, wanted) and common(given, wanted) is None and given is not Type.PICKLIST:
            return Complaint(f"The key is {WORDS[wanted]}, but {WORDS[given]} is given.", 2)
        return nodes[0].type

    return replace(FUNCTION, check=check, unavailable="", bind=None)


def _unique(document: Any) -> set[str]:
    single = {f["name"] for f in document.get("fields", ()) if f.get("unique")}
    return single | {k["fields"][0] for k in document.get("unique", ()) if len(k["fields"]) == 1}


def _is_foreign(node: Node) -> bool:
    return isinstance(node, Field) and node.symbol.path.startswith(OBJECT)


def _place(node: Node) -> tuple[str, str]:
    assert isinstance(node, Field)
    _, owner, name = node.symbol.path.split(".")
    return owner, name


def _build(nodes: Sequence[Node], closures: Sequence[Closure]) -> Closure:
    (owner, shown), (_, key), value = _place(nodes[0]), _place(nodes[1]), closures[2]
    first = nodes[0]
    assert isinstance(first, Field)

    def vlookup(context: Context) -> Any:
        wanted = value(context)
        if wanted is None:
            return None
        if context.outside is None:
            fail("no_records", "Other records cannot be read here.")
        found = context.outside.find(owner, key, wanted, shown)
        if first.symbol.percent and isinstance(found, Decimal):
            return WIDE.scaleb(found, -2)
        return (found or False) if first.type is Type.BOOLEAN else found

    return vlookup


FUNCTION = Function(
    "VLOOKUP",
    ("any, any, any -> any",),
    "A field of the record of another object that a unique field of it finds: the field, the unique field, its value. "
    "Blank where there is no such record. Defaults and forms find only records that the person may read.",
    "records",
    Blanks.OWN,
    Reads.RECORDS,
    check=lambda nodes: nodes[0].type,
    count=(3, 3),
    build=_build,
    foreign=True,
    outside=True,
    bind=_bind,
    examples=(
        ('VLOOKUP($object.city.name, $object.city.code, "SZ")', '"Suzhou"'),
        ('VLOOKUP($object.city.people, $object.city.code, "XX")', "null"),
    ),
    unavailable="VLOOKUP needs the objects of a tenant, and there are none here.",
    refused="VLOOKUP has no SQL; use a lookup field",
)
