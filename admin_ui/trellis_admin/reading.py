"""Reading records for pages: every question goes through the runtime's query, under the rights of the person."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from flask import g
from werkzeug.exceptions import NotFound

from trellis import files
from trellis.access import rights
from trellis.model import FieldModel, ObjectModel, UnknownObject
from trellis.query import Page, Query, run_query
from trellis.record_id import BadRecordId, parse_id
from trellis_admin.field_parts import part_label, part_model
from trellis_admin.i18n import language

MAX_IDS = 1000


@dataclass(frozen=True)
class FieldRef:
    """A field of an object as a page shows it: the path that is asked for, its document and label."""

    path: str
    model: FieldModel
    label: str

    @property
    def doc(self) -> Mapping[str, Any]:
        """The field document under the name by which rows hold the value."""
        return self.model.doc if self.path == self.model.name else {**self.model.doc, "name": self.path}


def object_model(name: str) -> ObjectModel:
    """Return an object, or answer 404."""
    try:
        return g.model.object(name)
    except UnknownObject:
        raise NotFound from None


def number_of(record: str, object_name: str) -> int:
    """Return the number in an external id, or answer 404."""
    try:
        return parse_id(record, [object_name])[1]
    except BadRecordId:
        raise NotFound from None


def field_ref(root: ObjectModel, path: str) -> FieldRef | None:
    """Follow a field path (``account.owner.name``, ``address.city``); None when it leads nowhere."""
    code, owner, labels = language().code, root, []
    steps = path.split(".")
    for position, step in enumerate(steps):
        found = owner.field(step)
        if found is None or not rights(g.person, owner.doc).may_read_field(step):
            return None
        labels.append(found.label(code))
        rest = steps[position + 1 :]
        if not rest:
            return FieldRef(path, found, " · ".join(labels))
        if len(rest) == 1 and rest[0] in found.codec.parts:
            return FieldRef(path, part_model(found, rest[0]), " · ".join([*labels, part_label(rest[0])]))
        if len(found.codec.targets) != 1:
            return None
        owner = g.model.object(found.codec.targets[0])
    return None


def field_refs(root: ObjectModel, paths: Iterable[str]) -> list[FieldRef]:
    """Follow several paths; what leads nowhere is left out. ``account.name`` shows as the link ``account`` itself."""
    found = (field_ref(root, _link_of(root, path)) for path in paths)
    return list({f.path: f for f in found if f is not None}.values())


def _link_of(root: ObjectModel, path: str) -> str:
    head, _, rest = path.rpartition(".")
    link = field_ref(root, head) if head else None
    if link is None or len(link.model.codec.targets) != 1:
        return path
    return head if g.model.object(link.model.codec.targets[0]).name_field == rest else path


def run(query: Query) -> Page:
    """Answer a query under the rights of the person."""
    with g.tenant.database.reading() as connection:
        return run_query(g.tenant, connection, g.model, g.person, query)


def names_for(rows: Sequence[Mapping[str, Any]], refs: Iterable[FieldRef]) -> dict[str, str]:
    """Return the labels of all records and files that ``rows`` point at, one query per object."""
    ids: dict[str, set[str]] = {}
    refs = list(refs)
    stored = {row.get(ref.path) for ref in refs if ref.model.type.widget in ("file", "image") for row in rows}
    for ref in refs:
        if ref.model.category == "reference":
            for row in rows:
                value = row.get(ref.path)
                if isinstance(value, str):
                    ids.setdefault(value.rpartition("_")[0], set()).add(value)
    return names_of_ids(ids) | _file_names({i for i in stored if isinstance(i, str)})


def _file_names(ids: set[str]) -> dict[str, str]:
    """Return the names of the files that the person may read."""
    names = {}
    if ids:
        with g.tenant.database.reading() as connection:
            for file_id in ids:
                with suppress(files.UnknownFile):
                    names[file_id] = files.read(g.tenant, connection, g.model, g.person, file_id).name
    return names


def names_of_ids(ids: Mapping[str, set[str]]) -> dict[str, str]:
    """Return the labels of records by external id; what the person may not see is missing."""
    names: dict[str, str] = {}
    for name, wanted in ids.items():
        target = g.model.object(name) if name in g.model.object_names else None
        if target is None or target.name_field is None:
            continue
        condition = {"field": "id", "op": "in", "value": sorted(wanted)[:MAX_IDS]}
        page = run(Query(name, (target.name_field,), condition, limit=min(len(wanted), MAX_IDS)))
        names.update({row["id"]: label_of(row, target) for row in page.rows})
    return names


def label_of(row: Mapping[str, Any], target: ObjectModel) -> str:
    """Return what a record is called."""
    from trellis_admin.renderers.parts import person_text

    value = row.get(target.name_field or "")
    if isinstance(value, Mapping):
        return person_text(value) or row["id"]
    return str(value) if value else row["id"]


def one_record(root: ObjectModel, record: str) -> dict[str, Any]:
    """Return all fields of one record, or answer 404 (also where the person may not see it)."""
    number_of(record, root.name)
    page = run(Query(root.name, filter={"field": "id", "op": "=", "value": record}, limit=1))
    if not page.rows:
        raise NotFound
    return page.rows[0]


def search(objects: Iterable[str], text: str, limit: int) -> list[tuple[ObjectModel, Mapping[str, Any]]]:
    """Find records by full text, then by the beginning of their names."""
    found: list[tuple[ObjectModel, Mapping[str, Any]]] = []
    for name in objects:
        target = g.model.object(name)
        if target.name_field is None:
            continue
        for row in find(target, text, limit):
            found.append((target, row))
    return found[:limit]


def find(
    target: ObjectModel, text: str, limit: int, condition: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Return records of one object whose indexed text or name matches; with an empty text the last changed ones.

    ``condition`` is a filter tree that all of them satisfy.
    """
    from trellis.query import Sort

    fields = (target.name_field,) if target.name_field else ()
    if not text:
        return run(Query(target.name, fields, condition, (Sort("modified_at", True),), limit)).rows
    rows = run(Query(target.name, fields, condition, search=text, limit=limit)).rows
    name = target.field(target.name_field) if target.name_field else None
    if len(rows) < limit and name is not None and name.category == "text":
        named: Mapping[str, Any] = {"field": name.name, "op": "contains", "value": text}
        wanted = named if condition is None else {"and": [condition, named]}
        known = {r["id"] for r in rows}
        rows += [r for r in run(Query(target.name, fields, wanted, limit=limit)).rows if r["id"] not in known]
    return rows[:limit]
