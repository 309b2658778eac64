"""Resolves field paths such as ``account.owner.name`` or ``address.city`` to columns, with the joins that they need.

A joined record that the asker may not read is as good as absent: the right is part of the join condition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa

from trellis.access import Principal
from trellis.access.fields import FieldRights
from trellis.access.masking import mask
from trellis.access.predicate import record_predicate
from trellis.fields import field_types
from trellis.fields.formula import ERROR
from trellis.formula.sql import Refused
from trellis.model import FieldModel, Model, ObjectModel
from trellis.model.formulas import Formula, compiled, formula_of
from trellis.query.formulas import Computed, Surroundings, condition_of, error_of, inputs_of, value_of
from trellis.query.query import problem
from trellis.record_id import MAX_ID
from trellis.ripples.hidden import MARK
from trellis.rules.filter_formulas import typed_filter
from trellis.rules.scope import USER
from trellis_metadata.diagnostics import did_you_mean

MAX_HOPS = 6


@dataclass(frozen=True, slots=True)
class Resolved:
    """A path's columns under the right alias. ``decode`` and ``write`` turn them into Python and JSON values.

    ``refused`` is why a formula cannot be filtered, sorted and grouped by, where that is so: it is computed by ``decode``
    from the columns that it reads. ``clock``: the value depends on the moment of the query.
    """

    path: str
    columns: tuple[sa.ColumnElement[Any], ...]
    category: str
    field: FieldModel | None
    decode: Callable[[tuple[Any, ...]], Any]
    write: Callable[[Any], Any] | None
    parse: Callable[[Any], Any]
    sortable: bool
    part: str | None = None
    refused: str | None = None
    clock: bool = False

    @property
    def simple(self) -> bool:
        """Whether the one column holds the Python value as it is."""
        plain = self.field is None or self.part is not None or self.field.codec.from_columns is None
        return self.refused is None and len(self.columns) == 1 and plain

    @property
    def column(self) -> sa.ColumnElement[Any]:
        return self.columns[0]


class UnknownPath(Exception):
    """The path leads nowhere; ``problem`` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.problem = problem("", code, message)


