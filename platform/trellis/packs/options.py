"""Options of a pack: what is asked at installation, and how documents use the answers.

``{{option.name}}`` as a whole text stands for the value itself, inside a text for its text. An object in a list, or a
document, with ``"$when": {"option": name, "is": value}`` (or ``"includes"`` for several choices) is there only if that holds.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from trellis_metadata.diagnostics import did_you_mean
from trellis_metadata.errors import TrellisError

WHEN = "$when"
_GONE = object()
_USE = re.compile(r"\{\{option\.([a-z][a-z0-9_]*)\}\}")


class BadOption(TrellisError):
    """An answer to a question of a pack does not fit, or a document uses an option that does not exist."""

    code = "bad_option"


def values_of(document: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the value of every option of a pack. Raises :class:`BadOption` with everything that is wrong."""
    declared = {o["name"]: o for o in document.get("options", ())}
    problems = [
        f"There is no option '{str(name)[:40]}'.{did_you_mean(name, declared)}"
        for name in given
        if name not in declared
    ]
    values = {name: given.get(name, option["default"]) for name, option in declared.items()}
    problems += [text for name, option in declared.items() if (text := _problem(option, values[name]))]
    if problems:
        raise BadOption(" ".join(problems), problems=problems)
    return values


def _problem(option: Mapping[str, Any], value: Any) -> str:
    name, kind, choices = option["name"], option["type"], option.get("choices", ())
    fits = {
        "text": isinstance(value, str) and len(value) <= 1000,
        "integer": isinstance(value, int) and not isinstance(value, bool),
        "boolean": isinstance(value, bool),
        "choice": isinstance(value, str) and value in choices,
        "choices": isinstance(value, list) and all(v in choices for v in value),
    }[kind]
    if not fits:
        listed = f" Choices: {', '.join(choices)}." if choices else ""
        return f"Option '{name}' is {str(value)[:60]!r}, expected {kind}.{listed}"
    if kind == "integer" and not option.get("min", value) <= value <= option.get("max", value):
        return f"Option '{name}' is {value}, expected {option.get('min', '')}..{option.get('max', '')}."
    return ""


def with_options(value: Any, options: Mapping[str, Any]) -> Any:
    """Return a document with the values of the options in place; None if the document as a whole is not wanted."""
    found = _filled(value, options)
    return None if found is _GONE else found


def _filled(value: Any, options: Mapping[str, Any]) -> Any:
    if isinstance(value, Mapping):
        if WHEN in value and not _holds(value[WHEN], options):
            return _GONE
        parts = {k: _filled(v, options) for k, v in value.items() if k != WHEN}
        return {k: v for k, v in parts.items() if v is not _GONE}
    if isinstance(value, list):
        return [v for e in value if (v := _filled(e, options)) is not _GONE]
    if not isinstance(value, str) or "{{option." not in value:
        return value
    whole = _USE.fullmatch(value)
    if whole:
        return _option(whole[1], options)
    return _USE.sub(lambda m: _shown(_option(m[1], options)), value)


def _holds(condition: Any, options: Mapping[str, Any]) -> bool:
    if not isinstance(condition, Mapping) or len(condition) != 2 or "option" not in condition:
        raise BadOption(f'{WHEN} is {{"option": name, "is": value}} or {{"option": name, "includes": value}}.')
    value = _option(str(condition["option"]), options)
    if "is" in condition:
        return bool(value == condition["is"])
    if "includes" in condition and isinstance(value, list):
        return condition["includes"] in value
    raise BadOption(f"{WHEN} of option '{condition['option']}' needs 'is', or 'includes' for several choices.")


def _option(name: str, options: Mapping[str, Any]) -> Any:
    if name not in options:
        raise BadOption(
            f"A document uses the option '{name}', which the pack does not have.{did_you_mean(name, options)}"
        )
    return options[name]


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(value) if isinstance(value, list) else str(value)
