"""Writing records for pages: through the runtime's transaction, with its refusals turned into words at the fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from flask import g
from flask_babel import gettext as _

from trellis.access import Cause
from trellis.transaction import Transaction
from trellis_admin.i18n import language

CAUSE = Cause("ui")


def write(body: Callable[[Transaction], Any]) -> Any:
    """Run ``body`` in a transaction of the person."""
    return g.tenant.run(g.person, CAUSE, body)


def texts_of(errors: Mapping[str, Any] | None) -> dict[str, str]:
    """Return one text per field from the errors of a record."""
    return {name: " ".join(dict.fromkeys(_text(e) for e in _flat(found))) for name, found in (errors or {}).items()}


def _flat(found: Any) -> Sequence[Mapping[str, Any]]:
    if isinstance(found, Mapping):
        return [e for inner in found.values() for e in _flat(inner)] if "message" not in found else [found]
    return (
        [e for inner in found for e in _flat(inner)] if isinstance(found, list | tuple) else [{"message": str(found)}]
    )


def _text(error: Mapping[str, Any]) -> str:
    """The runtime explains in English and in detail; other languages get the sentence of the error's code."""
    known = {
        "required": _("This field is required."),
        "duplicate": _("Another record has this value already."),
        "not_unique": _("Another record has this value already."),
        "too_long": _("This is too long."),
        "too_short": _("This is too short."),
        "out_of_range": _("This is out of range."),
        "bad_format": _("This is not written as expected."),
        "wrong_type": _("This is not written as expected."),
        "not_allowed": _("This value is not allowed."),
        "unknown_option": _("This value is not in the list."),
        "bad_reference": _("There is no such record."),
        "not_found": _("There is no such record."),
        "in_use": _("Other records point at it. Delete or change them first."),
        "access_denied": _("You have no access to this"),
        "read_only": _("This field cannot be changed."),
        "not_visible": _("This field does not apply to this record."),
        "default_error": _("The default cannot be worked out. Enter a value."),
    }
    code = error.get("code", "")
    if code == "required" or (language().code != "en" and code in known):
        return known[code]
    return str(error.get("message", code))
