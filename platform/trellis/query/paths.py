"""Resolves field paths such as ``account.owner.name`` or ``address.city`` to columns, with the joins that they need.

A joined record that the asker may not read is as good as absent: the right is part of the join condition.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from trellis.access import Principal
from trellis.access.fields import FieldRights
from trellis.access.masking import mask
from trellis.access.predicate import record_predicate
from trellis.fields import field_types
from trellis.model import FieldModel, Model, ObjectModel
from trellis.query.query import problem
from trellis.record_id import MAX_ID
from trellis_metadata.diagnostics import did_you_mean

MAX_HOPS = 6


@dataclass(frozen=True, slots=True)
class Resolved:
    """A path's columns under the right alias. ``decode`` and ``write`` turn them into Python and JSON values."""

    path: str
    columns: tuple[sa.ColumnElement[Any], ...]
    category: str
    field: FieldModel | None
    decode: Callable[[tuple[Any, ...]], Any]
    write: Callable[[Any], Any] | None
    parse: Callable[[Any], Any]
    sortable: bool
    part: str | None = None

    @property
    def column(self) -> sa.ColumnElement[Any]:
        return self.columns[0]


class UnknownPath(Exception):
    """The path leads nowhere; ``problem`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem("", code, message)


class Paths:
    """Resolver for one query over one root object. Collects the joins as it goes."""

    def __init__(self, model: Model, root: ObjectModel, principal: Principal) -> None:
        self.model, self.root, self.principal = model, root, principal
        self.rights = FieldRights(principal, model)
        self.source: Any = root.table
        self._joined: dict[tuple[str, ...], tuple[ObjectModel, Any]] = {(): (root, root.table)}

    def resolve(self, path: str) -> Resolved:
        """Return the columns of ``path``. Raises :class:`UnknownPath`."""
        steps = path.split(".")
        if len(steps) > MAX_HOPS:
            raise UnknownPath("too_deep", f"'{path[:80]}' goes over more than {MAX_HOPS - 1} relations.")
        masked, unknown = self.rights.check(self.root, steps)
        if unknown:
            raise UnknownPath("unknown_field", unknown)
        found = self._resolve(path, steps)
        return masked_form(found) if masked else found

    def _resolve(self, path: str, steps: Sequence[str]) -> Resolved:
        owner, table = self.root, self.root.table
        for position, step in enumerate(steps):
            last = position == len(steps) - 1
            if step == "id" and last:
                return _id(path, owner, table)
            found = owner.field(step)
            if found is None:
                known = [*owner.fields, *owner.system, "id"]
                raise UnknownPath(
                    "unknown_field", f"'{owner.name}' has no field '{step[:60]}'.{did_you_mean(step, known)}"
                )
            if last:
                return _field(path, found, table)
            rest = steps[position + 1 :]
            if len(rest) == 1 and rest[0] in found.codec.parts:
                return _part(path, found, table, rest[0])
            owner, table = self._join(tuple(steps[: position + 1]), found, table)
        raise AssertionError("unreachable")

    def _join(self, prefix: tuple[str, ...], field: FieldModel, table: Any) -> tuple[ObjectModel, Any]:
        if prefix in self._joined:
            return self._joined[prefix]
        if field.category != "reference":
            raise UnknownPath(
                "not_a_relation",
                f"'{'.'.join(prefix)}' is not a relation: nothing can follow it but "
                f"{', '.join(field.codec.parts) or 'nothing'}.",
            )
        if len(field.codec.targets) != 1:
            raise UnknownPath(
                "several_targets",
                f"'{'.'.join(prefix)}' can point at {', '.join(field.codec.targets)}: its fields differ.",
            )
        target = self.model.object(field.codec.targets[0])
        alias = target.table.alias(f"j{len(self._joined)}")
        condition = sa.and_(
            _of(table, field)[0] == alias.c.id,
            alias.c.deleted_at.is_(None),
            record_predicate(self.principal, target, alias),
        )
        self.source = self.source.outerjoin(alias, condition)
        self._joined[prefix] = (target, alias)
        return target, alias


def _of(table: Any, field: FieldModel) -> tuple[Any, ...]:
    return tuple(table.c[c.name] for c in field.columns)


def masked_form(found: Resolved) -> Resolved:
    """Return a path whose value is shown masked, and by which nothing can be found, sorted or grouped."""
    return replace(found, category="opaque", sortable=False, write=mask)


def _field(path: str, field: FieldModel, table: Any) -> Resolved:
    sortable = field.category not in ("opaque", "choices") and bool(field.columns)
    return Resolved(
        path, _of(table, field), field.category, field, field.decode, field.codec.to_json, field.codec.parse, sortable
    )


def _part(path: str, field: FieldModel, table: Any, part: str) -> Resolved:
    spec = field.codec.parts[part]
    column = table.c[field.part_column(part).name]
    return Resolved(
        path, (column,), spec.category, field, lambda v: v[0], spec.to_json, spec.parse or (lambda v: v), True, part
    )


def _id(path: str, owner: ObjectModel, table: Any) -> Resolved:
    env, name = owner.env, owner.name

    def parse(value: Any) -> int:
        return value if type(value) is int and 0 <= value <= MAX_ID else env.parse_id(value, [name])[1]

    return Resolved(path, (table.c.id,), "id", None, lambda v: v[0], lambda v: env.format_id(name, v), parse, True)


__all__ = ["Paths", "Resolved", "UnknownPath", "field_types", "record_predicate"]
