"""Why a change of metadata is refused."""

from __future__ import annotations

from collections.abc import Sequence

from trellis_metadata.diagnostics import Diagnostic
from trellis_metadata.errors import TrellisError


class InvalidMetadata(TrellisError):
    """The documents have errors; ``details["diagnostics"]`` lists them all."""

    code = "invalid_metadata"

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        first = diagnostics[0].message if diagnostics else ""
        super().__init__(
            f"{len(diagnostics)} problem(s) in the metadata. First: {first}",
            diagnostics=[d.to_json() for d in diagnostics],
        )


class StalePlan(TrellisError):
    """The metadata changed after the plan was made."""

    code = "stale_plan"


class NotConfirmed(TrellisError):
    """The plan destroys something and was not confirmed by its hash."""

    code = "confirmation_required"


class PublicationRunning(TrellisError):
    """Another change is still converting records."""

    code = "publication_running"


class CannotUndo(TrellisError):
    """There is nothing to undo."""

    code = "cannot_undo"
