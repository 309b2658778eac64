"""Exceptions that scripts may catch and raise beside Python's own."""

from __future__ import annotations


class ApiError(Exception):
    """A call to ``crm``, ``http``, ``enqueue`` or ``secret`` was refused. ``code`` is stable, ``field`` may be None."""

    def __init__(self, message: str = "", code: str = "refused", field: str | None = None) -> None:
        super().__init__(message)
        self.code, self.field = code, field


class NotFound(ApiError):
    """There is no such record, or the run may not see it."""


class AccessDenied(ApiError):
    """The run has no right to do this."""


class InvalidRecord(ApiError):
    """A record that was written does not hold what its object demands."""


BY_CODE = {"not_found": NotFound, "access_denied": AccessDenied, "records_invalid": InvalidRecord}
