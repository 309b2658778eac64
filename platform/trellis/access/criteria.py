"""Rules by condition: which records they touch is stored as shares, in the transaction that writes the record.

A rule whose condition cannot be evaluated for a record gives nothing (sharing) or hides it (restriction): closed, not open.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from trellis.access.arms.shares import CRITERIA, RESTRICTION
from trellis.access.organisation import DIRECT, EVERYONE, LEVELS, Directory, key_of
from trellis.formula import ErrorValue
from trellis.model import Model, ObjectModel
from trellis.rules.formulas import Case, Formula, compiled, evaluate_all
from trellis.rules.scope import ObjectScope
from trellis.rules.values import values_of
from trellis.storage.tables.access import access_rule, reach, share
from trellis.transaction.row import Row

if TYPE_CHECKING:
    from trellis.transaction import Transaction


@dataclass(frozen=True, slots=True)
class CriteriaRule:
    """A compiled rule. ``targets`` are the numbers of the principals to whom it gives or from whom it hides."""

    id: int
    kind: int
    level: int
    object: str
    targets: tuple[int, ...]
    when: Formula

    def touches(self, value: Any) -> bool:
        """Say whether the condition's value means that the record gets the rule's rows."""
        if isinstance(value, ErrorValue):
            return self.kind == RESTRICTION
        return bool(value)


def condition_of(document: Mapping[str, Any]) -> str | None:
    """Return the condition of a sharing or restriction rule; None for a rule by owner."""
    return document.get("when") or document.get("hide_when")


def rules_on(connection: Connection, model: Model, object_name: str) -> Sequence[CriteriaRule]:
    """Return the rules of an object, compiled once per model."""
    found: Mapping[str, Sequence[CriteriaRule]] | None = model.cache.get("criteria_rules")
    if found is None:
        found = model.cache["criteria_rules"] = _compile_all(connection, model)
    return found.get(object_name, ())


def _compile_all(connection: Connection, model: Model) -> Mapping[str, Sequence[CriteriaRule]]:
    found: dict[str, list[CriteriaRule]] = {}
    if not any(
        condition_of(d) for k in ("sharing_rule", "restriction_rule") for d in model.snapshot.of_kind(k).values()
    ):
        return found
    directory, c = Directory(connection), access_rule.c
    for number, kind, name in connection.execute(sa.select(c.id, c.kind, c.name).order_by(c.id)):
        document = model.snapshot.get(kind, name)
        condition = condition_of(document) if document else None
        if document is None or condition is None:
            continue
        hides = kind == "restriction_rule"
        found.setdefault(document["object"], []).append(
            CriteriaRule(
                number,
                RESTRICTION if hides else CRITERIA,
                0 if hides else LEVELS[document["level"]],
                document["object"],
                tuple(directory.number(key_of(p)) for p in document["applies_to" if hides else "share_with"]),
                compiled(ObjectScope(model.snapshot, document["object"]), condition),
            )
        )
    return found


def maintain(tx: Transaction, model: ObjectModel, rows: Sequence[Row]) -> None:
    """The step of the write path that keeps shares by rule, and the reach of new people, up to date."""
    if model.name == "user":
        _welcome(tx, rows)
    rules = rules_on(tx.connection, tx.model, model.name)
    if not rules:
        return
    changed = [r for r in rows if _concerns(rules, r)]
    if changed:
        store(
            tx,
            model,
            rules,
            [r.id or 0 for r in changed],
            [{**(r.old or {}), **r.new} for r in changed],
            new=[r.old is None for r in changed],
        )


def _concerns(rules: Sequence[CriteriaRule], row: Row) -> bool:
    if row.old is None:
        return True
    touched = set(row.changed)
    return any(path.split(".")[0] in touched for rule in rules for path in rule.when.paths)


def store(
    tx: Transaction,
    model: ObjectModel,
    rules: Sequence[CriteriaRule],
    ids: Sequence[int],
    values: Sequence[Mapping[str, Any]],
    *,
    new: Sequence[bool],
) -> None:
    """Write the shares that the rules give to records with these values: two statements whatever the number of records."""
    paths = frozenset[str]().union(*(r.when.paths for r in rules))
    read = values_of(tx, model, values, [None] * len(values), paths)
    results = evaluate_all(tx, [r.when for r in rules], [Case(now) for now, _ in read])
    stored = [record for record, is_new in zip(ids, new, strict=True) if not is_new]
    c = share.c
    for start in range(0, len(stored), 500):
        tx.connection.execute(
            share.delete().where(c.record.in_(stored[start : start + 500]), c.rule.in_([r.id for r in rules]))
        )
    wanted = [
        {
            "record": record,
            "principal": target,
            "kind": rule.kind,
            "rule": rule.id,
            "level": rule.level,
            "role": None,
            "expires_at": None,
            "created_by": None,
            "created_at": tx.now,
        }
        for record, found in zip(ids, results, strict=True)
        for rule, value in zip(rules, found, strict=True)
        if rule.touches(value)
        for target in dict.fromkeys(rule.targets)
    ]
    if wanted:
        tx.connection.execute(share.insert(), wanted)


def _welcome(tx: Transaction, rows: Sequence[Row]) -> None:
    """A new person reaches himself and what is shared with everyone."""
    new = [r.id for r in rows if r.old is None]
    if new:
        tx.connection.execute(
            reach.insert(), [{"user": u, "principal": p, "via": DIRECT} for u in new for p in (u, EVERYONE)]
        )
