"""Steps ready to run: every formula compiled, every name looked up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trellis.automation.action import Action, Told, actions
from trellis.automation.place import Place
from trellis.automation.related import Relation, relation_of
from trellis.rules.formulas import Formula, compiled
from trellis_metadata.formula.template import Part, parse_template
from trellis_metadata.formula.types import Type

BLANKS = "blank"
"""In what steps write a blank number stays blank: nothing is worked out from what is not known."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a field gets: a formula's value, or the constant."""

    field: str
    formula: Formula | None
    constant: Any = None


@dataclass(frozen=True, slots=True)
class Text:
    """A text with formulas inside, in each language that it has (``""``: the one for all)."""

    by_language: Mapping[str, tuple[str | Formula, ...]]

    @property
    def formulas(self) -> list[Formula]:
        """The formulas in it, language by language."""
        return [p for parts in self.by_language.values() for p in parts if isinstance(p, Formula)]

    def filled(self, values: Sequence[Any]) -> dict[str, str]:
        """Return the texts with ``values`` in the places of :attr:`formulas`."""
        from trellis.automation.words import as_text

        rest = iter(values)
        return {
            language: "".join(as_text(next(rest)) if isinstance(p, Formula) else p for p in parts)
            for language, parts in self.by_language.items()
        }


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``place`` is where it stands; ``related`` where the key ``related`` leads."""

    name: str
    action: Action
    told: Told
    place: Place
    formulas: Mapping[str, Formula]
    values: Mapping[str, tuple[Value, ...]]
    texts: Mapping[str, Text]
    steps: Mapping[str, tuple[Step, ...]]
    related: Relation | None


def compile_steps(documents: Sequence[Mapping[str, Any]], place: Place) -> tuple[Step, ...]:
    """Return steps ready to run. Raises ``FormulaError`` or ``KeyError`` for what :mod:`checking` refuses."""
    found: list[Step] = []
    for document in documents:
        action, told = actions()[document["action"]], document.get("with", {})
        found.append(_step(document["name"], action, told, place))
        shape = action.shape(told, place)
        if shape is not None:
            place = place.with_result(document["name"], shape)
    return tuple(found)


def _step(name: str, action: Action, told: Told, place: Place) -> Step:
    parts: dict[str, dict[str, Any]] = {"formula": {}, "values": {}, "text": {}, "steps": {}}
    for key, schema in action.properties.items():
        role = schema.get("x-is")
        role = "values" if role == "link_match" else role
        if key not in told or role not in parts:
            continue
        inner = action.place_of(key, told, place)
        if role == "formula":
            parts[role][key] = compiled(
                inner.scope, told[key], returns=returns_of(schema), blanks=schema.get("x-blanks", BLANKS)
            )
        elif role == "values":
            parts["values"][key] = tuple(_value(n, v, inner) for n, v in told[key].items())
        elif role == "text":
            parts[role][key] = compile_text(told[key], inner)
        else:
            parts[role][key] = compile_steps(told[key], inner)
    related = relation_of(place, told["related"]) if "related" in told else None
    return Step(name, action, told, place, parts["formula"], parts["values"], parts["text"], parts["steps"], related)


def returns_of(schema: Mapping[str, Any]) -> Type | None:
    """Return the type that a formula must have by its schema; None: any."""
    wanted = schema.get("x-returns")
    return None if wanted is None else Type(wanted)


def formula_of(value: Any) -> str | None:
    """Return the formula of ``{"formula": …}``, None for a constant."""
    if isinstance(value, Mapping) and set(value) == {"formula"} and isinstance(value["formula"], str):
        return str(value["formula"])
    return None


def _value(name: str, value: Any, place: Place) -> Value:
    text = formula_of(value)
    if text is None:
        return Value(name, None, value)
    return Value(name, compiled(place.scope, text, returns=None, blanks=BLANKS))


def compile_text(label: Any, place: Place) -> Text:
    """Return a text with formulas inside, ready to be filled."""
    languages = {"": label} if isinstance(label, str) else label
    return Text({language: tuple(_parts(text, place)) for language, text in languages.items()})


def _parts(text: str, place: Place) -> list[str | Formula]:
    return [
        compiled(place.scope, p.text, returns=None, blanks=BLANKS) if isinstance(p, Part) else p
        for p in parse_template(text)
    ]
