"""The values that rules see, for a batch of records: those of related records are read set-wise, one query per relation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from trellis.fields.base import Codec
from trellis.fields.currency import Money
from trellis.model import ObjectModel
from trellis.rules.scope import USER
from trellis.transaction.row import Row
from trellis.transaction.statements import statements_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

Values = dict[str, Any]


def values_for(
    tx: Transaction, model: ObjectModel, rows: Sequence[Row], paths: Iterable[str]
) -> list[tuple[Values, Values | None]]:
    """Return, per row, the values of ``paths`` after and before the write (None: new record)."""
    wanted = [p.split(".") for p in paths]
    after = [{**(r.old or {}), **r.new} for r in rows]
    before = [r.old for r in rows]
    user = _user_values(tx, [w[1:] for w in wanted if w[0] == USER])
    own = [w for w in wanted if w[0] != USER]
    now = [{**v, **user} for v in _read(tx, model, after, own)]
    old = iter(_read(tx, model, [b for b in before if b is not None], own))
    return [(v, {**next(old), **user} if b is not None else None) for v, b in zip(now, before, strict=True)]


def _user_values(tx: Transaction, paths: list[list[str]]) -> Values:
    if not paths:
        return {}
    model = tx.model.object("user")
    found = statements_of(model).fetch(tx.connection, [tx.principal.user]) if tx.principal.user is not None else {}
    record = found.get(tx.principal.user or 0, {})
    return {f"{USER}.{path}": value for path, value in _read(tx, model, [record], paths)[0].items()}


def _read(
    tx: Transaction, model: ObjectModel, records: Sequence[Values], paths: Sequence[Sequence[str]]
) -> list[Values]:
    """Return the values at ``paths`` for each record, following one relation at a time for all records together."""
    out: list[Values] = [{} for _ in records]
    nested: dict[str, list[Sequence[str]]] = {}
    for path in paths:
        if len(path) > 1:
            nested.setdefault(path[0], []).append(path[1:])
            continue
        field = model.field(path[0])
        for record, values in zip(records, out, strict=True):
            values[path[0]] = _plain(record.get(path[0]), field.codec if field else None)
    for relation, rest in nested.items():
        field = model.field(relation)
        assert field is not None
        target = tx.model.object(field.codec.targets[0])
        ids = sorted({r[relation].id for r in records if r.get(relation) is not None})
        found = statements_of(target).fetch(tx.connection, ids) if ids else {}
        related = [found.get(r[relation].id, {}) if r.get(relation) is not None else {} for r in records]
        for values, inner in zip(out, _read(tx, target, related, rest), strict=True):
            values.update({f"{relation}.{path}": value for path, value in inner.items()})
    return out


def _plain(value: Any, codec: Codec | None) -> Any:
    """Return a value as formulas see it: amounts as numbers, references as external ids, texts as texts."""
    if value is None or codec is None:
        return None
    if isinstance(value, Money):
        return value.amount
    if codec.category == "reference":
        return codec.to_json(value) if codec.to_json else value
    if codec.category == "text" and not isinstance(value, str):
        return codec.to_text(value) if codec.to_text else str(value)
    return value
