"""What the formula editor shows: completions, problems at their characters, the type, a sample result and its tree."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import g
from flask_babel import gettext as _

from trellis.formula import ErrorValue, Step, explain
from trellis.formula import compile as compile_formula
from trellis.formula.cases import write_value
from trellis.formula.values import Context
from trellis.record_id import parse_id
from trellis.rules.checking import DEFAULT_BLANKS, check_formula
from trellis.rules.formulas import MAX_ROUNDS, paths_of
from trellis.rules.outside import Outside
from trellis.rules.reader import Onlooker
from trellis.rules.scope import OBJECT, OLD, ORG, USER, ObjectScope
from trellis.rules.values import values_of
from trellis.transaction.statements import statements_of
from trellis_admin.i18n import language
from trellis_admin.session import time_zone
from trellis_metadata.formula import FormulaError, Typed, check, parse
from trellis_metadata.formula.types import Type
from trellis_metadata.labels import text_of

MAX_NAMES = 40
GLOBALS = (USER, OLD, ORG, OBJECT)


@dataclass(frozen=True)
class Trouble:
    """A problem: its characters (counted from 0), its line and column (from 1), and the sentence."""

    start: int
    end: int
    line: int
    column: int
    message: str


@dataclass(frozen=True)
class Judgement:
    """What is known of a formula. ``sample`` is the value for the chosen record, ``tree`` how it came about."""

    problems: list[Trouble]
    type: str = ""
    sample: str = ""
    tree: Step | None = None


def judge(text: str, object_name: str, *, field: Mapping[str, Any] | None, use: str, record: str) -> Judgement:
    """Judge a formula as it is typed. ``use`` is ``condition``, ``default`` (of ``field``) or ``value``."""
    if not text.strip():
        return Judgement([])
    scope = ObjectScope(g.model.snapshot, object_name)
    returns = Type.BOOLEAN if use == "condition" else None
    try:
        typed = check(
            parse(text), scope, text=text, returns=returns, blanks=DEFAULT_BLANKS if use == "default" else "zero"
        )
    except FormulaError as error:
        return Judgement([Trouble(p.start, p.end, *p.place(text), p.message) for p in error.problems])
    if use == "default" and field is not None:
        found = check_formula(text, object_name, snapshot=g.model.snapshot, pointer="/fields/0/default", field=field)
        wrong = [Trouble(0, len(text), 1, 1, d.message) for d in found]
        if wrong:
            return Judgement(wrong, type_name(typed.type))
    return _with_sample(typed, object_name, record)


def _with_sample(typed: Typed, object_name: str, record: str) -> Judgement:
    if not record:
        return Judgement([], type_name(typed.type))
    root = g.model.object(object_name)
    number = parse_id(record, [object_name])[1]
    with g.tenant.database.reading() as connection:
        reader = Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now())
        stored = statements_of(root).fetch(connection, [number]).get(number)
        if stored is None:
            return Judgement([], type_name(typed.type))
        (now, old), *_rest = values_of(reader, root, [stored], [stored], paths_of(typed), guarded=True)
        outside = Outside(reader, guarded=True)
        evaluate = compile_formula(typed)
        for _round in range(MAX_ROUNDS):
            context = Context(now, now=reader.now, zone=time_zone(), old=old, outside=outside)
            value = evaluate(context)
            if not outside.fetch():
                break
        return Judgement([], type_name(typed.type), shown(value), explain(typed, context))


def shown(value: Any) -> str:
    """Return a value for people."""
    if isinstance(value, ErrorValue):
        return _("Error: %(message)s", message=value.message)
    if value is None:
        return _("blank")
    if isinstance(value, bool):
        return _("true") if value else _("false")
    written = write_value(value, "", None)
    return "; ".join(map(str, written)) if isinstance(written, list) else str(written)


def type_name(type_: Type) -> str:
    """Return what a formula gives, in the language of the person."""
    names = {
        Type.NUMBER: _("a number"),
        Type.TEXT: _("a text"),
        Type.BOOLEAN: _("true or false"),
        Type.DATE: _("a date"),
        Type.DATETIME: _("a date and time"),
        Type.TIME: _("a time"),
        Type.PICKLIST: _("an option"),
        Type.MULTIPICKLIST: _("several options"),
        Type.LOCATION: _("a place"),
        Type.REFERENCE: _("a record"),
    }
    return names.get(type_, _("a blank"))


def completions(object_name: str, word: str) -> list[dict[str, str]]:
    """Return what ``word`` may become: fields, over relations too, functions and globals, with a hint each."""
    scope = ObjectScope(g.model.snapshot, object_name)
    last = word.rpartition(".")[2].lower()
    names = list(scope.names(word))
    found = [_field(scope, object_name, n) for n in names if n.rpartition(".")[2].lower().startswith(last)]
    if "." not in word:
        found += [
            {"value": f"{f.name}(", "text": f"{f.name}(…)", "hint": f.signatures[0].replace("->", "→")}
            for f in scope.functions.values()
            if f.name.lower().startswith(last)
        ]
        found += [{"value": f"{n}.", "text": n, "hint": _("Global")} for n in GLOBALS if n.startswith(word.lower())]
    exact = sorted(found, key=lambda item: (not item["value"].lower().startswith(word.lower()), len(item["value"])))
    return exact[:MAX_NAMES]


def _field(scope: ObjectScope, object_name: str, path: str) -> dict[str, str]:
    from trellis_admin.reading import field_ref

    ref = field_ref(g.model.object(object_name), path) if not path.startswith("$") else None
    symbol = scope.resolve(path)
    kind = type_name(symbol.type) if symbol is not None else ""
    label = text_of(ref.model.doc.get("label"), language().code, "") if ref is not None else ""
    return {"value": path, "text": path, "hint": " · ".join(x for x in (label, kind) if x)}