class Paths:
    """Resolver for one query over one root object. Collects the joins as it goes.

    INVARIANT: every join is made in :meth:`_join` with the right of the asker in its condition, also those that formulas
    need, so that nobody reads through a formula what he may not read. ``around`` is what formulas need to know of the
    query; without it formula fields are refused.
    """

    def __init__(
        self, model: Model, root: ObjectModel, principal: Principal, around: Surroundings | None = None
    ) -> None:
        self.model, self.root, self.principal, self.around = model, root, principal, around
        self.rights = FieldRights(principal, model)
        self.source: Any = root.table
        self._joined: dict[tuple[str, ...], tuple[ObjectModel, Any]] = {(): (root, root.table)}

    def resolve(self, path: str) -> Resolved:
        """Return the columns of ``path``. Raises :class:`UnknownPath`."""
        steps = path.split(".")
        if len(steps) > MAX_HOPS:
            raise UnknownPath("too_deep", f"'{path[:80]}' goes over more than {MAX_HOPS - 1} relations.")
        if any(step.startswith(MARK) for step in steps):
            raise UnknownPath("unknown_field", f"'{self.root.name}' has no field '{path[:60]}'.")
        masked, unknown = self.rights.check(self.root, steps)
        if unknown:
            raise UnknownPath("unknown_field", unknown)
        found = self._walk(path, (), steps)
        return masked_form(found) if masked else found

    def formula(self, text: str) -> Formula:
        """Return the condition ``text`` over records of the root. Raises ``FormulaError``."""
        typed = typed_filter(text, self.root.name, self.model.snapshot)
        return compiled(typed, typed)

    def condition(self, formula: Formula) -> sa.ColumnElement[bool]:
        """Return a condition over the root as SQL. Raises ``Refused``."""
        if self.around is None:
            raise Refused("Formulas are not available here")
        self.rights.refuse_hidden(self.root, formula)
        return condition_of(formula, self.around, lambda path: self._read_by_formula((), path))

    def _walk(self, path: str, prefix: tuple[str, ...], steps: list[str]) -> Resolved:
        owner, table = self._joined[prefix]
        for position, step in enumerate(steps):
            last = position == len(steps) - 1
            if step == "id" and last:
                return _id(path, owner, table)
            found = owner.field(step) or owner.hidden.get(step)
            if found is None:
                known = [*owner.fields, *owner.system, "id"]
                raise UnknownPath(
                    "unknown_field", f"'{owner.name}' has no field '{step[:60]}'.{did_you_mean(step, known)}"
                )
            rest, place = steps[position + 1 :], (*prefix, *steps[:position])
            part = rest[0] if len(rest) == 1 and rest[0] in found.codec.parts else None
            if found.is_formula and (last or part):
                return self._formula(path, place, owner, found, part)
            if last:
                return _field(path, found, table)
            if part:
                return _part(path, found, table, part)
            owner, table = self._join((*place, step), found, table)
        raise AssertionError("unreachable")

    def _formula(
        self, path: str, place: tuple[str, ...], owner: ObjectModel, field: FieldModel, part: str | None
    ) -> Resolved:
        if self.around is None:
            raise UnknownPath("formula_not_available", f"'{path}' is a formula, which is not available here.")
        formula = formula_of(self.model, owner, field)
        if part is None and field.name in owner.shadows and self.around.copies:
            copy = _field(path, owner.shadows[field.name], self._joined[place][1])
            return masked_form(copy) if self.reads_hidden(owner, formula) else copy
        compute = value_of if part is None else error_of
        found = compute(formula, self.around, lambda inner: self._read_by_formula(place, inner))
        if place:
            found = found.unless_absent(self._joined[place][1].c.id)
        refused = None
        if found.refused:
            refused = f"'{path}' can be shown, but not filtered, sorted or grouped by: {found.refused}."
        category, codec = ("boolean", None) if part else (field.category, field.codec)
        resolved = Resolved(
            path,
            found.columns,
            category,
            field,
            found.decode,
            codec.to_json if codec else None,
            codec.parse if codec else field.codec.parts[ERROR].parse or bool,
            refused is None,
            part,
            refused,
            found.clock,
        )
        return masked_form(resolved) if self.reads_hidden(owner, formula) else resolved

    def inputs(self, formula: Formula) -> Computed:
        """Return what a formula of the root reads, decoded to the context of its evaluation."""
        assert self.around is not None
        return inputs_of(formula, self.around, lambda path: self._read_by_formula((), path))

    def reads_hidden(self, owner: ObjectModel, formula: Formula) -> bool:
        """Whether a formula tells of a field that the asker may not see, or sees masked: then the whole is masked."""
        return any(self._hides(owner, s.path.split(".")) for s in formula.symbols if not s.is_global)

    def _hides(self, owner: ObjectModel, steps: list[str]) -> bool:
        *relations, last = steps
        if not last.startswith(MARK):
            masked, unknown = self.rights.check(owner, steps)
            return masked or unknown is not None
        # An aggregate over child records tells of their field.
        if relations and self._hides(owner, relations):
            return True
        for step in relations:
            field = owner.field(step)
            assert field is not None
            owner = self.model.object(field.codec.targets[0])
        kept = owner.hidden[last].doc
        child = self.model.object(kept["of"].partition(".")[0])
        return "field" in kept and self._hides(child, [kept["field"]])

    def _read_by_formula(self, place: tuple[str, ...], path: str) -> Resolved:
        """Resolve a path that a formula of the record at ``place`` reads."""
        steps = path.split(".")
        if steps[0] == USER:
            self._join_user()
            return self._walk(path, (USER,), steps[1:])
        return self._walk(path, place, steps)

    def _join_user(self) -> None:
        """Join the record of the asker."""
        if (USER,) not in self._joined:
            me = sa.bindparam("me", self.principal.user, type_=sa.BigInteger())
            self._attach((USER,), self.model.object("user"), lambda alias: alias.c.id == me)

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
        return self._attach(prefix, target, lambda alias: _of(table, field)[0] == alias.c.id)

    def _attach(
        self, prefix: tuple[str, ...], target: ObjectModel, matches: Callable[[Any], sa.ColumnElement[bool]]
    ) -> tuple[ObjectModel, Any]:
        alias = target.table.alias(f"j{len(self._joined)}")
        condition = sa.and_(
            matches(alias), alias.c.deleted_at.is_(None), record_predicate(self.principal, target, alias)
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
