"""The root of every error that Trellis raises on purpose."""

from __future__ import annotations


class TrellisError(Exception):
    """Something was refused or went wrong in a way that Trellis can explain."""

    code = "error"

    def __init__(self, message: str, **details: object) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
