"""Validation rules: a record for which a rule's condition is true is refused, with the rule's message at its field.

The conditions of fields and all validation rules are told at once. A rule that cannot be evaluated refuses the record as
well: it fails closed. Deleting and restoring are no changes that rules judge: a record comes back as it was, and is judged
at its next change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trellis.formula import ErrorValue
from trellis.model import Model, ObjectModel
from trellis.rules.conditions import conditionals_of, judge, paths_of_conditions, states
from trellis.rules.formulas import Case, Formula, compiled, evaluate_all
from trellis.rules.scope import ObjectScope
from trellis.rules.values import values_of
from trellis.transaction.row import Row
from trellis_metadata.labels import Label, text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction

WHOLE = "_record"
"""Where an error stands that belongs to no field."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled validation rule."""

    name: str
    at: str
    message: Label
    when: Formula


def rules_of(model: Model, owner: ObjectModel) -> Sequence[Rule]:
    """Return the compiled rules of an object, built once per version."""
    found: Sequence[Rule] | None = owner.__dict__.get("_rules")
    if found is None:
        scope = ObjectScope(model.snapshot, owner.name)
        found = owner.__dict__["_rules"] = [
            Rule(doc["name"], doc.get("at", WHOLE), doc["message"], compiled(scope, doc["when"]))
            for doc in owner.doc.get("validation", ())
        ]
    return found


def enforce_rules(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that judges rows by the conditions of their fields and by validation rules."""
    rules, conditionals = rules_of(tx.model, model), conditionals_of(tx.model, model)
    if not rules and not conditionals:
        return
    paths = paths_of_conditions(conditionals).union(*(r.when.paths for r in rules))
    after = [{**(r.old or {}), **r.new} for r in rows]
    read = values_of(tx, model, after, [r.old for r in rows], paths)
    cases = [Case(now, old, old is None) for now, old in read]
    if conditionals:
        for row, found in zip(rows, states(tx, conditionals, cases), strict=True):
            judge(_wanted(row), row, found, migration=tx.migration)
    results = evaluate_all(tx, [r.when for r in rules], cases) if rules else []
    for row, values in zip(rows, results, strict=False):
        for rule, value in zip(rules, values, strict=True):
            _tell(rule, value, row, tx.principal.language)


def _wanted(row: Row) -> Mapping[str, Any]:
    """Return what the writer wants to set: values for a new record, changes of a stored one."""
    if row.old is None:
        return {k: v for k, v in row.given.items() if v is not None}
    return {k: v for k, v in row.given.items() if k in row.new}


def _tell(rule: Rule, found: Any, row: Row, language: str) -> None:
    if isinstance(found, ErrorValue):
        message = f"The rule '{rule.name}' cannot be evaluated for this record: {found.message}"
        row.refuse(rule.at, "rule_error", message)
    elif found:
        row.refuse(rule.at, rule.name, text_of(rule.message, language))
