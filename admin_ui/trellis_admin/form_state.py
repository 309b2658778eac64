"""What a form shows of fields with conditions, and defaults that follow what is typed.

Beside its controls a form sends what it showed: ``_state`` (the state of each field with conditions) and ``_default`` (each
default by formula, as JSON). A value equal to the default that was shown is left to the runtime, which works it out again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from flask import g
from werkzeug.datastructures import MultiDict

from trellis.fields.base import InvalidValue
from trellis.model import FieldModel, ObjectModel
from trellis.record_id import parse_id
from trellis.rules.conditions import State
from trellis.rules.form_state import FormState, form_state, formula_default_names, states_of_stored
from trellis.rules.reader import Onlooker

STATE, DEFAULT = "_state", "_default"


def state_of(root: ObjectModel, values: Mapping[str, Any], record: str = "") -> FormState:
    """Return the state of the form of a new record, or of a stored one, with ``values`` (JSON) filled in."""
    with g.tenant.database.reading() as connection:
        reader = Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now())
        return form_state(reader, root, values, parse_id(record, [root.name])[1] if record else None)


def state_of_page(root: ObjectModel, record: str) -> Mapping[str, State]:
    """Return the states of a stored record's fields with conditions, as its page shows them."""
    number = parse_id(record, [root.name])[1]
    with g.tenant.database.reading() as connection:
        reader = Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now())
        return states_of_stored(reader, root, [number]).get(number, {})


def follows_typing(root: ObjectModel, *, new: bool) -> bool:
    """Whether the form changes with what is typed."""
    keys = ("required_when", "visible_when", "read_only_when")
    return any(k in f.doc for f in root.fields.values() for k in keys) or (new and bool(_default_names(root)))


def _default_names(root: ObjectModel) -> frozenset[str]:
    with g.tenant.database.reading() as connection:
        return formula_default_names(Onlooker(g.tenant, connection, g.model, g.person, g.tenant.clock.now()), root)


def written_state(found: FormState) -> str:
    """Return the states as the text that the form sends back: ``tier:v-- reason:vr-``."""
    return " ".join(f"{name}:{letters(state)}" for name, state in sorted(found.fields.items()))


def letters(state: State) -> str:
    """Return a state as three letters: visible, required, read-only (``l`` for locked)."""
    return "".join(
        c if on else "-" for c, on in zip("vrl", (state.visible, state.required, state.read_only), strict=True)
    )


def read_state(form: MultiDict[str, str]) -> dict[str, str]:
    """Return the states that a form showed, as letters by field."""
    return dict(pair.split(":", 1) for pair in form.get(STATE, "").split() if ":" in pair)


def shown_defaults(root: ObjectModel, values: Mapping[str, Any]) -> str:
    """Return the defaults by formula that a form shows, as the text that it sends back."""
    return json.dumps({n: values.get(n) for n in sorted(_default_names(root))}, ensure_ascii=False)


def read_defaults(form: MultiDict[str, str]) -> dict[str, Any]:
    """Return the defaults that a form showed."""
    try:
        found = json.loads(form.get(DEFAULT, "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def without_defaults(root: ObjectModel, values: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values that a person gave: without those that still are the default that the form showed."""
    return {k: v for k, v in values.items() if k not in shown or not _same(root.fields[k], v, shown[k])}


def _same(field: FieldModel, a: Any, b: Any) -> bool:
    return bool(_read(field, a) == _read(field, b))


def _read(field: FieldModel, value: Any) -> Any:
    if value is None or value is False:
        return None
    try:
        return field.codec.parse(value)
    except InvalidValue:
        return ("unreadable", json.dumps(value, sort_keys=True, default=str))
