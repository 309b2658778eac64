"""What follows a change of derived values: rules that read them are judged again, search and history keep up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trellis.formula import ErrorValue
from trellis.model import Model, ObjectModel
from trellis.ripples.ripple import Change
from trellis.rules.formulas import Case, evaluate_all
from trellis.rules.validation import Rule, rules_of
from trellis.rules.values import values_of
from trellis.transaction.errors import RippleRefused
from trellis.transaction.row import Row
from trellis.transaction.statements import statements_of
from trellis_metadata.labels import text_of

if TYPE_CHECKING:
    from trellis.transaction.transaction import Transaction


Written = Mapping[int, tuple[str, Row]]
"""The rows of a write, with their objects, by the number under which changes name them as causes."""
MAX_CAUSES = 20


def follow_up(tx: Transaction, changed: Mapping[str, Mapping[int, Change]], rows: Written) -> None:
    """Judge, index and note the changed records. Raises :class:`RippleRefused` when a rule of one of them is broken."""
    refused = False
    for name, changes in sorted(changed.items()):
        owner = tx.model.object(name)
        fields = frozenset[str]().union(*(c.fields or () for c in changes.values()))
        rules = [r for r in rules_of(tx.model, owner) if _reads(r, fields)]
        searched = any(n in fields for n in owner.search_paths)
        if rules or searched:
            written = _rows(tx, owner, changes)
            refused |= _judge(tx, owner, rules, written, changes, rows)
            if searched:
                tx.tenant.search_index.update(tx, owner, written)
        _note(tx, owner, fields, changes, rows)
        _share(tx, owner, fields, changes)
    if refused:
        raise RippleRefused([row.errors or None for _, row in rows.values()])


def _share(tx: Transaction, owner: ObjectModel, fields: frozenset[str], changes: Mapping[int, Change]) -> None:
    """Let rules of access by condition follow the derived values that they read, for deleted records too."""
    from trellis.access.criteria import maintain, rules_on

    if any(
        path.split(".")[0] in fields
        for rule in rules_on(tx.connection, tx.model, owner.name)
        for path in rule.when.paths
    ):
        stored = statements_of(owner).fetch(tx.connection, sorted(changes))
        changed = tuple(sorted(fields))
        maintain(tx, owner, [Row(n, r, old=old, changed=changed) for n, (r, old) in enumerate(sorted(stored.items()))])


def _note(
    tx: Transaction, owner: ObjectModel, fields: frozenset[str], changes: Mapping[int, Change], rows: Written
) -> None:
    """Keep the history of derived values where their fields ask for it."""
    if not any(f.doc.get("history") for f in owner.fields.values() if f.name in fields):
        return
    for change in changes.values():
        names = change.fields or frozenset()
        row = Row(0, change.id, old=dict(change.old or {}), new=dict(change.new), changed=tuple(sorted(names)))
        causes = sorted(change.causes)[:MAX_CAUSES]
        tx.trail.derived(owner, row, [tx.model.env.format_id(rows[n][0], rows[n][1].id or 0) for n in causes])


def may_refuse(model: Model, names: Sequence[str]) -> bool:
    """Whether a rule of one of the objects reads a derived value of it."""
    return any(
        _reads(rule, frozenset(f.name for f in model.object(n).fields.values() if f.type.derived))
        for n in names
        for rule in rules_of(model, model.object(n))
    )


def _reads(rule: Rule, fields: frozenset[str]) -> bool:
    return any(path.removeprefix("$old.").partition(".")[0] in fields for path in rule.when.paths)


def _rows(tx: Transaction, owner: ObjectModel, changes: Mapping[int, Change]) -> list[Row]:
    """Return the live ones of the changed records whole, as they were and as they are."""
    stored = statements_of(owner).fetch(tx.connection, sorted(changes))
    written: list[Row] = []
    for record, whole in sorted(stored.items()):
        if whole["deleted_at"] is None:
            change = changes[record]
            names = change.fields or ()
            old = {**whole, **{n: (change.old or {}).get(n) for n in names}}
            written.append(Row(len(written), record, old=old, new={n: change.new[n] for n in names}))
    return written


def _judge(
    tx: Transaction,
    owner: ObjectModel,
    rules: Sequence[Rule],
    written: Sequence[Row],
    changes: Mapping[int, Change],
    rows: Written,
) -> bool:
    """Refuse the rows that made a rule of ``owner`` be broken; return whether any was."""
    if not rules or not written:
        return False
    paths = frozenset[str]().union(*(r.when.paths for r in rules))
    after: list[dict[str, Any]] = [{**(r.old or {}), **r.new} for r in written]
    read = values_of(tx, owner, after, [r.old for r in written], paths)
    found = evaluate_all(tx, [r.when for r in rules], [Case(now, old) for now, old in read])
    refused = False
    for row, values in zip(written, found, strict=True):
        for rule, value in zip(rules, values, strict=True):
            message = _message(tx, owner, rule, value)
            if message is not None:
                refused = True
                for number in changes[row.id or 0].causes or rows:
                    rows[number][1].refuse("_record", rule.name, message)
    return refused


def _message(tx: Transaction, owner: ObjectModel, rule: Rule, found: Any) -> str | None:
    language = tx.principal.language
    label = owner.label(language)
    if isinstance(found, ErrorValue):
        return f"The rule '{rule.name}' of {label} cannot be evaluated after this change: {found.message}"
    if not found:
        return None
    text = text_of(rule.message, language)
    return f"{label}: {text} (规则“{rule.name}”)" if language == "zh" else f"{label}: {text} (rule '{rule.name}')"
