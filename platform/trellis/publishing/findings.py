"""What a plan means for the records that exist: values that would be lost, rules that they would break."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.fields.base import InvalidValue
from trellis.model import FieldModel, Model, ObjectModel
from trellis.publishing.expansion import Expansion
from trellis.publishing.filling import convert, fold
from trellis.ripples.definition import rollups_of
from trellis.ripples.hidden import MARK
from trellis.ripples.words import describe
from trellis.storage.physical import FOLD
from trellis_metadata.labels import Label, text_of
from trellis_metadata.plan import Plan
from trellis_metadata.snapshot import Snapshot

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Finding:
    """One consequence: ``count`` records of ``subject`` (``object`` or ``object.field``)."""

    code: str
    subject: str
    count: int
    message: Label
    destructive: bool = False

    def to_json(self, language: str) -> dict[str, Any]:
        return {
            "code": self.code,
            "subject": self.subject,
            "count": self.count,
            "message": text_of(self.message, language),
            "destructive": self.destructive,
        }


def examine(connection: Connection, model: Model, new: Snapshot, expansion: Expansion, plan: Plan) -> list[Finding]:
    """Count what the plan would lose or leave in breach of its new rules."""
    found: list[Finding] = []
    new_objects = new.of_kind("object")
    names = {n: o for o, n in expansion.renamed.items()}
    for name in model.snapshot.of_kind("object"):
        if name not in new_objects and name not in expansion.renamed:
            count = _count(connection, model.object(name), None)
            if count:
                found.append(
                    Finding(
                        "records_hidden",
                        name,
                        count,
                        {
                            "en": f"{count} records of '{name}' are no longer reachable.",
                            "zh": f"“{name}”的 {count} 条记录将不可访问。",
                        },
                        True,
                    )
                )
    for name in expansion.after:
        old_doc = model.snapshot.get("object", names.get(name, name))
        if old_doc is not None and name not in expansion.created:
            before = model.object(names.get(name, name))
            after = ObjectModel(new_objects[name], expansion.after[name], replace(model.env, snapshot=new))
            found.extend(_examine_object(connection, before, after, expansion, (model.snapshot, new)))
    found.extend(_lost_shared_options(connection, model, new, expansion))
    found.extend(_derived(connection, model, new, expansion, names))
    found.extend(_copied(connection, model, expansion, names))
    return found


def _derived(
    connection: Connection, model: Model, new: Snapshot, expansion: Expansion, old_names: Mapping[str, str]
) -> Iterator[Finding]:
    """Tell which roll-ups are computed, for how many records."""
    known = rollups_of(new)
    for name, fields in sorted(expansion.derived.items()):
        before = old_names.get(name, name)
        if model.snapshot.get("object", before) is None:
            continue
        t = model.object(before).table
        count = int(connection.execute(sa.select(sa.func.count()).select_from(t)).scalar_one())
        for field in sorted(fields):
            words = {code: describe(known[name, field], new, code) for code in ("en", "zh")}
            hidden = field.startswith(MARK)
            en, zh = ("A roll-up for a formula", "公式所用的汇总") if hidden else (f"'{field}'", f"“{field}”")
            yield Finding(
                "rollup_computed",
                f"{name}.{field}",
                count,
                {
                    "en": f"{en} is computed for {count} records: {words['en']}.",
                    "zh": f"将为 {count} 条记录计算{zh}：{words['zh']}。",
                },
            )


def _copied(
    connection: Connection, model: Model, expansion: Expansion, old_names: Mapping[str, str]
) -> Iterator[Finding]:
    """Tell which indexed formulas are computed, for how many records."""
    for name, fields in sorted(expansion.shadows.items()):
        before = old_names.get(name, name)
        if model.snapshot.get("object", before) is None:
            continue
        count = _count(connection, model.object(before), None)
        for field in sorted(fields):
            yield Finding(
                "formula_computed",
                f"{name}.{field}",
                count,
                {
                    "en": f"'{field}' is computed and stored for {count} records, for its index.",
                    "zh": f"将为 {count} 条记录计算并存储“{field}”，供索引使用。",
                },
            )


def _examine_object(
    connection: Connection,
    before: ObjectModel,
    after: ObjectModel,
    expansion: Expansion,
    snapshots: tuple[Snapshot, Snapshot],
) -> Iterator[Finding]:
    kept = {p.column for p in after.storage.places.values()}
    converted = {f.source for f in expansion.fills if f.object == after.name and not f.target.startswith(FOLD)}
    columns = {f.name: before.storage.places[f.name].column for f in before.fields.values() if f.columns}
    for field in (f for f in before.fields.values() if f.columns):
        if columns[field.name] not in kept and field.name not in converted and not field.type.derived:
            count = _count(connection, before, field)
            if count:
                yield Finding(
                    "values_hidden",
                    f"{after.name}.{field.name}",
                    count,
                    {
                        "en": f"{count} records lose their value of '{field.name}'.",
                        "zh": f"{count} 条记录将失去“{field.name}”的值。",
                    },
                    True,
                )
    by_column = {columns[n]: f for n, f in before.fields.items() if f.columns}
    for field in (f for f in after.fields.values() if f.columns):
        old = by_column.get(after.storage.places[field.name].column)
        if field.required and (old is None or not old.required):
            count = _count(connection, before, None) - (_count(connection, before, old) if old else 0)
            if count:
                yield Finding(
                    "required_but_blank",
                    f"{after.name}.{field.name}",
                    count,
                    {
                        "en": f"{count} records have no '{field.name}'; they must get one when they are next changed.",
                        "zh": f"{count} 条记录没有“{field.name}”，下次修改时必须填写。",
                    },
                )
        if old is not None:
            yield from _lost_options(connection, before, old, field.doc, f"{after.name}.{field.name}", snapshots)
    for fill in expansion.fills:
        if fill.object == after.name and not fill.target.startswith(FOLD):
            yield from _conversion(
                connection, before, before.fields[fill.source], after.fields[fill.target], after.name
            )
    yield from _duplicates(connection, before, after)


def _lost_options(
    connection: Connection,
    before: ObjectModel,
    old: FieldModel,
    new: Mapping[str, Any],
    subject: str,
    snapshots: tuple[Snapshot, Snapshot],
) -> Iterator[Finding]:
    if old.category not in ("choice", "choices") or new["type"] != old.doc["type"]:
        return
    gone = sorted(_options(old.doc, snapshots[0]) - _options(new, snapshots[1]))
    if not gone:
        return
    t = before.table
    held = (
        old.column.in_(gone)
        if old.category == "choice"
        else sa.or_(*(old.column.contains(f";{name};", autoescape=True) for name in gone))
    )
    count = connection.execute(sa.select(sa.func.count()).select_from(t).where(held)).scalar_one()
    if count:
        yield Finding(
            "option_in_use",
            subject,
            count,
            {
                "en": f"{count} records hold a removed option of '{new['name']}'; they keep it until they are changed.",
                "zh": f"{count} 条记录使用了“{new['name']}”被删除的选项，修改前将保留。",
            },
            True,
        )


def _options(field: Mapping[str, Any], snapshot: Snapshot) -> set[str]:
    shared = snapshot.get("picklist", field["picklist"]) if "picklist" in field else None
    return {o["name"] for o in (shared or field).get("options", ())}


def _lost_shared_options(
    connection: Connection, model: Model, new: Snapshot, expansion: Expansion
) -> Iterator[Finding]:
    """Look at objects that do not change themselves but use a shared list that does."""
    for name, doc in new.of_kind("object").items():
        if name in expansion.after or model.snapshot.get("object", name) is None:
            continue
        for field in doc["fields"]:
            if "picklist" in field and _options(field, model.snapshot) - _options(field, new):
                before = model.object(name)
                yield from _lost_options(
                    connection,
                    before,
                    before.fields[field["name"]],
                    field,
                    f"{name}.{field['name']}",
                    (model.snapshot, new),
                )


def _conversion(
    connection: Connection, before: ObjectModel, old: FieldModel, new: FieldModel, name: str
) -> Iterator[Finding]:
    change, lost = convert(old, new), 0
    query = sa.select(*old.columns).where(old.column.isnot(None)).execution_options(yield_per=1000)
    for row in connection.execute(query):
        try:
            change(old.decode(tuple(row)))
        except InvalidValue:
            lost += 1
    if lost:
        yield Finding(
            "values_lost",
            f"{name}.{new.name}",
            lost,
            {
                "en": f"{lost} values of '{new.name}' cannot be read as {new.doc['type']} and become blank.",
                "zh": f"“{new.name}”的 {lost} 个值无法转换为 {new.doc['type']}，将变为空。",
            },
            True,
        )


def _duplicates(connection: Connection, before: ObjectModel, after: ObjectModel) -> Iterator[Finding]:
    known = {(k.name, k.fields) for k in before.unique_keys}
    for key in after.unique_keys:
        if (key.name, key.fields) in known:
            continue
        fields = [before.field(n) for n in key.fields]
        if any(f is None or not f.columns for f in fields):
            continue
        columns = [f.column for f in fields if f is not None]
        seen: dict[tuple[Any, ...], int] = {}
        query = sa.select(*columns).where(before.table.c.deleted_at.is_(None), *[c.isnot(None) for c in columns])
        for row in connection.execute(query.execution_options(yield_per=1000)):
            value = tuple(
                fold(v) if isinstance(v, str) and n in after.folded else v for v, n in zip(row, key.fields, strict=True)
            )
            seen[value] = seen.get(value, 0) + 1
        count = sum(n for n in seen.values() if n > 1)
        if count:
            yield Finding(
                "duplicates",
                f"{after.name}.{key.name}",
                count,
                {
                    "en": f"{count} records share a value of the new unique key '{key.name}'. Resolve them first.",
                    "zh": f"{count} 条记录在新的唯一键“{key.name}”上重复，请先处理。",
                },
                True,
            )


def _count(connection: Connection, model: ObjectModel, field: FieldModel | None) -> int:
    query = sa.select(sa.func.count()).select_from(model.table).where(model.table.c.deleted_at.is_(None))
    if field is not None:
        query = query.where(field.column.isnot(None))
    return int(connection.execute(query).scalar_one())


Counts = Mapping[str, int]
