"""Named options: their schema, their checks, and how a choice is read.

Options stand in the field (``options``) or in a shared picklist (``picklist``). An inactive option is read, but may not
be chosen anew: the codec's ``check_change`` tells. Labels count in files only; JSON speaks names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trellis.fields.base import Environment, FieldDoc, InvalidValue
from trellis.fields.common.characters import clean_line, reader
from trellis.fields.common.problems import show, unknown
from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.labels import LANGUAGES, text_of

NAME_PATTERN = "^[a-z][a-z0-9]*(_[a-z0-9]+)*$"
MAX_OPTIONS = 1000
MAX_FREE_LENGTH = 255

_NAME: dict[str, Any] = {"type": "string", "pattern": NAME_PATTERN, "maxLength": 40}
_LABEL: dict[str, Any] = {
    "description": "Text for people, in one language or several.",
    "examples": [{"en": "Hot", "zh": "高意向"}],
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 255},
        {
            "type": "object",
            "properties": {language: {"type": "string", "minLength": 1, "maxLength": 255} for language in LANGUAGES},
            "additionalProperties": False,
            "minProperties": 1,
        },
    ],
}
OPTION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {**_NAME, "description": "Permanent name of the option: what is stored.", "examples": ["hot"]},
        "label": _LABEL,
        "color": {
            "type": "string",
            "pattern": "^(#[0-9a-f]{6}|[a-z]+)$",
            "description": "Colour of the badge: a colour name or #rrggbb.",
            "examples": ["red"],
        },
        "active": {
            "type": "boolean",
            "default": True,
            "description": "False: kept where it is chosen, not offered any more.",
            "examples": [False],
        },
        "was": {
            "type": "array",
            "items": _NAME,
            "uniqueItems": True,
            "description": "Former names of the option.",
            "examples": [["warm"]],
        },
    },
}
OPTIONS_SCHEMA: dict[str, Any] = {
    "type": "array",
    "items": OPTION_SCHEMA,
    "minItems": 1,
    "maxItems": MAX_OPTIONS,
    "x-merge": "named",
    "description": "The options in their order.",
    "examples": [[{"name": "hot", "label": {"en": "Hot", "zh": "高意向"}, "color": "red"}]],
}
CHOICE_OPTIONS: dict[str, Any] = {
    "options": OPTIONS_SCHEMA,
    "picklist": {
        **_NAME,
        "description": "Shared picklist that has the options, instead of 'options'.",
        "examples": ["industry"],
    },
    "restricted": {
        "type": "boolean",
        "default": True,
        "examples": [False],
        "description": "False: values that are no option are accepted, for instance from an integration.",
    },
    "depends_on": {
        **_NAME,
        "description": "Controlling field of the same object: a picklist or a check box.",
        "examples": ["country"],
    },
    "values_by": {
        "type": "object",
        "additionalProperties": {"type": "array", "items": _NAME, "uniqueItems": True},
        "x-merge": "atomic",
        "description": "Options available by value of the controlling field ('true', 'false' for a check box).",
        "examples": [{"cn": ["beijing", "shanghai"], "de": ["berlin"]}],
    },
}


@dataclass(frozen=True, slots=True)
class Choices:
    """The options of one field: names in order, which of them are inactive, labels, and whether others are accepted."""

    order: Mapping[str, int]
    inactive: frozenset[str]
    labels: Mapping[str, Mapping[str, str]]
    restricted: bool

    @classmethod
    def of(cls, field: FieldDoc, env: Environment) -> Choices:
        """Collect the options of ``field`` or of the shared picklist it names."""
        source: Mapping[str, Any] = field if "options" in field else env.picklist(field["picklist"]) or {}
        options: Sequence[Mapping[str, Any]] = source.get("options", ())
        return cls(
            {option["name"]: i for i, option in enumerate(options)},
            frozenset(option["name"] for option in options if not option.get("active", True)),
            {
                option["name"]: {
                    language: text_of(option.get("label"), language, option["name"]) for language in LANGUAGES
                }
                for option in options
            },
            field.get("restricted", source.get("restricted", True)),
        )

    def reader(self) -> Callable[[Any], str | None]:
        """Return the function that reads one choice from JSON."""
        order, restricted = self.order, self.restricted
        free = reader(clean_line, MAX_FREE_LENGTH)

        def parse(value: Any) -> str | None:
            if isinstance(value, str) and value in order:
                return value
            text = free(value)
            if text is None or text in order:
                return text
            if restricted:
                raise unknown(text, order, f"one of {', '.join(self.active[:8])}{'…' if len(self.active) > 8 else ''}")
            if ";" in text:
                raise InvalidValue(
                    "bad_characters", f"Found {show(text)}, expected a value without ';'.", found=show(text)
                )
            return text

        return parse

    @property
    def active(self) -> list[str]:
        """Names of the options that may be chosen."""
        return [name for name in self.order if name not in self.inactive]

    def text_reader(self) -> Callable[[str], str | None]:
        """Return the function that reads one choice from a file: its name, or its label in any language.

        A label of several options means the active one, if there is just one.
        """
        parse, by_label = self.reader(), self._by_label()

        def read(text: str) -> str | None:
            line = clean_line(text)
            if line is None or line in self.order:
                return line
            found = by_label.get(line.casefold(), [])
            candidates = found if len(found) == 1 else [name for name in found if name not in self.inactive]
            if len(candidates) > 1:
                raise InvalidValue(
                    "unknown_option",
                    f"Found {show(line)}, the label of several options: {', '.join(candidates)}. Use the name.",
                    found=show(line),
                )
            return candidates[0] if candidates else parse(line)

        return read

    def _by_label(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, texts in self.labels.items():
            for text in {clean.casefold() for clean in map(clean_line, texts.values()) if clean}:
                found.setdefault(text, []).append(name)
        return found

    def search_text(self, name: str) -> str:
        """Return what full-text search finds a choice by: its labels."""
        return " ".join(dict.fromkeys(self.labels.get(name, {"": name}).values()))

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of one choice."""
        return (
            {"type": "string", "enum": [*self.order, ""]}
            if self.restricted
            else {"type": "string", "maxLength": MAX_FREE_LENGTH}
        )

    def refuse_inactive(self, name: str) -> InvalidValue:
        """Return the refusal of an inactive option."""
        return InvalidValue(
            "not_allowed",
            f"Found {show(name)}, an inactive option, expected one of {', '.join(self.active[:8])}. "
            "An inactive option stays where it is, but cannot be chosen anew.",
            found=show(name),
        )


