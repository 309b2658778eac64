"""The physical side of a plan: which tables, columns and indexes a change adds, and which columns must be filled."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.fields import field_types
from trellis.fields.base import Environment
from trellis.model import ObjectModel
from trellis.model.object_model import stored_columns, stored_fields
from trellis.publishing import catalogue, indexes
from trellis.ripples.inputs import recomputed
from trellis.storage import physical, system
from trellis.storage.physical import FOLD, SHADOW, Storage
from trellis_metadata.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Fill:
    """A column that must be computed from what the records hold: a converted type or a case-folded shadow.

    ``restores``: the column still holds what the field was before the change that is undone; a value that nobody changed
    since comes back as it was, even where the conversion could not carry it.
    """

    object: str
    target: str
    source: str
    restores: bool = False


@dataclass
class Expansion:
    """Everything physical that one plan needs. ``before`` and ``after`` are catalogue entries by (new) object name."""

    before: dict[str, Storage] = field(default_factory=dict)
    after: dict[str, Storage] = field(default_factory=dict)
    created: list[str] = field(default_factory=list)
    added: dict[str, dict[str, physical.Place]] = field(default_factory=dict)
    fills: list[Fill] = field(default_factory=list)
    derived: dict[str, set[str]] = field(default_factory=dict)
    """Roll-ups that must be computed for the records that exist, by object."""
    shadows: dict[str, set[str]] = field(default_factory=dict)
    """Indexed formula fields whose copies must be computed for the records that exist, by object."""
    archived: list[Storage] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


Renames = Mapping[str, Mapping[str, str]]
"""New field name by old one, by (new) object name."""


def expand(
    old: Snapshot,
    new: Snapshot,
    storages: Mapping[str, Storage],
    tables: set[str],
    env: Environment,
    *,
    renamed_objects: Mapping[str, str],
    renamed_fields: Renames,
    revive: bool,
) -> Expansion:
    """Work out the physical change from ``old`` to ``new``. Pure: nothing is executed."""
    result = Expansion(renamed=dict(renamed_objects))
    old_name = {new_name: old_name for old_name, new_name in renamed_objects.items()}
    old_objects, anew = old.of_kind("object"), recomputed(old, new)
    for name, doc in new.of_kind("object").items():
        before_name = old_name.get(name, name)
        before_doc = old_objects.get(before_name)
        if name not in anew and (before_doc is doc or (before_doc == doc and before_name == name)):
            continue
        storage = storages.get(before_name)
        if before_doc is None and storage is not None and not revive:
            result.archived.append(storage)
            storage = None
        if storage is None:
            storage = physical.new_storage(name, tables)
            tables.add(storage.table)
            result.created.append(name)
        _expand_object(
            result,
            replace(storage, object=name),
            before_doc,
            doc,
            env,
            renamed_fields.get(name, {}),
            revive,
            anew.get(name, frozenset()),
        )
    return result


def _expand_object(
    result: Expansion,
    storage: Storage,
    before: Mapping[str, Any] | None,
    doc: Mapping[str, Any],
    env: Environment,
    renamed: Mapping[str, str],
    revive: bool,
    anew: Collection[str],
) -> None:
    types = field_types()
    fields = stored_fields(doc, env)
    codecs = {f["name"]: types[f["type"]].compile(f, env) for f in fields}
    wanted = stored_columns(doc, codecs)
    shadows = {mark + o: mark + n for o, n in renamed.items() for mark in (FOLD, SHADOW)}
    earlier = {renamed.get(f["name"], f["name"]): f for f in before["fields"]} if before is not None else {}
    changed = {
        f["name"]
        for f in doc["fields"]
        if f["name"] in earlier and _means_something_else(earlier[f["name"]], f, result.renamed)
    }
    changed |= {FOLD + n for n in changed} | {n for n in anew if n in earlier or n.startswith(SHADOW)}
    placed = physical.place_fields(storage, wanted, renamed={**renamed, **shadows}, changed=changed, revive=revive)
    name = storage.object
    result.before[name], result.after[name], result.added[name] = storage, placed.storage, dict(placed.fresh)
    derived = {f["name"] for f in fields if types[f["type"]].derived}
    if name not in result.created:
        wrong = derived if before is None else derived & {*anew, *placed.fresh, *placed.revived}
        result.derived.update({name: wrong} if wrong else {})
        copies = {n for n in wanted if n.startswith(SHADOW) and (before is None or n in placed.fresh)}
        result.shadows.update({name: {n[len(SHADOW) :] for n in copies}} if copies else {})
    if before is None:
        return
    for target in (*placed.fresh, *placed.revived):
        source = target[len(FOLD) :]
        if target.startswith(FOLD) and (source in earlier or source in placed.revived):
            result.fills.append(Fill(name, target, source))
        elif target in earlier and target not in derived and types[earlier[target]["type"]].stored:
            result.fills.append(Fill(name, target, earlier[target]["name"], restores=target in placed.revived))
    # A shadow is computed from the new columns, so conversions come first.
    result.fills.sort(key=lambda f: f.target.startswith(FOLD))


def _means_something_else(old: Mapping[str, Any], new: Mapping[str, Any], renamed_objects: Mapping[str, str]) -> bool:
    """Whether stored values must be read anew, although the columns may look alike: text and e-mail are both text."""
    if old["type"] != new["type"]:
        return True
    return not {renamed_objects.get(t, t) for t in _targets(old)} <= _targets(new)


def _targets(field: Mapping[str, Any]) -> set[str]:
    found = field.get("target", ())
    return {found} if isinstance(found, str) else set(found)


def add_columns(connection: Connection, expansion: Expansion, new: Snapshot, env: Environment) -> None:
    """Create new tables and add new columns. Adds only: an older model goes on working."""
    types = field_types()
    for storage in expansion.archived:
        archived = replace(storage, object=f"~{storage.table}")
        connection.execute(system.catalogue.delete().where(system.catalogue.c.object == storage.object))
        catalogue.write(connection, archived)
    for name, after in expansion.after.items():
        doc = new.of_kind("object")[name]
        columns = stored_columns(doc, {f["name"]: types[f["type"]].compile(f, env) for f in stored_fields(doc, env)})
        table = physical.build_table(after, columns)
        if name in expansion.created:
            physical.create_table(connection, table)
            continue
        fresh = [
            sa.Column(physical_name, column.type)
            for field_name, place in expansion.added[name].items()
            for physical_name, column in zip(place.names(columns[field_name]), columns[field_name], strict=True)
        ]
        if fresh:
            physical.add_columns(connection, after.table, fresh)
        remembered = replace(expansion.before[name], used=after.used)
        _write_under_old_name(connection, expansion, name, remembered)


def _write_under_old_name(connection: Connection, expansion: Expansion, name: str, storage: Storage) -> None:
    old = next((o for o, n in expansion.renamed.items() if n == name), name)
    catalogue.write(connection, replace(storage, object=old))


def activate(
    connection: Connection, expansion: Expansion, new: Snapshot, env: Environment, built: Collection[str] = ()
) -> None:
    """Switch the catalogue to the new entries and bring indexes in line with the documents.

    ``built`` names the indexes that were made online before. Raises ``DuplicateValues``.
    """
    for old, name in expansion.renamed.items():
        connection.execute(system.catalogue.delete().where(system.catalogue.c.object == old))
        for table in (system.change, system.fact, system.external_id, system.search, system.file):
            connection.execute(table.update().where(table.c.object == old).values(object=name))
    for name, after in expansion.after.items():
        model = ObjectModel(new.of_kind("object")[name], after, env)
        catalogue.write(connection, replace(after, indexes=indexes.sync(connection, model, built)))
