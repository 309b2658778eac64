"""Validation rules: a record for which a rule's condition is true is refused, with the rule's message at its field.

All rules of a record are told at once. A rule that cannot be evaluated refuses the record as well: it fails closed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from trellis.formula import Context, ErrorValue
from trellis.formula import compile as compile_formula
from trellis.model import Model, ObjectModel
from trellis.rules.scope import ObjectScope
from trellis.rules.values import values_for
from trellis.transaction.row import Row
from trellis_metadata.formula.checker import check
from trellis_metadata.formula.parser import parse
from trellis_metadata.formula.typed import Field, walk
from trellis_metadata.formula.types import Type
from trellis_metadata.labels import Label, text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled validation rule. ``paths`` are the values that its condition reads."""

    name: str
    at: str
    message: Label
    paths: frozenset[str]
    when: Callable[[Context], Any]


def rules_of(model: Model, owner: ObjectModel) -> Sequence[Rule]:
    """Return the compiled rules of an object, built once per version."""
    found = owner.__dict__.get("_rules")
    if found is None:
        scope = ObjectScope(model.snapshot, owner.name)
        found = owner.__dict__["_rules"] = [_compile(scope, doc) for doc in owner.doc.get("validation", ())]
    return found


def _compile(scope: ObjectScope, doc: Mapping[str, Any]) -> Rule:
    typed = check(parse(doc["when"]), scope, text=doc["when"], returns=Type.BOOLEAN)
    paths = frozenset(
        n.symbol.path for n in walk(typed.root) if isinstance(n, Field) and not n.symbol.path.startswith("$System")
    )
    return Rule(doc["name"], doc.get("at", "_record"), doc["message"], paths, compile_formula(typed))


def enforce_validation(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that evaluates validation rules. Deleting is no change that they judge."""
    rules = rules_of(tx.model, model)
    if not rules:
        return
    paths = frozenset().union(*(r.paths for r in rules))
    zone = ZoneInfo(tx.tenant.time_zone)
    for row, (now, old) in zip(rows, values_for(tx, model, rows, sorted(paths)), strict=True):
        context = Context(
            _Row(now), now=tx.now, zone=zone, old=_Row(old) if old is not None else None, is_new=old is None
        )
        for rule in rules:
            found = rule.when(context)
            if isinstance(found, ErrorValue):
                row.refuse(
                    rule.at,
                    "rule_error",
                    f"The rule '{rule.name}' cannot be evaluated for this record: {found.message}",
                )
            elif found:
                row.refuse(rule.at, rule.name, text_of(rule.message, tx.principal.language))


class _Row(dict[str, Any]):
    """Integers become decimals: formulas know one kind of number."""

    def __getitem__(self, key: str) -> Any:
        value = dict.get(self, key)
        return Decimal(value) if type(value) is int else value