def dependent_problem(field_doc: FieldDoc, value: object, controlling_value: object) -> str | None:
    """Say why ``value`` cannot stand beside the value of the controlling field, None when it can.

    ``value`` is a choice, a list of choices or None; ``controlling_value`` a choice, True, False or None. A controlling
    value without entry in ``values_by``, or none at all, allows no option.
    """
    if value is None or "depends_on" not in field_doc:
        return None
    key = (
        {True: "true", False: "false"}[controlling_value] if isinstance(controlling_value, bool) else controlling_value
    )
    allowed = field_doc.get("values_by", {}).get(key, ()) if isinstance(key, str) else ()
    wrong = [
        name
        for name in ([value] if isinstance(value, str) else list(value if isinstance(value, Iterable) else ()))
        if name not in allowed
    ]
    if not wrong:
        return None
    controller = f"'{field_doc['depends_on']}' is {'blank' if key is None else show(key)}"
    expected = f"one of {', '.join(allowed)}" if allowed else "no value"
    return f"Found {', '.join(map(show, wrong))} while {controller}, expected {expected}."


def check_choices(field: FieldDoc, pointer: str) -> Iterable[Diagnostic]:
    """Yield what is wrong with the options of a field by itself; what they refer to is the language's to judge."""
    if ("options" in field) == ("picklist" in field):
        yield Diagnostic(
            "options_or_picklist",
            pointer,
            "A field of choices has either 'options' or 'picklist', "
            f"this one has {'both' if 'options' in field else 'neither'}.",
            "Keep one of them.",
        )
        return
    yield from check_names(field.get("options", ()), f"{pointer}/options")
    if ("depends_on" in field) != ("values_by" in field):
        found, missing = ("depends_on", "values_by") if "depends_on" in field else ("values_by", "depends_on")
        yield Diagnostic(
            "incomplete_dependency",
            f"{pointer}/{found}",
            f"'{found}' stands without '{missing}'.",
            f"Add '{missing}' or remove '{found}'.",
        )


def check_names(options: Sequence[Mapping[str, Any]], pointer: str) -> Iterable[Diagnostic]:
    """Yield a diagnostic for each name that stands twice, and when no option can be chosen."""
    seen: set[str] = set()
    for i, option in enumerate(options):
        if option["name"] in seen:
            yield Diagnostic(
                "duplicate_name",
                f"{pointer}/{i}/name",
                f"Option '{option['name']}' stands twice.",
                "Rename or remove one of them.",
            )
        seen.add(option["name"])
    if options and not any(option.get("active", True) for option in options):
        yield Diagnostic(
            "no_active_option",
            pointer,
            "All options are inactive: nothing can be chosen.",
            "Make at least one option active.",
        )
