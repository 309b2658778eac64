"""The values that rules see, for a batch of records: those of related records are read set-wise, one query per relation.

Rules that judge see every record (a person could otherwise escape a rule by lacking a right). Where a value is handed out
(defaults, the state of a form) reading is *guarded*: a related record that the person may not read is as good as absent.
A related record in the recycle bin is absent for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from trellis.access import rights
from trellis.access.decide import allowed_ids
from trellis.fields.base import Codec
from trellis.fields.currency import Money
from trellis.model import ObjectModel
from trellis.rules.reader import Reader
from trellis.rules.scope import OLD, ORG, USER
from trellis.transaction.statements import statements_of

Values = dict[str, Any]
Path = Sequence[str]


def values_of(
    reader: Reader,
    model: ObjectModel,
    after: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, Any] | None],
    paths: Iterable[str],
    *,
    guarded: bool = False,
) -> list[tuple[Values, Values | None]]:
    """Return, per record, the values of ``paths`` after and before a change (None: new record)."""
    wanted = [p.split(".") for p in sorted(paths)]
    own = [w for w in wanted if not w[0].startswith("$")]
    earlier = [w[1:] for w in wanted if w[0] == OLD]
    shared = {
        **_user_values(reader, [w[1:] for w in wanted if w[0] == USER], guarded=guarded),
        **_organisation(reader, [w[1] for w in wanted if w[0] == ORG]),
    }
    known = [b for b in before if b is not None]
    old = iter(read(reader, model, known, [*own, *earlier], guarded=guarded) if known else ())
    out: list[tuple[Values, Values | None]] = []
    for now, stored in zip(read(reader, model, after, own, guarded=guarded), before, strict=True):
        was = {**next(old), **shared} if stored is not None else None
        prior = {f"{OLD}.{'.'.join(p)}": was.get(".".join(p)) if was else None for p in earlier}
        out.append(({**now, **shared, **prior}, {**was, **prior} if was is not None else None))
    return out


def _organisation(reader: Reader, names: Sequence[str]) -> Values:
    settings = {**reader.tenant.settings, "name": reader.tenant.settings.get("organisation")}
    return {f"{ORG}.{name}": settings.get(name) or None for name in names}


def _user_values(reader: Reader, paths: Sequence[Path], *, guarded: bool) -> Values:
    if not paths:
        return {}
    model, user = reader.model.object("user"), reader.principal.user
    found = statements_of(model).fetch(reader.connection, [user]) if user is not None else {}
    record = found.get(user or 0, {})
    # Everybody may know himself; what stands behind his record is guarded.
    own = read(reader, model, [record], [p for p in paths if len(p) == 1], guarded=False)[0]
    more = read(reader, model, [record], [p for p in paths if len(p) > 1], guarded=guarded)[0]
    return {f"{USER}.{path}": value for path, value in {**own, **more}.items()}


def read(
    reader: Reader, model: ObjectModel, records: Sequence[Mapping[str, Any]], paths: Sequence[Path], *, guarded: bool
) -> list[Values]:
    """Return the values at ``paths`` for each record, following one relation at a time for all records together."""
    out: list[Values] = [{} for _ in records]
    nested: dict[str, list[Path]] = {}
    for path in paths:
        if guarded and not field_readable(reader, model, path[0]):
            for values in out:
                values[".".join(path)] = None
            continue
        compound = model.field(path[0]) if len(path) == 2 else None
        if compound is not None and path[1] in compound.codec.parts:
            for record, values in zip(records, out, strict=True):
                values[".".join(path)] = compound.part_value(record.get(path[0]), path[1])
            continue
        if len(path) > 1:
            nested.setdefault(path[0], []).append(path[1:])
            continue
        for record, values in zip(records, out, strict=True):
            values[path[0]] = plain_value(model, path[0], record)
    for relation, rest in nested.items():
        field = model.field(relation)
        assert field is not None
        target = reader.model.object(field.codec.targets[0])
        ids = sorted({r[relation].id for r in records if r.get(relation) is not None})
        found = statements_of(target).fetch(reader.connection, ids) if ids else {}
        alive = {k: v for k, v in found.items() if v.get("deleted_at") is None}
        seen = readable(reader, target, alive) if guarded else alive
        related = [seen.get(r[relation].id, {}) if r.get(relation) is not None else {} for r in records]
        for values, inner in zip(out, read(reader, target, related, rest, guarded=guarded), strict=True):
            values.update({f"{relation}.{path}": value for path, value in inner.items()})
    return out


def readable(reader: Reader, model: ObjectModel, records: Mapping[int, Values]) -> dict[int, Values]:
    """Return the records that the principal may read."""
    seen = allowed_ids(reader.connection, reader.principal, reader.model, model, records, "read")
    return {k: v for k, v in records.items() if k in seen}


def field_readable(reader: Reader, model: ObjectModel, name: str) -> bool:
    """Whether the principal may read a field whole, not only masked."""
    allowed = rights(reader.principal, model.doc)
    return name == "id" or (allowed.may_read_field(name) and not allowed.masks(name))


def plain_value(model: ObjectModel, name: str, record: Mapping[str, Any]) -> Any:
    """Return a field of a record as formulas see it: amounts as numbers, references as external ids, texts as texts."""
    if name == "id":
        return model.env.format_id(model.name, record["id"]) if record.get("id") is not None else None
    field, value = model.field(name) or model.hidden.get(name), record.get(name)
    return None if field is None or value is None else as_formulas_see(value, field.codec)


def as_formulas_see(value: Any, codec: Codec) -> Any:
    """Return a value of a field, not null, as formulas see it."""
    if isinstance(value, Money):
        return value.amount
    if codec.category == "reference":
        return codec.to_json(value) if codec.to_json else value
    if codec.category == "text" and not isinstance(value, str):
        # As the main column has it, so that SQL reads the same.
        return codec.compare(value) if codec.compare else str(value)
    return Decimal(value) if type(value) is int else value
