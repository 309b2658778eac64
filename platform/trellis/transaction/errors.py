"""What can go wrong while records are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from trellis_metadata.errors import TrellisError

FieldErrors = Mapping[str, Any]
"""Errors of one record by field; each a list of ``{"code", "message"}``. Errors of the whole record stand under ``_record``."""


class RecordsInvalid(TrellisError):
    """At least one record was refused and nothing was written. ``errors[i]`` belongs to row i (None: no error)."""

    code = "invalid_record"

    def __init__(self, errors: Sequence[FieldErrors | None]) -> None:
        self.errors = list(errors)
        bad = [i for i, e in enumerate(errors) if e]
        first: Any = next(iter(next((e for e in errors if e), {"": [{"message": ""}]}).values()))
        text = first[0]["message"] if isinstance(first, list) else ""
        super().__init__(f"{len(bad)} of {len(errors)} record(s) refused. First: {text}", rows=bad)


class RippleRefused(RecordsInvalid):
    """A derived value that follows from the write breaks a rule of its record, or does not fit its field.

    The errors stand at the rows that caused it.
    """


class NotFound(TrellisError):
    """No such record, or none that the caller may see. The two are never told apart."""

    code = "not_found"


class VersionConflict(TrellisError):
    """Somebody else changed the record since it was read. ``details`` holds both versions."""

    code = "version_conflict"


class StaleAccess(TrellisError):
    """Users or rights changed in the middle of a request; the caller is looked at again."""

    code = "stale_access"


class StaleModel(TrellisError):
    """The metadata changed in the middle of a request; it is run again with the new model."""

    code = "stale_model"
